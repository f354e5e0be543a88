import { type Command, isSet } from "../cli/command.ts";
import { timeFlag } from "../cli/parse-time.ts";
import { resolveSession } from "../cli/resolve-session.ts";
import { ALL, hold, release } from "../resume/schedule.ts";
import { Problem } from "../system/problem.ts";
import { writeStdout } from "../terminal/output.ts";
import { time } from "../terminal/time.ts";

export const pause: Command = {
  usage: "pause <session…>|--all [--until time] [--off]",
  description:
    "Holds sessions: neither ccra nor ccr supervise continues them. A session that is named to ccra goes all the same.",
  flags: {
    all: { type: "boolean", description: "all sessions, also ones to come" },
    until: {
      type: "string",
      value: "time",
      description: 'like 18:00, 2h or "2026-11-21 09:00"; default: until --off',
    },
    off: { type: "boolean", description: "let them go again" },
  },
  positionals: "session",
  examples: [
    ["ccr pause 4bb6", "hold one session"],
    ["ccr pause --all --until 18:00", "nothing before six"],
    ["ccr pause --all --off", "go on"],
  ],
  run(call) {
    const all = isSet(call, "all");
    if (all === call.positionals.length > 0) {
      throw new Problem("usage", "name sessions, or give --all.", { hint: "ccr pause --help", exit: 2 });
    }
    const now = Date.now();
    const until = timeFlag(call, "until", { now, direction: "future" }) ?? null;
    for (const id of all ? [ALL] : call.positionals.map((word) => resolveSession(word).id)) {
      const name = all ? "all sessions" : id.slice(0, 8);
      if (isSet(call, "off"))
        writeStdout(release(id) ? `${name}: no longer held\n` : `${name}: was not held\n`);
      else {
        hold(id, until);
        writeStdout(`${name}: held${until === null ? "" : ` until ${time(until, "short", now)}`}\n`);
      }
    }
    return 0;
  },
};
