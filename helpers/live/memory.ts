// The watchdog for the memory of sessions.

import { setTimeout as sleep } from "node:timers/promises";
import { appendLog } from "../resume/resume-log.ts";
import { config } from "../system/config.ts";
import { proportionalMemoryOf, startOf } from "../system/process.ts";
import { parseSize } from "./cap.ts";
import { type Entry, updateEntry } from "./journal.ts";
import type { Live } from "./live-sessions.ts";
import { memoryOf, processes, treeOf } from "./process-tree.ts";
import { literal, target, tmux } from "./tmux.ts";

/** Bytes that a session may use: its own cap or the configured one. Null: no cap. */
const capOf = (entry: Entry): number | null => entry.memory ?? parseSize(config().memory);

/** The exact count takes ten times as long, so it is done only when this share of the cap is used. */
const NEAR = 0.6;
/** How long (ms) a process may take to end. */
const GRACE = 3000;

const megabytes = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MB`;

/**
 * Checks the memory of one session. Over the cap it warns; when a later check finds it over the cap again, it ends the
 * largest process of the session. Returns what it said. Null when all is well.
 */
export async function watchMemory(live: Live, entry: Entry, now: number): Promise<string | null> {
  const cap = capOf(entry);
  if (cap === null || live.panePid === null || live.name === null || live.state === "lazy") return null;
  const all = processes();
  if (memoryOf([live.panePid], all) < cap * NEAR) return null;
  const used = treeOf([live.panePid], all).map((pid) => ({ pid, bytes: proportionalMemoryOf(pid) }));
  const sum = used.reduce((total, { bytes }) => total + bytes, 0);
  if (sum <= cap) {
    if (entry.warnedAt !== null) updateEntry(entry.id, { warnedAt: null });
    return null;
  }
  const over = `${live.name} uses ${megabytes(sum)} of ${megabytes(cap)} memory`;
  if (entry.warnedAt === null) {
    updateEntry(entry.id, { warnedAt: now });
    return announce(entry, live.name, `${over}: the next check stops its largest process`);
  }
  const [{ pid, bytes }] = used.sort((a, b) => b.bytes - a.bytes) as [(typeof used)[0]];
  const { name = "?", start } = all.get(pid) ?? {};
  await endProcess(pid, start);
  updateEntry(entry.id, { warnedAt: null });
  return announce(entry, live.name, `${over}: stopped ${name} (pid ${pid}, ${megabytes(bytes)})`);
}

async function endProcess(pid: number, start: string | undefined): Promise<void> {
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    if (startOf(pid) !== start) return;
    try {
      process.kill(pid, signal);
    } catch {
      // it has ended, or belongs to another user
    }
    for (let left = GRACE; left > 0 && startOf(pid) === start; left -= 50) await sleep(50);
  }
}

/** Writes a text to the log and shows it in the terminals that show the session. Returns it. */
async function announce(entry: Entry, name: string, text: string): Promise<string> {
  appendLog({ event: "stop", session: entry.current, by: "supervise", why: text });
  const { out } = await tmux(["list-clients", "-t", target(name), "-F", "#{client_name}"]);
  for (const client of out.split("\n").filter(Boolean))
    await tmux(["display-message", "-c", client, "-d", "0", literal(text)]);
  return text;
}
