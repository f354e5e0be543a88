import {
  CHECKSUM,
  namesIn,
  pieceFile,
  RETIRED,
  readPieces,
  renameIfPresent,
  snapshotsDirectory,
  storeFile,
  unlessMissing,
} from "./pieces.ts";
// States of a session that can be gone back to. A file is kept in compressed pieces that have their checksums for
// names: a transcript only grows, so two states of it share all but their last pieces.

import { existsSync, readFileSync, rmSync, type Stats } from "node:fs";
import { basename, join } from "node:path";
import { parseMemberName } from "../archive/manifest.ts";
import { partDirectory, sessionFiles, sessionFolder } from "../archive/session-files.ts";
import { isSessionId, projectsDirectory } from "../claude/places.ts";
import { startDirectoryOf, titleOf } from "../sessions/session.ts";
import type { Entry } from "../sessions/store.ts";
import { writeAtomic } from "../system/files.ts";
import { StagedFile, statOrNull } from "../system/staged-file.ts";
import { sweepTemporaryFiles } from "../system/temporary-files.ts";

const TRANSCRIPT = "transcript.jsonl";

/** A state of a session. `at` is ISO 8601; `name` of a file is its part of the session and its path in it. */
export type Snapshot = {
  id: string;
  session: string;
  at: string;
  note: string | null;
  title: string | null;
  lastPrompt: string | null;
  project: string | null;
  /** its project folder's name */
  folder: string;
  /** what was checked out in the project */
  git: { commit: string; branch: string | null } | null;
  files: { name: string; size: number; pieces: string[] }[];
};

/** Keeps the present state of a session; `fresh` is what it takes on disk. */
export async function takeSnapshot(
  entry: Entry,
  note: string | null,
  git: Snapshot["git"],
  left: (path: string) => void,
): Promise<{ snapshot: Snapshot; fresh: number }> {
  const files: Snapshot["files"] = [];
  let fresh = 0;
  const add = async (name: string, path: string): Promise<void> => {
    const { fresh: more, ...kept } = await storeFile(path);
    fresh += more;
    files.push({ name, ...kept });
  };
  await add(TRANSCRIPT, entry.path);
  for (const [part, name, path] of sessionFiles(entry.id, entry.path, left))
    await add(`${part}/${name}`, path);
  const snapshot: Snapshot = {
    id: (await import("node:crypto")).randomBytes(4).toString("hex"),
    session: entry.id,
    at: new Date().toISOString(),
    note,
    title: titleOf(entry).title,
    lastPrompt: entry.facts?.lastPrompt ?? null,
    project: startDirectoryOf(entry),
    folder: entry.folder,
    git,
    files,
  };
  // Without this file the pieces are only found again by the next one.
  writeAtomic(fileOf(snapshot), `${JSON.stringify(snapshot)}\n`);
  if (files.every(({ pieces }) => pieces.every((sum) => existsSync(pieceFile(sum)))))
    return { snapshot, fresh };
  // Another one that had them was deleted meanwhile.
  rmSync(fileOf(snapshot), { force: true });
  return takeSnapshot(entry, note, git, left);
}

const fileOf = ({ session, id }: Snapshot): string => join(snapshotsDirectory(), session, `${id}.json`);

/** Whatever looks like a piece in any snapshot's file, damaged ones too. */
function neededPieces(): Set<string> {
  const found = new Set<string>();
  for (const id of namesIn(snapshotsDirectory()).filter(isSessionId))
    for (const name of namesIn(join(snapshotsDirectory(), id))) {
      const file = join(snapshotsDirectory(), id, name);
      const text = unlessMissing(() => readFileSync(file, "latin1")) ?? "";
      for (const [sum] of text.matchAll(/[0-9a-f]{64}/g)) found.add(sum);
    }
  return found;
}

/** Deletes snapshots, and the pieces that no other one needs; the bytes that this frees. */
export function deleteSnapshots(gone: readonly Snapshot[]): number {
  for (const one of gone) rmSync(fileOf(one), { force: true });
  const pieces = join(snapshotsDirectory(), "pieces");
  const all = namesIn(pieces).flatMap((two) => {
    sweepTemporaryFiles(join(pieces, two));
    return namesIn(join(pieces, two)).map((name) => join(pieces, two, name));
  });
  let needed = neededPieces();
  for (const path of all)
    if (CHECKSUM.test(basename(path)) && !needed.has(basename(path))) renameIfPresent(path, path + RETIRED);
  // A snapshot that is taken at this moment was there before it looked for its pieces: what it needs comes back.
  needed = neededPieces();
  let freed = 0;
  for (const path of all.map((path) => (path.endsWith(RETIRED) ? path : path + RETIRED))) {
    const name = path.slice(0, -RETIRED.length);
    if (needed.has(basename(name))) renameIfPresent(path, name);
    else {
      freed += statOrNull(path)?.size ?? 0;
      rmSync(path, { force: true });
    }
  }
  return freed;
}

/** Every snapshot, of one session or of all, newest first. */
export function listSnapshots(wanted: (session: string) => boolean = () => true): Snapshot[] {
  const found = namesIn(snapshotsDirectory())
    .filter((id) => isSessionId(id) && wanted(id))
    .flatMap((id) =>
      namesIn(join(snapshotsDirectory(), id)).flatMap((name): Snapshot[] => {
        try {
          const one: Snapshot = JSON.parse(readFileSync(join(snapshotsDirectory(), id, name), "utf8"));
          const whole = one.files.every(
            ({ name, pieces }) => name !== "" && pieces.every((sum) => CHECKSUM.test(sum)),
          );
          return whole && one.session === id && `${one.id}.json` === name ? [one] : [];
        } catch {
          return [];
        }
      }),
    );
  return found.sort((a, b) => (a.at < b.at ? 1 : -1));
}

/** Writes a file of a snapshot to its place, when that still is what `base` says. */
async function restoreFile(
  path: string,
  pieces: readonly string[],
  base: Stats | null,
  ready = () => {},
): Promise<void> {
  const file = new StagedFile(path);
  try {
    for await (const bytes of readPieces(pieces)) file.write(bytes);
    ready();
    file.commit(base);
  } finally {
    file.discard();
  }
}

/**
 * Brings a session's transcript back to a snapshot, and what is missing of its other files. `base` is the transcript
 * as it was when its present state was kept (null: it is deleted); `ready` throws where it may not be touched.
 */
export async function rollBack(
  snapshot: Snapshot,
  base: { path: string; stats: Stats } | null,
  ready: () => void,
): Promise<void> {
  const { session, folder } = snapshot;
  const path = base?.path ?? join(projectsDirectory(), basename(folder), `${session}.jsonl`);
  for (const { name, pieces } of snapshot.files) {
    const { part, rest } = parseMemberName(`${session}/${name}`);
    if (name === TRANSCRIPT || rest === "") continue;
    const target = join(partDirectory(part, session, sessionFolder(path)), rest);
    if (!statOrNull(target)) await restoreFile(target, pieces, null);
  }
  const transcript = snapshot.files.find(({ name }) => name === TRANSCRIPT);
  // Its rename is what counts, so it comes last.
  if (transcript) await restoreFile(path, transcript.pieces, base?.stats ?? null, ready);
}
