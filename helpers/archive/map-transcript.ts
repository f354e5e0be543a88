import { closeSync, fstatSync, fsyncSync, openSync } from "node:fs";
import { linesForward, readAt } from "../claude/lines.ts";
import { REQUEST_MARKS } from "../claude/row-marks.ts";
import { isRequestRow, mapRowPaths } from "../claude/rows.ts";
import { parseLongLine } from "../conversation/long-strings.ts";
import { fileWriter } from "../system/files.ts";
import { type PathRule, pathMapper } from "./path-rules.ts";

/** Bytes written at once. */
const BUFFER = 1 << 20;

/**
 * Copies a transcript from the file `from` to the new file `to` with its paths mapped. Lines in which nothing changes stay
 * the same byte for byte. Rows with the old system prompt are left out.
 */
export function mapTranscript(from: string, to: string, rules: readonly PathRule[]): void {
  const map = pathMapper(rules);
  const marks = [
    ...REQUEST_MARKS,
    ...rules.flatMap(([path, other]) => (path === other ? [] : JSON.stringify(path).slice(1, -1))),
  ].map((mark) => Buffer.from(mark));
  const input = openSync(from, "r");
  const output = openSync(to, "wx", 0o600);
  try {
    const out = new BufferedWriter(output, to);
    const { size } = fstatSync(input);
    for (const { bytes, start, length } of linesForward(input, size, { first: 1 << 18 })) {
      if (bytes) {
        const line = marks.some((mark) => bytes.includes(mark)) ? mapLine(bytes, map) : [bytes];
        if (line === null) continue;
        for (const piece of line) out.write(piece);
      } else out.copyFrom(input, start, length);
      if (start + length < size) out.write("\n");
    }
    out.flush();
    fsyncSync(output);
  } finally {
    closeSync(input);
    closeSync(output);
  }
}

/** Collects small pieces, because a write for each line would be slow. */
class BufferedWriter {
  readonly #write: (bytes: Uint8Array) => void;
  readonly #buffer = Buffer.allocUnsafe(BUFFER);
  #used = 0;

  constructor(fd: number, path: string) {
    this.#write = fileWriter(fd, path);
  }

  write(piece: string | Buffer): void {
    const bytes = typeof piece === "string" ? Buffer.from(piece) : piece;
    if (this.#used + bytes.length > BUFFER) this.flush();
    if (bytes.length > BUFFER) this.#write(bytes);
    else this.#used += bytes.copy(this.#buffer, this.#used);
  }

  copyFrom(fd: number, start: number, length: number): void {
    this.flush();
    for (let at = 0; at < length; ) {
      const got = readAt(fd, this.#buffer, start + at, Math.min(BUFFER, length - at));
      this.#write(this.#buffer.subarray(0, got));
      at += got;
    }
  }

  flush(): void {
    this.#write(this.#buffer.subarray(0, this.#used));
    this.#used = 0;
  }
}

/** Maps the rows of a line. Returns null if none of them is kept. A line that cannot be read completely stays as it is. */
function mapLine(bytes: Buffer, map: (path: string) => string): (string | Buffer)[] | null {
  const { rows, lost, serialize } = parseLongLine(bytes);
  if (lost || rows.length === 0) return [bytes];
  const kept = rows.filter((row) => !isRequestRow(row));
  if (kept.length === 0) return null;
  const changed = kept.map((row) => mapRowPaths(row, map)).includes(true) || kept.length < rows.length;
  return (changed && serialize(kept)) || [bytes];
}
