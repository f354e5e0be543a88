import { setTimeout as sleep } from "node:timers/promises";
import { liveSessions as registered } from "../claude/registry.ts";
import type { Live } from "../live/live-sessions.ts";
import { displayName, liveSessions } from "../live/live-sessions.ts";
import { Problem } from "../system/problem.ts";
import { startOf } from "../system/process.ts";
import { duration } from "../terminal/time.ts";

/** Time (ms) between two looks at the session. */
const STEP = 200;
/** How many looks in a row must agree: between two turns the CLI is idle for about 40 ms. */
const SETTLED = 2;

/** A state that `ccr wait --for` takes. */
export type WaitState = "idle" | "waiting" | "exit";

type Seen = Pick<Live, "pid" | "state" | "waitingFor"> & {
  /** when the process started, as in /proc: another value means another process with the same pid */
  start: string | null;
};

/**
 * Waits until a live session is in a state. Throws a Problem when it has ended or asks a question instead, or after
 * `limit` ms.
 */
export async function waitFor(live: Live, wanted: WaitState, limit: number): Promise<void> {
  const name = displayName(live);
  const begun = Date.now();
  const { pid, state, waitingFor } = live;
  let seen: Seen = { pid, state, waitingFor, start: pid === null ? null : startOf(pid) };
  let settled = 0;
  for (;;) {
    if (hasEnded(seen, live.here)) {
      if (wanted === "exit") return;
      throw new Problem("ended", `${name} has ended`, { hint: `resume it: ccr ${live.id.slice(0, 8)}` });
    }
    settled = seen.state === wanted ? settled + 1 : 0;
    if (settled >= SETTLED) return;
    if (seen.state === "waiting" && wanted === "idle")
      throw new Problem("waiting", `${name} waits for you: ${seen.waitingFor ?? "a question"}`, {
        hint: `attach to it: cct ${name}`,
      });
    if (Date.now() - begun > limit)
      throw new Problem("timeout", `${name} is still ${seen.state} after ${duration(limit)}`, {
        hint: "run: cct-list",
      });
    await sleep(STEP);
    seen = seen.pid === null ? await lookInTmux(live, seen) : lookInRegistry(seen);
  }
}

const hasEnded = ({ pid, state, start }: Seen, here: boolean): boolean =>
  state === "exited" || (pid !== null && here && startOf(pid) !== start);

/** A session that has not registered yet is only known to tmux. */
async function lookInTmux(live: Live, { start, waitingFor }: Seen): Promise<Seen> {
  const now = (await liveSessions()).find(({ key, ours }) => ours && key === live.key);
  if (!now) return { pid: null, state: "exited", waitingFor, start };
  return {
    pid: now.pid,
    state: now.state,
    waitingFor: now.waitingFor,
    start: now.pid ? startOf(now.pid) : start,
  };
}

function lookInRegistry(seen: Seen): Seen {
  const now = [...registered().values()].find(({ pid }) => pid === seen.pid);
  if (!now) return { ...seen, waitingFor: null };
  const state = now.status === "waiting" || now.status === "idle" ? now.status : "busy";
  return { ...seen, state, waitingFor: now.waitingFor ?? null };
}
