import { createHash } from "node:crypto";
import { closeSync, fstatSync, openSync } from "node:fs";
import { linesForward, readAt } from "../claude/lines.ts";
import { isRequestRow, mapRowPaths, parseLine } from "../claude/rows.ts";
import { replaceLongStrings, rowToJson } from "../conversation/long-strings.ts";

/** Bytes compared at once. */
const BLOCK = 1 << 20;

/** How two copies of a session relate. `to` is the offset in `theirs` after the last row that both have. */
export type Relation = { is: "same" | "ours-longer" | "theirs-longer" | "different"; to: number };

/** Compares two transcripts of one session row by row, ignoring paths and rows without a uuid. */
export function compareTranscripts(ours: string, theirs: string): Relation {
  const [one, two] = [openSync(ours, "r"), openSync(theirs, "r")];
  try {
    // Usually one file is a prefix of the other, so compare bytes before rows.
    const common = commonLines(one, two);
    const [mine, other] = [rowKeys(one, common), rowKeys(two, common)];
    for (let to = common; ; ) {
      const [a, b] = [mine.next(), other.next()];
      if (a.done && b.done) return { is: "same", to };
      if (a.done) return { is: "theirs-longer", to };
      if (b.done) return { is: "ours-longer", to };
      if (a.value.key !== b.value.key) return { is: "different", to };
      to = b.value.end;
    }
  } finally {
    closeSync(one);
    closeSync(two);
  }
}

/** Returns the end of the last line up to which two files are equal byte for byte. */
function commonLines(one: number, two: number): number {
  const [a, b] = [Buffer.allocUnsafe(BLOCK), Buffer.allocUnsafe(BLOCK)];
  let lines = 0;
  for (let at = 0; ; at += BLOCK) {
    const [m, n] = [readAt(one, a, at), readAt(two, b, at)];
    let same = Math.min(m, n);
    if (!a.subarray(0, same).equals(b.subarray(0, same))) {
      same = 0;
      while (a[same] === b[same]) same++;
    }
    const newline = same === 0 ? -1 : a.lastIndexOf(10, same - 1);
    if (newline >= 0) lines = at + newline + 1;
    if (same < BLOCK) return lines;
  }
}

const sha256 = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

/**
 * Yields a key for each row with a uuid, from byte `from` on, and the offset at which its line ends. Rows with equal keys are
 * equal except for paths. A line that is too long to read counts by its length.
 */
export function* rowKeys(fd: number, from: number): Generator<{ key: string; end: number }, undefined> {
  const { size } = fstatSync(fd);
  for (const { bytes, start, length } of linesForward(fd, size, { start: from, first: 1 << 18 })) {
    const end = Math.min(size, start + length + 1);
    if (!bytes) yield { key: String(length), end };
    else
      for (const row of parseLine(replaceLongStrings(bytes, (long) => `"${sha256(long)}"`)).rows) {
        if (typeof row.uuid !== "string" || isRequestRow(row)) continue;
        mapRowPaths(row, () => "");
        yield { key: rowToJson(row) ?? JSON.stringify({ uuid: row.uuid, sum: sha256(bytes) }), end };
      }
  }
}
