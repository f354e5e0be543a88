// What the last `ccr stats` counted: an index of files, and their records beside it. Both may vanish at any time.
import { closeSync, fstatSync } from "node:fs";
import { basename, dirname } from "node:path";
import {
  type Cached,
  type CacheFile,
  cachePath,
  readCache,
  sweepCache,
  writeCache,
} from "../system/cache-file.ts";
import { openFile } from "../system/files.ts";
import { bytesOf, FileIndex, numbersOf } from "./file-index.ts";
import type { Files } from "./files.ts";
import { BYTES, HEAD, type RecordSource, readRecords } from "./records.ts";
import type { Summary } from "./sums.ts";

const VERSION = 6;

type Fields = { zone: string; unreadable: number; files: number };

/**
 * Sections of the cache file: what is counted in all; the names of the files, by folder and in the order in which they
 * are found, and their sizes, times and inodes, which tell whether anything has changed; what is counted file by file.
 */
const [SUMMARY, NAMES, FILES, INDEX] = [0, 1, 2, 3] as const;

const fileOf = (root: string): CacheFile => ({
  path: `${cachePath("stats", root)}.idx`,
  format: "stats",
  version: VERSION,
  root,
});

export const newGeneration = (): string => `${Date.now().toString(36)}${process.pid.toString(36)}`;
export const recordsFile = (root: string, generation: string): string =>
  `${cachePath("stats", root)}-${generation}.bin`;

/** First bytes of a file of records. */
export function headOf(generation: string): Uint32Array {
  const head = new Uint32Array(HEAD / 4);
  Buffer.from(head.buffer).write(`ccr-stats ${VERSION} ${generation}`.slice(0, HEAD), "latin1");
  return head;
}

/** Names of files as one text: each folder's name after a slash, then those of its files. */
function namesOf(count: number, folder: (i: number) => string, name: (i: number) => string): Buffer {
  let text = "";
  let before = "";
  for (let i = 0; i < count; i++) {
    const own = folder(i);
    if (own !== before) text += `/${own}\n`;
    text += `${name(i)}\n`;
    before = own;
  }
  return Buffer.from(text);
}

const STATS = 3;

/** What was counted, and of which files; read no further than needed. */
export class Snapshot {
  readonly zone: string;
  readonly summary: Summary;
  readonly #cached: Cached<Fields>;

  private constructor(cached: Cached<Fields>, summary: Summary) {
    this.#cached = cached;
    this.zone = cached.fields.zone;
    this.summary = summary;
  }

  /** That of a projects directory; null when there is none that can be trusted. */
  static load(root: string): Snapshot | null {
    const cached = readCache<Fields>(fileOf(root));
    const summary = cached?.section(SUMMARY);
    return cached && summary ? new Snapshot(cached, JSON.parse(summary.toString("utf8"))) : null;
  }

  /** Whether files are those that were counted, as they were then. */
  matches(files: Files): boolean {
    const { fields } = this.#cached;
    if (fields.files !== files.count || fields.unreadable > 0) return false;
    const ownNames = this.#cached.section(NAMES);
    const ownStats = this.#cached.section(FILES);
    if (!ownNames || !ownStats) return false;
    const { folders, names } = files;
    const found = namesOf(
      files.count,
      (i) => folders[i]!,
      (i) => names[i]!,
    );
    if (!found.equals(ownNames)) return false;
    const stats = numbersOf(ownStats);
    for (let i = 0; i < fields.files; i++) {
      const at = i * STATS;
      if (
        stats[at] !== files.bytes[i] ||
        stats[at + 1] !== files.times[i] ||
        stats[at + 2] !== files.inodes[i]
      )
        return false;
    }
    return true;
  }

  /** All of it; null where it is damaged. */
  get index(): FileIndex | null {
    const bytes = this.#cached.section(INDEX);
    return bytes && FileIndex.fromBytes(bytes);
  }

  /** Keeps an index for the next time, and deletes records that no index names any more. False when it cannot be kept. */
  static save(root: string, zone: string, index: FileIndex, summary: Summary): boolean {
    const { size } = index;
    const names = namesOf(
      size,
      (i) => index.folder(i),
      (i) => index.name(i),
    );
    const stats = new Float64Array(size * STATS);
    let unreadable = 0;
    for (let i = 0; i < size; i++) {
      stats.set([index.bytes(i), index.mtime(i), index.inode(i)], i * STATS);
      if (!index.readable(i)) unreadable++;
    }
    const fields: Fields = { zone, unreadable, files: size };
    const sections = [JSON.stringify(summary), names, bytesOf(stats), index.toBytes()];
    if (!writeCache(fileOf(root), fields, sections)) return false;
    sweepRecords(root, index.generation);
    return true;
  }
}

const ABANDONED = 60_000;

/** Another process may just be writing its records: only older files go. */
function sweepRecords(root: string, generation: string): void {
  const records = `${basename(cachePath("stats", root))}-`;
  const own = recordsFile(root, generation);
  const isOther = (name: string): boolean =>
    name.startsWith(records) && name.endsWith(".bin") && name !== basename(own);
  sweepCache(dirname(own), isOther, ABANDONED);
}

/** The records that an index speaks of; null when they are not there any more, or others. */
export function openRecords(root: string, index: FileIndex): (RecordSource & { close(): void }) | null {
  let fd: number | null = null;
  try {
    fd = openFile(recordsFile(root, index.generation));
    const head = new Uint32Array(HEAD / 4);
    readRecords(fd, -HEAD / BYTES, head);
    const right = headOf(index.generation).every((word, i) => word === head[i]);
    if (!right || fstatSync(fd).size !== HEAD + index.records * BYTES) throw new Error("damaged");
  } catch {
    if (fd !== null) closeSync(fd);
    return null;
  }
  const own = fd;
  return {
    count: index.records,
    read: (first, target) => readRecords(own, first, target),
    close: () => closeSync(own),
  };
}
