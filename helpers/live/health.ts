// Finds sessions whose Claude has failed or uses too much memory, and restarts them where their policy says so.

import { directoryOf, startOf } from "../system/process.ts";
import { HOUR } from "../system/units.ts";
import { fixRecorders } from "./fix-recorders.ts";
import { type Entry, entries, entryOf, updateEntry, useServerOfNewest, type Window } from "./journal.ts";
import { type Live, liveSessions } from "./live-sessions.ts";
import { watchMemory } from "./memory.ts";
import { literal, tmux } from "./tmux.ts";

/** `left`: its restart policy is no, or a person has to decide; `waits`: it is restarted later. */
export type Action = "restarted" | "waits" | "gave-up" | "left" | "failed" | "memory";
export type Finding = { entry: Entry; live: Live; what: string; action: Action };

/** How many restarts within an hour; the pause (ms) between them doubles each time. */
const MAX_RESTARTS = 5;
const FIRST_PAUSE = 10_000;
/** Exit statuses of programs that were asked to end: 0, and 128 + SIGHUP, SIGINT, SIGTERM. */
const ASKED = [0, 129, 130, 143];

/** What is wrong with the Claude of a session. Null when nothing is, or when somebody ended it. */
export function faultOf({ state, exit, pane, panePid }: Live): string | null {
  if (pane === null || panePid === null) return null;
  if (state !== "exited") return startOf(panePid) === null ? "has ended and is a zombie" : null;
  if (exit === null) return "was killed";
  return ASKED.includes(exit) ? null : `ended with status ${exit}`;
}

/** What to do about a fault now. */
export function chooseAction(
  { restart, restarts }: Entry,
  now: number,
): Exclude<Action, "memory" | "failed"> {
  if (restart !== "on-failure") return "left";
  const recent = restarts.filter((at) => at > now - HOUR && at <= now);
  if (recent.length >= MAX_RESTARTS) return "gave-up";
  return now < Math.max(0, ...recent) + FIRST_PAUSE * 2 ** (recent.length - 1) ? "waits" : "restarted";
}

/**
 * Checks every session of the journal that runs here: keeps its changes in the journal, restarts it as its policy says,
 * watches its memory. `argv` returns the command that resumes a session. Returns what is wrong. With `now` null it only
 * updates the journal.
 */
export async function checkSessions(
  now: number | null,
  argv: (entry: Entry) => string[],
): Promise<Finding[]> {
  const known = entries();
  if (known.length === 0) return [];
  useServerOfNewest(known);
  const windows = await windowsNow();
  const all = await liveSessions();
  const found: Finding[] = [];
  for (const live of all) {
    const entry = live.ours ? entryOf(live.key) : null;
    if (entry === null || entry.stoppedAt !== null) continue;
    keepChanges(entry, live, windows.get(entry.id) ?? []);
    const finding = now === null ? null : await check(entry, { live, all, now, argv });
    if (finding) found.push(finding);
  }
  if (now !== null)
    await fixRecorders(found.some(({ action }) => action === "restarted") ? await liveSessions() : all);
  return found;
}

type Check = { live: Live; all: readonly Live[]; now: number; argv: (entry: Entry) => string[] };

async function check(entry: Entry, how: Check): Promise<Finding | null> {
  const { live, now } = how;
  const fault = faultOf(live);
  if (fault !== null) return { entry, live, what: fault, action: await act(entry, how) };
  const warning = await watchMemory(live, entry, now);
  return warning === null ? null : { entry, live, what: warning, action: "memory" };
}

/** Restarts a session with a fault, if its policy says so. */
async function act(entry: Entry, { live, all, now, argv }: Check): Promise<Action> {
  const action = chooseAction(entry, now);
  // It was resumed in another place.
  if (all.some(({ id, pid }) => id === entry.current && pid !== null)) return "left";
  if (action === "gave-up") updateEntry(entry.id, { restart: "no" });
  if (action !== "restarted") return action;
  updateEntry(entry.id, { restarts: [...entry.restarts.slice(-MAX_RESTARTS), now] });
  const { ok } = await tmux([
    ...["respawn-pane", ...(live.state === "exited" ? [] : ["-k"]), "-t", live.pane!],
    ...["-c", literal(entry.project), "--", ...argv(entry)],
  ]);
  return ok ? "restarted" : "failed";
}

/** The windows other than Claude's, by the session's id in the journal. */
async function windowsNow(): Promise<Map<string, Window[]>> {
  const fields = ["@ccr_session", "window_id", "@ccr_claude", "pane_pid", "window_name"];
  const { out } = await tmux(["list-panes", "-a", "-F", fields.map((name) => `#{${name}}`).join("\t")]);
  const found = new Map<string, Window[]>();
  const seen = new Set<string>();
  for (const line of out.split("\n")) {
    const [id, window = "", claude, pid, name = ""] = line.split("\t");
    // The first pane stands for its window.
    if (!id || seen.has(window)) continue;
    seen.add(window);
    // Asked of the process: tmux prints paths in lines, which a line break in a name would split.
    const directory = claude === "1" || name === "claude" ? null : directoryOf(Number(pid));
    if (directory !== null) found.set(id, [...(found.get(id) ?? []), { name, directory, command: [] }]);
  }
  return found;
}

/** Updates the journal with what a person has changed: windows, their directories, and Claude's id after /clear. */
function keepChanges(entry: Entry, live: Live, now: readonly Window[]): void {
  const current = live.pid === null ? entry.current : live.id;
  const windows = now.map((window) => ({
    ...window,
    command: entry.windows.find(({ name }) => name === window.name)?.command ?? [],
  }));
  if (windows.length === 0 || JSON.stringify(windows) === JSON.stringify(entry.windows)) {
    if (current !== entry.current) updateEntry(entry.id, { current });
  } else updateEntry(entry.id, { current, windows });
}
