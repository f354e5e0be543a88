// One command in an interactive bash: its .bashrc is read, its functions are there.

import { execa, type Options } from "execa";

/**
 * In a session of its own: a bash that is interactive and in the background would wait for the terminal for ever.
 * Without a terminal bash says so in two lines, which `withoutNotices` drops.
 */
export function interactiveBash<T extends Options>(command: string, options: T) {
  return execa("bash", ["-ic", command], {
    ...options,
    detached: true,
    extendEnv: false,
    stderr: "pipe",
    reject: false,
  });
}

const notice = /^bash: (cannot set terminal process group|no job control in this shell)/;

export const withoutNotices = (stderr: string): string =>
  stderr
    .split("\n")
    .filter((line) => !notice.test(line))
    .join("\n");
