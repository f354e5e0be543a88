import { type Command, isSet } from "../cli/command.ts";
import { resolveLive } from "../cli/resolve-live-session.ts";
import { displayName, liveSessions } from "../live/live-sessions.ts";
import { stopLive } from "../live/stop-session.ts";
import { Problem } from "../system/problem.ts";
import { ask } from "../terminal/ask.ts";
import { clean } from "../terminal/clean.ts";
import { writeStderr } from "../terminal/output.ts";

export const stop: Command = {
  usage: "stop [session…] [flags]",
  description:
    "Ends live sessions: Claude, its tools and every program that was started in their windows. Asks while Claude works or waits for an answer. The transcript and the recording stay: ccr <session> goes on with it.",
  flags: {
    force: { type: "boolean", short: "f", description: "without asking" },
    all: { type: "boolean", description: "every session that ccr started" },
  },
  positionals: "session",
  examples: [
    ["cct-kill claude-shop", "end the one of project shop"],
    ["cct-kill --all --force", "end all of ours"],
  ],
  async run(call) {
    // The terminal that this runs on may be one of those that end.
    process.on("SIGHUP", () => {});
    const words = call.positionals.length > 0 ? call.positionals : [undefined];
    const chosen = isSet(call, "all")
      ? (await liveSessions()).filter(({ ours }) => ours)
      : await Promise.all(words.map(resolveLive));
    let status = 0;
    for (const live of new Set(chosen)) {
      if (!isSet(call, "force") && (live.state === "busy" || live.state === "waiting")) {
        const doing =
          live.state === "busy" ? "is working" : `waits for you (${live.waitingFor ?? "a question"})`;
        const answer = ask(`${clean(displayName(live))} ${doing}. End it?`);
        if (answer === null)
          throw new Problem("busy", `${displayName(live)} ${doing}.`, {
            hint: `cct-kill --force ${displayName(live)}`,
          });
        if (!answer) {
          status = 1;
          continue;
        }
      }
      const left = await stopLive(live);
      if (left.length > 0)
        throw new Problem("not-ended", `${displayName(live)} has left processes.`, {
          hint: `look: ps -fp ${left.join(",")}`,
        });
      writeStderr(`ended ${displayName(live)}\n`);
    }
    return status;
  },
};
