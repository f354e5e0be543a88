import { type Command, stringFlag } from "../cli/command.ts";
import { durationFlag } from "../cli/parse-time.ts";
import { resolveLive } from "../cli/resolve-live-session.ts";
import { invalidValue } from "../cli/usage-error.ts";
import { type WaitState, waitFor } from "../cli/wait-for.ts";

const STATES: readonly WaitState[] = ["idle", "waiting", "exit"];

export const wait: Command = {
  usage: "wait [session] [flags]",
  description:
    "Waits until a live session is idle (its turn is over), is waiting (it asks something) or has ended. The exit status is 0 when that happens. It is 1 when the session ends first, asks something instead of becoming idle, or the timeout is over.",
  flags: {
    for: {
      type: "string",
      value: "state",
      description: "state to wait for: idle (default), waiting or exit",
      completes: STATES,
    },
    timeout: {
      type: "string",
      value: "time",
      description: "give up after 90s, 10m, 2h (default: never)",
    },
  },
  positionals: "session",
  maxArgs: 1,
  examples: [
    ['ccr wait shop && ccr send shop "and now the docs"', "send a prompt after the current turn"],
    ["ccr wait shop --for exit --timeout 10m", "wait until it has ended"],
  ],
  async run(call) {
    const wanted = stringFlag(call, "for") ?? "idle";
    if (!STATES.includes(wanted as WaitState)) throw invalidValue("--for", wanted, "idle, waiting or exit");
    const limit =
      durationFlag(call, "timeout", { unit: "s", example: "90s or 10m" }) ?? Number.POSITIVE_INFINITY;
    const live = await resolveLive(call.positionals[0]);
    await waitFor(live, wanted as WaitState, limit);
    return 0;
  },
};
