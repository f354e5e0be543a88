import { readSync } from "node:fs";
import { LONGEST_LINE, readAt, readCounts } from "../claude/lines.ts";
import { closingQuote } from "../claude/row-marks.ts";
import { parseLine, type Row } from "../claude/rows.ts";
import type { Field, FieldOf } from "../claude/visible-text.ts";
import { CHUNK, KEPT, type Kernel, type Needle, plainSearch } from "./kernel.ts";
import type { Word } from "./words.ts";

/**
 * A line that may hold visible text with the word in it. `hit` is where in its bytes the needle fits; `bytes` is null
 * where the line is too long to be taken whole, and `rows` have their long texts cut down.
 */
export type ScannedLine = {
  start: number;
  field: Field;
  hit: number;
  bytes: Buffer | null;
  rows: () => Row[];
};

/** Lines longer than this are not parsed whole. */
const LONG = 1024 * 1024;
const NEWLINE = 10;
const QUOTE = 34;
const BACKSLASH = 92;

/**
 * The search for one needle in one file: at offset `at` there is a string of this field, as a walk back to its
 * opening quote has found; up to offset `past` the lines are done.
 */
type Search = { needle: Needle; marks: boolean; at: number; field: Field; past: number };

/** Reads a file once through the kernel, and parses those lines only that hold a word in visible text. */
export class Scan {
  readonly #kernel: Kernel;
  readonly #words: readonly Word[];
  readonly #fieldOf: FieldOf;
  #fd = -1;
  #size = 0;
  /** offset in the file = index in the kernel's bytes + origin */
  #origin = 0;
  #floor = 0;
  /** end of what was read, and of what is to be searched */
  #read = 0;
  #end = 0;

  constructor(kernel: Kernel, words: readonly Word[], fieldOf: FieldOf) {
    this.#kernel = kernel;
    this.#words = words;
    this.#fieldOf = fieldOf;
  }

