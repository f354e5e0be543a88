import { type Dirent, readdirSync, realpathSync, statSync } from "node:fs";
import { join } from "node:path";
import { prompts } from "../claude/history.ts";
import { isSessionId, projectsDirectory } from "../claude/places.ts";
import { liveSessions } from "../claude/registry.ts";
import { readFacts } from "../claude/transcript.ts";
import { verdictOf } from "../limits/verdict.ts";
import { TIMESTAMP_STEP } from "../system/cache-file.ts";
import { errno } from "../system/problem.ts";
import { type FileStat, statFile as lookAt } from "../system/stat-file.ts";
import {
  type Catalogue,
  confirmCatalogue,
  entryOf,
  type Folder,
  type Row,
  readCatalogue,
  uniqueLengths,
  writeCatalogue,
} from "./catalogue.ts";
import { type Entry, type Transcript, timeOfEntry } from "./entry.ts";

export { type Entry, type Transcript, timeOfEntry } from "./entry.ts";

/** Project folders as `[name, path]`; a symbolic link to another project folder is the same folder, and left out. */
export function projectFolders(root: string = projectsDirectory()): [name: string, path: string][] {
  let entries: Dirent[];
  try {
    entries = readdirSync(root, { withFileTypes: true });
  } catch (error) {
    if (errno(error) === "ENOENT") return [];
    throw error;
  }
  const folders: [string, string][] = [];
  const links: [string, string][] = [];
  for (const entry of entries) {
    const pair: [string, string] = [entry.name, join(root, entry.name)];
    if (entry.isDirectory()) folders.push(pair);
    else if (entry.isSymbolicLink()) links.push(pair);
  }
  if (links.length > 0) {
    const real = new Set(folders.map(([, path]) => realpathSync(path)));
    for (const [name, path] of links) {
      try {
        const target = realpathSync(path);
        if (real.has(target) || !statSync(target).isDirectory()) continue;
        real.add(target);
        folders.push([name, path]);
      } catch {
        // a dangling link holds no sessions
      }
    }
  }
  return folders;
}

const SUFFIX = ".jsonl";
const ID_LENGTH = 36;

/** Session ids with a transcript in a folder, as the file names have them. Subagents' files (`agent-…`) are no sessions. */
export function idsIn(folder: string): string[] {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    return [];
  }
  const ids: string[] = [];
  for (const name of names) {
    if (name.length !== ID_LENGTH + SUFFIX.length || !name.endsWith(SUFFIX)) continue;
    const id = name.slice(0, ID_LENGTH);
    if (isSessionId(id)) ids.push(id);
  }
  return ids;
}

/** Every session id with a transcript; folders are only listed. */
export const allSessionIds = (): string[] =>
  projectFolders().flatMap(([, path]) => idsIn(path).map((id) => id.toLowerCase()));

/** The last look at all folders: what a catalogue of it is valid for. */
type Scan = { root: string; rootTime: number; folders: Folder[]; found: Transcript[] };
let scan: Scan | undefined;

/** Modification time of a folder (epoch ms); 0 when it is unknown, or a later change could have the same time. */
export function folderTime(path: string, now: number): number {
  try {
    const { mtimeMs } = statSync(path);
    return Math.abs(now - mtimeMs) < TIMESTAMP_STEP ? 0 : mtimeMs;
  } catch {
    return 0;
  }
}

/** Every transcript with size and time, without opening one. Files that vanish meanwhile are left out. */
export function transcripts(wanted?: (id: string, folder: string) => boolean): Transcript[] {
  const found: Transcript[] = [];
  const root = projectsDirectory();
  const now = Date.now();
  const rootTime = folderTime(root, now);
  const folders: Folder[] = [];
  for (const [folder, path] of projectFolders()) {
    if (!wanted) folders.push([folder, folderTime(path, now)]);
    for (const id of idsIn(path)) {
      if (wanted && !wanted(id, folder)) continue;
      const transcript = statTranscript(id, folder, `${path}/${id}${SUFFIX}`);
      if (transcript) found.push(transcript);
    }
  }
  if (!wanted) scan = { root, rootTime, folders, found };
  return found;
}

/** Size and time of a transcript; zeros where they cannot be had, null where it is no file. */
function statTranscript(id: string, folder: string, path: string): Transcript | null {
  let seen: FileStat | undefined;
  try {
    seen = lookAt(path);
    if (seen && !seen.isFile) return null;
  } catch {
    // listed with what is known: its name
  }
  return { id: id.toLowerCase(), folder, path, bytes: seen?.bytes ?? 0, mtime: seen?.mtime ?? 0 };
}

