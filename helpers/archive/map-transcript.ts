import { closeSync, fstatSync, fsyncSync, openSync } from "node:fs";
import { forward, readAt } from "../claude/lines.ts";
import { isRequestRow, mapRowPaths } from "../claude/rows.ts";
import { parseLongLine } from "../conversation/long-strings.ts";
import { fileWriter } from "../system/files.ts";
import { type PathRule, pathMapper } from "./path-rules.ts";

const MARKS = ['"prompt_snapshot"', '"api-request'];

const PAGE = 1 << 20;

/** Writes a transcript with its paths mapped to `to`; rows in which nothing changes stay as they are, byte for byte. */
export function mapTranscript(from: string, to: string, rules: readonly PathRule[]): void {
  const map = pathMapper(rules);
  const marks = [
    ...MARKS,
    ...rules.flatMap(([path, other]) => (path === other ? [] : JSON.stringify(path).slice(1, -1))),
  ].map((mark) => Buffer.from(mark));
  const input = openSync(from, "r");
  const output = openSync(to, "wx", 0o600);
  try {
    const sink = fileWriter(output, to);
    const { size } = fstatSync(input);
    const page = Buffer.allocUnsafe(PAGE);
    let used = 0;
    const flush = (): void => {
      sink(page.subarray(0, used));
      used = 0;
    };
    const write = (piece: string | Buffer): void => {
      const bytes = typeof piece === "string" ? Buffer.from(piece) : piece;
      if (used + bytes.length > PAGE) flush();
      if (bytes.length > PAGE) sink(bytes);
      else used += bytes.copy(page, used);
    };
    for (const { bytes, start, length } of forward(input, size, { first: 1 << 18 })) {
      if (bytes) {
        const line = marks.some((mark) => bytes.includes(mark)) ? mapLine(bytes, map) : [bytes];
        if (line === null) continue;
        for (const piece of line) write(piece);
      } else {
        flush();
        for (let at = 0; at < length; ) {
          const got = readAt(input, page, start + at, Math.min(PAGE, length - at));
          sink(page.subarray(0, got));
          at += got;
        }
      }
      if (start + length < size) write("\n");
    }
    flush();
    fsyncSync(output);
  } finally {
    closeSync(input);
    closeSync(output);
  }
}

/** A line with its rows mapped; null where none of them is kept. What cannot be read whole stays as it is. */
function mapLine(bytes: Buffer, map: (path: string) => string): (string | Buffer)[] | null {
  const { rows, lost, written } = parseLongLine(bytes);
  if (lost || rows.length === 0) return [bytes];
  const kept = rows.filter((row) => !isRequestRow(row));
  if (kept.length === 0) return null;
  const changed = kept.map((row) => mapRowPaths(row, map)).includes(true) || kept.length < rows.length;
  return (changed && written(kept)) || [bytes];
}
