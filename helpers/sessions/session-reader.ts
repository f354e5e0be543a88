import { statSync } from "node:fs";
import { prompts } from "../claude/history.ts";
import { projectsDirectory, slug } from "../claude/places.ts";
import type { Live } from "../claude/registry.ts";
import {
  type Catalogue,
  entryOf,
  type Folder,
  type Row,
  readCatalogue,
  writeCatalogue,
} from "./catalogue.ts";
import { type Entry, folderTime, idsIn, projectFolders, readTranscript, type Transcript } from "./store.ts";

/** So many changed rows are read again each time rather than written down. */
const FEW_CHANGES = 16;
const MOST_PROMPTS = 1000;
/** Files looked at in one step. */
const STEP = 32;

/**
 * Reads every session in small steps, so that somebody can be served between two of them: first those that are
 * probably the newest, then all, newest first. A session may come twice, the later time as it is by then.
 */
export class SessionReader {
  /** ids of all transcripts, with repetition; null until they are listed */
  ids: string[] | null = null;
  readonly #root = projectsDirectory();
  readonly #seen = new Map<string, { stamp: string; row: Entry | Row }>();

  /** Each step gives a session, or null where it was spent otherwise. `first`: so many probably newest ones first. */
  *steps(first: number, live: ReadonlyMap<string, Live>): Generator<Entry | null, void> {
    const known = readCatalogue(this.#root, false);
    const beginning = rowsByPath(known);
    for (const path of this.#newestPaths(first, live, known?.savedAt ?? 0)) {
      yield this.#seen.has(path) ? null : this.#take(lookAt(path), beginning.get(path));
    }
    for (const row of [...beginning.values()].slice(0, first)) {
      yield this.#seen.has(row.path) ? null : this.#take(lookAt(row.path), row);
    }

    const now = Date.now();
    const rootTime = folderTime(this.#root, now);
    const folders: Folder[] = [];
    const files: { folder: string; path: string }[] = [];
    for (const [folder, path] of projectFolders()) {
      folders.push([folder, folderTime(path, now)]);
      for (const id of idsIn(path)) files.push({ folder, path: `${path}/${id}.jsonl` });
      yield null;
    }
    const all: Transcript[] = [];
    for (const [at, { folder, path }] of files.entries()) {
      const transcript = lookAt(path, folder);
      if (transcript) all.push(transcript);
      if (at % STEP === 0) yield null;
    }
    this.ids = all.map(({ id }) => id);
    yield null;

    const before = rowsByPath(readCatalogue(this.#root, true));
    all.sort((a, b) => b.mtime - a.mtime);
    yield null;
    for (const transcript of all) yield this.#take(transcript, before.get(transcript.path));
    const rows = all.flatMap(({ path }) => this.#seen.get(path)?.row ?? []);
    this.#seen.clear();
    // As every other reader of all sessions does; what few rows have changed is read again.
    const fresh = rows.filter(({ facts }) => typeof facts !== "string").length;
    if (fresh > FEW_CHANGES)
      writeCatalogue({ root: this.#root, rootTime, folders, rows, ids: this.ids, unread: 0 });
  }

  /** Where the sessions that are running, or had the newest prompts since an instant, should be. */
  *#newestPaths(most: number, live: ReadonlyMap<string, Live>, since: number): Generator<string> {
    for (const { session, cwd } of live.values()) if (cwd !== null) yield pathOf(this.#root, cwd, session);
    const seen = new Set<string>();
    let looked = 0;
    for (const { session, project, at } of prompts()) {
      if (at < since || ++looked > MOST_PROMPTS || seen.size >= most) return;
      if (session === null || project === null || seen.has(session)) continue;
      seen.add(session);
      yield pathOf(this.#root, project, session);
    }
  }

  /** A transcript that changed, as it is now; null where it has not, undefined where it is gone. */
  reread(path: string): Entry | null | undefined {
    const transcript = lookAt(path);
    if (transcript) return this.#take(transcript, undefined);
    this.#seen.delete(path);
    return undefined;
  }

  #take(transcript: Transcript | null, row: Row | undefined): Entry | null {
    if (!transcript) return null;
    const stamp = `${transcript.bytes} ${transcript.mtime}`;
    if (this.#seen.get(transcript.path)?.stamp === stamp) return null;
    const same = row?.bytes === transcript.bytes && row.mtime === transcript.mtime;
    const known = same ? entryOf(row) : null;
    const entry = known ?? readTranscript(transcript);
    if (entry) this.#seen.set(transcript.path, { stamp, row: known ? row! : entry });
    return entry;
  }
}

const rowsByPath = (catalogue: Catalogue | null): Map<string, Row> =>
  new Map(catalogue?.rows.map((row) => [row.path, row]));

const pathOf = (root: string, directory: string, id: string): string =>
  `${root}/${slug(directory)}/${id}.jsonl`;

const ID_LENGTH = 36;

/** A transcript with size and time, zeros where they cannot be had; null where there is none. */
function lookAt(path: string, folder = path.split("/").at(-2)!): Transcript | null {
  const end = path.length - ".jsonl".length;
  const id = path.slice(end - ID_LENGTH, end).toLowerCase();
  try {
    const stats = statSync(path, { throwIfNoEntry: false });
    return stats?.isFile() ? { id, folder, path, bytes: stats.size, mtime: stats.mtimeMs } : null;
  } catch {
    return { id, folder, path, bytes: 0, mtime: 0 };
  }
}