const LONGEST_PROMPT = 1000;
/** A copy: a slice would keep the whole text in memory. */
const shorten = (text: string | null): string | null =>
  text !== null && text.length > LONGEST_PROMPT
    ? Buffer.from(text.slice(0, LONGEST_PROMPT)).toString()
    : text;

/** Reads a transcript's head and tail. Null when it has vanished. */
export function readTranscript(transcript: Transcript): Entry | null {
  try {
    const { last, answer, ...facts } = readFacts(transcript.path);
    facts.firstPrompt = shorten(facts.firstPrompt);
    facts.lastPrompt = shorten(facts.lastPrompt);
    return {
      ...transcript,
      bytes: facts.bytes,
      facts: { ...facts, verdict: verdictOf(last, answer) },
      unreadable: null,
    };
  } catch (error) {
    const code = errno(error);
    if (code === "ENOENT") return null;
    return { ...transcript, facts: null, unreadable: code ?? "EIO" };
  }
}

/** Clocks of writer and file system may differ by this much. */
const SLACK = 2000;
/** So many unknown transcripts are all read, so that their own times alone give the order. */
const FEW = 200;
/** So many changed rows are read again each time rather than written down. */
const FEW_CHANGES = 16;
/** Fewer transcripts than this are read without looking into the catalogue. */
const WORTH_CATALOGUE = 8;

/**
 * The newest sessions by the time of their last record, newest first, at most `limit` that `keep` wants.
 *
 * A record is never newer than its file, so files are read newest first until no older file can hold a newer record.
 * Files whose time was set back are found by the history, which names the sessions of the newest prompts, and by the
 * catalogue, which knows the records of every file that was read before.
 */
export function newest(
  all: readonly Transcript[],
  limit: number,
  keep: (entry: Entry) => boolean = () => true,
): Entry[] {
  const known = new Map<string, Row>();
  const catalogue = all.length > WORTH_CATALOGUE ? readCatalogue(projectsDirectory(), true) : null;
  for (const row of catalogue?.rows ?? []) known.set(row.path, row);

  const candidates = all.map((transcript) => {
    const row = known.get(transcript.path);
    const same = row && row.bytes === transcript.bytes && row.mtime === transcript.mtime ? row : undefined;
    return { transcript, row: same, bound: same ? same.updatedAt : transcript.mtime + SLACK };
  });
  candidates.sort((a, b) => b.bound - a.bound);
  const unknown = candidates.filter(({ row }) => !row);
  const recent = unknown.length > FEW ? recentlyPrompted(Math.max(64, Math.min(limit * 2, 1000))) : null;

  const chosen = new NewestEntries(limit);
  const fresh = new Map<string, Entry>();
  const choose = (entry: Entry | null): void => {
    if (entry && keep(entry)) chosen.add(entry);
  };
  for (const { transcript } of unknown) {
    if (recent && !recent.has(transcript.id)) continue;
    const entry = readTranscript(transcript);
    if (entry) fresh.set(transcript.path, entry);
    choose(entry);
  }
  for (const { transcript, row, bound } of candidates) {
    if (chosen.full && chosen.oldest >= bound) break;
    if (row) choose(entryOf(row) ?? readTranscript(transcript));
    else if (!fresh.has(transcript.path)) {
      const entry = readTranscript(transcript);
      if (entry) fresh.set(transcript.path, entry);
      choose(entry);
    }
  }
  if (scan?.found === all && all.length > WORTH_CATALOGUE)
    updateCatalogue(scan, catalogue, candidates, fresh);
  return chosen.entries;
}

type Candidate = { transcript: Transcript; row: Row | undefined };

/** Writes the catalogue when folders or more than a few files have changed. `fresh`: the sessions that were read now. */
function updateCatalogue(
  { root, rootTime, folders, found }: Scan,
  catalogue: Catalogue | null,
  candidates: readonly Candidate[],
  fresh: ReadonlyMap<string, Entry>,
): void {
  const known = new Set(catalogue?.rows.map(({ path }) => path));
  const moved =
    !catalogue || !sameFolders(catalogue.fields.folders, folders) || catalogue.fields.rootTime !== rootTime;
  const learnt = [...fresh.values()].some(({ path, facts }) => facts !== null && !known.has(path));
  if (!moved && !learnt && fresh.size <= FEW_CHANGES) {
    confirmCatalogue(root);
    return;
  }
  const unread = candidates.filter(({ transcript, row }) => !row && !fresh.has(transcript.path));
  writeCatalogue({
    root,
    rootTime,
    folders,
    rows: candidates.flatMap(({ transcript, row }) => row ?? fresh.get(transcript.path) ?? []),
    ids: found.map(({ id }) => id),
    unread: Math.max(0, ...unread.map(({ transcript }) => transcript.mtime)),
  });
}

