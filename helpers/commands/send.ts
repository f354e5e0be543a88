import { readFileSync } from "node:fs";
import { type Command, isSet } from "../cli/command.ts";
import { resolveLive } from "../cli/resolve-live-session.ts";
import { promptText, sendPrompt } from "../cli/send-prompt.ts";
import { usageError } from "../cli/usage-error.ts";

export const send: Command = {
  usage: "send <session> <text> [flags]",
  description:
    "Types a prompt into a live session and says whether Claude has accepted it. While Claude is working, the prompt is queued. While Claude is asking something, nothing is sent, because Enter would mean yes. Use - to read the text from stdin.",
  flags: {
    raw: {
      type: "boolean",
      description: "also send text that begins with ! (runs in a shell) or / (a command of Claude Code)",
    },
  },
  positionals: "session",
  examples: [
    ['ccr send shop "now run the tests"', "send a prompt"],
    ["git diff | ccr send shop -", "send text from stdin"],
    ["ccr send shop /compact --raw", "run a command of Claude Code"],
  ],
  async run(call) {
    const [word, ...words] = call.positionals;
    if (word === undefined || words.length === 0)
      throw usageError(
        `missing argument: ${word === undefined ? "<session>" : "<text>"}`,
        "run: ccr send <session> <text>",
      );
    const given = words.length === 1 && words[0] === "-" ? readFileSync(0, "utf8") : words.join(" ");
    const raw = isSet(call, "raw");
    const text = promptText(given, raw);
    return sendPrompt(await resolveLive(word), text, raw);
  },
};
