// What the last commands learnt of the transcripts, so that a list need not read them again. May vanish at any time.
import { closeSync, fstatSync, readSync, statSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { openFile, writeAtomic } from "../system/files.ts";
import { cache } from "../system/places.ts";
import type { Entry, Known, Transcript } from "./entry.ts";

const FORMAT = 2;
/** The beginning that a list of the newest needs; the rest is read for everything else. */
const BEGINNING = 64 * 1024;

type Header = {
  format: number;
  /** which program wrote it: another one may judge differently */
  program: string;
  root: string;
  rootTime: number;
  /** modification times of the project folders, 0 where a change could have the same time */
  folders: [name: string, time: number][];
  /** no unread transcript is newer than this */
  unread: number;
  /** number of rows */
  rows: number;
};

/** A row that is not parsed further than its numbers. */
export type Line = Transcript & { updatedAt: number; unique: number; twins: number; facts: string };

export type Catalogue = { header: Header; lines: Line[]; whole: boolean; savedAt: number };

const fileOf = (root: string): string => {
  let hash = 5381;
  for (let i = 0; i < root.length; i++) hash = (Math.imul(hash, 33) ^ root.charCodeAt(i)) >>> 0;
  return join(cache(), `catalogue-${hash.toString(36)}.tsv`);
};

let program: string | undefined;
export function programOf(): string {
  if (program === undefined) {
    const stats = statSync(process.argv[1] ?? "", { throwIfNoEntry: false });
    program = stats ? `${stats.size}-${stats.mtimeMs}` : "?";
  }
  return program;
}

/** The catalogue of a projects directory, or its beginning only; null when there is none that can be trusted. */
export function load(root: string, whole: boolean): Catalogue | null {
  let fd: number;
  try {
    fd = openFile(fileOf(root));
  } catch {
    return null;
  }
  try {
    const { size, mtimeMs } = fstatSync(fd);
    const wanted = whole ? size : Math.min(size, BEGINNING);
    const buffer = Buffer.allocUnsafe(wanted);
    const got = readSync(fd, buffer, 0, wanted, 0);
    const text = buffer.toString("latin1", 0, got);
    const complete = got === size;
    const rows = text.slice(0, text.lastIndexOf("\n")).split("\n");
    const header: Header = JSON.parse(rows[0]!);
    if (header.format !== FORMAT || header.program !== programOf() || header.root !== root) return null;
    const lines: Line[] = [];
    for (let i = 1; i < rows.length; i++) {
      const line = parse(rows[i]!, header, root);
      if (!line) return null;
      lines.push(line);
    }
    if (complete && lines.length !== header.rows) return null;
    return { header, lines, whole: complete, savedAt: mtimeMs };
  } catch {
    return null;
  } finally {
    closeSync(fd);
  }
}

function parse(row: string, header: Header, root: string): Line | null {
  const [id, folderAt, bytes, mtime, updatedAt, unique, twins, facts] = row.split("\t", 8);
  const folder = header.folders[Number(folderAt)]?.[0];
  if (facts === undefined || folder === undefined || id!.length !== 36) return null;
  return {
    id: id!,
    folder,
    path: `${root}/${folder}/${id}.jsonl`,
    bytes: Number(bytes),
    mtime: Number(mtime),
    updatedAt: Number(updatedAt),
    unique: Number(unique),
    twins: Number(twins),
    facts,
  };
}

const KEYS = [
  "bytes",
  "start",
  "cwd",
  "gitBranch",
  "version",
  "entrypoint",
  "model",
  "permissionMode",
  "createdAt",
  "updatedAt",
  "customTitle",
  "aiTitle",
  "summary",
  "firstPrompt",
  "lastPrompt",
  "relocated",
  "skipped",
  "torn",
  "unknown",
  "verdict",
] as const satisfies readonly (keyof Known)[];

/** A row as the entry that was read for it. */
export function entryOf({ id, folder, path, bytes, mtime, facts }: Line): Entry | null {
  try {
    const values: unknown[] = JSON.parse(facts);
    if (values.length !== KEYS.length) return null;
    const known = Object.fromEntries(KEYS.map((key, i) => [key, values[i]])) as unknown as Known;
    return { id, folder, path, bytes, mtime, facts: known, unreadable: null };
  } catch {
    return null;
  }
}

/** JSON in ASCII, which is read fastest. Tabs and newlines are escaped in it too. */
export const asciiJson = (value: unknown): string =>
  JSON.stringify(value).replace(
    /[^\u0000-\u007f]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );

/** Keeps rows for the next command. A disk that is full or read-only costs time later, and nothing else. */
export function save(
  root: string,
  rootTime: number,
  folders: readonly (readonly [name: string, time: number])[],
  rows: readonly (Entry | Line)[],
  ids: readonly string[],
  unread: number,
): void {
  const place = new Map(folders.map(([name], i) => [name, i]));
  const unique = uniqueLengths(ids);
  const count = new Map<string, number>();
  for (const id of ids) count.set(id, (count.get(id) ?? 0) + 1);
  const lines = rows.flatMap((row) => {
    const at = place.get(row.folder);
    const updatedAt =
      "updatedAt" in row ? row.updatedAt : row.facts ? (row.facts.updatedAt ?? row.mtime) : null;
    if (at === undefined || updatedAt === null || row.facts === null) return [];
    if (row.path !== `${root}/${row.folder}/${row.id}.jsonl`) return [];
    const facts =
      typeof row.facts === "string" ? row.facts : asciiJson(KEYS.map((key) => (row.facts as Known)[key]));
    const numbers = [at, row.bytes, row.mtime, updatedAt, unique.get(row.id) ?? 8, count.get(row.id) ?? 1];
    return [{ updatedAt, text: `${row.id}\t${numbers.join("\t")}\t${facts}` }];
  });
  lines.sort((a, b) => b.updatedAt - a.updatedAt);
  const header: Header = {
    format: FORMAT,
    program: programOf(),
    root,
    rootTime,
    folders: folders.map(([name, time]) => [name, time]),
    unread,
    rows: lines.length,
  };
  try {
    writeAtomic(fileOf(root), `${[asciiJson(header), ...lines.map(({ text }) => text)].join("\n")}\n`);
  } catch {
    // the next command reads the transcripts again
  }
}

/** Notes that everything was just compared with the files and found the same. */
export function confirm(root: string): void {
  try {
    const now = new Date();
    utimesSync(fileOf(root), now, now);
  } catch {
    // as in save
  }
}

const LEAST_UNIQUE = 4;

/** The length of the shortest beginning of each id that no other id has, at least four characters. */
export function uniqueLengths(ids: Iterable<string>): Map<string, number> {
  const sorted = [...new Set(ids)].sort();
  const shared = (a: string, b: string | undefined): number => {
    let n = 0;
    while (b !== undefined && n < a.length && a[n] === b[n]) n++;
    return n;
  };
  return new Map(
    sorted.map((id, i) => {
      const length = 1 + Math.max(shared(id, sorted[i - 1]), shared(id, sorted[i + 1]));
      return [id, Math.max(LEAST_UNIQUE, Math.min(id.length, length))];
    }),
  );
}
