import { Problem } from "../system/problem.ts";
import { capture } from "../system/run.ts";
import { ask } from "../terminal/ask.ts";
import { clean } from "../terminal/clean.ts";
import { say } from "../terminal/output.ts";
import { stoppedByPerson } from "../live/journal.ts";
import { type Live, liveSessions } from "../live/live-sessions.ts";
import { endSession, target, tmux } from "../live/tmux.ts";
import { endTree } from "../live/process-tree.ts";
import { type Command, on } from "../cli/command.ts";
import { called, liveNamed } from "../cli/live-session-args.ts";
import { claude } from "./open.ts";

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

/** Ends one live session with all its processes, for good; gives the pids of those that would not. */
export async function stopLive(live: Live): Promise<number[]> {
  const { name, ours, pid, here, kind, key, id } = live;
  if (!here)
    throw new Problem("elsewhere", `${called(live)} runs in another container or machine.`, {
      hint: "end it there",
    });
  if (kind === "bg") {
    const job = live.job ?? id.slice(0, 8);
    if ((await capture(claude(), ["stop", job], 30_000)) !== null) return [];
    throw new Problem("not-ended", `claude could not stop ${job}.`, { hint: `claude stop ${job}` });
  }
  if (!ours || name === null)
    return endTree({ claude: pid, roots: pid === null ? [] : [pid], mark: null, close: async () => {} });
  stoppedByPerson(key);
  const { out } = await tmux(["list-panes", "-s", "-t", target(name), "-F", "#{pane_pid}"]);
  const roots = out.split("\n").filter(Boolean).map(Number);
  return endTree({
    claude: pid ?? live.panePid,
    roots: pid === null ? roots : [...roots, pid],
    mark: key,
    close: () => endSession(name),
  });
}
