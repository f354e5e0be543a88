// Snapshots: states of a session to which it can be rolled back.

import { existsSync, readFileSync, rmSync, type Stats } from "node:fs";
import { basename, join } from "node:path";
import { parseMemberName } from "../archive/manifest.ts";
import { partDirectory, sessionFiles, sessionFolder } from "../archive/session-files.ts";
import { isSessionId, projectsDirectory } from "../claude/places.ts";
import { startDirectoryOf, titleOf } from "../sessions/session.ts";
import type { Entry } from "../sessions/store.ts";
import { writeAtomic } from "../system/files.ts";
import { StagedFile, statOrNull } from "../system/staged-file.ts";
import {
  CHECKSUM,
  deleteUnneededPieces,
  namesIn,
  pieceFile,
  readPieces,
  snapshotsDirectory,
  storeFile,
  unlessMissing,
} from "./pieces.ts";

const TRANSCRIPT = "transcript.jsonl";

/** A state of a session. `at` is ISO 8601. The name of a file is its part of the session and its path in the part. */
export type Snapshot = {
  id: string;
  session: string;
  at: string;
  note: string | null;
  title: string | null;
  lastPrompt: string | null;
  project: string | null;
  /** name of the project folder */
  folder: string;
  /** what was checked out in the project */
  git: { commit: string; branch: string | null } | null;
  files: { name: string; size: number; pieces: string[] }[];
};

const snapshotFile = ({ session, id }: Snapshot): string => join(snapshotsDirectory(), session, `${id}.json`);

/** Takes a snapshot of a session. `fresh` is the number of bytes that it adds on disk. */
export async function takeSnapshot(
  entry: Entry,
  note: string | null,
  git: Snapshot["git"],
  onSkipped: (path: string) => void,
): Promise<{ snapshot: Snapshot; fresh: number }> {
  const files: Snapshot["files"] = [];
  let fresh = 0;
  const add = async (name: string, path: string): Promise<void> => {
    const { fresh: added, ...stored } = await storeFile(path);
    fresh += added;
    files.push({ name, ...stored });
  };
  await add(TRANSCRIPT, entry.path);
  for (const [part, name, path] of sessionFiles(entry.id, entry.path, onSkipped))
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
  // Written last: if this run is killed before, the next snapshot uses the pieces.
  writeAtomic(snapshotFile(snapshot), `${JSON.stringify(snapshot)}\n`);
  if (files.every(({ pieces }) => pieces.every((sum) => existsSync(pieceFile(sum)))))
    return { snapshot, fresh };
  // Another process has deleted a snapshot and its pieces meanwhile.
  rmSync(snapshotFile(snapshot), { force: true });
  return takeSnapshot(entry, note, git, onSkipped);
}

/** Returns everything that looks like a checksum in the files of snapshots, damaged ones included. */
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

/** Deletes snapshots and the pieces that no other one needs. Returns how many bytes that frees. */
export function deleteSnapshots(unwanted: readonly Snapshot[]): number {
  for (const snapshot of unwanted) rmSync(snapshotFile(snapshot), { force: true });
  return deleteUnneededPieces(neededPieces);
}

/** Lists the valid snapshots of the sessions that `wanted` selects, newest first. */
export function listSnapshots(wanted: (session: string) => boolean = () => true): Snapshot[] {
  return namesIn(snapshotsDirectory())
    .filter((id) => isSessionId(id) && wanted(id))
    .flatMap((id) => namesIn(join(snapshotsDirectory(), id)).flatMap((name) => readSnapshot(id, name) ?? []))
    .sort((a, b) => (a.at < b.at ? 1 : -1));
}

function readSnapshot(session: string, file: string): Snapshot | null {
  try {
    const snapshot: Snapshot = JSON.parse(readFileSync(join(snapshotsDirectory(), session, file), "utf8"));
    const valid =
      snapshot.session === session &&
      `${snapshot.id}.json` === file &&
      snapshot.files.every(({ name, pieces }) => name !== "" && pieces.every((sum) => CHECKSUM.test(sum)));
    return valid ? snapshot : null;
  } catch {
    return null;
  }
}

/** Writes a file from its pieces. Throws a Problem if the file on disk is not the one described by `base`. */
async function restoreFile(
  path: string,
  pieces: readonly string[],
  base: Stats | null,
  beforeCommit = () => {},
): Promise<void> {
  const file = new StagedFile(path);
  try {
    for await (const bytes of readPieces(pieces)) file.write(bytes);
    beforeCommit();
    file.commit(base);
  } finally {
    file.discard();
  }
}

/**
 * Restores a session's transcript from a snapshot, and those of its other files that are missing. `base` is the transcript
 * as it was when its present state was kept (null: it was deleted). `beforeCommit` throws if the session may not be changed.
 */
export async function rollBack(
  snapshot: Snapshot,
  base: { path: string; stats: Stats } | null,
  beforeCommit: () => void,
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
  // The transcript is last, because its rename is what makes the rollback take effect.
  if (transcript) await restoreFile(path, transcript.pieces, base?.stats ?? null, beforeCommit);
}
