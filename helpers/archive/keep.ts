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

/** An archive of one session; `already`: it was there. */
export type KeptArchive = { file: string; already: boolean; deleted: boolean };

/** Everything of a session that lies here and would be deleted, the transcript last. */
function filesOf({ id, path }: Entry): Source[] {
  const parts = sessionFiles(id, path).map(([part, name, file]) => fileSource(`${id}/${part}/${name}`, file));
  return [...parts, fileSource(`${id}/transcript.jsonl`, path)].filter((one) => one !== null);
}

/** Whether an archive is whole and has each of these files as it is here. */
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
    if (!sums.has(source.name) || (await memberOf(source)).sha256 !== sums.get(source.name)) return false;
  }
  return true;
}

/**
 * Makes sure that a directory has an archive of this session as it is now, and with `remove` deletes the session once
 * that archive was read again and compared with it. What a killed run has done is not done twice.
 */
export async function keep(
  entry: Entry,
  directory: string,
  options: ExportOptions & { remove: boolean },
): Promise<KeptArchive> {
  makeDirectory(directory);
  const base = statOrNull(entry.path);
  const sources = filesOf(entry);
  let file: string;
  let already = false;
  for (let n = 1; ; n++) {
    file = join(directory, `${archiveName(entry)}${n > 1 ? `.${n}` : ""}.tar.gz`);
    if (!existsSync(file)) break;
    already = await archiveContains(file, sources);
    if (already) break;
  }
  if (!already) await exportFile([entry], file, options);
  if (!options.remove) return { file, already, deleted: false };
  const stay = (why: string): Problem =>
    new Problem("not-deleted", `${entry.id.slice(0, 8)} is archived, but not deleted: ${why}.`, {
      hint: "run it again",
    });
  if (options.running(entry.id)) throw stay("it is running");
  if (transcripts((id) => id.toLowerCase() === entry.id).length > 1)
    throw stay("two project folders have it");
  if (!already && !(await archiveContains(file, sources))) throw stay("it was changed meanwhile");
  if (!isUnchanged(base, statOrNull(entry.path)) || options.running(entry.id))
    throw stay("it was changed meanwhile");
  // The transcript last: until then the session is here, and the next run goes on.
  for (const { path } of sources) {
    try {
      unlinkSync(path);
    } catch (error) {
      if (errno(error) !== "ENOENT") throw error;
    }
  }
  const folders = new Set([sessionFolder(entry.path)]);
  for (const { path } of sources.slice(0, -1)) folders.add(dirname(path));
  const own = new RegExp(`/${entry.id}(?:/|$)`, "i");
  for (const folder of [...folders].sort((a, b) => b.length - a.length)) {
    // What else is in there stays, and its folder with it.
    for (let at = folder; own.test(at); at = dirname(at)) {
      try {
        rmdirSync(at);
      } catch {
        break;
      }
    }
  }
  return { file, already, deleted: true };
}
