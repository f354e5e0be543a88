// Runs tmux, with exact targets, and with arguments that it neither expands nor mistakes for commands.
// Source: docs/developing/tmux.md, "Names and targets" and "What tmux expands and runs".

import { execFile } from "node:child_process";
import { config } from "../system/config.ts";
import { isOnPath } from "../system/process.ts";

/** Whether there is a tmux program. */
export const hasTmux = (): boolean => isOnPath("tmux");

/** Doubles `#` in an argument that tmux expands (`-s`, `-n`, `-c`, formats), so that it runs nothing. */
export const literal = (text: string): string => text.replaceAll("#", "##");

/** Separates the commands of one call. */
export const SEPARATOR = "\u0000;";

/** A trailing `;` would end the command. */
const word = (text: string): string => text.replace(/;$/, "\\;");

export type Answer = { ok: boolean; out: string; err: string };

/** Runs tmux on the person's server, or on ccr's own where `tmux.socket` is set. */
export function tmux(
  words: readonly string[],
  options: { env?: NodeJS.ProcessEnv; directory?: string; input?: string } = {},
): Promise<Answer> {
  const socket = config()["tmux.socket"];
  const args = [
    "-u",
    ...(socket === "" ? [] : ["-L", socket]),
    ...words.map((one) => (one === SEPARATOR ? ";" : word(one))),
  ];
  return new Promise((resolve) => {
    const child = execFile(
      "tmux",
      args,
      {
        timeout: 10_000,
        maxBuffer: 16 * 1024 * 1024,
        env: { ...(options.env ?? process.env) },
        ...(options.directory === undefined ? {} : { cwd: options.directory }),
      },
      (error, out, err) => resolve({ ok: error === null, out, err: err.trim() }),
    );
    child.stdin?.on("error", () => {});
    child.stdin?.end(options.input ?? "");
  });
}

/** Target of a session or of one of its windows: `=name:` is exact everywhere, a bare name is not. */
export const target = (name: string, window = ""): string => `=${name}:${window}`;

/** The visible text of a pane, and so many lines above it. Null when the pane does not exist. */
export async function screenOf(pane: string, above = 0): Promise<string | null> {
  const answer = await tmux(["capture-pane", "-p", "-S", String(-above), "-t", pane]);
  return answer.ok ? answer.out.trimEnd() : null;
}

/** Whether the program of a pane has ended, or the pane does not exist. */
export async function isDead(pane: string): Promise<boolean> {
  const answer = await tmux(["display-message", "-p", "-t", pane, "#{pane_dead}"]);
  return !answer.ok || answer.out.trim() !== "0";
}

/** Ends a tmux session that ccr created. */
export async function endSession(name: string): Promise<void> {
  await tmux(["kill-session", "-t", target(name)]);
}
