// What runs beside what Claude Code's registry tells: sessions that wait in tmux for somebody, or are just beginning.
import type { Live } from "../claude/registry.ts";
import { type LiveState, liveSessions } from "../live/live-sessions.ts";

const STATUS: Partial<Record<LiveState, string>> = { starting: "busy", waiting: "waiting", lazy: "lazy" };

/** Each by its session's id, as the registry would tell it. */
export async function whatRuns(): Promise<Map<string, Live>> {
  const found = new Map<string, Live>();
  for (const {
    id,
    pid,
    panePid,
    project,
    kind,
    startedAt,
    state,
    waitingFor,
    here,
  } of await liveSessions()) {
    const status = STATUS[state];
    if (pid !== null || status === undefined) continue;
    const rest = { kind, status, waitingFor, startedAt, here, entrypoint: null, name: null };
    found.set(id, { pid: panePid ?? 0, session: id, cwd: project, ...rest });
  }
  return found;
}
