// A window that waits for Enter before it becomes Claude: a sleeping sh, no Node, no tokens.

import { readFileSync } from "node:fs";

/** What marks a waiting window's process, until it becomes the program. */
const NAME = "ccr-lazy";

/** No key but Enter acts: neither a signal nor an end of input can end it. Then the same process is the program. */
const WAIT =
  's=$(stty -g); stty -echo -isig eof undef; printf "\\033[2J\\033[H%s\\n" "${CCR_TEXT:-Enter shows the log.}"; read -r x; stty "$s"; unset CCR_TEXT s x; clear; exec "$@"';

/** Words that show `CCR_TEXT` of their environment, wait for Enter, and then are `argv`. */
export const lazily = (argv: readonly string[]): string[] => ["/bin/sh", "-c", WAIT, NAME, ...argv];

/** Whether a process is such a waiting one. */
export function isWaiting(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0", 4)[3] === NAME;
  } catch {
    return false;
  }
}
