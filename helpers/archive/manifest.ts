// What an archive says of itself: the first file in it, and the only one that is believed before it is checked.

import { posix } from "node:path";
import { isSessionId } from "../claude/places.ts";
import { object, type Row } from "../claude/rows.ts";
import { hasAsciiControl } from "../system/control-characters.ts";
import { Problem } from "../system/problem.ts";

export const MANIFEST = "manifest.json";
export const SCHEMA = "ccr/archive@1";
/** Bytes that a manifest may have: some ten thousand sessions. */
export const LARGEST_MANIFEST = 16 * 1024 * 1024;
const MOST_FILES = 200_000;
const LONGEST_NAME = 512;
const LARGEST_FILE = 64 * 1024 ** 3;

/** A file of an archive. `mtime` is epoch ms, `sha256` hex. */
export type Member = { name: string; size: number; mtime: number; sha256: string };

/** A session as it was where it comes from: paths of that machine, times as ISO 8601. */
export type PackedSession = {
  id: string;
  title: string | null;
  /** start directory */
  project: string | null;
  /** name of its project folder */
  folder: string;
  /** of the CLI */
  version: string | null;
  createdAt: string | null;
  updatedAt: string | null;
  lines: number;
  subagents: number;
  prompts: number;
};

export type Manifest = {
  schema: typeof SCHEMA;
  createdAt: string;
  ccr: string;
  /** where home and Claude's directory were */
  home: string;
  config: string;
  sessions: PackedSession[];
  files: Member[];
};

/** The parts of a session: `<id>/<part>/…`; the first two are single files. */
export const PARTS = [
  "transcript.jsonl",
  "history.jsonl",
  "files",
  "agents",
  "file-history",
  "todos",
  "tasks",
  "plans",
] as const;
export type Part = (typeof PARTS)[number];

export const badArchive = (what: string): Problem =>
  new Problem("bad-archive", `the archive is refused: ${what}.`, {
    hint: "nothing was written; get it again, or make it again with ccr-export",
  });

/** Subagents' transcripts of older versions lie beside those of the sessions. */
export const SUBAGENT_FILE = /^agent-[\w-]+\.jsonl$/;

/** Id, part and the rest of a member's name. Throws for names that no export writes. */
export function parseMemberName(name: string): { id: string; part: Part; rest: string } {
  const [id = "", part = "", ...more] = name.split("/");
  const rest = more.join("/");
  const known = PARTS.indexOf(part as Part);
  const single = known < 2;
  const safe =
    isSessionId(id) &&
    id === id.toLowerCase() &&
    known >= 0 &&
    name.length <= LONGEST_NAME &&
    (single ? rest === "" && more.length === 0 : rest !== "") &&
    posix.normalize(name) === name &&
    !hasAsciiControl(name) &&
    !/\\|\/$/.test(name) &&
    !more.includes("..") &&
    // of a session's own files only those below its own folder may have folders
    (part === "files" || part === "tasks" || more.length < 2) &&
    (part !== "todos" || rest.includes(id)) &&
    (part !== "agents" || SUBAGENT_FILE.test(rest)) &&
    (part !== "plans" || /^[\w-]+\.md$/.test(rest));
  if (!safe) throw badArchive(`a file in it is called ${JSON.stringify(name.slice(0, 120))}`);
  return { id, part: part as Part, rest };
}

/** Whether an archive can have a file of this name. */
export function isMemberName(name: string): boolean {
  try {
    return parseMemberName(name) !== null;
  } catch {
    return false;
  }
}

/** Two names that a file system may take for one are one. */
export const foldedName = (name: string): string => name.normalize("NFC").toLowerCase();

const text = (value: unknown): value is string => typeof value === "string";
const textOrNull = (value: unknown): boolean => value === null || text(value);
const count = (value: unknown, most = Number.MAX_SAFE_INTEGER): boolean =>
  Number.isInteger(value) && (value as number) >= 0 && (value as number) <= most;

/** The manifest in these bytes, every field checked. Throws a Problem. */
export function parseManifest(bytes: Buffer): Manifest {
  let tree: Row | null = null;
  try {
    tree = object(JSON.parse(bytes.toString("utf8")));
  } catch {
    // told below
  }
  if (!tree) throw badArchive("its manifest cannot be read");
  if (tree.schema !== SCHEMA) {
    const other = text(tree.schema) ? tree.schema.slice(0, 40) : "none";
    throw new Problem(
      "archive-version",
      `the archive has another format (${other}); this ccr reads ${SCHEMA}.`,
      {
        hint: "update ccr here, or export again with an older one",
      },
    );
  }
  const { sessions, files, home, config } = tree;
  if (!Array.isArray(sessions) || !Array.isArray(files) || files.length > MOST_FILES)
    throw badArchive("its manifest lists too much or nothing");
  if (![home, config, tree.createdAt, tree.ccr].every(text)) throw badArchive("its manifest is not complete");
  const ids = new Set<string>();
  for (const one of sessions) {
    const right =
      object(one) &&
      text(one.id) &&
      isSessionId(one.id) &&
      text(one.folder) &&
      [one.title, one.project, one.version, one.createdAt, one.updatedAt].every(textOrNull) &&
      [one.lines, one.subagents, one.prompts].every((number) => count(number)) &&
      !ids.has(one.id);
    if (!right) throw badArchive("its manifest describes a session wrongly");
    ids.add(one.id);
  }
  const names = new Set<string>();
  const begun = new Set<string>();
  let last = "";
  for (const one of files) {
    if (!object(one) || !text(one.name) || !count(one.size, LARGEST_FILE) || !Number.isFinite(one.mtime))
      throw badArchive("its manifest describes a file wrongly");
    if (!text(one.sha256) || !/^[0-9a-f]{64}$/.test(one.sha256))
      throw badArchive(`${one.name} has no checksum`);
    const { id, part } = parseMemberName(one.name);
    if (!ids.has(id)) throw badArchive(`a file belongs to no session: ${one.name}`);
    // The files of a session stand together, its transcript first.
    if (id !== last && (begun.has(id) || part !== "transcript.jsonl"))
      throw badArchive(`a file is in it twice, or not in its place: ${one.name}`);
    begun.add(id);
    last = id;
    const folded = foldedName(one.name);
    if (names.has(folded)) throw badArchive(`a file is in it twice: ${one.name}`);
    names.add(folded);
  }
  for (const id of ids) if (!begun.has(id)) throw badArchive(`it has no transcript of ${id}`);
  return tree as unknown as Manifest;
}
