import { type Command, isSet } from "../cli/command.ts";
import { timeFlag } from "../cli/parse-time.ts";
import { resolveSession } from "../cli/resolve-session.ts";
import { usageError } from "../cli/usage-error.ts";
import { ALL, clearPause, setPause } from "../resume/schedule.ts";
import { writeStdout } from "../terminal/output.ts";
import { time } from "../terminal/time.ts";

export const pause: Command = {
  usage: "pause <session…>|--all [--until time] [--off]",
  description:
    "Keeps sessions from being resumed automatically, by ccra or ccr supervise. A session that you name to ccra is resumed anyway.",
  flags: {
    all: { type: "boolean", description: "all sessions, including future ones" },
    until: {
      type: "string",
      value: "time",
      description: 'pause until 18:00, 2h or "2026-11-21 09:00" (default: until --off)',
    },
    off: { type: "boolean", description: "unpause" },
  },
  positionals: "session",
  examples: [
    ["ccr pause 4bb6", "pause one session"],
    ["ccr pause --all --until 18:00", "resume nothing before six"],
    ["ccr pause --all --off", "unpause all"],
  ],
  run(call) {
    const all = isSet(call, "all");
    if (all && call.positionals.length > 0)
      throw usageError("give session arguments or --all, not both", "run: ccr pause --help");
    if (!all && call.positionals.length === 0)
      throw usageError("missing argument: <session>, or --all", "run: ccr pause --help");
    const now = Date.now();
    const until = timeFlag(call, "until", { now, direction: "future" }) ?? null;
    for (const id of all ? [ALL] : call.positionals.map((word) => resolveSession(word).id)) {
      const name = all ? "all sessions" : id.slice(0, 8);
      if (isSet(call, "off"))
        writeStdout(clearPause(id) ? `${name}: unpaused\n` : `${name}: was not paused\n`);
      else {
        setPause(id, until);
        writeStdout(`${name}: paused${until === null ? "" : ` until ${time(until, "short", now)}`}\n`);
      }
    }
    return 0;
  },
};
