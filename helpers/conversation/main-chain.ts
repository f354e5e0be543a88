// The rows of a transcript and its main chain, in some twenty bytes a row: two million of them are real.

import { forward } from "../claude/lines.ts";
import { promptOf, type Row, string, textsOf } from "../claude/rows.ts";
import { collect } from "../system/heap.ts";
import { parseLongLine } from "./long-strings.ts";

/** What a row is to a cut: in the middle of things, a place to cut at, or a person's prompt. */
type Kind = "middle" | "good" | "prompt";
const KINDS: readonly Kind[] = ["middle", "good", "prompt"];

function kindOf(row: Row): Kind {
  if (promptOf(row) !== null) return "prompt";
  if (row.subtype === "compact_boundary" || row.isCompactSummary === true) return "middle";
  if (row.type !== "assistant") return "good";
  return textsOf(row).length > 0 || row.isApiErrorMessage === true ? "good" : "middle";
}

/** A row takes four words: a checksum of its uuid (two), where its line starts, and a link with marks. */
const WORDS = 4;
const PAGE = 1 << 16;
/** Offsets are kept in units of so many bytes. No line with a uuid is shorter. */
const UNIT = 8;
/** Links are numbers of rows plus one; the last one is to be looked up in the row. */
const UNKNOWN = (1 << 27) - 1;
const [KIND, CHAIN, NAMED] = [27, 1 << 29, 1 << 30];

let [high, low] = [0, 0];
function hashUuid(text: string): void {
  let [a, b] = [0xdeadbeef, 0x41c6ce57];
  for (let i = 0; i < text.length; i++) {
    const letter = text.charCodeAt(i);
    a = Math.imul(a ^ letter, 2654435761);
    b = Math.imul(b ^ letter, 1597334677);
  }
  high = (Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909)) >>> 0;
  low = (Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909)) >>> 0;
}

/** One prompt of the main chain and all that came of it: the numbers of its row and of the row it ends with. */
export type Turn = { row: number; last: number };

/** The rows that have a uuid, by their number in the file. */
export class TranscriptIndex {
  /** how many there are */
  rowCount = 0;
  /** lines that could not be read */
  damagedLines = 0;
  /** the main chain's last row; -1 where there is none */
  tip = -1;
  #first = 0;
  readonly #fd: number;
  readonly #size: number;
  readonly #pages: Uint32Array[] = [];
  #slots = new Int32Array(1 << 16);

