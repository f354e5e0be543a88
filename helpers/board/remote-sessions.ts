// Sessions of remote machines. Each machine is asked repeatedly; one that does not answer holds up nothing.
import { isSessionId } from "../claude/places.ts";
import type { BlockedBy } from "../limits/verdict.ts";
import { askRemote, type Remote } from "../remote/remote.ts";
import { blank, type Session, type State } from "../sessions/session.ts";

/** Milliseconds that a machine may take to answer. */
const TIMEOUT = 15_000;
/** Milliseconds until it is asked again after an answer, and after a failure. */
const PAUSE = 10_000;
const PAUSE_AFTER_FAILURE = 30_000;
const CONNECTING = "connecting";

/** Asks the ccr of a remote machine for its sessions. Returns them, or the reason why there is no answer. */
export async function fetchBoard(
  target: Remote,
  count: number,
  signal?: AbortSignal,
): Promise<{ sessions: Session[] } | { error: string }> {
  const answer = await askRemote(target, ["board", String(count), "--json"], {
    limit: TIMEOUT,
    ...(signal && { signal }),
  });
  if ("error" in answer) return answer;
  try {
    const { sessions } = JSON.parse(answer.out);
    return { sessions: sessions.flatMap((one: Fields) => parseSession(one) ?? []) };
  } catch {
    return { error: "cannot read the answer of its ccr" };
  }
}

/** Keeps asking remote machines for their sessions, and calls `onAnswer` with each answer, until it is closed. */
export class RemoteSessions {
  readonly #stop = new AbortController();
  readonly #errors = new Map<string, string | null>();

  constructor(
    targets: readonly Remote[],
    count: number,
    onAnswer: (name: string, sessions: Session[]) => void,
  ) {
    for (const target of targets) {
      this.#errors.set(target.name, CONNECTING);
      const ask = async (): Promise<void> => {
        const answer = await fetchBoard(target, count, this.#stop.signal);
        if (this.#stop.signal.aborted) return;
        const error = "error" in answer ? answer.error : null;
        this.#errors.set(target.name, error);
        onAnswer(target.name, "sessions" in answer ? answer.sessions : []);
        const timer = setTimeout(() => void ask(), error === null ? PAUSE : PAUSE_AFTER_FAILURE);
        this.#stop.signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
      };
      void ask();
    }
  }

  /** Returns one line for each machine that has not answered. */
  notes(): string[] {
    return [...this.#errors].flatMap(([name, error]) => {
      if (error === null) return [];
      return error === CONNECTING ? `${name}: connecting` : `${name} unreachable: ${error}`;
    });
  }

  close(): void {
    this.#stop.abort();
  }
}

type Fields = Record<string, unknown> | null | undefined;

const string = (value: unknown): string | null => (typeof value === "string" ? value : null);
const instant = (value: unknown): number | null => Date.parse(string(value) ?? "") || null;
const STATES = ["live", "waiting", "ready", "blocked", "idle", "gone"];

/** Returns the session that a remote ccr described in JSON; null if the description is not valid. */
export function parseSession(one: Fields): Session | null {
  const id = string(one?.id);
  const state = string(one?.state) ?? "";
  if (!one || id === null || !isSessionId(id) || !STATES.includes(state)) return null;
  const session = { ...blank(id), state: state as State, damaged: one.damaged === true };
  for (const key of ["title", "project", "cwd", "gitBranch", "version", "entrypoint"] as const)
    session[key] = string(one[key]);
  for (const key of ["createdAt", "updatedAt", "deletedAfter"] as const) session[key] = instant(one[key]);
  session.verdict = verdictOf(one, state) ?? session.verdict;
  session.live = liveOf(id, one.live as Fields);
  return session;
}

function verdictOf(one: NonNullable<Fields>, state: string): Session["verdict"] | null {
  if (state === "blocked") {
    const by = (string(one.blockedBy) ?? "other-api-error") as BlockedBy;
    return { state: "blocked", by, cause: "request" };
  }
  const limit = one.limit as Fields;
  if (!limit) return null;
  const window = string(limit.window) ?? "unknown";
  const [resetsAt, at] = [instant(limit.resetsAt), instant(limit.at)];
  return { state: "limited", window, resetsAt, resetFrom: null, rowUuid: null, at };
}

function liveOf(id: string, live: Fields): Session["live"] {
  if (!live) return null;
  return {
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
