import { type Command, on } from "../cli/command.ts";
import { liveNamed } from "../cli/live-session-args.ts";
import { called, liveSessions } from "../live/live-sessions.ts";
import { stopLive } from "../live/stop-session.ts";
import { Problem } from "../system/problem.ts";
import { ask } from "../terminal/ask.ts";
import { clean } from "../terminal/clean.ts";
import { say } from "../terminal/output.ts";

export const stop: Command = {
  usage: "stop [session…] [flags]",
  about:
    "Ends live sessions: Claude, its tools and every program that was started in their windows. Asks while Claude works or waits for an answer. The transcript and the recording stay: ccr <session> goes on with it.",
  flags: {
    force: { type: "boolean", short: "f", about: "without asking" },
    all: { type: "boolean", about: "every session that ccr started" },
  },
  words: "session",
  examples: [
    ["cct-kill claude-shop", "end the one of project shop"],
    ["cct-kill --all --force", "end all of ours"],
  ],
  async run(call) {
    // The terminal that this runs on may be one of those that end.
    process.on("SIGHUP", () => {});
    const words = call.words.length > 0 ? call.words : [undefined];
    const chosen = on(call, "all")
      ? (await liveSessions()).filter(({ ours }) => ours)
      : await Promise.all(words.map(liveNamed));
    let status = 0;
    for (const live of new Set(chosen)) {
      if (!on(call, "force") && (live.state === "busy" || live.state === "waiting")) {
        const doing =
          live.state === "busy" ? "is working" : `waits for you (${live.waitingFor ?? "a question"})`;
        const answer = ask(`${clean(called(live))} ${doing}. End it?`);
        if (answer === null)
          throw new Problem("busy", `${called(live)} ${doing}.`, {
            hint: `cct-kill --force ${called(live)}`,
          });
        if (!answer) {
          status = 1;
          continue;
        }
      }
      const left = await stopLive(live);
      if (left.length > 0)
        throw new Problem("not-ended", `${called(live)} has left processes.`, {
          hint: `look: ps -fp ${left.join(",")}`,
        });
      say(`ended ${called(live)}\n`);
    }
    return status;
  },
};
