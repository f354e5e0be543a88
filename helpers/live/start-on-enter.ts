// A window that waits for Enter before it becomes Claude: a sleeping sh, which costs no Node and no tokens.

import { registryDirectory } from "../claude/places.ts";
import { argvOf } from "../system/process.ts";
import { compactScript } from "../system/script.ts";
import program from "./start-on-enter.sh" with { type: "text" };

/** The waiting shell's `$0`, by which it is recognized. */
const NAME = "ccr-lazy";

/**
 * The command that shows `$CCR_TEXT`, waits for Enter, and then becomes `argv`. With a session's id it does so only
 * while that session runs nowhere else.
 */
export const startOnEnter = (argv: readonly string[], id = "-"): string[] => [
  "/bin/sh",
  "-c",
  compactScript(program),
  NAME,
  id === "-" ? id : registryDirectory(),
  id,
  ...argv,
];

/** Whether a process still waits for Enter. */
export const isPending = (pid: number): boolean => argvOf(pid)[3] === NAME;
