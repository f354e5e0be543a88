// The manifest of an archive: its first file, which lists the sessions and all other files with their checksums.

import { posix } from "node:path";
import { isSessionId } from "../claude/places.ts";
import { object, type Row } from "../claude/rows.ts";
import { hasAsciiControl } from "../system/control-characters.ts";
import { Problem } from "../system/problem.ts";

export const MANIFEST = "manifest.json";
export const SCHEMA = "ccr/archive@1";
/** Largest manifest in bytes: about ten thousand sessions. */
export const LARGEST_MANIFEST = 16 * 1024 * 1024;
const MOST_FILES = 200_000;
const LONGEST_NAME = 512;
const LARGEST_FILE = 64 * 1024 ** 3;

/** A file of an archive. `mtime` is epoch ms, `sha256` hex. */
export type Member = { name: string; size: number; mtime: number; sha256: string };

/** A session as it was on the machine that it comes from, with paths of that machine. Times are ISO 8601. */
export type PackedSession = {
  id: string;
  title: string | null;
  /** start directory */
  project: string | null;
  /** name of its project folder */
  folder: string;
  /** version of the CLI */
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
  /** home and Claude's directory on that machine */
  home: string;
  config: string;
  sessions: PackedSession[];
  files: Member[];
};

/** The parts of a session, `<id>/<part>/…`. The first two are single files. */
const PARTS = [
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

/** Returns a Problem for an archive that is not imported. */
export const badArchive = (what: string): Problem =>
  new Problem("bad-archive", `invalid archive: ${what}`, {
    hint: "nothing was imported; copy the archive again, or export it again: ccr-export",
  });

/** The name of a subagent's transcript beside those of the sessions, as Claude Code 2.0 wrote them. */
export const SUBAGENT_FILE = /^agent-[\w-]+\.jsonl$/;

/** Splits the name of a file in an archive. Throws a Problem for names that no export writes. */
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
    // only these two parts have subfolders
    (part === "files" || part === "tasks" || more.length < 2) &&
    (part !== "todos" || rest.includes(id)) &&
    (part !== "agents" || SUBAGENT_FILE.test(rest)) &&
    (part !== "plans" || /^[\w-]+\.md$/.test(rest));
  if (!safe) throw badArchive(`a file has an invalid name: ${JSON.stringify(name.slice(0, 120))}`);
  return { id, part: part as Part, rest };
}

/** Returns whether an archive can contain a file of this name. */
export function isMemberName(name: string): boolean {
  try {
    return parseMemberName(name) !== null;
  } catch {
    return false;
  }
}

/** Returns an equal text for names that a file system may treat as equal. */
export const foldedName = (name: string): string => name.normalize("NFC").toLowerCase();

const isText = (value: unknown): value is string => typeof value === "string";
const isTextOrNull = (value: unknown): boolean => value === null || isText(value);
const isCount = (value: unknown, most = Number.MAX_SAFE_INTEGER): boolean =>
  Number.isInteger(value) && (value as number) >= 0 && (value as number) <= most;

/** Parses a manifest and checks every field. Throws a Problem. */
export function parseManifest(bytes: Buffer): Manifest {
  let tree: Row | null = null;
  try {
    tree = object(JSON.parse(bytes.toString("utf8")));
  } catch {
    // reported below
  }
  if (!tree) throw badArchive("its manifest cannot be read");
  if (tree.schema !== SCHEMA) {
    const other = isText(tree.schema) ? tree.schema.slice(0, 40) : "none";
    throw new Problem("archive-version", `unknown archive format: ${other} (this ccr reads ${SCHEMA})`, {
      hint: "update ccr here, or export again with an older one",
    });
  }
  const { sessions, files, home, config } = tree;
  if (!Array.isArray(sessions) || !Array.isArray(files) || files.length > MOST_FILES)
    throw badArchive("its manifest lists too many files or none");
  if (![home, config, tree.createdAt, tree.ccr].every(isText)) throw badArchive("its manifest is incomplete");
  checkMembers(files, checkSessions(sessions));
  return tree as unknown as Manifest;
}

/** Checks the sessions of a manifest. Returns their ids. */
function checkSessions(sessions: readonly unknown[]): Set<string> {
  const ids = new Set<string>();
  for (const session of sessions.map(object)) {
    const valid =
      session &&
      isText(session.id) &&
      isSessionId(session.id) &&
      isText(session.folder) &&
      [session.title, session.project, session.version, session.createdAt, session.updatedAt].every(
        isTextOrNull,
      ) &&
      [session.lines, session.subagents, session.prompts].every((number) => isCount(number)) &&
      !ids.has(session.id);
    if (!valid) throw badArchive("its manifest has an invalid session");
    ids.add(session.id as string);
  }
  return ids;
}

/** Checks the files of a manifest: the files of a session stand together, its transcript first, no name twice. */
function checkMembers(files: readonly unknown[], ids: ReadonlySet<string>): void {
  const names = new Set<string>();
  const begun = new Set<string>();
  let last = "";
  for (const file of files.map(object)) {
    const name = checkedName(file);
    const { id, part } = parseMemberName(name);
    if (!ids.has(id)) throw badArchive(`a file belongs to no session: ${name}`);
    if (id !== last && (begun.has(id) || part !== "transcript.jsonl"))
      throw badArchive(`a file is listed twice or in the wrong place: ${name}`);
    begun.add(id);
    last = id;
    const folded = foldedName(name);
    if (names.has(folded)) throw badArchive(`a file is listed twice: ${name}`);
    names.add(folded);
  }
  for (const id of ids) if (!begun.has(id)) throw badArchive(`the transcript of ${id} is missing`);
}

function checkedName(file: Row | null): string {
  if (!file || !isText(file.name) || !isCount(file.size, LARGEST_FILE) || !Number.isFinite(file.mtime))
    throw badArchive("its manifest has an invalid file");
  if (!isText(file.sha256) || !/^[0-9a-f]{64}$/.test(file.sha256))
    throw badArchive(`${file.name} has no checksum`);
  return file.name;
}
