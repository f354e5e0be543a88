// The sessions of other machines: each is asked again and again by itself, and may be silent.
import { isSessionId } from "../claude/places.ts";
import type { BlockedBy } from "../limits/verdict.ts";
import { askRemote, type Remote } from "../remote/remote.ts";
import { blank, type Session, type State } from "../sessions/session.ts";

/** How long (ms) a machine may take to answer, and rests after it has, or has not. */
const LIMIT = 15_000;
const PAUSE = 10_000;
const LONG_PAUSE = 30_000;
const ASKING = "asking";

/** The board of a target, or why there is none. */
export async function boardOf(
  target: Remote,
  count: number,
  signal?: AbortSignal,
): Promise<{ sessions: Session[] } | { error: string }> {
  const answer = await askRemote(target, ["board", String(count), "--json"], {
    limit: LIMIT,
    ...(signal && { signal }),
  });
  if ("error" in answer) return answer;
  try {
    const { sessions } = JSON.parse(answer.out);
    return { sessions: sessions.flatMap((one: Fields) => sessionFrom(one) ?? []) };
  } catch {
    return { error: "its ccr gave no answer that can be read" };
  }
}

export class RemoteSessions {
  readonly #stop = new AbortController();
  readonly #errors = new Map<string, string | null>();

  constructor(targets: readonly Remote[], count: number, tell: (name: string, sessions: Session[]) => void) {
    for (const target of targets) {
      this.#errors.set(target.name, ASKING);
      const ask = async (): Promise<void> => {
        const answer = await boardOf(target, count, this.#stop.signal);
        if (this.#stop.signal.aborted) return;
        const error = "error" in answer ? answer.error : null;
        this.#errors.set(target.name, error);
        tell(target.name, "sessions" in answer ? answer.sessions : []);
        const timer = setTimeout(() => void ask(), error === null ? PAUSE : LONG_PAUSE);
        this.#stop.signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
      };
      void ask();
    }
  }

  /** One line for each that has not answered. */
  notes(): string[] {
    return [...this.#errors].flatMap(([name, error]) =>
      error === null ? [] : error === ASKING ? `${name}: asking` : `${name} unreachable: ${error}`,
    );
  }

  close(): void {
    this.#stop.abort();
  }
}

type Fields = Record<string, unknown> | null | undefined;

const string = (value: unknown): string | null => (typeof value === "string" ? value : null);
const instant = (value: unknown): number | null => Date.parse(string(value) ?? "") || null;
const STATES = ["live", "waiting", "ready", "blocked", "idle", "gone"];

/** What another ccr said of a session, in our form; null where it is none. */
export function sessionFrom(one: Fields): Session | null {
  const id = string(one?.id);
  const state = string(one?.state) ?? "";
  if (!one || id === null || !isSessionId(id) || !STATES.includes(state)) return null;
  const limit = one.limit as Fields;
  const live = one.live as Fields;
  const session = { ...blank(id), state: state as State, damaged: one.damaged === true };
  for (const key of ["title", "project", "cwd", "gitBranch", "version", "entrypoint"] as const)
    session[key] = string(one[key]);
  for (const key of ["createdAt", "updatedAt", "deletedAfter"] as const) session[key] = instant(one[key]);
  if (state === "blocked") {
    const by = (string(one.blockedBy) ?? "other-api-error") as BlockedBy;
    session.verdict = { state: "blocked", by, cause: "request" };
  } else if (limit) {
    const [window, resetsAt, at] = [
      string(limit.window) ?? "unknown",
      instant(limit.resetsAt),
      instant(limit.at),
    ];
    session.verdict = { state: "limited", window, resetsAt, resetFrom: null, rowUuid: null, at };
  }
  if (live) {
    session.live = {
      pid: Number(live.pid) || 0,
      session: id,
      cwd: null,
      kind: string(live.kind) ?? "interactive",
      entrypoint: null,
      status: string(live.status),
      waitingFor: string(live.waitingFor),
      name: null,
      startedAt: null,
      here: false,
      tmux: string(live.tmux),
    };
  }
  return session;
}
