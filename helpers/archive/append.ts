import { closeSync, openSync } from "node:fs";
import { readAt } from "../claude/lines.ts";
import { Problem } from "../system/problem.ts";
import { StagedFile, statOrNull } from "../system/staged-file.ts";

/** Appends a file's bytes from `tail` on: the whole is written beside it and takes its name at once. */
export function appendTail(ours: string, theirs: string, tail: number, running: () => boolean): void {
  const base = statOrNull(ours);
  const staged = new StagedFile(ours);
  try {
    const last = copyInto(ours, 0, staged);
    if (last !== 10 && last !== null) staged.write("\n");
    copyInto(theirs, tail, staged);
    if (running())
      throw new Problem("live", `${ours} is being written to.`, { hint: "end the session first" });
    staged.commit(base);
  } finally {
    staged.discard();
  }
}

/** The last byte that was copied. */
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
