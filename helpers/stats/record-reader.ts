import { readSync } from "node:fs";
import { readCounts } from "../claude/lines.ts";
import { slug } from "../claude/places.ts";
import { CWD, RELOCATED, USAGE, USER_ROLE } from "../claude/row-marks.ts";
import { parseLine, type Row, relocatedTo, string } from "../claude/rows.ts";
import { countRow, UsageScanner } from "../claude/usage.ts";
import { CHUNK, type Kernel, makeKernel, type Needle } from "../search/kernel.ts";
import { type Counts, Hash, PROMPT, type Records, SIDE } from "./records.ts";

/** What is known of a file besides its messages. */
export type FileHead = {
  /** directory that the session was started in */
  start: string | null;
  session: string | null;
  /** where its first unread line begins */
  offset: number;
  /** lines that were too long to be read */
  skipped: number;
};

/** A file that is read. */
export type Source = {
  /** names it, for messages without an id */
  key: string;
  /** name of its project folder */
  folder: string;
  /** whether all of it is a subagent's */
  side: boolean;
};

/** Whole lines from one place to another in bytes that begin at `base` in the file. */
type Lines = {
  view: Buffer;
  from: number;
  end: number;
  base: number;
  /** where lines begin that were parsed */
  parsed: Set<number>;
};

const startOfLine = ({ view, from }: Lines, at: number): number =>
  Math.max(from, view.lastIndexOf(NEWLINE, at) + 1);

/** Longer lines are damage, or results that count for nothing. */
const LONGEST = 16 * 1024 * 1024;
/** Exact needles; the bytes that are looked for first are rare in transcripts. */
const USAGES: Needle = { value: USAGE, mask: new Uint8Array(USAGE.length), rare: [7, 10] };
const USERS: Needle = { value: USER_ROLE, mask: new Uint8Array(USER_ROLE.length), rare: [7, 8] };
/** Of longer rows only the beginnings of their texts are parsed: the rest would take four times its size in memory. */
const HUGE = 256 * 1024;
const BEGINNING = 2048;
const NEWLINE = 10;
const RETURN = 13;
const ANSWER_SEED = 0;
const PROMPT_SEED = 0x5f3759df;
const UNNAMED_SEED = 0x2545f491;

/** Reads transcripts into records, each byte once, with one buffer for all. */
export class RecordReader {
  readonly models: string[];
  readonly #records: Records;
  readonly #places = new Map<string, number>();
  readonly #scanner = new UsageScanner();
  readonly #hash = new Hash();
  #kernel: Kernel;
  #room = CHUNK;
  #marks = new Int32Array(1024);
  #model = -1;
  #modelBytes = Buffer.alloc(0);

  #source: Source = { key: "", folder: "", side: false };
  /** counts of a prompt: no tokens */
  readonly #prompt: Counts = { at: 0, input: 0, output: 0, cacheCreation: 0, cacheRead: 0 };
  readonly #onRead: (bytes: number) => void;

  /** `models`: names of models, by the number that a record has; new ones are added. `onRead` is called for each piece. */
  constructor(records: Records, models: string[], onRead: (bytes: number) => void = () => {}) {
    this.#onRead = onRead;
    this.#records = records;
    this.#kernel = makeKernel(CHUNK);
    this.models = models;
    models.forEach((name, place) => {
      this.#places.set(name, place);
    });
  }

  /** Reads a file from `head.offset` to `size`. Throws Node's file errors. */
  read(fd: number, size: number, head: FileHead, source: Source): void {
    const small = this.#kernel;
    this.#source = source;
    try {
      this.#readLines(fd, size, head);
    } finally {
      this.#kernel = small;
      this.#room = CHUNK;
    }
  }

