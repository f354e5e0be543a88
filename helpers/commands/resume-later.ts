import { type Command, isSet } from "../cli/command.ts";
import { timeFlag } from "../cli/parse-time.ts";
import { resolveSession } from "../cli/resolve-session.ts";
import { schedule, unschedule } from "../resume/schedule.ts";
import { Problem } from "../system/problem.ts";
import { writeStdout } from "../terminal/output.ts";
import { time } from "../terminal/time.ts";

export const resumeLater: Command = {
  usage: "resume-later <session> [--at time] [--off]",
  description:
    "Plans one session: the next ccr supervise after that time continues it, also when autoResume is off and when no limit has stopped it. Without a time: at its reset.",
  flags: {
    at: { type: "string", value: "time", description: 'like 18:00, 2h or "2026-11-21 09:00"' },
    off: { type: "boolean", description: "forget the plan" },
  },
  positionals: "session",
  maxArgs: 1,
  examples: [
    ["ccr resume-later 4bb6 --at 07:00", "tomorrow morning"],
    ["ccr resume-later 4bb6", "at its reset"],
  ],
  run(call) {
    const [word] = call.positionals;
    if (word === undefined)
      throw new Problem("usage", "which session?", { hint: "ccr resume-later --help", exit: 2 });
    const session = resolveSession(word);
    const name = session.id.slice(0, 8);
    if (isSet(call, "off")) {
      writeStdout(unschedule(session.id) ? `${name}: no longer planned\n` : `${name}: was not planned\n`);
      return 0;
    }
    const now = Date.now();
    const at = timeFlag(call, "at", { now, direction: "future" }) ?? null;
    if (at === null && session.verdict.state !== "limited") {
      throw new Problem("usage", `${name} is not limited: give a time.`, {
        hint: `ccr resume-later ${name} --at 18:00`,
        exit: 2,
      });
    }
    schedule(session.id, at);
    writeStdout(
      `${name}: planned ${at === null ? "at its reset" : `for ${time(at, "short", now)}`}; ccr supervise carries it out\n`,
    );
    return 0;
  },
};
