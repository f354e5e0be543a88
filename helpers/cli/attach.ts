import { basename } from "node:path";
import { findClaude } from "../claude/cli.ts";
import type { Live } from "../live/live-sessions.ts";
import { target, tmux } from "../live/tmux.ts";
import { config } from "../system/config.ts";
import { handOver } from "../system/handoff.ts";
import { home } from "../system/places.ts";
import { Problem } from "../system/problem.ts";
import { isTerminal, writeStdout } from "../terminal/output.ts";

export type AttachOptions = {
  /** no key reaches the session */
  readOnly?: boolean;
  /** the session keeps the size that other terminals gave it */
  ignoreSize?: boolean;
  /** detach the other terminals */
  alone?: boolean;
};

/** Attaches this terminal to a live session. Prints its name when there is no terminal. */
export async function attachTo(
  live: Pick<Live, "name" | "ours" | "pane" | "id" | "kind" | "job">,
  options: AttachOptions = {},
): Promise<number> {
  const { name, ours, pane, id, kind, job } = live;
  if (!isTerminal(0) || !isTerminal(1)) {
    writeStdout(`${name ?? id}\n`);
    return 0;
  }
  if (name === null) {
    const claude = findClaude();
    if (kind === "bg" && claude) return handOver(home(), [claude, "attach", job ?? id.slice(0, 8)]);
    throw new Problem("not-in-tmux", `${id.slice(0, 8)} is running in another terminal, not in tmux`, {
      hint: `work in a copy: ccr ${id.slice(0, 8)} --fork`,
    });
  }
  const at = ours ? target(name) : pane!;
  if (insideOurTmux()) {
    // Claude's window, because this terminal may show another window of the same session.
    const { ok, err } = await tmux(["switch-client", ...(options.readOnly ? ["-r"] : []), "-t", pane ?? at]);
    if (ok) return 0;
    throw new Problem("tmux", `tmux cannot switch to ${name}: ${err}`, {
      hint: `run: tmux attach -t '=${name}'`,
    });
  }
  const socket = config()["tmux.socket"];
  return handOver("/", [
    ...(process.env.TMUX ? ["env", "-u", "TMUX"] : []),
    ...["tmux", "-u", ...(socket ? ["-L", socket] : []), "attach-session", "-t", at],
    ...(options.readOnly ? ["-r"] : []),
    ...(options.ignoreSize ? ["-f", "ignore-size"] : []),
    ...(options.alone ? ["-d"] : []),
  ]);
}

/** Whether this terminal is in the tmux server that ccr uses. */
function insideOurTmux(): boolean {
  const [socket] = (process.env.TMUX ?? "").split(",");
  const own = config()["tmux.socket"];
  return Boolean(socket) && (own === "" || basename(socket!) === own);
}
