import { type Command, on } from "../cli/command.ts";
import { entryNamed } from "../cli/resolve-session.ts";
import { planOf } from "../cli/resume-command.ts";
import { surroundings } from "../sessions/context.ts";
import { sessionOf } from "../sessions/session.ts";
import { commandLine, handOver } from "../system/handoff.ts";
import { smallHeap } from "../system/heap.ts";
import { Problem } from "../system/problem.ts";
import { clean } from "../terminal/clean.ts";
import { out, say } from "../terminal/output.ts";

export const resume = (verbs: readonly { name: string }[]): Command => ({
  usage: "resume <session> [prompt] [flags]",
  about:
    "Resumes a session in the directory that it was started in. <session> is an id, its first characters, a title, a part of a title that no other has, or . for the newest session of this directory. The word resume can be left out; it is needed for titles that are also verbs: ccr resume -- list",
  flags: {
    dir: {
      type: "string",
      value: "path",
      about: "resume in this directory, when the session's own is gone",
      completes: "directory",
    },
    fork: { type: "boolean", about: "go on in a copy with a new id; the session itself stays as it is" },
    "print-command": { type: "boolean", about: "only print the command that would run" },
  },
  words: "session",
  most: 2,
  examples: [
    ["ccr 4bb6", "resume the session whose id starts with 4bb6"],
    ['ccr 4bb6 "go on"', "… and give it a prompt"],
    ["ccr .", "the newest session of this directory"],
    ['ccr "Checkout: retry on 502"', "by its title"],
    ["ccr 4bb6 --fork", "try something in a copy"],
  ],
  async run(call) {
    const [word = "", prompt] = call.words;
    if (word === "") {
      throw new Problem("usage", "which session?", { hint: ["ccr-list", "ccr <id or title>"], exit: 2 });
    }
    await smallHeap();
    const around = surroundings();
    const entry = entryNamed(word, verbs);
    const session = sessionOf(entry, around);
    const plan = await planOf(call, entry, session, prompt);
    if (on(call, "print-command")) {
      out(`${commandLine(plan.directory, plan.argv)}\n`);
      return 0;
    }
    for (const note of plan.notes) say(`ccr: ${clean(note)}\n`);
    return handOver(plan.directory, plan.argv);
  },
});
