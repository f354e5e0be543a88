import { type Command, isSet } from "../cli/command.ts";
import { resolveEntry } from "../cli/resolve-session.ts";
import { resumeCommand } from "../cli/resume-command.ts";
import { readContext } from "../sessions/context.ts";
import { sessionOf } from "../sessions/session.ts";
import { handOver } from "../system/handoff.ts";
import { Problem } from "../system/problem.ts";
import { commandLine } from "../system/shell-quote.ts";
import { clean } from "../terminal/clean.ts";
import { writeStderr, writeStdout } from "../terminal/output.ts";

export const resume = (commands: readonly { name: string }[]): Command => ({
  usage: "resume <session> [prompt] [flags]",
  description:
    "Resumes a session in the directory that it was started in. <session> is an id, its first characters, a title, a part of a title that no other has, or . for the newest session of this directory. The word resume can be left out; it is needed for titles that are also commands: ccr resume -- list",
  flags: {
    dir: {
      type: "string",
      value: "path",
      description: "resume in this directory, when the session's own is gone",
      completes: "directory",
    },
    fork: {
      type: "boolean",
      description: "go on in a copy with a new id; the session itself stays as it is",
    },
    "print-command": { type: "boolean", description: "only print the command that would run" },
  },
  positionals: "session",
  maxArgs: 2,
  examples: [
    ["ccr 4bb6", "resume the session whose id starts with 4bb6"],
    ['ccr 4bb6 "go on"', "… and give it a prompt"],
    ["ccr .", "the newest session of this directory"],
    ['ccr "Checkout: retry on 502"', "by its title"],
    ["ccr 4bb6 --fork", "try something in a copy"],
  ],
  async run(call) {
    const [word = "", prompt] = call.positionals;
    if (word === "") {
      throw new Problem("usage", "which session?", { hint: ["ccr-list", "ccr <id or title>"], exit: 2 });
    }
    const context = readContext();
    const entry = resolveEntry(word, commands);
    const session = sessionOf(entry, context);
    const plan = await resumeCommand(call, entry, session, prompt);
    if (isSet(call, "print-command")) {
      writeStdout(`${commandLine(plan.directory, plan.argv)}\n`);
      return 0;
    }
    for (const note of plan.notes) writeStderr(`ccr: ${clean(note)}\n`);
    return handOver(plan.directory, plan.argv);
  },
});
