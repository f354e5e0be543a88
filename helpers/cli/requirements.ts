import { statSync } from "node:fs";
import { hasTmux } from "../live/tmux.ts";
import { Problem } from "../system/problem.ts";

export function requireTmux(): void {
  if (hasTmux()) return;
  throw new Problem("no-tmux", "tmux is not installed, and live sessions run in it.", {
    hint: ["install it: apt-get install tmux", "without it: ccr <session> resumes in this terminal"],
  });
}

/** A Problem unless a directory can be started in: tmux would take another one without a word. */
export function requireDirectory(directory: string): void {
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory()) return;
  throw new Problem("usage", `no such directory: ${directory}`, { exit: 2 });
}