  /** Reads a transcript once. `named` is the beginning of uuids to look for. */
  constructor(fd: number, size: number, named = "") {
    this.#fd = fd;
    this.#size = size;
    let leaf: unknown;
    for (const { bytes, start } of forward(fd, size)) {
      const line = bytes ? parseLongLine(bytes, true) : { rows: [], lost: true };
      if (line.lost) this.damagedLines++;
      for (const row of line.rows) {
        if (row.type === "last-prompt") leaf = row.leafUuid;
        const uuid = string(row.uuid);
        if (uuid === null || this.numberOf(uuid) >= 0) continue;
        if (this.rowCount % 4096 === 4095) collect();
        const number = this.#add(start);
        const parent = string(row.parentUuid ?? row.logicalParentUuid);
        const link = parent === null ? 0 : this.numberOf(parent) + 1 || UNKNOWN;
        const name = named !== "" && uuid.toLowerCase().startsWith(named) ? NAMED : 0;
        this.#put(number, link | (KINDS.indexOf(kindOf(row)) << KIND) | name);
        if (row.isSidechain === true) continue;
        this.tip = number;
        leaf = undefined;
      }
    }
    const wanted = string(leaf);
    const known = wanted === null ? -1 : this.numberOf(wanted);
    if (known >= 0) this.tip = known;
    // From the last row back to the first; on the way the links are turned round.
    for (let at = this.tip + 1, next = 0; at > 0 && !(this.#marks(at - 1) & CHAIN); ) {
      const number = at - 1;
      at = this.#link(number);
      if (at === UNKNOWN) {
        const row = this.row(number);
        const parent = string(row?.parentUuid ?? row?.logicalParentUuid);
        const later = parent === null ? -1 : this.numberOf(parent);
        // Where one is missing Claude Code goes by the order of the rows.
        at = later < 0 ? number : later + 1;
      }
      this.#put(number, (this.#marks(number) & ~UNKNOWN) | next | CHAIN);
      next = number + 1;
      this.#first = next;
    }
  }

  #word(number: number, word: number): number {
    return this.#pages[Math.floor(number / PAGE)]![(number % PAGE) * WORDS + word]!;
  }
  #marks(number: number): number {
    return this.#word(number, 3);
  }
  #link(number: number): number {
    return this.#marks(number) & UNKNOWN;
  }
  #put(number: number, marks: number): void {
    this.#pages[Math.floor(number / PAGE)]![(number % PAGE) * WORDS + 3] = marks;
  }

  /** The slot in which the number of the last sum is, or would be. */
  #slot(): number {
    const mask = this.#slots.length - 1;
    let slot = low & mask;
    for (let found = this.#slots[slot]!; found > 0; found = this.#slots[slot]!) {
      if (this.#word(found - 1, 0) === high && this.#word(found - 1, 1) === low) break;
      slot = (slot + (high | 1)) & mask;
    }
    return slot;
  }

  /** Adds a row with the last sum. */
  #add(start: number): number {
    const number = this.rowCount++;
    if (number % PAGE === 0) this.#pages.push(new Uint32Array(PAGE * WORDS));
    this.#pages.at(-1)!.set([high, low, Math.floor(start / UNIT)], (number % PAGE) * WORDS);
    this.#slots[this.#slot()] = number + 1;
    if (this.rowCount > this.#slots.length * 0.87) {
      this.#slots = new Int32Array(this.#slots.length * 2);
      for (let i = 0; i < this.rowCount; i++) {
        [high, low] = [this.#word(i, 0), this.#word(i, 1)];
        this.#slots[this.#slot()] = i + 1;
      }
    }
    return number;
  }

  /** The number of the row that has a uuid, or -1. */
  numberOf(uuid: string): number {
    hashUuid(uuid);
    return this.#slots[this.#slot()]! - 1;
  }

  kind(number: number): Kind {
    return KINDS[(this.#marks(number) >>> KIND) & 3]!;
  }
  matchesPrefix(number: number): boolean {
    return (this.#marks(number) & NAMED) !== 0;
  }

  /** A row, read again, and where its line ends; of strings with more than 64 KB only the beginning, unless `whole`. */
  locate(number: number, whole = false): { row: Row; end: number } | null {
    const from = this.#word(number, 2) * UNIT;
    for (const { bytes, start, length } of forward(this.#fd, this.#size, { start: from, first: 1024 })) {
      // What is shorter is the end of the line before.
      if (!bytes || length < UNIT) continue;
      for (const row of parseLongLine(bytes, !whole).rows)
        if (this.numberOf(string(row.uuid) ?? "") === number) return { row, end: start + length };
    }
    return null;
  }
  row(number: number, whole = false): Row | null {
    return this.locate(number, whole)?.row ?? null;
  }
  uuid(number: number): string {
    return string(this.row(number)?.uuid) ?? "";
  }

  /** Whether any row is one to cut at. */
  hasCutPoint(): boolean {
    for (let i = 0; i < this.rowCount; i++) if (this.kind(i) === "good") return this.tip >= 0;
    return false;
  }

  /** The main chain's rows, oldest first. */
  *mainChain(): Generator<number> {
    for (let at = this.#first; at > 0; at = this.#link(at - 1)) yield at - 1;
  }

  *turns(): Generator<Turn> {
    let turn: Turn | undefined;
    for (const number of this.mainChain()) {
      if (this.kind(number) === "prompt") {
        if (turn) yield turn;
        turn = { row: number, last: number };
      } else if (turn) turn.last = number;
    }
    if (turn) yield turn;
  }
}
