import { requireClaude } from "../claude/cli.ts";
import { Problem } from "../system/problem.ts";
import { capture } from "../system/run.ts";
import { markStopped } from "./journal.ts";
import { displayName, type Live } from "./live-sessions.ts";
import { endTree } from "./process-tree.ts";
import { endSession, target, tmux } from "./tmux.ts";

/** Ends one live session with all its processes, for good; gives the pids of those that would not. */
export async function stopLive(live: Live): Promise<number[]> {
  const { name, ours, pid, here, kind, key, id } = live;
  if (!here)
    throw new Problem("elsewhere", `${displayName(live)} runs in another container or on another machine`, {
      hint: "end it there",
    });
  if (kind === "bg") {
    const job = live.job ?? id.slice(0, 8);
    if ((await capture(requireClaude(), ["stop", job], 30_000)) !== null) return [];
    throw new Problem("not-ended", `claude could not stop ${job}`, { hint: `see why: claude stop ${job}` });
  }
  if (!ours || name === null)
    return endTree({ claude: pid, roots: pid === null ? [] : [pid], mark: null, close: async () => {} });
  markStopped(key);
  const { out } = await tmux(["list-panes", "-s", "-t", target(name), "-F", "#{pane_pid}"]);
  const roots = out.split("\n").filter(Boolean).map(Number);
  return endTree({
    claude: pid ?? live.panePid,
    roots: pid === null ? roots : [...roots, pid],
    mark: key,
    close: () => endSession(name),
  });
}
