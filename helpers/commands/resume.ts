import { type Command, isSet } from "../cli/command.ts";
import { resolveEntry } from "../cli/resolve-session.ts";
import { resumeCommand } from "../cli/resume-command.ts";
import { usageError } from "../cli/usage-error.ts";
import { readContext } from "../sessions/context.ts";
import { sessionOf } from "../sessions/session.ts";
import { handOver } from "../system/handoff.ts";
import { commandLine } from "../system/shell-quote.ts";
import { clean } from "../terminal/clean.ts";
import { writeStderr, writeStdout } from "../terminal/output.ts";

export const resume = (commands: readonly { name: string }[]): Command => ({
  usage: "resume <session> [prompt] [flags]",
  description:
    "Resumes a session in the directory that it was started in. <session> is an id, its first characters, a title, a part of a title that no other session has, or . for the newest session of this directory. You can leave out the word resume, except for titles that are also commands: ccr resume -- list",
  flags: {
    dir: {
      type: "string",
      value: "path",
      description: "resume in this directory, if the session's own directory is missing",
      completes: "directory",
    },
    fork: {
      type: "boolean",
      description: "resume a copy with a new id; the session itself is not changed",
    },
    "print-command": { type: "boolean", description: "only print the command that would run" },
  },
  positionals: "session",
  maxArgs: 2,
  examples: [
    ["ccr 4bb6", "resume the session whose id starts with 4bb6"],
    ['ccr 4bb6 "go on"', "resume it with a prompt"],
    ["ccr .", "resume the newest session of this directory"],
    ['ccr "Checkout: retry on 502"', "resume a session by its title"],
    ["ccr 4bb6 --fork", "resume a copy of it"],
  ],
  async run(call) {
    const [word = "", prompt] = call.positionals;
    if (word === "")
      throw usageError("missing argument: <session>", ["list sessions: ccr-list", "run: ccr <id or title>"]);
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
