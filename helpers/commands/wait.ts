import { type Command, stringFlag } from "../cli/command.ts";
import { durationFlag } from "../cli/parse-time.ts";
import { resolveLive } from "../cli/resolve-live-session.ts";
import { type WaitState, waitFor } from "../cli/wait-for.ts";
import { Problem } from "../system/problem.ts";

const STATES: readonly WaitState[] = ["idle", "waiting", "exit"];

export const wait: Command = {
  usage: "wait [session] [flags]",
  description:
    "Waits until a live session is idle (the turn is over), waiting (it asks something) or has ended. For scripts: exit status 0 when it is so, 1 when it ended first, asks something instead of being idle, or the time is over.",
  flags: {
    for: {
      type: "string",
      value: "state",
      description: "idle (default), waiting or exit",
      completes: STATES,
    },
    timeout: {
      type: "string",
      value: "time",
      description: "give up after this long: 90s, 10m, 2h; default: never",
    },
  },
  positionals: "session",
  maxArgs: 1,
  examples: [
    ['ccr wait shop && ccr send shop "and now the docs"', "one prompt after another"],
    ["ccr wait shop --for exit --timeout 10m", "until it has ended"],
  ],
  async run(call) {
    const wanted = stringFlag(call, "for") ?? "idle";
    if (!STATES.includes(wanted as WaitState))
      throw new Problem("usage", `--for is idle, waiting or exit, not "${wanted}".`, { exit: 2 });
    const limit =
      durationFlag(call, "timeout", { unit: "s", example: "90s or 10m" }) ?? Number.POSITIVE_INFINITY;
    const live = await resolveLive(call.positionals[0]);
    await waitFor(live, wanted as WaitState, limit);
    return 0;
  },
};
