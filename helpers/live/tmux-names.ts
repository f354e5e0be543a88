import { ancestors } from "../system/process.ts";
import { hasTmux, tmux } from "./tmux.ts";

/** The tmux session that each process runs in, by its panes' processes. No tmux, no server: an empty map. */
export async function tmuxNames(pids: Iterable<number>): Promise<Map<number, string>> {
  const found = new Map<number, string>();
  const wanted = [...pids];
  if (wanted.length === 0 || !hasTmux()) return found;
  const { ok, out } = await tmux(["list-panes", "-a", "-F", "#{pane_pid} #{session_name}"]);
  if (!ok) return found;
  const panes = new Map<number, string>();
  for (const line of out.split("\n")) {
    const [, pid, name] = /^(\d+) (.+)$/.exec(line) ?? [];
    if (pid && name) panes.set(Number(pid), name);
  }
  for (const pid of wanted) {
    const pane = ancestors(pid).find((parent) => panes.has(parent));
    if (pane !== undefined) found.set(pid, panes.get(pane)!);
  }
  return found;
}
