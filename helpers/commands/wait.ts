import { setTimeout as sleep } from "node:timers/promises";
import { liveSessions as registered } from "../claude/registry.ts";
import { Problem } from "../system/problem.ts";
import { startOf } from "../system/process.ts";
import { duration } from "../terminal/time.ts";
import { liveSessions } from "../live/live-sessions.ts";
import { type Command, text } from "../cli/command.ts";
import { called, liveNamed } from "../cli/live-session-args.ts";

const STATES = ["idle", "waiting", "exit"];
const STEP = 200;
/** Between two turns the CLI is idle for some 40 ms. */
const SETTLED = 2;

export const wait: Command = {
  usage: "wait [session] [flags]",
  about:
    "Waits until a live session is idle (the turn is over), waiting (it asks something) or has ended. For scripts: exit status 0 when it is so, 1 when it ended first, asks something instead of being idle, or the time is over.",
  flags: {
    for: { type: "string", value: "state", about: "idle (default), waiting or exit", completes: STATES },
    timeout: {
      type: "string",
      value: "time",
      about: "give up after this long: 90s, 10m, 2h; default: never",
    },
  },
  words: "session",
  most: 1,
  examples: [
    ['ccr wait shop && ccr send shop "and now the docs"', "one prompt after another"],
    ["ccr wait shop --for exit --timeout 10m", "until it has ended"],
  ],
  async run(call) {
    const wanted = text(call, "for") ?? "idle";
    if (!STATES.includes(wanted))
      throw new Problem("usage", `--for is idle, waiting or exit, not "${wanted}".`, { exit: 2 });
    const limit = timeOf(text(call, "timeout"));
    const live = await liveNamed(call.words[0]);
    const name = called(live);
    const begun = Date.now();
    let { pid, state, waitingFor } = live;
    let start = pid === null ? null : startOf(pid);
    for (let times = 0; ; ) {
      if (state === "exited" || (pid !== null && live.here && startOf(pid) !== start)) {
        if (wanted === "exit") return 0;
        throw new Problem("ended", `${name} has ended.`, {
          hint: `go on with it: ccr ${live.id.slice(0, 8)}`,
        });
      }
      times = state === wanted ? times + 1 : 0;
      if (times >= SETTLED) return 0;
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
  },
};

function timeOf(words: string | undefined): number {
  if (words === undefined) return Number.POSITIVE_INFINITY;
  const [, amount, unit = "s"] = /^(\d+(?:\.\d+)?) ?([smhd])?$/.exec(words.trim()) ?? [];
  if (amount === undefined)
    throw new Problem("usage", `--timeout is a length of time like 90s or 10m, not "${words}".`, { exit: 2 });
  return Number(amount) * { s: 1, m: 60, h: 3600, d: 86_400 }[unit as "s" | "m" | "h" | "d"] * 1000;
}
