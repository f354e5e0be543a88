// Sessions that are not well: what has become of their Claude, and what may be done about it.

import { readlinkSync } from "node:fs";
import { startOf } from "../system/process.ts";
import { HOUR } from "../system/units.ts";
import { fixRecorders } from "./fix-recorders.ts";
import { type Entry, entries, entryOf, updateEntry, useServerOfNewest, type Window } from "./journal.ts";
import { type Live, liveSessions } from "./live-sessions.ts";
import { watchMemory } from "./memory.ts";
import { literal, tmux } from "./tmux.ts";

/** `left`: its restart policy is no, or a person has to look; `waits`: it is restarted later. */
export type Action = "restarted" | "waits" | "gave-up" | "left" | "failed" | "memory";
export type Finding = { entry: Entry; live: Live; what: string; action: Action };

/** So often within an hour; the pauses between double from the first. */
const MOST = 5;
const FIRST = 10_000;
/** Ended as programs do that were asked to: 128 + SIGHUP, SIGINT, SIGTERM. */
const ASKED = [0, 129, 130, 143];

/** What is wrong with a session's Claude; null when nothing is, or when somebody ended it. */
export function faultOf({ state, exit, pane, panePid }: Live): string | null {
  if (pane === null || panePid === null) return null;
  if (state === "exited")
    return exit === null ? "was killed" : ASKED.includes(exit) ? null : `ended with status ${exit}`;
  return startOf(panePid) === null ? "has ended and is a zombie" : null;
}

/** What to do about a fault now. */
export function chooseAction(
  { restart, restarts }: Entry,
  now: number,
): Exclude<Action, "memory" | "failed"> {
  if (restart !== "on-failure") return "left";
  const recent = restarts.filter((at) => at > now - HOUR && at <= now);
  if (recent.length >= MOST) return "gave-up";
  return now < Math.max(0, ...recent) + FIRST * 2 ** (recent.length - 1) ? "waits" : "restarted";
}

/**
 * Looks after every session of the journal that is here: writes down what has changed, restarts what its policy says,
 * watches memory. `argv` gives the words that resume a session. Gives what is not as it should be. Without a time it
 * only writes down.
 */
export async function checkSessions(
  now: number | null,
  argv: (entry: Entry) => string[],
): Promise<Finding[]> {
  const found: Finding[] = [];
  const known = entries();
  if (known.length === 0) return found;
  useServerOfNewest(known);
  const windows = await windowsNow();
  const all = await liveSessions();
  for (const live of all) {
    const entry = live.ours ? entryOf(live.key) : null;
    if (entry === null || entry.stoppedAt !== null) continue;
    writeDown(entry, live, windows.get(entry.id) ?? []);
    if (now === null) continue;
    const what = faultOf(live);
    if (what !== null) found.push({ entry, live, what, action: await treat(entry, live, now, all, argv) });
    else {
      const said = await watchMemory(live, entry, now);
      if (said !== null) found.push({ entry, live, what: said, action: "memory" });
    }
  }
  if (now !== null)
    await fixRecorders(found.some(({ action }) => action === "restarted") ? await liveSessions() : all);
  return found;
}

async function treat(
  entry: Entry,
  live: Live,
  now: number,
  all: readonly Live[],
  argv: (entry: Entry) => string[],
): Promise<Action> {
  const todo = chooseAction(entry, now);
  // Somebody goes on with it at another place.
  if (all.some(({ id, pid }) => id === entry.current && pid !== null)) return "left";
  if (todo === "gave-up") updateEntry(entry.id, { restart: "no" });
  if (todo !== "restarted") return todo;
  updateEntry(entry.id, { restarts: [...entry.restarts.slice(-MOST), now] });
  const pane = live.pane!;
  const { ok } = await tmux([
    ...["respawn-pane", ...(live.state === "exited" ? [] : ["-k"]), "-t", pane],
    ...["-c", literal(entry.project), "--", ...argv(entry)],
  ]);
  return ok ? "restarted" : "failed";
}

/** The windows beside Claude's, by the session's id in the journal. */
async function windowsNow(): Promise<Map<string, Window[]>> {
  const fields = ["@ccr_session", "window_id", "@ccr_claude", "pane_pid", "window_name"];
  const { out } = await tmux(["list-panes", "-a", "-F", fields.map((name) => `#{${name}}`).join("\t")]);
  const found = new Map<string, Window[]>();
  const seen = new Set<string>();
  for (const line of out.split("\n")) {
    const [id, window = "", claude, pid, name = ""] = line.split("\t");
    // The first pane of a window tells for it.
    if (!id || seen.has(window)) continue;
    seen.add(window);
    const directory = claude === "1" || name === "claude" ? null : directoryOf(pid);
    if (directory !== null) found.set(id, [...(found.get(id) ?? []), { name, directory, command: [] }]);
  }
  return found;
}

/** Where a process is; tmux would tell it in a line, which a directory's name may break. */
function directoryOf(pid: string | undefined): string | null {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return null;
  }
}

/** Keeps what a person has changed: windows, their directories, and Claude's id after /clear. */
function writeDown(entry: Entry, live: Live, now: readonly Window[]): void {
  const current = live.pid === null ? entry.current : live.id;
  const windows = now.map((window) => ({
    ...window,
    command: entry.windows.find(({ name }) => name === window.name)?.command ?? [],
  }));
  if (windows.length === 0 || JSON.stringify(windows) === JSON.stringify(entry.windows)) {
    if (current !== entry.current) updateEntry(entry.id, { current });
  } else updateEntry(entry.id, { current, windows });
}