const sameFolders = (a: readonly Folder[], b: readonly Folder[]): boolean =>
  a.length === b.length && a.every(([name, time], i) => b[i]![0] === name && b[i]![1] === time && time !== 0);

/** How a list is to be shown: how much of each id has to be typed, and ids that more than one file has. */
export type Newest = {
  entries: Entry[];
  unique: Map<string, number>;
  twins: Map<string, number>;
  total: number;
};

/** For so long (ms) what was compared with every file is trusted for those that are not among the newest. */
const TRUSTED = 60_000;

/**
 * The newest sessions of all. Within a minute of a look at every file only the few hundred newest files and the
 * running sessions are looked at again; a folder that changed, or a doubt, leads to a look at every file.
 */
export function newestOfAll(limit: number, keep?: (entry: Entry) => boolean): Newest {
  const quick = keep ? null : recallNewest(limit);
  if (quick) return quick;
  const all = transcripts();
  const entries = newest(all, limit, keep);
  const twins = new Map<string, number>();
  for (const { id } of all) twins.set(id, (twins.get(id) ?? 0) + 1);
  return { entries, unique: uniqueLengths(all.map(({ id }) => id)), twins, total: twins.size };
}

function recallNewest(limit: number): Newest | null {
  const root = projectsDirectory();
  const now = Date.now();
  const catalogue = readCatalogue(root, false);
  if (!catalogue || !isRecent(catalogue, root, now)) return null;
  const { fields, rows, whole } = catalogue;
  const chosen = new NewestEntries(limit);
  const ids = new Set<string>();
  for (const row of rows) {
    ids.add(row.id);
    const present = statTranscript(row.id, row.folder, row.path);
    if (!present || present.mtime === 0) return null;
    const same = present.bytes === row.bytes && present.mtime === row.mtime;
    if (same && chosen.full && chosen.oldest >= row.updatedAt) continue;
    const entry = same ? entryOf(row) : readTranscript(present);
    if (!entry) return null;
    chosen.add(entry);
  }
  if (!coversNewest(catalogue, chosen)) return null;
  if (!whole && [...liveSessions().keys()].some((id) => !ids.has(id))) return null;
  return {
    entries: chosen.entries,
    unique: new Map(rows.map(({ id, unique }) => [id, unique])),
    twins: new Map(rows.map(({ id, twins }) => [id, twins])),
    total: fields.rows,
  };
}

/** Whether no transcript that is not in these rows of the catalogue can be newer than the chosen ones. */
function coversNewest({ fields, rows, whole }: Catalogue, chosen: NewestEntries): boolean {
  if (whole && fields.unread === 0) return true;
  const oldestRow = rows.at(-1)?.updatedAt ?? Number.POSITIVE_INFINITY;
  return chosen.full && chosen.oldest >= Math.max(fields.unread + SLACK, whole ? 0 : oldestRow);
}

/** Whether a catalogue was compared with all files a moment ago, and no folder has changed since. */
function isRecent({ fields, savedAt }: Catalogue, root: string, now: number): boolean {
  if (savedAt > now || now - savedAt > TRUSTED) return false;
  if (fields.rootTime === 0 || folderTime(root, now) !== fields.rootTime) return false;
  return fields.folders.every(([name, time]) => time !== 0 && folderTime(`${root}/${name}`, now) === time);
}

/** Ids of the sessions with the newest prompts in the history, at most `most`. */
export function recentlyPrompted(most: number): Set<string> {
  const ids = new Set<string>();
  for (const { session } of prompts()) {
    if (session !== null) ids.add(session);
    if (ids.size >= most) break;
  }
  return ids;
}

/** The newest entries, one for each id: of two files with one id, the one that was written to last. */
class NewestEntries {
  entries: Entry[] = [];
  readonly #limit: number;
  readonly #byId = new Map<string, Entry>();
  constructor(limit: number) {
    this.#limit = limit;
  }
  get full(): boolean {
    return this.entries.length >= this.#limit;
  }
  get oldest(): number {
    const last = this.entries.at(-1);
    return last ? timeOfEntry(last) : Number.NEGATIVE_INFINITY;
  }
  add(entry: Entry): void {
    const twin = this.#byId.get(entry.id);
    if (twin) {
      if (timeOfEntry(twin) >= timeOfEntry(entry)) return;
      this.entries.splice(this.entries.indexOf(twin), 1);
    }
    const at = timeOfEntry(entry);
    let place = this.entries.length;
    while (place > 0 && timeOfEntry(this.entries[place - 1]!) < at) place--;
    this.entries.splice(place, 0, entry);
    this.#byId.set(entry.id, entry);
    if (this.entries.length > this.#limit) this.#byId.delete(this.entries.pop()!.id);
  }
}
