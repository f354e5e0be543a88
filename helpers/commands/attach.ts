import { type Command, on } from "../cli/command.ts";
import { goTo, liveNamed } from "../cli/live-session-args.ts";

export const attach: Command = {
  usage: "attach [session] [flags]",
  about:
    "Shows a live session on this terminal; Ctrl-b d leaves it running. Several terminals can show one session: it has the size of the one that was used last. Without a word it is the only one, or that of this tmux session.",
  flags: {
    "read-only": {
      type: "boolean",
      short: "r",
      about: "only look: no key reaches it, and it keeps its size",
    },
    "ignore-size": { type: "boolean", about: "type, and let it keep the size that others gave it" },
    alone: { type: "boolean", about: "send the other terminals away" },
  },
  words: "session",
  most: 1,
  examples: [
    ["ccr attach shop", "the session of project shop"],
    ["ccr attach 4bb6 --read-only", "watch it"],
  ],
  run: async (call) =>
    goTo(await liveNamed(call.words[0]), {
      readOnly: on(call, "read-only"),
      ignoreSize: on(call, "ignore-size"),
      alone: on(call, "alone"),
    }),
};
