// What the board's keys do to a session, here or on another machine.

import { goTo, resolveLive } from "../cli/live-session-args.ts";
import { answerOf, askRemote, remoteCommand, remoteOf } from "../remote/remote.ts";
import { Problem } from "../system/problem.ts";
import { unicode } from "../terminal/output.ts";
import type { Item } from "./items.ts";
import type { Act } from "./state.ts";

const PATIENCE = 15;
/** So long (ms) a machine may take to do something. */
const LIMIT = 120_000;
const LINES = 3;

/** The command that has the ccr of a session's machine run some words on this terminal. */
export const command = ({ target }: Item, words: readonly string[]): string[] =>
  target === null
    ? [process.execPath, process.argv[1]!, ...words]
    : remoteCommand(remoteOf(target), words, { terminal: true, utf8: unicode(), patience: PATIENCE });

/** How one goes to a session that runs here. */
export async function goThere(id: string): Promise<{ go(): Promise<number> }> {
  const live = await resolveLive(id);
  if (live.name === null && live.kind !== "bg") {
    throw new Problem(
      "not-in-tmux",
      `${id.slice(0, 8)} is running already, in no tmux that can be seen: pid ${live.pid}.`,
      {
        hint: `work in a copy: ccr ${id.slice(0, 8)} --fork`,
      },
    );
  }
  return { go: () => goTo(live) };
}

export async function act({ do: what, item }: Act): Promise<{ lines: string[]; bad: boolean }> {
  const { id, target } = item;
  if (what === "stop" && target === null) {
    const { stopLive } = await import("../live/stop-session.ts");
    const left = await stopLive(await resolveLive(id));
    return left.length === 0
      ? { lines: [`stopped ${id.slice(0, 8)}`], bad: false }
      : { lines: [`processes of ${id.slice(0, 8)} are still there: ${left.join(", ")}`], bad: true };
  }
  const words = what === "stop" ? ["stop", id, "--force"] : ["resume-all", id, "--now"];
  const answer =
    target === null
      ? await answerOf(command(item, words), { limit: 0, free: true })
      : await askRemote(remoteOf(target), words, { limit: LIMIT, free: true });
  if ("error" in answer) return { lines: [answer.error], bad: true };
  return { lines: answer.out.split("\n").filter(Boolean).slice(0, LINES), bad: false };
}
