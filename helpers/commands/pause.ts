import { type Command, on, text } from "../cli/command.ts";
import { when } from "../cli/parse-time.ts";
import { named } from "../cli/resolve-session.ts";
import { ALL, hold, release } from "../resume/schedule.ts";
import { Problem } from "../system/problem.ts";
import { out } from "../terminal/output.ts";
import { time } from "../terminal/time.ts";

export const pause: Command = {
  usage: "pause <session…>|--all [--until time] [--off]",
  about:
    "Holds sessions: neither ccra nor ccr supervise continues them. A session that is named to ccra goes all the same.",
  flags: {
    all: { type: "boolean", about: "all sessions, also ones to come" },
    until: {
      type: "string",
      value: "time",
      about: 'like 18:00, 2h or "2026-11-21 09:00"; default: until --off',
    },
    off: { type: "boolean", about: "let them go again" },
  },
  words: "session",
  examples: [
    ["ccr pause 4bb6", "hold one session"],
    ["ccr pause --all --until 18:00", "nothing before six"],
    ["ccr pause --all --off", "go on"],
  ],
  run(call) {
    const all = on(call, "all");
    if (all === call.words.length > 0) {
      throw new Problem("usage", "name sessions, or give --all.", { hint: "ccr pause --help", exit: 2 });
    }
    const now = Date.now();
    const words = text(call, "until");
    const until = words === undefined ? null : when(words, now);
    for (const id of all ? [ALL] : call.words.map((word) => named(word).id)) {
      const name = all ? "all sessions" : id.slice(0, 8);
      if (on(call, "off")) out(release(id) ? `${name}: no longer held\n` : `${name}: was not held\n`);
      else {
        hold(id, until);
        out(`${name}: held${until === null ? "" : ` until ${time(until, "short", now)}`}\n`);
      }
    }
    return 0;
  },
};
