// Live tmux sessions that are not in Claude Code's registry: restored ones that wait for Enter, and starting ones.
import type { Live } from "../claude/registry.ts";
import { type LiveState, liveSessions } from "../live/live-sessions.ts";

const STATUS: Partial<Record<LiveState, string>> = { starting: "busy", waiting: "waiting", lazy: "lazy" };

/** Returns these sessions by id, in the form of the registry. */
export async function unregisteredSessions(): Promise<Map<string, Live>> {
  const found = new Map<string, Live>();
  for (const live of await liveSessions()) {
    const { id, panePid, project, kind, startedAt, waitingFor, here } = live;
    const status = STATUS[live.state];
    if (live.pid !== null || status === undefined) continue;
    const rest = { kind, status, waitingFor, startedAt, here, entrypoint: null, name: null };
    found.set(id, { pid: panePid ?? 0, session: id, cwd: project, ...rest });
  }
  return found;
}
