import { readSync } from "node:fs";
import { readCounts } from "../claude/lines.ts";
import { slug } from "../claude/places.ts";
import { CWD, RELOCATED, USAGE, USER_ROLE } from "../claude/row-marks.ts";
import { parseLine, relocatedTo, string } from "../claude/rows.ts";
import { countRow, UsageScanner } from "../claude/usage.ts";
import { CHUNK, type Kernel, makeKernel, type Needle } from "../search/kernel.ts";
import { Hash, PROMPT, type Records, SIDE } from "./records.ts";

/** What a file says beside its messages. */
export type FileHead = {
  /** directory that the session was started in */
  start: string | null;
  session: string | null;
  /** where its first unread line begins */
  offset: number;
  /** lines that were too long to be read */
  skipped: number;
};

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
  readonly #glancer = new UsageScanner();
  readonly #hash = new Hash();
  #kernel: Kernel;
  #room = CHUNK;
  #marks = new Int32Array(1024);
  #model = -1;
  #modelBytes = Buffer.alloc(0);

  readonly #told: (bytes: number) => void;

  /** `models`: names of models by the number that stands in a record; grows. `told` hears of each piece that was read. */
  constructor(records: Records, models: string[], told: (bytes: number) => void = () => {}) {
    this.#told = told;
    this.#records = records;
    this.#kernel = makeKernel(CHUNK);
    this.models = models;
    models.forEach((name, place) => {
      this.#places.set(name, place);
    });
  }

  /**
   * Reads a file from `head.offset` to `size`. `key` names it (for messages without an id), `folder` is its project
   * folder's name, `side` says that all of it is a subagent's. Throws Node's file errors.
   */
  read(fd: number, size: number, head: FileHead, key: string, folder: string, side: boolean): void {
    const small = this.#kernel;
    try {
      this.#all(fd, size, head, (from, end, base) => this.#lines(from, end, head, key, folder, side, base));
    } finally {
      this.#kernel = small;
      this.#room = CHUNK;
    }
  }

  /** Hands over whole lines, as places in the kernel's bytes; `base` is where these begin in the file. */
  #all(
    fd: number,
    size: number,
    head: FileHead,
    lines: (from: number, end: number, base: number) => void,
  ): void {
    let have = 0;
    let skipping = false;
    let at = head.offset;
    while (at < size) {
      if (have === this.#room) this.#grow(have);
      const { bytes, base } = this.#kernel;
      const got = readSync(fd, bytes, base + have, Math.min(this.#room - have, size - at), at);
      if (got === 0) break;
      readCounts.bytes += got;
      this.#told(got);
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
        lines(start, last + 1, file);
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
    if (have > 0 && !skipping) lines(base, base + have, at - have - base);
  }

  #grow(have: number): void {
    const { bytes, base } = this.#kernel;
    this.#room = Math.min(LONGEST, this.#room * 8);
    this.#kernel = makeKernel(this.#room);
    bytes.copy(this.#kernel.bytes, this.#kernel.base, base, base + have);
  }

  /** Whole lines in the kernel's bytes, which begin at `base` in the file. */
  #lines(
    from: number,
    end: number,
    head: FileHead,
    key: string,
    folder: string,
    side: boolean,
    base: number,
  ): void {
    const view = this.#kernel.bytes.subarray(0, end);
    const glancer = this.#glancer;
    this.#place(view, from, head, folder);
    /** where lines begin that were parsed */
    const parsed = new Set<number>();
    const startOf = (at: number): number => Math.max(from, view.lastIndexOf(NEWLINE, at) + 1);
    /** Parses the line around a place; its end. */
    const parse = (start: number, at: number): number => {
      const newline = view.indexOf(NEWLINE, at);
      const stop = newline < 0 ? end : newline;
      parsed.add(start);
      this.#parse(view, start, view[stop - 1] === RETURN ? stop - 1 : stop, key, side, base);
      return stop;
    };

    const answers = this.#find(USAGES, from, end);
    for (let i = 0; i < answers; ) {
      const mark = this.#marks[i++]!;
      const start = startOf(mark);
      let sure = glancer.answer(view, start, end, mark) === "yes";
      while (sure && i < answers && this.#marks[i]! < glancer.usageEnd) i++;
      // A second usage in the row is not for a glance.
      sure &&= i === answers || this.#marks[i]! > glancer.rowEnd;
      if (sure) {
        this.#hash.of(view, glancer.idStart, glancer.idEnd, ANSWER_SEED);
        this.#records.add(
          this.#hash,
          glancer.at,
          this.#modelAt(view, glancer.modelStart, glancer.modelEnd),
          side || glancer.side ? SIDE : 0,
          glancer.input,
          glancer.output,
          glancer.cacheCreation,
          glancer.cacheRead,
        );
        continue;
      }
      const stop = parse(start, mark);
      while (i < answers && this.#marks[i]! < stop) i++;
    }
    if (side) return;

    const users = this.#find(USERS, from, end);
    for (let i = 0; i < users; ) {
      const mark = this.#marks[i++]!;
      if (glancer.isToolResult(view, mark)) continue;
      const start = startOf(mark);
      if (parsed.has(start)) continue;
      const glance = glancer.prompt(view, start, end);
      if (glance === "yes") {
        this.#hash.of(view, glancer.idStart, glancer.idEnd, PROMPT_SEED);
        this.#records.add(this.#hash, glancer.at, 0, PROMPT, 0, 0, 0, 0);
      } else if (glance === "parse") parse(start, mark);
    }
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
  #place(view: Buffer, from: number, head: FileHead, folder: string): void {
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

  #parse(view: Buffer, start: number, stop: number, key: string, side: boolean, base: number): void {
    const text = stop - start > HUGE ? shortened(view, start, stop) : view.toString("utf8", start, stop);
    for (const row of parseLine(text).rows) {
      const counts = countRow(row);
      if (!counts || (side && counts.kind === "prompt")) continue;
      const prompt = counts.kind === "prompt";
      const name = counts.key === null ? `${key}\n${base + start}` : counts.key;
      const seed = counts.key === null ? UNNAMED_SEED : prompt ? PROMPT_SEED : ANSWER_SEED;
      const bytes = Buffer.from(name);
      this.#hash.of(bytes, 0, bytes.length, seed);
      this.#records.add(
        this.#hash,
        counts.at,
        prompt ? 0 : this.modelOf(counts.model),
        (side || counts.side ? SIDE : 0) | (prompt ? PROMPT : 0),
        counts.input,
        counts.output,
        counts.cacheCreation,
        counts.cacheRead,
      );
    }
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

/** A row whose texts are cut; what is outside of texts stays. */
export function shortened(bytes: Buffer, start: number, stop: number): string {
  const pieces: Buffer[] = [];
  let from = start;
  for (let i = start; i < stop; i++) {
    if (bytes[i] !== QUOTE) continue;
    const limit = i + BEGINNING;
    let cut = 0;
    for (
      i++;
      i < stop && bytes[i] !== QUOTE;
      i += bytes[i] !== BACKSLASH ? 1 : bytes[i + 1] === LETTER_U ? 6 : 2
    )
      if (cut === 0 && i > limit) cut = i;
    if (cut === 0) continue;
    pieces.push(bytes.subarray(from, cut));
    from = Math.min(i, stop);
  }
  pieces.push(bytes.subarray(from, stop));
  return Buffer.concat(pieces).toString("utf8");
}
