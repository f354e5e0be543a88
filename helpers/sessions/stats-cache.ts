// What the last `ccr stats` counted: an index of files, and their records beside it. Both may vanish at any time.
import { closeSync, fstatSync, openSync, readdirSync, readFileSync, statSync, unlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { writeAtomic } from "../system/files.ts";
import { cache } from "../system/places.ts";
import { WIDTH } from "./stats-attribute.ts";
import { BYTES, HEAD, readRecords, type Stored } from "./stats-records.ts";

const FORMAT = 1;

/** A file as it was counted. `offset` is where its first unread line begins, -1 where it could not be read. */
export type Known = {
  key: string;
  bytes: number;
  mtime: number;
  inode: number;
  offset: number;
  /** hash of the bytes before `offset` */
  probe: string;
  session: string | null;
  start: string | null;
  skipped: number;
  side: boolean;
  /** its records */
  first: number;
  count: number;
  rows: number[];
};

export type Index = { models: string[]; zone: string; generation: string; records: number; files: Known[] };

type Header = Omit<Index, "files"> & {
  format: number;
  root: string;
  folders: string[];
  starts: string[];
  rows: number;
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

/** Sum over the text of an index: a bit that was lost on the disk must not become a wrong number. */
function sumOf(bytes: Buffer, from: number): number {
  let a = 0x811c9dc5;
  let i = from;
  for (; i + 4 <= bytes.length; i += 4) {
    const word = bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
    a = Math.imul(a ^ word, 0x01000193);
    a ^= a >>> 15;
  }
  for (; i < bytes.length; i++) a = Math.imul(a ^ bytes[i]!, 0x01000193);
  return a >>> 0;
}

/** The index of a projects directory; null when there is none that can be trusted. */
export function loadIndex(root: string): Index | null {
  try {
    const bytes = readFileSync(`${fileOf(root)}.tsv`);
    const headEnd = bytes.indexOf(10);
    const header: Header = JSON.parse(bytes.toString("utf8", 0, headEnd));
    if (header.format !== FORMAT || header.root !== root || header.sum !== sumOf(bytes, headEnd + 1))
      return null;
    const files: Known[] = [];
    let first = 0;
    const text = bytes.toString("latin1", headEnd + 1);
    for (let at = 0; at < text.length; ) {
      const end = text.indexOf("\n", at);
      if (end < 0) return null;
      const known = parse(text.slice(at, end), header, first);
      first += known.count;
      files.push(known);
      at = end + 1;
    }
    if (files.length !== header.rows || first !== header.records) return null;
    const { models, zone, generation, records } = header;
    return { models, zone, generation, records, files };
  } catch {
    return null;
  }
}

function parse(line: string, header: Header, first: number): Known {
  const cells = line.split("\t");
  const rows = cells[11] === "" ? [] : cells[11]!.split(",").map(Number);
  const known: Known = {
    key: `${header.folders[Number(cells[0])]}/${cells[1]}`,
    bytes: Number(cells[2]),
    mtime: Number(cells[3]),
    inode: Number(cells[4]),
    offset: Number(cells[5]),
    probe: cells[6]!,
    session: cells[7] === "" ? null : cells[7]!,
    start: cells[8] === "" ? null : header.starts[Number(cells[8])]!,
    skipped: Number(cells[9]) >> 1,
    side: (Number(cells[9]) & 1) === 1,
    first,
    count: Number(cells[10]),
    rows,
  };
  if (cells.length !== 12 || known.start === undefined || rows.length % WIDTH !== 0)
    throw new Error("damaged");
  return known;
}

/** Keeps an index for the next time, and forgets records that no index names any more. */
export function saveIndex(root: string, index: Index): void {
  const folders = new Map<string, number>();
  const starts = new Map<string, number>();
  const place = (map: Map<string, number>, name: string): number => {
    let at = map.get(name);
    if (at === undefined) map.set(name, (at = map.size));
    return at;
  };
  const lines = index.files.map((file) => {
    const slash = file.key.indexOf("/");
    return [
      place(folders, file.key.slice(0, slash)),
      file.key.slice(slash + 1),
      file.bytes,
      file.mtime,
      file.inode,
      file.offset,
      file.probe,
      file.session ?? "",
      file.start === null ? "" : place(starts, file.start),
      file.skipped * 2 + (file.side ? 1 : 0),
      file.count,
      file.rows.join(","),
    ].join("\t");
  });
  const body = Buffer.from(lines.map((line) => `${line}\n`).join(""), "latin1");
  const { models, zone, generation, records } = index;
  const header: Header = {
    format: FORMAT,
    root,
    models,
    zone,
    generation,
    records,
    folders: [...folders.keys()],
    starts: [...starts.keys()],
    rows: lines.length,
    sum: sumOf(body, 0),
  };
  writeAtomic(`${fileOf(root)}.tsv`, Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), body]));
  forgetOthers(root, generation);
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
