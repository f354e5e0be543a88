/** A sh program for `sh -c`: without comments, empty lines and indentation, because tmux takes at most 16 kB of arguments. */
export const compactScript = (program: string): string => program.replace(/^(?:\s*#.*)?\s*/gm, "").trimEnd();
