import { readFileSync } from "node:fs";
import { type Command, isSet } from "../cli/command.ts";
import { resolveLive } from "../cli/resolve-live-session.ts";
import { promptText, sendPrompt } from "../cli/send-prompt.ts";
import { Problem } from "../system/problem.ts";

export const send: Command = {
  usage: "send <session> <text> [flags]",
  description:
    "Types a prompt into a live session and tells what came of it. Only while Claude is idle or works (then it is next in line): in a question of Claude's, Enter would say yes. The text - is read from standard input.",
  flags: {
    raw: {
      type: "boolean",
      description: "also a text that begins with ! (runs in a shell) or / (a command)",
    },
  },
  positionals: "session",
  examples: [
    ['ccr send shop "now run the tests"', "the next prompt"],
    ["git diff | ccr send shop -", "a longer one"],
    ["ccr send shop /compact --raw", "a command of Claude Code"],
  ],
  async run(call) {
    const [word, ...words] = call.positionals;
    if (word === undefined || words.length === 0)
      throw new Problem("usage", "what is to be sent, and where?", {
        hint: "ccr send <session> <text>",
        exit: 2,
      });
    const given = words.length === 1 && words[0] === "-" ? readFileSync(0, "utf8") : words.join(" ");
    const raw = isSet(call, "raw");
    const text = promptText(given, raw);
    return sendPrompt(await resolveLive(word), text, raw);
  },
};
