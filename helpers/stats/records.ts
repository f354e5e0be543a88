// The messages of all transcripts, 32 bytes each: what statistics are made of.
import { closeSync, openSync, readSync, unlinkSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import type { Tokens } from "../claude/usage.ts";
import { makeDirectory } from "../system/files.ts";
import { openUnlinkedFile } from "../system/unlinked-file.ts";

/** Words of a record: two of hash, quarter of an hour, model and flags, then the tokens. */
export const WORDS = 8;
export const BYTES = WORDS * 4;
export const SIDE = 1;
export const PROMPT = 2;
export const FLAGS = 2;
export const QUARTER = 900_000;

const BLOCK = 16_384;
const LAST = 24;
const MOST = 0xffff_ffff;

/** Two independent 32-bit hashes of some bytes; a prompt's id and an answer's never collide. */
export class Hash {
  low = 0;
  high = 0;
  of(bytes: Uint8Array, start: number, end: number, seed: number): void {
    let a = 0x811c9dc5 ^ seed;
    let b = 0x9747b28c + seed;
    for (let i = start; i < end; i++) {
      const c = bytes[i]!;
      a = Math.imul(a ^ c, 0x01000193);
      b = Math.imul(b ^ c, 0x5bd1e995);
      b ^= b >>> 15;
    }
    a = Math.imul(a ^ (a >>> 16), 0x85ebca6b);
    this.low = (a ^ (a >>> 13)) >>> 0;
    b = Math.imul(b ^ (b >>> 16), 0xc2b2ae35);
    this.high = (b ^ (b >>> 13)) >>> 0;
  }
}

/** When a message was written (epoch ms), and its tokens. */
export type Counts = Tokens & { at: number };

/** Records that were written one after the other, to be read once or more often, block by block. */
export interface RecordSource {
  readonly count: number;
  /** fills `target` with records from `first` on; the number of records that it got */
  read(first: number, target: Uint32Array): number;
}

/**
 * Collects records into a new file, or into memory where none can be written. A message that an earlier record of
 * the same file has just told (an answer has one row for each block) only makes that record more exact.
 */
export class Records implements RecordSource {
  count = 0;
  #block = new Uint32Array(BLOCK * WORDS);
  #used = 0;
  /** place in the block where the present file began */
  #own = 0;
  #fd: number | null = null;
  #memory: Uint32Array[] = [];
  #path: string | null;

  /** `path` is where they are kept for the next time; null for nowhere. `head` stands before them. */
  constructor(path: string | null, head: Uint32Array) {
    this.#path = path;
    if (path === null) return;
    try {
      makeDirectory(dirname(path));
      this.#fd = openSync(path, "wx+", 0o600);
      this.#write(head);
    } catch {
      this.#discard();
      this.#path = null;
      this.#borrow(head);
    }
  }

  /** Records for another thread: in a file without a name, where one can be made. */
  static unlinked(): Records {
    const records = new Records(null, NO_HEAD);
    records.#borrow(NO_HEAD);
    return records;
  }

  /** Descriptor of the file; null where they are in memory. */
  get fd(): number | null {
    return this.#fd;
  }

  /** A file without a name, where none can be kept: memory must not grow with the number of messages. */
  #borrow(head: Uint32Array): void {
    try {
      this.#fd = openUnlinkedFile();
      this.#write(head);
    } catch {
      this.#discard();
    }
  }

  /** Whether the records are in the file that can be kept. */
  get isKept(): boolean {
    return this.#fd !== null && this.#path !== null;
  }

  beginFile(): void {
    this.#own = this.#used;
  }

  /** Adds a message: `model` is the number of its model's name, `flags` are {@link SIDE} and {@link PROMPT}. */
  add(hash: Hash, model: number, flags: number, counts: Counts): void {
    const b = this.#block;
    for (let i = this.#used - 1; i >= this.#own && i >= this.#used - LAST; i--) {
      const w = i * WORDS;
      if (b[w] !== hash.low || b[w + 1] !== hash.high) continue;
      const total = b[w + 4]! + b[w + 5]! + b[w + 6]! + b[w + 7]!;
      const side = (b[w + 3]! & SIDE) - (flags & SIDE);
      const { input, output, cacheCreation, cacheRead } = counts;
      if (side < 0 || (side === 0 && input + output + cacheCreation + cacheRead <= total)) return;
      this.#put(w, hash, model, flags, counts);
      return;
    }
    if (this.#used === BLOCK) this.#flush();
    this.#put(this.#used * WORDS, hash, model, flags, counts);
    this.#used++;
    this.count++;
  }

  #put(w: number, hash: Hash, model: number, flags: number, counts: Counts): void {
    const b = this.#block;
    b[w] = hash.low;
    b[w + 1] = hash.high;
    b[w + 2] = Math.floor(counts.at / QUARTER);
    b[w + 3] = ((model << FLAGS) | flags) >>> 0;
    b[w + 4] = Math.min(counts.input, MOST);
    b[w + 5] = Math.min(counts.output, MOST);
    b[w + 6] = Math.min(counts.cacheCreation, MOST);
    b[w + 7] = Math.min(counts.cacheRead, MOST);
  }

  /** Takes over records as they are. */
  copy(source: RecordSource, first: number, count: number): void {
    for (let done = 0; done < count; ) {
      if (this.#used === BLOCK) this.#flush();
      const room = Math.min(BLOCK - this.#used, count - done);
      const from = this.#used * WORDS;
      const got = source.read(first + done, this.#block.subarray(from, from + room * WORDS));
      if (got === 0) throw new Error("records are missing");
      this.#used += got;
      this.count += got;
      done += got;
    }
  }

  finish(): void {
    this.#flush();
    this.#block = new Uint32Array(0);
  }

  read(first: number, target: Uint32Array): number {
    if (this.#fd !== null) return readRecords(this.#fd, first, target);
    const block = this.#memory[Math.floor(first / BLOCK)];
    if (!block) return 0;
    const from = (first % BLOCK) * WORDS;
    const part = block.subarray(from, Math.min(block.length, from + target.length));
    target.set(part);
    return part.length / WORDS;
  }

  /** Closes the file, and deletes it unless it is to be kept. */
  close(keep: boolean): void {
    if (this.#fd !== null) closeSync(this.#fd);
    if (!keep) this.#unlink();
    this.#fd = null;
    this.#memory = [];
  }

  /** From now on in memory: what is on disk already is read back. */
  #discard(): void {
    const fd = this.#fd;
    if (fd === null) return;
    const kept = this.count - this.#used;
    for (let first = 0; first < kept; first += BLOCK) {
      const block = new Uint32Array(Math.min(BLOCK, kept - first) * WORDS);
      readRecords(fd, first, block);
      this.#memory.push(block);
    }
    this.#fd = null;
    closeSync(fd);
    this.#unlink();
  }

  #unlink(): void {
    try {
      if (this.#path !== null) unlinkSync(this.#path);
    } catch {
      // a file that cannot be deleted is not ours any more
    }
  }

  #write(words: Uint32Array): void {
    const bytes = Buffer.from(words.buffer, words.byteOffset, words.byteLength);
    for (let at = 0; at < bytes.length; ) at += writeSync(this.#fd!, bytes, at);
  }

  #flush(): void {
    const words = this.#block.subarray(0, this.#used * WORDS);
    try {
      if (this.#fd !== null) this.#write(words);
    } catch {
      this.#discard();
    }
    if (this.#fd === null && this.#used > 0) this.#memory.push(words.slice());
    this.#used = this.#own = 0;
  }
}

/** Length of what stands before the records in a file. */
export const HEAD = 32;
const NO_HEAD = new Uint32Array(HEAD / 4);

export function readRecords(fd: number, first: number, target: Uint32Array): number {
  const bytes = Buffer.from(target.buffer, target.byteOffset, target.byteLength);
  let got = 0;
  while (got < bytes.length) {
    const n = readSync(fd, bytes, got, bytes.length - got, HEAD + first * BYTES + got);
    if (n === 0) break;
    got += n;
  }
  return Math.floor(got / BYTES);
}
