import { attachTo } from "../cli/attach.ts";
import { type Command, isSet } from "../cli/command.ts";
import { resolveLive } from "../cli/resolve-live-session.ts";

export const attach: Command = {
  usage: "attach [session] [flags]",
  description:
    "Shows a live session on this terminal; Ctrl-b d leaves it running. Several terminals can show one session: it has the size of the one that was used last. Without a word it is the only one, or that of this tmux session.",
  flags: {
    "read-only": {
      type: "boolean",
      short: "r",
      description: "only look: no key reaches it, and it keeps its size",
    },
    "ignore-size": { type: "boolean", description: "type, and let it keep the size that others gave it" },
    alone: { type: "boolean", description: "send the other terminals away" },
  },
  positionals: "session",
  maxArgs: 1,
  examples: [
    ["ccr attach shop", "the session of project shop"],
    ["ccr attach 4bb6 --read-only", "watch it"],
  ],
  run: async (call) =>
    attachTo(await resolveLive(call.positionals[0]), {
      readOnly: isSet(call, "read-only"),
      ignoreSize: isSet(call, "ignore-size"),
      alone: isSet(call, "alone"),
    }),
};
