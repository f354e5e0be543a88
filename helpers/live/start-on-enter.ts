// A window that waits for Enter before it becomes Claude: a sleeping sh, no Node, no tokens.

import { readFileSync } from "node:fs";
import { registryDirectory } from "../claude/places.ts";

/** What marks a waiting window's process, until it becomes the program. */
const NAME = "ccr-lazy";

/**
 * No key but Enter acts: neither a signal nor an end of input can end it. Then the same process is the program, unless
 * the registry (`$1`) says that a process with this session (`$2`) runs.
 */
const WAIT = `s=$(stty -g); stty -echo -isig eof undef; printf "\\033[2J\\033[H%s\\n" "\${CCR_TEXT:-Enter shows the log.}"
while read -r x || exit; do l=; for f in "$1"/*.json; do p=\${f##*/}; p=\${p%.json}; t=$(cut -d" " -f22 "/proc/$p/stat" 2>/dev/null)
[ "$t" ] && grep -qs "$2" "$f" && grep -qs "procStart.:.\\{0,1\\}$t[^0-9]" "$f" && l=$p; done
[ "$l" ] || break; echo "It runs already: pid $l. Enter tries again."; done
shift 2; stty "$s"; unset CCR_TEXT s x l f p t; clear; exec "$@"`;

/** Words that show `CCR_TEXT` of their environment, wait for Enter, and then are `argv`: the session's, if it is not live. */
export const startOnEnter = (argv: readonly string[], id = "-"): string[] => [
  "/bin/sh",
  "-c",
  WAIT,
  NAME,
  id === "-" ? id : registryDirectory(),
  id,
  ...argv,
];

/** Whether a process is such a waiting one. */
export function isPending(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0", 4)[3] === NAME;
  } catch {
    return false;
  }
}
