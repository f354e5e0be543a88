import { closeSync, openSync } from "node:fs";
import { readAt } from "../claude/lines.ts";
import { Problem } from "../system/problem.ts";
import { StagedFile, statOrNull } from "../system/staged-file.ts";

/**
 * Appends what `theirs` has from byte `tail` on to `ours`. Writes a complete new file, then renames it. Throws a Problem if
 * the session is running or `ours` has changed meanwhile.
 */
export function appendTail(ours: string, theirs: string, tail: number, isRunning: () => boolean): void {
  const base = statOrNull(ours);
  const staged = new StagedFile(ours);
  try {
    const last = copyInto(ours, 0, staged);
    if (last !== 10 && last !== null) staged.write("\n");
    copyInto(theirs, tail, staged);
    if (isRunning())
      throw new Problem("live", `${ours} is being written to`, { hint: "end the session first" });
    staged.commit(base);
  } finally {
    staged.discard();
  }
}

/** Copies a file from byte `start` to its end into a staged file. Returns the last byte, or null if there was none. */
export function copyInto(path: string, start: number, to: StagedFile): number | null {
  const fd = openSync(path, "r");
  const buffer = Buffer.allocUnsafe(1 << 20);
  let last: number | null = null;
  try {
    for (let at = start; ; ) {
      const got = readAt(fd, buffer, at);
      if (got === 0) return last;
      to.write(buffer.subarray(0, got));
      last = buffer[got - 1]!;
      at += got;
    }
  } finally {
    closeSync(fd);
  }
}
