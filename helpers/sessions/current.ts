import { isSessionId } from "../claude/places.ts";
import type { Live } from "../claude/registry.ts";
import { ancestors } from "../system/process.ts";
import { realPath, sessionsOf } from "./lookup.ts";
import { type Entry, newest, transcripts } from "./store.ts";

export type Rule = "environment" | "tmux" | "registry" | "directory" | "newest";

/** The session of this shell and the rule that found it; null where there is none at all. */
export async function currentSession(
  live: ReadonlyMap<string, Live>,
  directory = process.cwd(),
): Promise<{ entry: Entry; rule: Rule } | null> {
  for await (const [rule, id] of guesses(live, realPath(directory))) {
    if (id === undefined || !isSessionId(id)) continue;
    const [entry] = newest(
      transcripts((other) => other.toLowerCase() === id.toLowerCase()),
      1,
    );
    if (entry) return { entry, rule };
  }
  const [own] = sessionsOf(directory, 1);
  if (own) return { entry: own, rule: "directory" };
  const [entry] = newest(transcripts(), 1);
  return entry ? { entry, rule: "newest" } : null;
}

async function* guesses(
  live: ReadonlyMap<string, Live>,
  directory: string,
): AsyncGenerator<[Rule, string | undefined]> {
  // What Claude sets for its children; where it does not, it is among our own ancestors.
  yield ["environment", process.env.CLAUDE_CODE_SESSION_ID];
  const here = [...live.values()]
    .filter((session) => session.here)
    .sort((a, b) => (b.startedAt ?? 0) - (a.startedAt ?? 0));
  if (here.length === 0) return;
  const parents = new Set(ancestors(process.pid));
  yield ["environment", here.find(({ pid }) => parents.has(pid))?.session];
  const panes = await tmuxPanes();
  if (panes.size > 0)
    yield ["tmux", here.find(({ pid }) => ancestors(pid).some((parent) => panes.has(parent)))?.session];
  yield ["registry", here.find(({ cwd }) => cwd !== null && realPath(cwd) === directory)?.session];
}

/** Process ids of the panes of the tmux session that we are in. */
async function tmuxPanes(): Promise<Set<number>> {
  const { TMUX, TMUX_PANE } = process.env;
  if (!TMUX || !TMUX_PANE || !/^%\d+$/.test(TMUX_PANE)) return new Set();
  const { capture } = await import("../system/run.ts");
  const list = await capture("tmux", ["list-panes", "-s", "-t", TMUX_PANE, "-F", "#{pane_pid}"], 2000);
  return new Set((list ?? "").split("\n").filter(Boolean).map(Number));
}
