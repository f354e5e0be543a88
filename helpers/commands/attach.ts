import { attachTo } from "../cli/attach.ts";
import { type Command, isSet } from "../cli/command.ts";
import { resolveLive } from "../cli/resolve-live-session.ts";

export const attach: Command = {
  usage: "attach [session] [flags]",
  description:
    "Attaches this terminal to a live session; Ctrl-b d detaches and leaves it running. Several terminals can attach to one session: it has the size of the terminal that was used last. Without an argument, it attaches to the only live session, or to the one of this tmux session.",
  flags: {
    "read-only": {
      type: "boolean",
      short: "r",
      description: "only watch: keys do not reach the session, and its size stays",
    },
    "ignore-size": { type: "boolean", description: "keep the size that other terminals gave the session" },
    alone: { type: "boolean", description: "detach the other terminals" },
  },
  positionals: "session",
  maxArgs: 1,
  examples: [
    ["ccr attach shop", "attach to the session of project shop"],
    ["ccr attach 4bb6 --read-only", "watch a session"],
  ],
  run: async (call) =>
    attachTo(await resolveLive(call.positionals[0]), {
      readOnly: isSet(call, "read-only"),
      ignoreSize: isSet(call, "ignore-size"),
      alone: isSet(call, "alone"),
    }),
};
