// An index of the rows of a transcript with its main chain. It takes about twenty bytes a row, because transcripts with two
// million rows exist.

import { linesForward } from "../claude/lines.ts";
import {
  isApiError,
  isCompaction,
  isSidechain,
  parentUuidOf,
  promptOf,
  type Row,
  string,
  textsOf,
} from "../claude/rows.ts";
import { collect } from "../system/heap.ts";
import { parseLongLine } from "./long-strings.ts";

/** Whether a transcript can be cut after a row: `good` yes, `middle` no, `prompt` only before it. */
type Kind = "middle" | "good" | "prompt";
const KINDS: readonly Kind[] = ["middle", "good", "prompt"];

function kindOf(row: Row): Kind {
  if (promptOf(row) !== null) return "prompt";
  if (isCompaction(row)) return "middle";
  if (row.type !== "assistant") return "good";
  return textsOf(row).length > 0 || isApiError(row) ? "good" : "middle";
}

/** 32-bit words of a row: a hash of its uuid (two words), the offset of its line, and a link with marks. */
const WORDS = 4;
/** Rows in a page. */
const PAGE = 1 << 16;
/** Offsets are kept in units of this many bytes. No line with a uuid is shorter. */
const UNIT = 8;
/** A link is the number of a row plus one. This one means: read the parent's uuid from the row again. */
const UNKNOWN = (1 << 27) - 1;
/** Marks beside the link: bits of the kind, on the main chain, uuid has the wanted prefix. */
const [KIND, CHAIN, HAS_PREFIX] = [27, 1 << 29, 1 << 30];

/** The last result of {@link hashUuid}; as variables, because an array for each row costs time. */
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

/** A prompt of the main chain and everything up to the next one: the numbers of its first and last row. */
export type Turn = { row: number; last: number };

/** The rows of a transcript that have a uuid, numbered in the order of the file, and its main chain. */
export class TranscriptIndex {
  rowCount = 0;
  /** number of lines that could not be read */
  damagedLines = 0;
  /** number of the main chain's last row; -1 if there is none */
  tip = -1;
  #first = 0;
  readonly #fd: number;
  readonly #size: number;
  readonly #pages: Uint32Array[] = [];
  #slots = new Int32Array(1 << 16);

  /** Reads a transcript once. `prefix` marks the rows whose uuid begins with it, see {@link matchesPrefix}. */
  constructor(fd: number, size: number, prefix = "") {
    this.#fd = fd;
    this.#size = size;
    const leaf = this.#readRows(prefix);
    const known = leaf === null ? -1 : this.numberOf(leaf);
    if (known >= 0) this.tip = known;
    this.#linkMainChain();
  }

  /** Adds every row. Returns the leaf that a `last-prompt` row names, if no row of the main chain follows it. */
  #readRows(prefix: string): string | null {
    let leaf: unknown;
    for (const { bytes, start } of linesForward(this.#fd, this.#size)) {
      const line = bytes ? parseLongLine(bytes, true) : { rows: [], lost: true };
      if (line.lost) this.damagedLines++;
      for (const row of line.rows) {
        if (row.type === "last-prompt") leaf = row.leafUuid;
        if (this.#addRow(row, start, prefix)) leaf = undefined;
      }
    }
    return string(leaf);
  }

  /** Returns whether the row is a new one outside of subagents. */
  #addRow(row: Row, start: number, prefix: string): boolean {
    const uuid = string(row.uuid);
    if (uuid === null || this.numberOf(uuid) >= 0) return false;
    if (this.rowCount % 4096 === 4095) collect();
    const number = this.#add(start);
    const parent = parentUuidOf(row);
    const link = parent === null ? 0 : this.numberOf(parent) + 1 || UNKNOWN;
    const mark = prefix !== "" && uuid.toLowerCase().startsWith(prefix) ? HAS_PREFIX : 0;
    this.#put(number, link | (KINDS.indexOf(kindOf(row)) << KIND) | mark);
    if (isSidechain(row)) return false;
    this.tip = number;
    return true;
  }

  /** Follows the parents from the last row to the first, marks them, and turns the links round. */
  #linkMainChain(): void {
    for (let at = this.tip + 1, next = 0; at > 0 && !(this.#marks(at - 1) & CHAIN); ) {
      const number = at - 1;
      at = this.#link(number);
      if (at === UNKNOWN) at = this.#laterParent(number);
      this.#put(number, (this.#marks(number) & ~UNKNOWN) | next | CHAIN);
      next = number + 1;
      this.#first = next;
    }
  }

  /** Returns the link to a parent that comes later in the file. If it is missing, Claude Code takes the row before. */
  #laterParent(number: number): number {
    const row = this.row(number);
    const parent = row && parentUuidOf(row);
    const later = parent === null ? -1 : this.numberOf(parent);
    return later < 0 ? number : later + 1;
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

  /** Returns the slot in which the row with the last hash is, or would be. */
  #slot(): number {
    const mask = this.#slots.length - 1;
    let slot = low & mask;
    for (let found = this.#slots[slot]!; found > 0; found = this.#slots[slot]!) {
      if (this.#word(found - 1, 0) === high && this.#word(found - 1, 1) === low) break;
      slot = (slot + (high | 1)) & mask;
    }
    return slot;
  }

  /** Adds a row with the last hash. */
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

  /** Returns the number of the row with this uuid, or -1. */
  numberOf(uuid: string): number {
    hashUuid(uuid);
    return this.#slots[this.#slot()]! - 1;
  }

  kind(number: number): Kind {
    return KINDS[(this.#marks(number) >>> KIND) & 3]!;
  }
  matchesPrefix(number: number): boolean {
    return (this.#marks(number) & HAS_PREFIX) !== 0;
  }

  /** Reads a row again, and where its line ends. Strings over 64 KB are cut unless `complete`. */
  locate(number: number, complete = false): { row: Row; end: number } | null {
    const from = this.#word(number, 2) * UNIT;
    for (const { bytes, start, length } of linesForward(this.#fd, this.#size, { start: from, first: 1024 })) {
      // A shorter one is the end of the line before, because offsets are rounded.
      if (!bytes || length < UNIT) continue;
      for (const row of parseLongLine(bytes, !complete).rows)
        if (this.numberOf(string(row.uuid) ?? "") === number) return { row, end: start + length };
    }
    return null;
  }
  row(number: number, complete = false): Row | null {
    return this.locate(number, complete)?.row ?? null;
  }
  uuid(number: number): string {
    return string(this.row(number)?.uuid) ?? "";
  }

  /** Returns whether there is a row after which the transcript can be cut. */
  hasCutPoint(): boolean {
    for (let i = 0; i < this.rowCount; i++) if (this.kind(i) === "good") return this.tip >= 0;
    return false;
  }

  /** Yields the rows of the main chain, oldest first. */
  *mainChain(): Generator<number> {
    for (let at = this.#first; at > 0; at = this.#link(at - 1)) yield at - 1;
  }

  /** Yields the turns of the main chain, oldest first. */
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
