// One command in an interactive bash: its .bashrc is read, its functions are there.

import { execa, type Options } from "execa";

/** Without a terminal bash says so in two lines. */
function* withoutNotices(line: unknown): Generator<unknown> {
  if (!/^bash: (cannot set terminal process group|no job control in this shell)/.test(String(line)))
    yield line;
}

/** In a session of its own: an interactive bash in the background would wait for the terminal for ever. */
export function interactiveBash<T extends Options>(command: string, stderr: "inherit" | "pipe", options: T) {
  return execa("bash", ["-ic", command], {
    ...options,
    detached: true,
    extendEnv: false,
    stderr: [withoutNotices, stderr],
    reject: false,
  });
}