  /** Reads a file piece by piece and counts the whole lines of each piece. */
  #readLines(fd: number, size: number, head: FileHead): void {
    let have = 0;
    let skipping = false;
    let at = head.offset;
    while (at < size) {
      if (have === this.#room) this.#grow(have);
      const { bytes, base } = this.#kernel;
      const got = readSync(fd, bytes, base + have, Math.min(this.#room - have, size - at), at);
      if (got === 0) break;
      readCounts.bytes += got;
      this.#onRead(got);
      at += got;
      const end = base + have + got;
      const view = bytes.subarray(0, end);
      const file = at - end;
      let start: number = base;
      if (skipping) {
        start = view.indexOf(NEWLINE, base) + 1;
        have = 0;
        if (start === 0) continue;
        skipping = false;
        head.offset = file + start;
      }
      const last = view.lastIndexOf(NEWLINE);
      if (last >= start) {
        this.#count(start, last + 1, file, head);
        start = last + 1;
        head.offset = file + start;
      } else if (end - start >= LONGEST) {
        skipping = true;
        head.skipped++;
        have = 0;
        continue;
      }
      bytes.copyWithin(base, start, end);
      have = end - start;
    }
    // A last line without its newline may still be written to: counted now if it is whole, and read again later.
    const { base } = this.#kernel;
    if (have > 0 && !skipping) this.#count(base, base + have, at - have - base, head);
  }

  #grow(have: number): void {
    const { bytes, base } = this.#kernel;
    this.#room = Math.min(LONGEST, this.#room * 8);
    this.#kernel = makeKernel(this.#room);
    bytes.copy(this.#kernel.bytes, this.#kernel.base, base, base + have);
  }

  /** Counts the whole lines between two places in the kernel's bytes, which begin at `base` in the file. */
  #count(from: number, end: number, base: number, head: FileHead): void {
    const lines: Lines = { view: this.#kernel.bytes.subarray(0, end), from, end, base, parsed: new Set() };
    this.#findDirectory(lines.view, from, head);
    this.#countAnswers(lines);
    if (!this.#source.side) this.#countPrompts(lines);
  }

  #countAnswers(lines: Lines): void {
    const { view, end } = lines;
    const scanner = this.#scanner;
    const count = this.#find(USAGES, lines.from, end);
    for (let i = 0; i < count; ) {
      const mark = this.#marks[i++]!;
      const start = startOfLine(lines, mark);
      let sure = scanner.answer(view, start, end, mark) === "yes";
      while (sure && i < count && this.#marks[i]! < scanner.usageEnd) i++;
      // A row with a second usage has to be parsed.
      sure &&= i === count || this.#marks[i]! > scanner.rowEnd;
      if (sure) {
        this.#hash.of(view, scanner.idStart, scanner.idEnd, ANSWER_SEED);
        const model = this.#modelAt(view, scanner.modelStart, scanner.modelEnd);
        this.#records.add(this.#hash, model, this.#source.side || scanner.side ? SIDE : 0, scanner);
        continue;
      }
      const stop = this.#parseLine(lines, start, mark);
      while (i < count && this.#marks[i]! < stop) i++;
    }
  }

  #countPrompts(lines: Lines): void {
    const { view, end } = lines;
    const scanner = this.#scanner;
    const count = this.#find(USERS, lines.from, end);
    for (let i = 0; i < count; i++) {
      const mark = this.#marks[i]!;
      if (scanner.isToolResult(view, mark)) continue;
      const start = startOfLine(lines, mark);
      if (lines.parsed.has(start)) continue;
      const result = scanner.prompt(view, start, end);
      if (result === "yes") {
        this.#hash.of(view, scanner.idStart, scanner.idEnd, PROMPT_SEED);
        this.#prompt.at = scanner.at;
        this.#records.add(this.#hash, 0, PROMPT, this.#prompt);
      } else if (result === "parse") this.#parseLine(lines, start, mark);
    }
  }

  /** Parses the line around a place. Returns where the line ends. */
  #parseLine(lines: Lines, start: number, at: number): number {
    const { view, end, base, parsed } = lines;
    const newline = view.indexOf(NEWLINE, at);
    const stop = newline < 0 ? end : newline;
    parsed.add(start);
    const textEnd = view[stop - 1] === RETURN ? stop - 1 : stop;
    const text =
      textEnd - start > HUGE ? shortened(view, start, textEnd) : view.toString("utf8", start, textEnd);
    for (const row of parseLine(text).rows) this.#countRow(row, base + start);
    return stop;
  }

  /** `offset` is where the row's line begins in the file: it names messages that have no id. */
  #countRow(row: Row, offset: number): void {
    const { key, side } = this.#source;
    const counts = countRow(row);
    if (!counts || (side && counts.kind === "prompt")) return;
    const prompt = counts.kind === "prompt";
    const named = prompt ? PROMPT_SEED : ANSWER_SEED;
    const bytes = Buffer.from(counts.key ?? `${key}\n${offset}`);
    this.#hash.of(bytes, 0, bytes.length, counts.key === null ? UNNAMED_SEED : named);
    const flags = (side || counts.side ? SIDE : 0) | (prompt ? PROMPT : 0);
    this.#records.add(this.#hash, prompt ? 0 : this.modelOf(counts.model), flags, counts);
  }

  /** Places of a needle, in `#marks`; their number. */
  #find(needle: Needle, from: number, end: number): number {
    const kernel = this.#kernel;
    kernel.use(needle);
    let count = 0;
    for (let at = kernel.find(from, end); at >= 0; at = kernel.find(at + needle.value.length, end)) {
      if (count === this.#marks.length) {
        const more = new Int32Array(count * 2);
        more.set(this.#marks);
        this.#marks = more;
      }
      this.#marks[count++] = at;
    }
    return count;
  }

  /** Finds the start directory and the session's id in the first row that has them. */
  #findDirectory(view: Buffer, from: number, head: FileHead): void {
    const { folder } = this.#source;
    for (let at = from; head.start === null; at++) {
      at = view.indexOf(CWD, at);
      if (at < 0) return;
      for (const row of this.#rowsAround(view, at)) {
        if (head.start !== null) break;
        head.start = string(row.cwd);
        head.session = string(row.sessionId);
      }
    }
    if (slug(head.start) === folder) return;
    // Moved for good by /cd: its folder is then that of the new directory.
    for (let at = view.indexOf(RELOCATED, from); at >= 0; at = view.indexOf(RELOCATED, at + 1)) {
      for (const row of this.#rowsAround(view, at)) {
        const moved = relocatedTo(row);
        if (moved !== null && slug(moved) === folder) head.start = moved;
      }
    }
  }

