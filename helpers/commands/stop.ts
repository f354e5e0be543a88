import { type Command, isSet } from "../cli/command.ts";
import { resolveLive } from "../cli/resolve-live-session.ts";
import { displayName, type Live, liveSessions } from "../live/live-sessions.ts";
import { stopLive } from "../live/stop-session.ts";
import { Problem } from "../system/problem.ts";
import { ask } from "../terminal/ask.ts";
import { clean } from "../terminal/clean.ts";
import { writeStderr } from "../terminal/output.ts";

export const stop: Command = {
  usage: "stop [session…] [flags]",
  description:
    "Ends live sessions: Claude, its tools and every program started in their windows. Asks for confirmation while Claude is working or asking something. The transcript and the recordings stay, so ccr <session> can resume it.",
  flags: {
    force: { type: "boolean", short: "f", description: "do not ask for confirmation" },
    all: { type: "boolean", description: "end every session that ccr started" },
  },
  positionals: "session",
  examples: [
    ["cct-kill claude-shop", "end the session claude-shop"],
    ["cct-kill --all --force", "end all sessions that ccr started"],
  ],
  async run(call) {
    // This may run in a terminal window of a session that it ends.
    process.on("SIGHUP", () => {});
    const words = call.positionals.length > 0 ? call.positionals : [undefined];
    const chosen = isSet(call, "all")
      ? (await liveSessions()).filter(({ ours }) => ours)
      : await Promise.all(words.map(resolveLive));
    let status = 0;
    for (const live of new Set(chosen)) {
      if (!isSet(call, "force") && !confirmed(live)) {
        status = 1;
        continue;
      }
      const left = await stopLive(live);
      if (left.length > 0)
        throw new Problem("not-ended", `some processes of ${displayName(live)} are still running`, {
          hint: `list them: ps -fp ${left.join(",")}`,
        });
      writeStderr(`ended ${displayName(live)}\n`);
    }
    return status;
  },
};

/** Asks whether to end a session that is busy; an idle one needs no confirmation. */
function confirmed(live: Live): boolean {
  if (live.state !== "busy" && live.state !== "waiting") return true;
  const name = displayName(live);
  const doing = live.state === "busy" ? "is working" : `needs you (${live.waitingFor ?? "a question"})`;
  const answer = ask(`${clean(name)} ${doing}. End it?`);
  if (answer === null)
    throw new Problem("busy", `${name} ${doing}`, { hint: `end it anyway: cct-kill --force ${name}` });
  return answer;
}
