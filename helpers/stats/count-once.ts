import { Days } from "./days.ts";
import { FLAGS, type RecordSource, SIDE, WORDS } from "./records.ts";

/** Numbers of a row: day, model, 1 for subagents, messages, input, output, cache creation, cache read. */
export const WIDTH = 8;

/** A file's part of the records, and what is counted for it: rows of {@link WIDTH} numbers, one after the other. */
export type FileShare = { first: number; count: number; rows: number[] };

const BLOCK = 8192;
const WINDOW = 256;
/** Share of the table that is taken at most. */
const FULL = 0.85;
/** So many messages are compared at once (2^20 slots of 12 bytes); of more, a part after the other. */
const MOST = 2 ** 20 * FULL;

/**
 * Counts each message once, over all files: for the first file that has it, unless a later one tells more of it (a
 * main conversation before a subagent's, then more tokens). `shares` are in the order of the records; `most` bounds
 * the memory.
 */
export function countOnce(stored: RecordSource, shares: readonly FileShare[], most = MOST): void {
  const parts = Math.max(1, Math.ceil(stored.count / most));
  for (const share of shares) share.rows = [];
  for (let part = 0; part < parts; part++) new CountPass(stored, shares, part, parts).run();
  for (const share of shares) share.rows = withoutEmpty(share.rows);
}

function withoutEmpty(rows: number[]): number[] {
  let empty = false;
  for (let at = 0; at < rows.length; at += WIDTH) empty ||= rows[at + 3]! <= 0;
  if (!empty) return rows;
  const kept: number[] = [];
  for (let at = 0; at < rows.length; at += WIDTH) {
    if (rows[at + 3]! > 0) kept.push(...rows.slice(at, at + WIDTH));
  }
  return kept;
}

class CountPass {
  readonly #stored: RecordSource;
  readonly #shares: readonly FileShare[];
  readonly #part: number;
  readonly #parts: number;
  readonly #mask: number;
  readonly #low: Uint32Array;
  readonly #high: Uint32Array;
  /** number of the record, and one */
  readonly #place: Uint32Array;
  readonly #window = new Uint32Array(WINDOW * WORDS);
  #windowAt = -1;
  readonly #days = new Days();

  constructor(stored: RecordSource, shares: readonly FileShare[], part: number, parts: number) {
    this.#stored = stored;
    this.#shares = shares;
    this.#part = part;
    this.#parts = parts;
    let slots = 1024;
    while (slots * FULL < stored.count / parts) slots *= 2;
    this.#mask = slots - 1;
    this.#low = new Uint32Array(slots);
    this.#high = new Uint32Array(slots);
    this.#place = new Uint32Array(slots);
  }

  run(): void {
    const block = new Uint32Array(BLOCK * WORDS);
    let begin = 0;
    let got = 0;
    for (const share of this.#shares) {
      for (let i = share.first; i < share.first + share.count; i++) {
        if (i >= begin + got) {
          begin = i;
          got = this.#stored.read(i, block);
          if (got === 0) throw new Error("records are missing");
        }
        this.#take(share, i, block, (i - begin) * WORDS);
      }
    }
  }

  #take(share: FileShare, number: number, words: Uint32Array, w: number): void {
    const low = words[w]!;
    const high = words[w + 1]!;
    if (this.#parts > 1 && high % this.#parts !== this.#part) return;
    let slot = low & this.#mask;
    for (; this.#place[slot] !== 0; slot = (slot + 1) & this.#mask) {
      if (this.#low[slot] !== low || this.#high[slot] !== high) continue;
      const other = this.#place[slot]! - 1;
      const at = this.#look(other);
      if (!isBetter(words, w, this.#window, at)) return;
      this.#count(this.#shareOf(other), this.#window, at, -1);
      break;
    }
    this.#low[slot] = low;
    this.#high[slot] = high;
    this.#place[slot] = number + 1;
    this.#count(share, words, w, 1);
  }

  /** Brings an earlier record into the window; its place there. Copies stand together, so most are there already. */
  #look(number: number): number {
    const begin = number - (number % WINDOW);
    if (this.#windowAt !== begin) {
      this.#stored.read(begin, this.#window);
      this.#windowAt = begin;
    }
    return (number - begin) * WORDS;
  }

  #shareOf(number: number): FileShare {
    let low = 0;
    let high = this.#shares.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#shares[middle]!.first <= number) low = middle;
      else high = middle - 1;
    }
    // Empty shares begin where the next one does.
    return this.#shares[low]!;
  }

  #count({ rows }: FileShare, words: Uint32Array, w: number, sign: 1 | -1): void {
    const day = this.#days.of(words[w + 2]!);
    const model = words[w + 3]! >>> FLAGS;
    const side = words[w + 3]! & SIDE;
    let at = rows.length - WIDTH;
    while (at >= 0 && (rows[at] !== day || rows[at + 1] !== model || rows[at + 2] !== side)) at -= WIDTH;
    if (at < 0) {
      at = rows.length;
      rows.push(day, model, side, 0, 0, 0, 0, 0);
    }
    rows[at + 3]! += sign;
    for (let i = 4; i < WIDTH; i++) rows[at + i]! += sign * words[w + i]!;
  }
}

function isBetter(a: Uint32Array, i: number, b: Uint32Array, j: number): boolean {
  const side = (a[i + 3]! & SIDE) - (b[j + 3]! & SIDE);
  if (side !== 0) return side < 0;
  return a[i + 4]! + a[i + 5]! + a[i + 6]! + a[i + 7]! > b[j + 4]! + b[j + 5]! + b[j + 6]! + b[j + 7]!;
}
