import { existsSync, rmdirSync, unlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Entry } from "../sessions/entry.ts";
import { transcripts } from "../sessions/store.ts";
import { makeDirectory } from "../system/files.ts";
import { errno, Problem } from "../system/problem.ts";
import { isUnchanged, statOrNull } from "../system/staged-file.ts";
import { archiveName, fileSource } from "./collect.ts";
import { type ExportOptions, exportFile } from "./export.ts";
import type { Manifest } from "./manifest.ts";
import { readArchive } from "./read.ts";
import { sessionFiles, sessionFolder } from "./session-files.ts";
import { memberOf, type Source } from "./write.ts";

/** The archive of a session. `already`: it existed before. */
export type KeptArchive = { file: string; already: boolean; deleted: boolean };

/** Lists the files that are deleted with a session, its transcript last. */
function filesToDelete({ id, path }: Entry): Source[] {
  const parts = sessionFiles(id, path).map(([part, name, file]) => fileSource(`${id}/${part}/${name}`, file));
  return [...parts, fileSource(`${id}/transcript.jsonl`, path)].filter((source) => source !== null);
}

/** Returns whether an archive is valid and contains each of these files as it is on disk. */
async function archiveContains(file: string, sources: readonly Source[]): Promise<boolean> {
  let manifest: Manifest;
  try {
    manifest = await readArchive(file);
  } catch (error) {
    if (error instanceof Problem) return false;
    throw error;
  }
  const sums = new Map(manifest.files.map(({ name, sha256 }) => [name, sha256]));
  for (const source of sources) {
    const sum = sums.get(source.name);
    if (sum === undefined || (await memberOf(source)).sha256 !== sum) return false;
  }
  return true;
}

/**
 * Makes sure that a directory has an archive of this session as it is now. With `remove`, deletes the session after the
 * archive was read back and compared. A run that was killed can be repeated; it does nothing twice.
 */
export async function keep(
  entry: Entry,
  directory: string,
  options: ExportOptions & { remove: boolean },
): Promise<KeptArchive> {
  makeDirectory(directory);
  const base = statOrNull(entry.path);
  const sources = filesToDelete(entry);
  const { file, already } = await findArchive(entry, directory, sources);
  if (!already) await exportFile([entry], file, options);
  if (!options.remove) return { file, already, deleted: false };

  const kept = (why: string): Problem =>
    new Problem("not-deleted", `${entry.id.slice(0, 8)} is archived but not deleted: ${why}`, {
      hint: "run it again",
    });
  if (options.running(entry.id)) throw kept("it is running");
  if (transcripts((id) => id.toLowerCase() === entry.id).length > 1)
    throw kept("it is in two project folders");
  if (!already && !(await archiveContains(file, sources))) throw kept("it has changed meanwhile");
  if (!isUnchanged(base, statOrNull(entry.path)) || options.running(entry.id))
    throw kept("it has changed meanwhile");
  deleteFiles(entry, sources);
  return { file, already, deleted: true };
}

/** Returns the archive that contains these files already, else the first free name. */
async function findArchive(
  entry: Entry,
  directory: string,
  sources: readonly Source[],
): Promise<{ file: string; already: boolean }> {
  for (let n = 1; ; n++) {
    const file = join(directory, `${archiveName(entry)}${n > 1 ? `.${n}` : ""}.tar.gz`);
    if (!existsSync(file)) return { file, already: false };
    if (await archiveContains(file, sources)) return { file, already: true };
  }
}

/** Deletes a session's files and the folders that are empty then. */
function deleteFiles(entry: Entry, sources: readonly Source[]): void {
  // The transcript is last: until then the session still exists, and the next run can continue.
  for (const { path } of sources) {
    try {
      unlinkSync(path);
    } catch (error) {
      if (errno(error) !== "ENOENT") throw error;
    }
  }
  const folders = new Set([sessionFolder(entry.path)]);
  for (const { path } of sources.slice(0, -1)) folders.add(dirname(path));
  const isOwn = new RegExp(`/${entry.id}(?:/|$)`, "i");
  for (const folder of [...folders].sort((a, b) => b.length - a.length)) {
    for (let at = folder; isOwn.test(at); at = dirname(at)) {
      try {
        rmdirSync(at);
      } catch {
        // It is not empty.
        break;
      }
    }
  }
}
