import { closeSync, openSync, unlinkSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Transcript } from "../sessions/entry.ts";
import { makeDirectory } from "../system/files.ts";
import { signatureOf } from "./signature.ts";

/**
 * Signatures of as many bits, bit by bit: a row of `texts` bits for each, at offset `at` of the part. So a search reads
 * only those rows that its word has something to do with.
 */
type Group = { bits: number; texts: number; at: number };
export type Part = { name: string; size: number; groups: Group[] };

/** Where a text is: in a part, and which place its signature has in which group. */
export type TextPlace = { at: number; length: number; group: number; place: number };

/** A text that was written. `probe` is that of the transcript's end; `project` null where no directory was found. */
export type WrittenText = TextPlace & {
  name: string;
  folder: string;
  id: string;
  bytes: number;
  mtime: number;
  probe: number;
  project: string | null;
};

const PART = ".part";

/** Writes one part: texts as they come, signatures at its end. Nothing is written where it cannot be. */
export class PartWriter {
  readonly #directory: string;
  readonly #name: string;
  readonly #groups: { bits: number; signatures: Uint8Array[] }[] = [];
  #fd = -1;
  #size = 0;
  #failed = false;

  constructor(directory: string) {
    this.#name = `${process.pid}-${Date.now()}-${Math.random().toString(36).slice(2)}${PART}`;
    this.#directory = directory;
  }

  add(
    { folder, id, bytes, mtime }: Omit<Transcript, "path">,
    text: Uint8Array,
    probe: number,
    project: string | null,
  ): WrittenText | null {
    const at = this.#size;
    if (!this.#write(text)) return null;
    const signature = signatureOf(text);
    const bits = signature.length * 8;
    let group = this.#groups.findIndex((other) => other.bits === bits);
    if (group < 0) group = this.#groups.push({ bits, signatures: [] }) - 1;
    const place = this.#groups[group]!.signatures.push(signature) - 1;
    const name = this.#name;
    return { name, folder, id, bytes, mtime, at, length: text.length, group, place, probe, project };
  }

  /** Whether there is anywhere to write to. */
  ready(): boolean {
    if (this.#fd >= 0 || this.#failed) return !this.#failed;
    try {
      makeDirectory(this.#directory);
      this.#fd = openSync(join(this.#directory, this.#name), "wx", 0o600);
    } catch {
      this.#failed = true;
    }
    return !this.#failed;
  }

  #write(bytes: Uint8Array): boolean {
    if (!this.ready()) return false;
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(this.#fd, bytes, at);
      this.#size += bytes.length;
      return true;
    } catch {
      this.#failed = true;
      return false;
    }
  }

  /** Completes the part; null when nothing was written, or not all of it. */
  end(): Part | null {
    if (this.#fd < 0) return null;
    const groups = this.#groups.map(({ bits, signatures }): Group => {
      const at = this.#size;
      for (const rows of transposed(bits, signatures)) this.#write(rows);
      return { bits, texts: signatures.length, at };
    });
    closeSync(this.#fd);
    this.#fd = -1;
    if (!this.#failed && this.#size > 0) return { name: this.#name, size: this.#size, groups };
    tryUnlink(join(this.#directory, this.#name));
    return null;
  }
}

/** Bits that are turned at once. */
const STEP = 2048;

/** Rows of texts become rows of bits, some after the others in the same bytes. */
function* transposed(bits: number, signatures: readonly Uint8Array[]): Generator<Uint8Array> {
  const row = rowBytes(signatures.length);
  const step = Math.min(STEP, bits);
  const matrix = new Uint8Array(step * row);
  for (let first = 0; first < bits; first += step) {
    matrix.fill(0);
    signatures.forEach((signature, text) => {
      const at = text >> 3;
      const one = 1 << (text & 7);
      for (let i = 0; i < step; i++)
        if (signature[(first + i) >> 3]! & (1 << (i & 7))) matrix[i * row + at]! |= one;
    });
    yield matrix;
  }
}

export const rowBytes = (texts: number): number => (texts + 7) >> 3;

export function tryUnlink(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // it is gone, or stays
  }
}
