import { readdirSync, realpathSync, type Stats, statSync } from "node:fs";
import { join } from "node:path";
import { prompts } from "../claude/history.ts";
import { isSessionId, projectsDirectory } from "../claude/places.ts";
import { type Facts, readFacts } from "../claude/transcript.ts";
import { errno } from "../system/problem.ts";

/** A transcript file; `folder` is the name of its project folder. Times are epoch ms. */
export type Transcript = { id: string; folder: string; path: string; bytes: number; mtime: number };

/** A transcript that was read. `unreadable` is the errno where nothing could be read. */
export type Entry = Transcript & { facts: Facts | null; unreadable: string | null };

/** Project folders as `[name, path]`; a symbolic link to another project folder is the same folder, and left out. */
export function projectFolders(): [name: string, path: string][] {
  const root = projectsDirectory();
  let entries: import("node:fs").Dirent[];
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
  return names
    .filter((name) => name.length === ID_LENGTH + SUFFIX.length && name.endsWith(SUFFIX))
    .map((name) => name.slice(0, ID_LENGTH))
    .filter(isSessionId);
}

/** Every transcript with size and time, without opening one. Files that vanish meanwhile are left out. */
export function transcripts(wanted: (id: string, folder: string) => boolean = () => true): Transcript[] {
  const found: Transcript[] = [];
  for (const [folder, path] of projectFolders()) {
    for (const id of idsIn(path)) {
      if (!wanted(id, folder)) continue;
      const file = `${path}/${id}${SUFFIX}`;
      let stats: Stats | undefined;
      try {
        stats = statSync(file, { throwIfNoEntry: false });
      } catch {
        // listed with what is known: its name
      }
      if (stats === undefined) found.push({ id: id.toLowerCase(), folder, path: file, bytes: 0, mtime: 0 });
      else if (stats.isFile()) {
        found.push({ id: id.toLowerCase(), folder, path: file, bytes: stats.size, mtime: stats.mtimeMs });
      }
    }
  }
  return found;
}

/** Reads a transcript's head and tail. Null when it has vanished. */
export function read(transcript: Transcript): Entry | null {
  try {
    const facts = readFacts(transcript.path);
    return { ...transcript, bytes: facts.bytes, facts, unreadable: null };
  } catch (error) {
    const code = errno(error);
    if (code === "ENOENT") return null;
    return { ...transcript, facts: null, unreadable: code ?? "EIO" };
  }
}

/** When a session was last written to by its own account, else by its file's. */
export const timeOfEntry = (entry: Entry): number => entry.facts?.updatedAt ?? entry.mtime;

/** Clocks of writer and file system may differ by this much. */
const SLACK = 2000;
/** So many transcripts are all read, so that their own times alone give the order. */
const FEW = 200;

/**
 * The newest sessions by the time of their last record, newest first, at most `limit` that `keep` wants.
 *
 * A record is never newer than its file, so files are read newest first until no older file can hold a newer record.
 * Files whose time was set back are found by the history, which names the sessions of the newest prompts.
 */
export function newest(
  all: readonly Transcript[],
  limit: number,
  keep: (entry: Entry) => boolean = () => true,
): Entry[] {
  const recent = all.length > FEW ? recentIds(Math.max(64, Math.min(limit * 2, 1000))) : new Set<string>();
  const order = [...all].sort((a, b) => b.mtime - a.mtime);
  const first = order.filter(({ id }) => recent.has(id));
  const chosen = new Chosen(limit);
  for (const transcript of first) add(transcript);
  for (const transcript of order) {
    if (all.length > FEW && chosen.full && chosen.oldest > transcript.mtime + SLACK) break;
    if (!recent.has(transcript.id)) add(transcript);
  }
  return chosen.entries;

  function add(transcript: Transcript): void {
    const entry = read(transcript);
    if (entry && keep(entry)) chosen.add(entry);
  }
}

function recentIds(most: number): Set<string> {
  const ids = new Set<string>();
  for (const { session } of prompts()) {
    if (session !== null) ids.add(session);
    if (ids.size >= most) break;
  }
  return ids;
}

/** The newest entries, one for each id: of two files with one id, the one that was written to last. */
class Chosen {
  entries: Entry[] = [];
  readonly #limit: number;
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
    const twin = this.entries.findIndex(({ id }) => id === entry.id);
    if (twin >= 0) {
      if (timeOfEntry(this.entries[twin]!) >= timeOfEntry(entry)) return;
      this.entries.splice(twin, 1);
    }
    const at = timeOfEntry(entry);
    let place = this.entries.length;
    while (place > 0 && timeOfEntry(this.entries[place - 1]!) < at) place--;
    this.entries.splice(place, 0, entry);
    if (this.entries.length > this.#limit) this.entries.pop();
  }
}
