import { statSync } from "node:fs";
import { hasTmux } from "../live/tmux.ts";
import { Problem } from "../system/problem.ts";
import { usageError } from "./usage-error.ts";

/** Throws a Problem unless tmux is installed. */
export function requireTmux(): void {
  if (hasTmux()) return;
  throw new Problem("no-tmux", "tmux is not installed; live sessions need it", {
    hint: ["install tmux: apt-get install tmux", "or resume in this terminal: ccr <session>"],
  });
}

/** Throws a Problem unless a directory exists: tmux would silently use another one. */
export function requireDirectory(directory: string): void {
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory()) return;
  throw usageError(`no such directory: ${directory}`);
}
