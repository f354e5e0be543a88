// A window that waits for Enter before it becomes Claude: a sleeping sh, no Node, no tokens.

import { readFileSync } from "node:fs";
import { registryDirectory } from "../claude/places.ts";
import { compactScript } from "../system/script.ts";
import program from "./start-on-enter.sh" with { type: "text" };

/** What marks a waiting window's process, until it becomes the program. */
const NAME = "ccr-lazy";

/** Words that show `CCR_TEXT` of their environment, wait for Enter, and then are `argv`: the session's, if it is not live. */
export const startOnEnter = (argv: readonly string[], id = "-"): string[] => [
  "/bin/sh",
  "-c",
  compactScript(program),
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
