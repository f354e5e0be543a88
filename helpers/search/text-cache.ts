// The visible text of transcripts, kept from one search to the next: a fiftieth of their bytes. May vanish at any time.
//
// A part holds texts and their signatures, and is never changed once an index names it. The index says which text
// belongs to which transcript of which size and time; it is replaced whole. So whoever is killed, or writes at the same
// time as another, leaves an index that is right, and at worst a part that nobody knows of.
import { closeSync, fstatSync, readSync } from "node:fs";
import { join } from "node:path";
import { projectsDirectory } from "../claude/places.ts";
import { type CacheFile, cachePath, readCache, sweepCache, writeCache } from "../system/cache-file.ts";
import { openFile } from "../system/files.ts";
import {
  type Part,
  PartWriter,
  rowBytes,
  type TextPlace,
  tryUnlink,
  type WrittenText,
} from "./part-writer.ts";
import { bitOf } from "./signature.ts";

const VERSION = 2;
const ID = 36;
const INDEX = "index";
/** Together the texts take no more than this; those of the newest transcripts are kept. */
const MOST_BYTES = 512 * 1024 * 1024;
/** More parts than this are brought together when there is time for it … */
const FEW_PARTS = 2;
/** … and more than this in any case; larger ones than this (bytes) are left as they are. */
const MOST_PARTS = 64;
const LARGE = 16 * 1024 * 1024;
/** A part that nobody knows of is removed when its writer must have ended (ms). */
const ORPHAN_AGE = 3_600_000;

const COLUMNS = ["bytes", "mtime", "part", "at", "length", "group", "place", "probe", "project"] as const;
type Column = (typeof COLUMNS)[number];

/** A project folder when it was last listed; `time` is 0 where a change could have the same time. Its rows follow. */
export type Folder = { name: string; time: number; rows: number };

type Fields = {
  parts: Part[];
  folders: Folder[];
  projects: string[];
};

/** A text in the cache, and the transcript that it was taken from. */
export type CachedText = TextPlace & {
  part: number;
  bytes: number;
  mtime: number;
  probe: number;
  project: string | null;
};

/** A transcript as the index is to have it: with its row so far, or -1. */
export type ListedTranscript = { id: string; row: number };

/** The texts that earlier searches have kept. */
export class TextCache {
  readonly directory: string;
  readonly #root: string;
  parts: readonly Part[] = [];
  folders: readonly Folder[] = [];
  /** ids of all rows, 36 characters each */
  ids = "";
  #columns = {} as Record<Column, Float64Array>;
  projects: readonly string[] = [];
  readonly #files = new Map<number, number>();

  /** `parts`: those of a cache that is open elsewhere, for a second thread. */
  constructor(parts?: readonly Part[], root = projectsDirectory()) {
    this.#root = root;
    this.directory = cachePath("find", root);
    if (parts) this.parts = parts;
    else this.#load();
  }

  get #index(): CacheFile {
    return { path: join(this.directory, INDEX), format: "find", version: VERSION, root: this.#root };
  }

  #load(): void {
    const cached = readCache<Fields>(this.#index);
    const ids = cached?.section(0);
    const bytes = cached?.section(1);
    if (!cached || !ids || !bytes) return;
    const numbers = new Float64Array(bytes.length / 8);
    bytes.copy(Buffer.from(numbers.buffer));
    this.ids = ids.toString("latin1");
    this.#use(numbers, ids.length / ID);
    const { parts, folders, projects } = cached.fields;
    this.parts = parts;
    this.folders = folders;
    this.projects = projects;
  }

