import { createHash } from "node:crypto";
import { closeSync, fstatSync, openSync } from "node:fs";
import { forward, readAt } from "../claude/lines.ts";
import { isRequestRow, mapRowPaths, parseLine } from "../claude/rows.ts";
import { replaceLongStrings, rowToJson } from "../conversation/long-strings.ts";

const PAGE = 1 << 20;

/** What two copies of a session have in common: `to` is the byte of `theirs` after the last row that both have. */
export type Relation = { is: "same" | "ours-longer" | "theirs-longer" | "different"; to: number };

/** Compares two transcripts of one session row by row, wherever each of them lies. Rows without a uuid do not count. */
export function compareTranscripts(ours: string, theirs: string): Relation {
  const [one, two] = [openSync(ours, "r"), openSync(theirs, "r")];
  try {
    // Most often all of one is the beginning of the other.
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

/** Where the last line ends up to which two files have the same bytes. */
function commonLines(one: number, two: number): number {
  const [a, b] = [Buffer.allocUnsafe(PAGE), Buffer.allocUnsafe(PAGE)];
  let lines = 0;
  for (let at = 0; ; at += PAGE) {
    const [m, n] = [readAt(one, a, at), readAt(two, b, at)];
    let same = Math.min(m, n);
    if (!a.subarray(0, same).equals(b.subarray(0, same))) {
      same = 0;
      while (a[same] === b[same]) same++;
    }
    const newline = same === 0 ? -1 : a.lastIndexOf(10, same - 1);
    if (newline >= 0) lines = at + newline + 1;
    if (same < PAGE) return lines;
  }
}

const sumOf = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

export function* rowKeys(fd: number, from: number): Generator<{ key: string; end: number }, undefined> {
  const { size } = fstatSync(fd);
  for (const { bytes, start, length } of forward(fd, size, { start: from, first: 1 << 18 })) {
    const end = Math.min(size, start + length + 1);
    if (!bytes) yield { key: String(length), end };
    else
      for (const row of parseLine(replaceLongStrings(bytes, (long) => `"${sumOf(long)}"`)).rows) {
        if (typeof row.uuid !== "string" || isRequestRow(row)) continue;
        mapRowPaths(row, () => "");
        yield { key: rowToJson(row) ?? JSON.stringify({ uuid: row.uuid, sum: sumOf(bytes) }), end };
      }
  }
}
