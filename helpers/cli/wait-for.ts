import { setTimeout as sleep } from "node:timers/promises";
import { liveSessions as registered } from "../claude/registry.ts";
import type { Live } from "../live/live-sessions.ts";
import { displayName, liveSessions } from "../live/live-sessions.ts";
import { Problem } from "../system/problem.ts";
import { startOf } from "../system/process.ts";
import { duration } from "../terminal/time.ts";

const STEP = 200;
/** Between two turns the CLI is idle for some 40 ms. */
const SETTLED = 2;

/** What `ccr wait --for` takes. */
export type WaitState = "idle" | "waiting" | "exit";

/** Waits until a live session is in a state. Throws a Problem when it ends or asks instead, or after `limit` ms. */
export async function waitFor(live: Live, wanted: WaitState, limit: number): Promise<void> {
  const name = displayName(live);
  const begun = Date.now();
  let { pid, state, waitingFor } = live;
  let start = pid === null ? null : startOf(pid);
  for (let times = 0; ; ) {
    if (state === "exited" || (pid !== null && live.here && startOf(pid) !== start)) {
      if (wanted === "exit") return;
      throw new Problem("ended", `${name} has ended.`, {
        hint: `go on with it: ccr ${live.id.slice(0, 8)}`,
      });
    }
    times = state === wanted ? times + 1 : 0;
    if (times >= SETTLED) return;
    if (state === "waiting" && wanted === "idle")
      throw new Problem("waiting", `${name} waits for you: ${waitingFor ?? "a question"}.`, {
        hint: `cct ${name}`,
      });
    if (Date.now() - begun > limit)
      throw new Problem("timeout", `${name} is still ${state} after ${duration(limit)}.`, {
        hint: "cct-list",
      });
    await sleep(STEP);
    if (pid === null) {
      const now = (await liveSessions()).find(({ key, ours }) => ours && key === live.key);
      if (now?.pid) start = startOf(now.pid);
      ({ pid, state, waitingFor } = now ?? { pid, state: "exited", waitingFor });
      continue;
    }
    const now = [...registered().values()].find((one) => one.pid === pid);
    state = !now ? state : now.status === "waiting" || now.status === "idle" ? now.status : "busy";
    waitingFor = now?.waitingFor ?? null;
  }
}
