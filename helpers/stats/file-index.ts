// What is counted file by file, as one array of numbers and the names that they speak of.
import { WIDTH } from "./count-once.ts";
import type { Files } from "./files.ts";

/** A file as it was counted. */
export type FileCount = {
  folder: string;
  name: string;
  side: boolean;
  bytes: number;
  mtime: number;
  inode: number;
  /** where its first unread line begins, -1 where it could not be read */
  offset: number;
  /** hash of the bytes before `offset` */
  probe: number;
  session: string | null;
  /** the first directory in it; `project` is that of its session */
  start: string | null;
  project: string | null;
  skipped: number;
  /** its records */
  first: number;
  count: number;
  /** what is counted for it, in rows of WIDTH numbers */
  rows: ArrayLike<number>;
};

/** What stands before the numbers of the files. */
type Header = {
  models: string[];
  generation: string;
  records: number;
  names: string[];
  folders: string[];
  directories: string[];
  sessions: string[];
};

/** Columns of numbers that a file has. Those of `folders`, `directories` and `sessions` are places there, -1 for none. */
const [
  FOLDER,
  IS_SIDE,
  SIZE,
  TIME,
  INODE,
  OFFSET,
  PROBE,
  SESSION,
  START,
  PROJECT,
  SKIPPED,
  FIRST,
  COUNT,
  ROWS,
  STRIDE,
] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14] as const;

export const bytesOf = (numbers: Float64Array): Buffer =>
  Buffer.from(numbers.buffer, numbers.byteOffset, numbers.byteLength);

export function numbersOf(bytes: Buffer): Float64Array {
  const numbers = new Float64Array(bytes.length >> 3);
  bytes.copy(bytesOf(numbers));
  return numbers;
}

/** All that is counted, file by file. */
export class FileIndex {
  readonly rows: Float64Array;
  readonly #header: Header;
  /** where the rows of each file begin */
  readonly #begin: Float64Array;
  #places: Map<string, number> | undefined;

  constructor(header: Header, numbers: Float64Array) {
    this.#header = header;
    this.rows = numbers;
    const { length } = header.names;
    this.#begin = new Float64Array(length + 1);
    let rows = length * STRIDE;
    let records = 0;
    for (let i = 0; i < length; i++) {
      this.#begin[i] = rows;
      rows += numbers[i * STRIDE + ROWS]! * WIDTH;
      records += numbers[i * STRIDE + COUNT]!;
    }
    this.#begin[length] = rows;
    if (rows !== numbers.length || records !== header.records) throw new Error("damaged");
  }

  get models(): readonly string[] {
    return this.#header.models;
  }
  get size(): number {
    return this.#header.names.length;
  }
  get records(): number {
    return this.#header.records;
  }
  get generation(): string {
    return this.#header.generation;
  }
  /** Its rows are the numbers from here to the next file's. */
  begin(i: number): number {
    return this.#begin[i]!;
  }
  side(i: number): boolean {
    return this.#at(i, IS_SIDE) === 1;
  }
  name(i: number): string {
    return this.#header.names[i]!;
  }
  folder(i: number): string {
    return this.#header.folders[this.#at(i, FOLDER)]!;
  }
  inode(i: number): number {
    return this.#at(i, INODE);
  }
  bytes(i: number): number {
    return this.#at(i, SIZE);
  }
  mtime(i: number): number {
    return this.#at(i, TIME);
  }
  readable(i: number): boolean {
    return this.#at(i, OFFSET) >= 0;
  }
  skipped(i: number): number {
    return this.#at(i, SKIPPED);
  }
  /** `<project folder>/<path within it>` */
  key(i: number): string {
    return `${this.folder(i)}/${this.name(i)}`;
  }
  /** A number for the session, the same for all its files; -1 where it is not known. */
  session(i: number): number {
    return this.#at(i, SESSION);
  }
  project(i: number): string | null {
    return this.#header.directories[this.#at(i, PROJECT)] ?? null;
  }

  #at(i: number, column: number): number {
    return this.rows[i * STRIDE + column]!;
  }

  /** Whether a file stands at this place, as it is now. */
  isCurrent(i: number, files: Files, j: number): boolean {
    return (
      this.#header.names[i] === files.names[j] &&
      this.#header.folders[this.#at(i, FOLDER)] === files.folders[j] &&
      this.#at(i, SIZE) === files.bytes[j] &&
      this.#at(i, TIME) === files.times[j] &&
      this.#at(i, INODE) === files.inodes[j]
    );
  }

  /** The place of a file, or -1. */
  placeOf(key: string): number {
    this.#places ??= new Map(this.#header.names.map((_, i) => [this.key(i), i]));
    return this.#places.get(key) ?? -1;
  }

  countOf(i: number): FileCount {
    const { directories, sessions } = this.#header;
    return {
      folder: this.folder(i),
      name: this.name(i),
      side: this.side(i),
      bytes: this.bytes(i),
      mtime: this.mtime(i),
      inode: this.inode(i),
      offset: this.#at(i, OFFSET),
      probe: this.#at(i, PROBE),
      session: sessions[this.session(i)] ?? null,
      start: directories[this.#at(i, START)] ?? null,
      project: this.project(i),
      skipped: this.skipped(i),
      first: this.#at(i, FIRST),
      count: this.#at(i, COUNT),
      rows: this.rows.subarray(this.#begin[i], this.#begin[i + 1]),
    };
  }

  /** Reads what {@link toBytes} gave. */
  static fromBytes(bytes: Buffer): FileIndex {
    const end = bytes.indexOf(10);
    const header: Header = JSON.parse(bytes.toString("utf8", 0, end));
    return new FileIndex(header, numbersOf(bytes.subarray(end + 1)));
  }

  toBytes(): Buffer {
    return Buffer.concat([Buffer.from(`${JSON.stringify(this.#header)}\n`), bytesOf(this.rows)]);
  }

  static of(fresh: Fresh): FileIndex {
    const { files, ...rest } = fresh;
    const folders = new NameTable();
    const directories = new NameTable();
    const sessions = new NameTable();
    const numbers = new Float64Array(files.reduce((sum, { rows }) => sum + STRIDE + rows.length, 0));
    let end = files.length * STRIDE;
    files.forEach((file, i) => {
      const row = numbers.subarray(i * STRIDE, (i + 1) * STRIDE);
      row[FOLDER] = folders.of(file.folder);
      row[IS_SIDE] = file.side ? 1 : 0;
      row[SIZE] = file.bytes;
      row[TIME] = file.mtime;
      row[INODE] = file.inode;
      row[OFFSET] = file.offset;
      row[PROBE] = file.probe;
      row[SESSION] = sessions.of(file.session);
      row[START] = directories.of(file.start);
      row[PROJECT] = directories.of(file.project);
      row[SKIPPED] = file.skipped;
      row[FIRST] = file.first;
      row[COUNT] = file.count;
      row[ROWS] = file.rows.length / WIDTH;
      numbers.set(file.rows, end);
      end += file.rows.length;
    });
    const header: Header = {
      ...rest,
      names: files.map(({ name }) => name),
      folders: folders.names,
      directories: directories.names,
      sessions: sessions.names,
    };
    return new FileIndex(header, numbers);
  }
}

export type Fresh = { models: string[]; generation: string; records: number; files: FileCount[] };

/** Names and their places in the order of their first use. */
class NameTable {
  readonly names: string[] = [];
  readonly #places = new Map<string, number>();
  of(name: string | null): number {
    if (name === null) return -1;
    const known = this.#places.get(name);
    if (known !== undefined) return known;
    this.#places.set(name, this.names.length);
    return this.names.push(name) - 1;
  }
}
