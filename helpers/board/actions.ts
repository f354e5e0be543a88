// What the board's keys do to a session, on this machine or on a remote one.

import { attachTo } from "../cli/attach.ts";
import { resolveLive } from "../cli/resolve-live-session.ts";
import { answerOf, askRemote, remoteCommand, remoteOf } from "../remote/remote.ts";
import { Problem } from "../system/problem.ts";
import { unicode } from "../terminal/output.ts";
import type { Item } from "./items.ts";
import type { Action } from "./state.ts";

/** Seconds that ssh may take to connect. */
const CONNECT_TIMEOUT = 15;
/** Milliseconds that a remote machine may take to stop or resume a session. */
const REMOTE_TIMEOUT = 120_000;
/** Lines of an answer that are shown. */
const MAX_LINES = 3;

/** Returns the command line that runs `ccr <args>` on the machine of a session, attached to this terminal. */
export const commandFor = ({ target }: Item, args: readonly string[]): string[] =>
  target === null
    ? [process.execPath, process.argv[1]!, ...args]
    : remoteCommand(remoteOf(target), args, {
        terminal: true,
        utf8: unicode(),
        connectTimeout: CONNECT_TIMEOUT,
      });

/** Finds the tmux session of a live session on this machine; `go` attaches to it. Throws a Problem if it has none. */
export async function planAttach(id: string): Promise<{ go(): Promise<number> }> {
  const live = await resolveLive(id);
  if (live.name === null && live.kind !== "bg") {
    const short = id.slice(0, 8);
    throw new Problem("not-in-tmux", `${short} is already running outside tmux (pid ${live.pid})`, {
      hint: `work in a copy: ccr ${short} --fork`,
    });
  }
  return { go: () => attachTo(live) };
}

/** Stops or resumes a session and returns the lines to show. */
export async function runAction({ do: what, item }: Action): Promise<{ lines: string[]; bad: boolean }> {
  const { id, target } = item;
  if (what === "stop" && target === null) return stopHere(id);
  const args = what === "stop" ? ["stop", id, "--force"] : ["resume-all", id, "--now"];
  const answer =
    target === null
      ? await answerOf(commandFor(item, args), { limit: 0, free: true })
      : await askRemote(remoteOf(target), args, { limit: REMOTE_TIMEOUT, free: true });
  if ("error" in answer) return { lines: [answer.error], bad: true };
  return { lines: answer.out.split("\n").filter(Boolean).slice(0, MAX_LINES), bad: false };
}

async function stopHere(id: string): Promise<{ lines: string[]; bad: boolean }> {
  const { stopLive } = await import("../live/stop-session.ts");
  const left = await stopLive(await resolveLive(id));
  const short = id.slice(0, 8);
  return left.length === 0
    ? { lines: [`stopped ${short}`], bad: false }
    : { lines: [`processes of ${short} are still running: ${left.join(", ")}`], bad: true };
}