  /**
   * Visits, chunk by chunk, the lines in which one of `words` (indexes) stands in visible text or in a title; each
   * line once. `visit` ends the reading by returning true. `head` sees the first chunk, of `first` bytes, and may end it
   * as well. `from` is where a line begins.
   */
  read(
    fd: number,
    size: number,
    words: readonly number[],
    visit: (line: ScannedLine) => boolean,
    {
      head,
      first = CHUNK,
      from = 0,
    }: { head?: (bytes: Buffer) => boolean; first?: number; from?: number } = {},
  ): void {
    const { bytes, base } = this.#kernel;
    this.#fd = fd;
    this.#size = size;
    const start = base + KEPT;
    const searches = words.flatMap((word) => {
      const { needles, marks } = this.#words[word]!;
      return needles.map((needle): Search => ({ needle, marks, at: -1, field: null, past: -1 }));
    });
    const seen = new Set<number>();
    let position = from;
    let kept = 0;
    for (let step = first; position < size; step = CHUNK) {
      const got = readSync(fd, bytes, start, Math.min(step, size - position), position);
      if (got === 0) return;
      readCounts.bytes += got;
      this.#origin = position - start;
      this.#floor = start - kept;
      this.#read = start + got;
      this.#end = this.#read;
      if (position === 0 && head?.(bytes.subarray(start, this.#end))) return;
      let ended = false;
      for (const search of searches) ended = this.#search(search, start, seen, visit) || ended;
      if (ended) return;
      position += got;
      kept = Math.min(KEPT, this.#read - this.#floor);
      bytes.copyWithin(start - kept, this.#read - kept, this.#read);
    }
  }

  #search(search: Search, start: number, seen: Set<number>, visit: (line: ScannedLine) => boolean): boolean {
    const kernel = this.#kernel;
    const n = search.needle.value.length;
    kernel.use(search.needle);
    let from = Math.max(this.#floor, start - n + 1, search.past - this.#origin);
    for (;;) {
      const hit = kernel.find(from, this.#end);
      if (hit < 0) return false;
      const field = search.marks ? this.#field(hit + n - 1) : this.#fieldAround(hit, search);
      if (field === null) {
        from = hit + 1;
        continue;
      }
      const [lineStart, lineEnd] = this.#line(hit);
      if (!seen.has(lineStart)) {
        seen.add(lineStart);
        if (visit(this.#visit(lineStart, lineEnd, field, hit + this.#origin))) {
          // Another needle may still fit earlier, and the earliest place is the one to be found.
          this.#end = Math.max(this.#floor, lineStart - this.#origin);
          return true;
        }
      }
      search.past = lineEnd;
      if (lineEnd - this.#origin >= this.#end) return false;
      from = lineEnd - this.#origin;
    }
  }

  /** The field of the string around a hit: back to the nearest quote that is not escaped, or to what is known. */
  #fieldAround(hit: number, search: Search): Field {
    const { bytes } = this.#kernel;
    const known = search.at - this.#origin;
    // Whether a quote right at the floor is escaped cannot be seen.
    const low = this.#floor + this.#origin === 0 ? this.#floor : this.#floor + 16;
    const floor = Math.max(low, known);
    const quote = openingQuote(bytes, hit, floor);
    let field: Field;
    if (quote >= 0) field = bytes[quote] === QUOTE ? this.#field(quote) : null;
    else if (known >= low) field = search.field;
    else field = this.#fieldBefore(low + this.#origin, search);
    search.at = hit + this.#origin;
    search.field = field;
    return field;
  }

  #field(quote: number): Field {
    const { bytes } = this.#kernel;
    if (quote - this.#floor > 300 || this.#floor + this.#origin === 0)
      return this.#fieldOf(bytes, quote, this.#floor);
    const at = quote + this.#origin;
    const length = Math.min(at, 400);
    const buffer = Buffer.allocUnsafe(length + 1);
    readAt(this.#fd, buffer, at - length);
    return this.#fieldOf(buffer, length, 0);
  }

  /** The same for a string that began before the bytes at hand; nothing is read twice thanks to the search. */
  #fieldBefore(offset: number, search: Search): Field {
    const bottom = Math.max(0, search.at);
    for (let top = offset; top > bottom; ) {
      const from = Math.max(bottom, top - 65_536);
      // A few bytes more: whether the first quote is escaped, and the key before it.
      const margin = Math.min(from, 400);
      const buffer = Buffer.allocUnsafe(top - from + margin);
      readAt(this.#fd, buffer, from - margin);
      const quote = openingQuote(buffer, buffer.length, margin);
      if (quote >= 0) return buffer[quote] === QUOTE ? this.#fieldOf(buffer, quote, 0) : null;
      top = from;
    }
    return search.at >= 0 ? search.field : null;
  }

  /** First and last offset (exclusive) of the line around an index. */
  #line(index: number): [start: number, end: number] {
    const { bytes } = this.#kernel;
    const before = bytes.lastIndexOf(NEWLINE, index - 1);
    let start = before + 1 + this.#origin;
    if (before < this.#floor) {
      start = this.#floor + this.#origin;
      while (start > 0) {
        const from = Math.max(0, start - 65_536);
        const buffer = Buffer.allocUnsafe(start - from);
        readAt(this.#fd, buffer, from);
        const newline = buffer.lastIndexOf(NEWLINE);
        if (newline >= 0) {
          start = from + newline + 1;
          break;
        }
        start = from;
      }
    }
    const after = bytes.indexOf(NEWLINE, index);
    if (after >= 0 && after < this.#read) return [start, after + this.#origin];
    let end = this.#read + this.#origin;
    for (const buffer = Buffer.allocUnsafe(65_536); end < this.#size; ) {
      const got = readAt(this.#fd, buffer, end, Math.min(buffer.length, this.#size - end));
      const newline = buffer.subarray(0, got).indexOf(NEWLINE);
      if (newline >= 0) return [start, end + newline];
      if (got === 0) break;
      end += got;
    }
    return [start, end];
  }

  #visit(start: number, end: number, field: Field, hit: number): ScannedLine {
    const length = end - start;
    const visit = { start, field, hit: hit - start, bytes: null };
    if (length > LONGEST_LINE) return { ...visit, rows: () => [] };
    const { bytes } = this.#kernel;
    const at = start - this.#origin;
    let line: Buffer;
    if (at >= this.#floor && at + length <= this.#read) line = bytes.subarray(at, at + length);
    else {
      line = Buffer.allocUnsafe(length);
      line = line.subarray(0, readAt(this.#fd, line, start));
    }
    if (length > LONG)
      return { ...visit, rows: () => parseLine(shorten(line, this.#words).toString("utf8")).rows };
    return { ...visit, bytes: line, rows: () => parseLine(line.toString("utf8")).rows };
  }
}

/**
 * Going back from `from`, the nearest quote that is not escaped, or the end of the line before (a string does not
 * reach over it); -1 when neither stands at `floor` or later.
 */
function openingQuote(bytes: Buffer, from: number, floor: number): number {
  for (let at = from - 1; at >= floor; at--) {
    const byte = bytes[at]!;
    if (byte === NEWLINE) return at;
    if (byte !== QUOTE) continue;
    let slashes = 0;
    while (at - 1 - slashes >= 0 && bytes[at - 1 - slashes] === BACKSLASH) slashes++;
    if (slashes % 2 === 0) return at;
    at -= slashes;
  }
  return -1;
}

const LONG_STRING = 65_536;
const WINDOW = 2048;
const MOST_WINDOWS = 64;

/** A line whose long strings are cut down to their beginning and the places where a word may stand. */
function shorten(line: Buffer, words: readonly Word[]): Buffer {
  const pieces: Buffer[] = [];
  let copied = 0;
  const gap = Buffer.from("\\n…\\n");
  for (let open = line.indexOf(QUOTE); open >= 0; ) {
    const close = closingQuote(line, open + 1);
    if (close - open > LONG_STRING) {
      pieces.push(line.subarray(copied, open + 1));
      let last = open + 1;
      for (const [from, to] of windows(line, words, open + 1, close)) {
        if (from > last) pieces.push(gap);
        pieces.push(line.subarray(from, to));
        last = to;
      }
      copied = close;
    }
    open = close + 1 < line.length ? line.indexOf(QUOTE, close + 1) : -1;
  }
  pieces.push(line.subarray(copied));
  return Buffer.concat(pieces);
}

function windows(line: Buffer, words: readonly Word[], from: number, to: number): [number, number][] {
  const wanted: [number, number][] = [[from, from + WINDOW]];
  for (const { needles, marks } of words) {
    if (marks) wanted.push([from, from + 4 * LONG_STRING]);
    for (const needle of marks ? [] : needles) {
      const find = plainSearch(line, needle);
      let at = find(from, to);
      for (let i = 0; at >= 0 && i < MOST_WINDOWS; i++, at = find(at + WINDOW, to))
        wanted.push([at - WINDOW, at + WINDOW]);
    }
  }
  wanted.sort((a, b) => a[0] - b[0]);
  const merged: [number, number][] = [];
  for (const [start, end] of wanted) {
    const last = merged.at(-1);
    const clear: [number, number] = [
      boundary(line, Math.max(from, start), from),
      boundary(line, Math.min(to, end), from),
    ];
    if (last && clear[0] <= last[1]) last[1] = Math.max(last[1], clear[1]);
    else merged.push(clear);
  }
  return merged;
}

/** The next position back that is inside neither a character nor an escape sequence. */
function boundary(line: Buffer, at: number, floor: number): number {
  let cut = at;
  const cuttable = (): boolean =>
    (line[cut]! & 0xc0) !== 0x80 && !line.subarray(Math.max(floor, cut - 6), cut).includes(BACKSLASH);
  while (cut > floor && cut < line.length && !cuttable()) cut--;
  return cut;
}
