// The catalogue: what a list needs to know of each transcript, so that transcripts which have not changed are not read.
import {
  type Cached,
  type CacheFile,
  cachePath,
  confirmCache,
  readCache,
  writeCache,
} from "../system/cache-file.ts";
import { asciiJson } from "../system/json-text.ts";
import type { Entry, SessionFacts, Transcript } from "./entry.ts";

const VERSION = 3;
/** Bytes at the beginning of the file that a list of the newest sessions needs. */
const BEGINNING = 64 * 1024;

/** A project folder and its modification time (epoch ms); 0 when a later change could have the same time. */
export type Folder = readonly [name: string, time: number];

type Fields = {
  rootTime: number;
  folders: readonly Folder[];
  /** no unread transcript is newer than this */
  unread: number;
  /** number of rows */
  rows: number;
};

/** A row of the catalogue, newest first; its `facts` are not parsed yet. */
export type Row = Transcript & { updatedAt: number; unique: number; twins: number; facts: string };

/** `whole`: all rows were read. `savedAt` (epoch ms): when it was last compared with the files. */
export type Catalogue = { fields: Fields; rows: Row[]; whole: boolean; savedAt: number };

const fileOf = (root: string): CacheFile => ({
  path: `${cachePath("catalogue", root)}.tsv`,
  format: "catalogue",
  version: VERSION,
  root,
});

/** Reads the catalogue of a projects directory, or only its beginning. Null when there is none to be trusted. */
export function readCatalogue(root: string, whole: boolean): Catalogue | null {
  const cached: Cached<Fields> | null = readCache(fileOf(root), whole ? undefined : BEGINNING);
  const text = cached?.section(0)?.toString("latin1");
  if (!cached || text === undefined) return null;
  const { fields, savedAt } = cached;
  const rows: Row[] = [];
  // Where only the beginning was read its last line is cut.
  for (const line of text.slice(0, text.lastIndexOf("\n") + 1).split("\n")) {
    if (line === "") continue;
    const row = parse(line, fields, root);
    if (!row) return null;
    rows.push(row);
  }
  return { fields, rows, whole: cached.whole, savedAt };
}

function parse(line: string, { folders }: Fields, root: string): Row | null {
  const [id, folderAt, bytes, mtime, updatedAt, unique, twins, facts] = line.split("\t", 8);
  const folder = folders[Number(folderAt)]?.[0];
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
] as const satisfies readonly (keyof SessionFacts)[];

/** The session that a row is about. Null when its facts cannot be parsed. */
export function entryOf({ id, folder, path, bytes, mtime, facts }: Row): Entry | null {
  try {
    const values: unknown[] = JSON.parse(facts);
    if (values.length !== KEYS.length) return null;
    const known = Object.fromEntries(KEYS.map((key, i) => [key, values[i]])) as unknown as SessionFacts;
    return { id, folder, path, bytes, mtime, facts: known, unreadable: null };
  } catch {
    return null;
  }
}

/** What a catalogue is written from. */
export type Listed = {
  root: string;
  rootTime: number;
  folders: readonly Folder[];
  /** sessions that were read, and rows of the last catalogue that still hold */
  rows: readonly (Entry | Row)[];
  /** ids of all transcripts, with repetition */
  ids: readonly string[];
  /** modification time (epoch ms) of the newest transcript that was not read, else 0 */
  unread: number;
};

/** Writes the catalogue for the next command. */
export function writeCatalogue({ root, rootTime, folders, rows, ids, unread }: Listed): void {
  const places = new Map(folders.map(([name], i) => [name, i]));
  const unique = uniqueLengths(ids);
  const twins = new Map<string, number>();
  for (const id of ids) twins.set(id, (twins.get(id) ?? 0) + 1);
  const lines = rows.flatMap((row) => {
    const place = places.get(row.folder);
    const updatedAt = updatedAtOf(row);
    if (place === undefined || updatedAt === null || row.facts === null) return [];
    if (row.path !== `${root}/${row.folder}/${row.id}.jsonl`) return [];
    const { facts } = row;
    const numbers = [place, row.bytes, row.mtime, updatedAt, unique.get(row.id) ?? 8, twins.get(row.id) ?? 1];
    const json = typeof facts === "string" ? facts : asciiJson(KEYS.map((key) => facts[key]));
    return [{ updatedAt, text: `${row.id}\t${numbers.join("\t")}\t${json}\n` }];
  });
  lines.sort((a, b) => b.updatedAt - a.updatedAt);
  const fields: Fields = { rootTime, folders, unread, rows: lines.length };
  writeCache(fileOf(root), fields, [Buffer.from(lines.map(({ text }) => text).join(""), "latin1")]);
}

function updatedAtOf(row: Entry | Row): number | null {
  if ("updatedAt" in row) return row.updatedAt;
  return row.facts && (row.facts.updatedAt ?? row.mtime);
}

/** Notes that everything in the catalogue was just compared with the files and found the same. */
export const confirmCatalogue = (root: string): void => confirmCache(fileOf(root));

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
