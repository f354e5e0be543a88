// The watchdog of sessions' memory.

import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { note } from "../resume/resume-log.ts";
import { config } from "../system/config.ts";
import { startOf } from "../system/process.ts";
import { bytesOf } from "./cap.ts";
import { change, type Entry } from "./journal.ts";
import type { Live } from "./live-sessions.ts";
import { memoryOf, processes, treeOf } from "./process-tree.ts";
import { literal, target, tmux } from "./tmux.ts";

/** Bytes that a session may use: its own cap, else the configuration's; null: no cap. */
const capOf = (entry: Entry): number | null => entry.memory ?? bytesOf(config().memory);

/** Bytes of one process, pages that it shares counted by their share; 0 where it cannot be told. */
function share(pid: number): number {
  try {
    return (
      Number(/^Pss:\s*(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1] ?? 0) * 1024
    );
  } catch {
    return 0;
  }
}

/** Counting exactly takes ten times as long: only near the cap. */
const NEAR = 0.6;
const ENDS = 3000;

const words = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MB`;

/**
 * Looks at one session's memory. Over the cap it warns, and where a later look finds it over the cap again, the
 * largest process of the session is ended. Gives what was said; null when all is well.
 */
export async function watchMemory(live: Live, entry: Entry, now: number): Promise<string | null> {
  const cap = capOf(entry);
  if (cap === null || live.panePid === null || live.name === null || live.state === "lazy") return null;
  const all = processes();
  if (memoryOf([live.panePid], all) < cap * NEAR) return null;
  const used = treeOf([live.panePid], all).map((pid) => ({ pid, bytes: share(pid) }));
  const sum = used.reduce((total, { bytes }) => total + bytes, 0);
  if (sum <= cap) {
    if (entry.warnedAt !== null) change(entry.id, { warnedAt: null });
    return null;
  }
  const over = `${live.name} uses ${words(sum)} of ${words(cap)} memory`;
  if (entry.warnedAt === null) {
    change(entry.id, { warnedAt: now });
    return tell(entry, live.name, `${over}: its largest process is stopped at the next look`);
  }
  const [{ pid, bytes }] = used.sort((a, b) => b.bytes - a.bytes) as [(typeof used)[0]];
  const { name = "?", start } = all.get(pid) ?? {};
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    if (startOf(pid) !== start) break;
    try {
      process.kill(pid, signal);
    } catch {
      // it has ended, or is another user's
    }
    for (let left = ENDS; left > 0 && startOf(pid) === start; left -= 50) await sleep(50);
  }
  change(entry.id, { warnedAt: null });
  return tell(entry, live.name, `${over}: stopped ${name} (pid ${pid}, ${words(bytes)})`);
}

/** In the log, and on the screens that show the session. */
async function tell(entry: Entry, name: string, text: string): Promise<string> {
  note({ event: "stop", session: entry.current, by: "supervise", why: text });
  const { out } = await tmux(["list-clients", "-t", target(name), "-F", "#{client_name}"]);
  for (const client of out.split("\n").filter(Boolean))
    await tmux(["display-message", "-c", client, "-d", "0", literal(text)]);
  return text;
}