  #rowsAround(view: Buffer, at: number) {
    const start = Math.max(this.#kernel.base, view.lastIndexOf(NEWLINE, at) + 1);
    const newline = view.indexOf(NEWLINE, at);
    return parseLine(view.toString("utf8", start, newline < 0 ? view.length : newline)).rows;
  }

  #modelAt(view: Buffer, start: number, end: number): number {
    const bytes = this.#modelBytes;
    if (this.#model >= 0 && bytes.length === end - start) {
      let i = 0;
      while (i < bytes.length && bytes[i] === view[start + i]) i++;
      if (i === bytes.length) return this.#model;
    }
    this.#modelBytes = Buffer.from(view.subarray(start, end));
    this.#model = this.modelOf(this.#modelBytes.toString("latin1"));
    return this.#model;
  }

  /** number of a model */
  modelOf(name: string): number {
    let place = this.#places.get(name);
    if (place === undefined) {
      place = this.models.length;
      this.models.push(name);
      this.#places.set(name, place);
    }
    return place;
  }
}

const QUOTE = 34;
const BACKSLASH = 92;
const LETTER_U = 117;

/** The text of a row whose long strings are cut; everything else stays. */
export function shortened(bytes: Buffer, start: number, stop: number): string {
  const pieces: Buffer[] = [];
  let from = start;
  for (let i = start; i < stop; i++) {
    if (bytes[i] !== QUOTE) continue;
    const limit = i + BEGINNING;
    let cut = 0;
    for (i++; i < stop && bytes[i] !== QUOTE; i += lengthOfUnit(bytes, i))
      if (cut === 0 && i > limit) cut = i;
    if (cut === 0) continue;
    pieces.push(bytes.subarray(from, cut));
    from = Math.min(i, stop);
  }
  pieces.push(bytes.subarray(from, stop));
  return Buffer.concat(pieces).toString("utf8");
}

/** Bytes of one byte of text or of one escape in a JSON string. */
function lengthOfUnit(bytes: Buffer, at: number): number {
  if (bytes[at] !== BACKSLASH) return 1;
  return bytes[at + 1] === LETTER_U ? 6 : 2;
}
