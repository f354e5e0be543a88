import { type Command, isSet } from "../cli/command.ts";
import { timeFlag } from "../cli/parse-time.ts";
import { resolveSession } from "../cli/resolve-session.ts";
import { usageError } from "../cli/usage-error.ts";
import { schedule, unschedule } from "../resume/schedule.ts";
import { writeStdout } from "../terminal/output.ts";
import { time } from "../terminal/time.ts";

export const resumeLater: Command = {
  usage: "resume-later <session> [--at time] [--off]",
  description:
    "Schedules a session to be resumed at its reset, or at the given time. ccr supervise resumes it, even if autoResume is off. With a time, the session does not have to be limited.",
  flags: {
    at: {
      type: "string",
      value: "time",
      description: 'time such as 18:00, 2h or "2026-11-21 09:00" (default: its reset)',
    },
    off: { type: "boolean", description: "remove it from the schedule" },
  },
  positionals: "session",
  maxArgs: 1,
  examples: [
    ["ccr resume-later 4bb6 --at 07:00", "resume it at the next 7 a.m."],
    ["ccr resume-later 4bb6", "resume it at its reset"],
  ],
  run(call) {
    const [word] = call.positionals;
    if (word === undefined) throw usageError("missing argument: <session>", "run: ccr resume-later --help");
    const session = resolveSession(word);
    const name = session.id.slice(0, 8);
    if (isSet(call, "off")) {
      writeStdout(unschedule(session.id) ? `${name}: no longer scheduled\n` : `${name}: was not scheduled\n`);
      return 0;
    }
    const now = Date.now();
    const at = timeFlag(call, "at", { now, direction: "future" }) ?? null;
    if (at === null && session.verdict.state !== "limited") {
      throw usageError(
        `${name} is not limited, so it needs a time`,
        `run: ccr resume-later ${name} --at 18:00`,
      );
    }
    schedule(session.id, at);
    const when = at === null ? "its reset" : time(at, "short", now);
    writeStdout(`${name}: scheduled for ${when}; ccr supervise will resume it\n`);
    return 0;
  },
};
