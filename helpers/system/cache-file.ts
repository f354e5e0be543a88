// Cache files: what earlier commands have computed, so that the next one need not. Any of them may be deleted at any
// time. A file is one line of JSON, then the sections that the line describes. A file that is damaged, is not ours, or
// was written by another program, for another folder or in another version of its format is ignored, and in the end
// overwritten.
import {
  closeSync,
  fstatSync,
  readdirSync,
  readSync,
  type Stats,
  statSync,
  unlinkSync,
  utimesSync,
} from "node:fs";
import { join } from "node:path";
import { openFile, writeAtomic } from "./files.ts";
import { cache } from "./places.ts";

/** A cache file: its format and the version of that, and the folder whose contents it is about. */
export type CacheFile = { path: string; format: string; version: number; root: string };

type Header<Fields> = {
  format: string;
  version: number;
  /** which program wrote it: another one may judge differently */
  program: string;
  root: string;
  fields: Fields;
  sections: { length: number; sum: number }[];
};

/** A path in the cache folder for what is known of `root`. */
export function cachePath(name: string, root: string): string {
  let hash = 5381;
  for (let i = 0; i < root.length; i++) hash = (Math.imul(hash, 33) ^ root.charCodeAt(i)) >>> 0;
  return join(cache(), `${name}-${hash.toString(36)}`);
}

/** A file that was read: the fields of its first line, and its sections. */
export class Cached<Fields> {
  readonly fields: Fields;
  /** when it was written, or confirmed since (epoch ms) */
  readonly savedAt: number;
  /** whether all of it was read */
  readonly whole: boolean;
  readonly #sections: Header<Fields>["sections"];
  readonly #body: Buffer;

  constructor({ fields, sections }: Header<Fields>, body: Buffer, stats: Stats) {
    this.fields = fields;
    this.savedAt = stats.mtimeMs;
    this.#sections = sections;
    this.#body = body;
    const length = sections.reduce((sum, section) => sum + section.length, 0);
    this.whole = body.length === length;
    if (body.length > length) throw new Error("damaged");
  }

  /** The bytes of a section: of the last one perhaps only a beginning, unless all was read. Null when it is damaged. */
  section(number: number): Buffer | null {
    const { length, sum } = this.#sections[number]!;
    const start = this.#sections.slice(0, number).reduce((before, other) => before + other.length, 0);
    const bytes = this.#body.subarray(start, start + length);
    return !this.whole || checksum(bytes) === sum ? bytes : null;
  }
}

/**
 * Reads a cache file, or its first `limit` bytes. Null when there is none that can be trusted. Sections are checked
 * when they are asked for.
 */
export function readCache<Fields>(file: CacheFile, limit = Number.POSITIVE_INFINITY): Cached<Fields> | null {
  let fd: number;
  try {
    fd = openFile(file.path);
  } catch {
    return null;
  }
  try {
    const stats = fstatSync(fd);
    if (!isOurs(stats)) return null;
    const buffer = Buffer.allocUnsafe(Math.min(stats.size, limit));
    const bytes = buffer.subarray(0, readSync(fd, buffer, 0, buffer.length, 0));
    const end = bytes.indexOf(10);
    const header: Header<Fields> = JSON.parse(bytes.toString("utf8", 0, end));
    if (header.format !== file.format || header.version !== file.version) return null;
    if (header.program !== program() || header.root !== file.root) return null;
    const cached = new Cached(header, bytes.subarray(end + 1), stats);
    return cached.whole || bytes.length < stats.size ? cached : null;
  } catch {
    return null;
  } finally {
    closeSync(fd);
  }
}

/** Replaces a cache file. False when it cannot be written: that costs time later, and nothing else. */
export function writeCache<Fields>(
  { path, format, version, root }: CacheFile,
  fields: Fields,
  sections: readonly (string | Uint8Array)[],
): boolean {
  const bodies = sections.map((section) => (typeof section === "string" ? Buffer.from(section) : section));
  const header: Header<Fields> = {
    format,
    version,
    program: program(),
    root,
    fields,
    sections: bodies.map((bytes) => ({ length: bytes.length, sum: checksum(bytes) })),
  };
  try {
    writeAtomic(path, Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), ...bodies]));
    return true;
  } catch {
    return false;
  }
}

/** Notes that what a cache file says has just been compared with the files and is still true. */
export function confirmCache({ path }: CacheFile): void {
  try {
    const now = new Date();
    utimesSync(path, now, now);
  } catch {
    // it was deleted, or the disk is read-only
  }
}

/** Deletes files of a cache folder that nothing refers to and that are older than `age` (ms): no command writes them. */
export function sweepCache(directory: string, isUnused: (name: string) => boolean, age: number): void {
  for (const name of readdirSync(directory)) {
    if (!isUnused(name)) continue;
    const path = join(directory, name);
    try {
      if (Date.now() - statSync(path).mtimeMs > age) unlinkSync(path);
    } catch {
      // another command deleted it first
    }
  }
}

/** Within this time (ms) a file can change twice and keep its modification time. */
export const TIMESTAMP_STEP = 2000;

/** Whether a file with this modification time (epoch ms) is sure to get another one when it changes. */
export const isSettled = (mtime: number, now: number): boolean => now - mtime > TIMESTAMP_STEP;

/** Whether nobody else can have written a file. */
const isOurs = ({ uid, mode }: Stats): boolean =>
  (mode & 0o022) === 0 && uid === (process.geteuid?.() ?? uid);

let known: string | undefined;

/** Identifies the program that is running, by size and time of its file. */
function program(): string {
  if (known === undefined) {
    const stats = statSync(process.argv[1] ?? "", { throwIfNoEntry: false });
    known = stats ? `${stats.size}-${stats.mtimeMs}` : "?";
  }
  return known;
}

/** A single lost bit changes it. */
function checksum(bytes: Uint8Array): number {
  const words = new Int32Array((bytes.length + 3) >> 2);
  new Uint8Array(words.buffer).set(bytes);
  let sum = 0x811c9dc5;
  for (let i = 0; i < words.length; i++) sum = Math.imul(sum ^ words[i]!, 0x01000193);
  return sum >>> 0;
}