  #use(numbers: Float64Array, rows: number): void {
    COLUMNS.forEach((name, i) => {
      this.#columns[name] = numbers.subarray(i * rows, (i + 1) * rows);
    });
  }

  /** Whether a row has the text of a transcript of this size and time. */
  isCurrent(row: number, bytes: number, mtime: number): boolean {
    const columns = this.#columns;
    return columns.part[row]! >= 0 && columns.bytes[row] === bytes && columns.mtime[row] === mtime;
  }

  /** The text of a row; null when there is none. */
  textOf(row: number): CachedText | null {
    const columns = this.#columns;
    if (row < 0 || columns.part[row]! < 0) return null;
    const number = Object.fromEntries(COLUMNS.map((name) => [name, columns[name][row]!]));
    return { ...(number as Record<Column, number>), project: this.projectOf(row) };
  }

  idOf(row: number): string {
    return this.ids.slice(row * ID, row * ID + ID);
  }

  projectOf(row: number): string | null {
    return this.projects[this.projectNumbers[row]!] ?? null;
  }

  /** number of each row's project; -1 for none */
  get projectNumbers(): Float64Array {
    return this.#columns.project;
  }

  /** Descriptor of a part, or -1 where it has gone or is not what it was. */
  #open(part: number): number {
    let fd = this.#files.get(part);
    if (fd !== undefined) return fd;
    try {
      fd = openFile(join(this.directory, this.parts[part]!.name));
      if (fstatSync(fd).size !== this.parts[part]!.size) {
        closeSync(fd);
        fd = -1;
      }
    } catch {
      fd = -1;
    }
    this.#files.set(part, fd);
    return fd;
  }

  /** Reads `length` bytes of a text, from `from` on, to `at`; false when they cannot be had. */
  read(kept: CachedText, buffer: Uint8Array, at: number, from: number, length: number): boolean {
    const fd = this.#open(kept.part);
    return fd >= 0 && readSync(fd, buffer, at, length, kept.at + from) === length;
  }

  /**
   * For each row 1 where its text may hold a word, 0 where it does not; 1 in doubt. A word is given by the sequences
   * of each of its needles: all of one must be there.
   */
  mayContain(needles: readonly (readonly number[])[]): Uint8Array {
    const { part, group, place } = this.#columns;
    const rows = this.ids.length / ID;
    const may = new Uint8Array(rows).fill(1);
    if (needles.some((sequences) => sequences.length === 0)) return may;
    const groups = this.parts.map(({ groups }, at) =>
      groups.map(({ bits, texts, at: offset }) => {
        const bytes = rowBytes(texts);
        const any = Buffer.alloc(bytes);
        const all = Buffer.allocUnsafe(bytes);
        const one = Buffer.allocUnsafe(bytes);
        const fd = this.#open(at);
        for (const sequences of needles) {
          all.fill(0xff);
          let left = 1;
          for (let n = 0; n < sequences.length && left !== 0; n++) {
            const from = offset + bitOf(sequences[n]!, bits) * bytes;
            if (fd < 0 || readSync(fd, one, 0, bytes, from) !== bytes) return null;
            left = 0;
            for (let i = 0; i < bytes; i++) left |= all[i]! &= one[i]!;
          }
          for (let i = 0; i < bytes; i++) any[i]! |= all[i]!;
        }
        return any;
      }),
    );
    for (let row = 0; row < rows; row++) {
      const any = groups[part[row]!]?.[group[row]!];
      const at = place[row]!;
      if (any) may[row] = (any[at >> 3]! >> (at & 7)) & 1;
    }
    return may;
  }

  close(): void {
    for (const fd of this.#files.values()) if (fd >= 0) closeSync(fd);
    this.#files.clear();
  }

  /** Whether bringing the parts together is worth while. */
  get isFragmented(): boolean {
    return this.parts.filter(({ size }) => size < LARGE).length > FEW_PARTS;
  }

  /**
   * Keeps what was written: an index of it and of the rows so far, for the transcripts that there are. Small parts, and
   * those of which most is out of date, are brought together on the way: as many as there is time to copy, in bytes.
   */
  save(
    folders: readonly Folder[],
    listed: readonly ListedTranscript[],
    fresh: readonly WrittenText[],
    written: readonly Part[],
    room = 0,
  ): void {
    try {
      this.#keep(folders, listed, fresh, written, room);
      this.#sweep();
    } catch {
      // a full or read-only disk costs time later, and nothing else
    }
  }

  #keep(
    folders: readonly Folder[],
    listed: readonly ListedTranscript[],
    fresh: readonly WrittenText[],
    written: readonly Part[],
    room: number,
  ): void {
    const news = new Map(fresh.map((row) => [`${row.folder}/${row.id}`, row]));
    const parts = [...this.parts, ...written];
    const places = new Map(parts.map(({ name }, part) => [name, part]));
    let next = 0;
    const rows = folders.flatMap(({ name, rows }) =>
      listed.slice(next, (next += rows)).map(({ id, row }) => {
        const found = news.get(`${name}/${id.toLowerCase()}`);
        return {
          id,
          folder: name,
          kept: found ? { ...found, part: places.get(found.name)! } : this.textOf(row),
        };
      }),
    );
    dropOldest(rows);

    const live = parts.map(() => 0);
    for (const { kept } of rows) if (kept) live[kept.part]! += kept.length;
    const stays = parts.map(({ groups }, part) => live[part]! > (groups[0]?.at ?? 0) / 2);
    let copied = 0;
    const small = [...parts.keys()].filter((part) => parts[part]!.size < LARGE);
    let left = small.length;
    for (const part of small.sort((a, b) => parts[a]!.size - parts[b]!.size)) {
      copied += live[part]!;
      // Those that are copied become one.
      if (small.length <= FEW_PARTS || left < (copied <= room ? FEW_PARTS : MOST_PARTS)) break;
      if (copied > 2 * LARGE) break;
      stays[part] = false;
      left--;
    }
    const writer = new PartWriter(this.directory);
    let buffer = Buffer.alloc(0);
    this.parts = parts;
    const moved = rows.map(({ id, folder, kept }) => {
      if (!kept || stays[kept.part]) return null;
      if (buffer.length < kept.length) buffer = Buffer.allocUnsafeSlow(kept.length * 2);
      const text = buffer.subarray(0, kept.length);
      if (!this.read(kept, text, 0, 0, kept.length)) return null;
      return writer.add({ ...kept, id, folder }, text, kept.probe, kept.project);
    });
    const joint = writer.end();
    const staying = parts.filter((_, part) => stays[part]);
    const place = parts.map((part) => staying.indexOf(part));
    if (joint) staying.push(joint);

    const numbers = new Float64Array(rows.length * COLUMNS.length);
    const projects = new Map<string, number>();
    rows.forEach(({ kept: before }, row) => {
      const kept =
        before && !stays[before.part] ? joint && moved[row] && { ...moved[row], part: -2 } : before;
      const placed = kept && (kept.part === -2 ? staying.length - 1 : place[kept.part]!);
      const part = kept ? placed! : -1;
      const project = kept?.project ?? null;
      if (project !== null && !projects.has(project)) projects.set(project, projects.size);
      const values = { ...kept, part, project: project === null ? -1 : projects.get(project)! };
      COLUMNS.forEach((name, i) => {
        numbers[i * rows.length + row] = values[name] ?? 0;
      });
    });
    const fields: Fields = { parts: staying, folders: [...folders], projects: [...projects.keys()] };
    const ids = rows.map(({ id }) => id).join("");
    if (!writeCache(this.#index, fields, [Buffer.from(ids, "latin1"), Buffer.from(numbers.buffer)])) return;
    for (const part of parts) if (!staying.includes(part)) tryUnlink(join(this.directory, part.name));
  }

  /** Removes parts that no index has named for long. */
  #sweep(): void {
    const known = new Set(new TextCache(undefined, this.#root).parts.map(({ name }) => name));
    sweepCache(this.directory, (name) => name !== INDEX && !known.has(name), ORPHAN_AGE);
  }
}

/** Leaves out the texts of the oldest transcripts when all take more than {@link MOST_BYTES}. */
function dropOldest(rows: { kept: CachedText | null }[]): void {
  let total = 0;
  for (const { kept } of rows) total += kept?.length ?? 0;
  if (total <= MOST_BYTES) return;
  for (const row of [...rows].sort((a, b) => (a.kept?.mtime ?? 0) - (b.kept?.mtime ?? 0))) {
    if (total <= MOST_BYTES) return;
    total -= row.kept?.length ?? 0;
    row.kept = null;
  }
}
