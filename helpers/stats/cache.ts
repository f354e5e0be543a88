// What the last `ccr stats` counted: an index of files, and their records beside it. Both may vanish at any time.
import { closeSync, fstatSync, openSync, readdirSync, readFileSync, statSync, unlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { writeAtomic } from "../system/files.ts";
import { cache } from "../system/places.ts";
import { bytesOf, Index, numbersOf, sumOf } from "./file-index.ts";
import type { Files } from "./files.ts";
import { BYTES, HEAD, readRecords, type Stored } from "./records.ts";
import type { Summary } from "./sums.ts";

const FORMAT = 5;

/**
 * The index's first line. Behind it stand what is counted in all, the names of the files, by folder and in the order
 * in which they are found, and their sizes, times and inodes: all that it takes to see that nothing has changed. Then
 * what is counted file by file.
 */
type Front = {
  format: number;
  root: string;
  zone: string;
  unreadable: number;
  files: number;
  /** lengths in bytes */
  summary: number;
  names: number;
  back: number;
  /** of the summary; what is damaged of names and sizes is only another file than the one that was counted */
  sum: number;
};

const fileOf = (root: string): string => {
  let hash = 5381;
  for (let i = 0; i < root.length; i++) hash = (Math.imul(hash, 33) ^ root.charCodeAt(i)) >>> 0;
  return join(cache(), `stats-${hash.toString(36)}`);
};

export const newGeneration = (): string => `${Date.now().toString(36)}${process.pid.toString(36)}`;
export const recordsFile = (root: string, generation: string): string => `${fileOf(root)}-${generation}.bin`;

/** First bytes of a file of records. */
export function headOf(generation: string): Uint32Array {
  const head = new Uint32Array(HEAD / 4);
  Buffer.from(head.buffer).write(`ccr-stats ${FORMAT} ${generation}`.slice(0, HEAD), "latin1");
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
  readonly #front: Front;
  /** names, sizes, and the index */
  readonly #rest: Buffer;

  private constructor(front: Front, summary: Summary, rest: Buffer) {
    this.#front = front;
    this.#rest = rest;
    this.zone = front.zone;
    this.summary = summary;
  }

  /** That of a projects directory; null when there is none that can be trusted. */
  static load(root: string): Snapshot | null {
    try {
      const bytes = readFileSync(`${fileOf(root)}.idx`);
      const end = bytes.indexOf(10) + 1;
      const front: Front = JSON.parse(bytes.toString("utf8", 0, end));
      if (front.format !== FORMAT || front.root !== root) return null;
      const summary = bytes.subarray(end, end + front.summary);
      const rest = bytes.subarray(end + front.summary);
      const whole = rest.length === front.names + front.files * STATS * 8 + front.back;
      return whole && front.sum === sumOf(summary)
        ? new Snapshot(front, JSON.parse(summary.toString("utf8")), rest)
        : null;
    } catch {
      return null;
    }
  }

  /** Whether files are those that were counted, as they were then. */
  matches(files: Files): boolean {
    const front = this.#front;
    if (front.files !== files.count || front.unreadable > 0) return false;
    const { folders, names } = files;
    const found = namesOf(
      files.count,
      (i) => folders[i]!,
      (i) => names[i]!,
    );
    if (!found.equals(this.#rest.subarray(0, front.names))) return false;
    const stats = numbersOf(this.#rest.subarray(front.names, front.names + front.files * STATS * 8));
    for (let i = 0; i < front.files; i++) {
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
  get index(): Index | null {
    try {
      return Index.read(this.#rest.subarray(this.#rest.length - this.#front.back));
    } catch {
      return null;
    }
  }

  /** Keeps an index for the next time, and forgets records that no index names any more. */
  static save(root: string, zone: string, index: Index, summary: Summary): void {
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
    const counted = Buffer.from(JSON.stringify(summary));
    const back = index.written();
    const front: Front = {
      format: FORMAT,
      root,
      zone,
      unreadable,
      files: size,
      summary: counted.length,
      names: names.length,
      back: back.length,
      sum: sumOf(counted),
    };
    writeAtomic(
      `${fileOf(root)}.idx`,
      Buffer.concat([Buffer.from(`${JSON.stringify(front)}\n`), counted, names, bytesOf(stats), back]),
    );
    forgetOthers(root, index.generation);
  }
}

const ABANDONED = 60_000;

/** Another process may just be writing its records: only older files go. */
function forgetOthers(root: string, generation: string): void {
  const file = fileOf(root);
  const own = recordsFile(root, generation);
  for (const name of readdirSync(dirname(file))) {
    const path = join(dirname(file), name);
    if (!path.startsWith(`${file}-`) || !name.endsWith(".bin") || path === own) continue;
    try {
      if (Date.now() - statSync(path).mtimeMs > ABANDONED) unlinkSync(path);
    } catch {
      // another process was first
    }
  }
}

/** The records that an index speaks of; null when they are not there any more, or others. */
export function openRecords(root: string, index: Index): (Stored & { close(): void }) | null {
  let fd: number | null = null;
  try {
    fd = openSync(recordsFile(root, index.generation), "r");
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
