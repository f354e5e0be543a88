import { type Command, on, text } from "../cli/command.ts";
import { when } from "../cli/parse-time.ts";
import { named } from "../cli/resolve-session.ts";
import { forgetLater, planLater } from "../resume/schedule.ts";
import { Problem } from "../system/problem.ts";
import { out } from "../terminal/output.ts";
import { time } from "../terminal/time.ts";

export const resumeLater: Command = {
  usage: "resume-later <session> [--at time] [--off]",
  about:
    "Plans one session: the next ccr supervise after that time continues it, also when autoResume is off and when no limit has stopped it. Without a time: at its reset.",
  flags: {
    at: { type: "string", value: "time", about: 'like 18:00, 2h or "2026-11-21 09:00"' },
    off: { type: "boolean", about: "forget the plan" },
  },
  words: "session",
  most: 1,
  examples: [
    ["ccr resume-later 4bb6 --at 07:00", "tomorrow morning"],
    ["ccr resume-later 4bb6", "at its reset"],
  ],
  run(call) {
    const [word] = call.words;
    if (word === undefined)
      throw new Problem("usage", "which session?", { hint: "ccr resume-later --help", exit: 2 });
    const session = named(word);
    const name = session.id.slice(0, 8);
    if (on(call, "off")) {
      out(forgetLater(session.id) ? `${name}: no longer planned\n` : `${name}: was not planned\n`);
      return 0;
    }
    const now = Date.now();
    const words = text(call, "at");
    if (words === undefined && session.verdict.state !== "limited") {
      throw new Problem("usage", `${name} is not limited: give a time.`, {
        hint: `ccr resume-later ${name} --at 18:00`,
        exit: 2,
      });
    }
    const at = words === undefined ? null : when(words, now);
    planLater(session.id, at);
    out(
      `${name}: planned ${at === null ? "at its reset" : `for ${time(at, "short", now)}`}; ccr supervise carries it out\n`,
    );
    return 0;
  },
};
