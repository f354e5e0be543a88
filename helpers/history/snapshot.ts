// States of a session that can be gone back to. A file is kept in compressed pieces that have their checksums for
// names: a transcript only grows, so two states of it share all but their last pieces.

import {
  closeSync,
  existsSync,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  type Stats,
} from "node:fs";
import { basename, join } from "node:path";
import { ownFolder, partsOfSession, placeOf } from "../archive/collect.ts";
import { partsOf } from "../archive/manifest.ts";
import { readAt } from "../claude/lines.ts";
import { isSessionId, projectsDirectory } from "../claude/places.ts";
import { startOf, titleOf } from "../sessions/session.ts";
import type { Entry } from "../sessions/store.ts";
import { writeAtomic } from "../system/files.ts";
import { state } from "../system/places.ts";
import { errno, Problem } from "../system/problem.ts";
import { lstatOrNull, Staged } from "../system/staged-file.ts";
import { sweep } from "../system/temporary-files.ts";

const PIECE = 1 << 20;
/** A piece that unpacks to more is none of ours. */
const MOST = { maxOutputLength: PIECE };
const SUM = /^[0-9a-f]{64}$/;
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

const root = (): string => join(state(), "snapshots");
const pieceFile = (sum: string): string => join(root(), "pieces", sum.slice(0, 2), sum);
/** What the name of a piece ends with while nobody seems to need it. */
const LEAVING = ".leaving";

async function sumOf(bytes: Uint8Array): Promise<string> {
  return (await import("node:crypto")).createHash("sha256").update(bytes).digest("hex");
}

/** Keeps a file's pieces; what of it was not kept before is counted. */
async function keep(path: string): Promise<{ size: number; pieces: string[]; fresh: number }> {
  const { gzipSync } = await import("node:zlib");
  const pieces: string[] = [];
  const buffer = Buffer.alloc(PIECE);
  let [at, fresh] = [0, 0];
  const fd = openSync(path, "r");
  try {
    const { size } = fstatSync(fd);
    for (; at < size; at += PIECE) {
      const bytes = buffer.subarray(0, readAt(fd, buffer, at, Math.min(PIECE, size - at)));
      const sum = await sumOf(bytes);
      pieces.push(sum);
      const file = pieceFile(sum);
      if (existsSync(file)) continue;
      const packed = gzipSync(bytes, { level: 1 });
      fresh += packed.length;
      const staged = new Staged(file);
      staged.write(packed);
      staged.commit();
    }
    return { size, pieces, fresh };
  } finally {
    closeSync(fd);
  }
}

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
    const { fresh: more, ...kept } = await keep(path);
    fresh += more;
    files.push({ name, ...kept });
  };
  await add(TRANSCRIPT, entry.path);
  for (const [part, name, path] of partsOfSession(entry.id, entry.path, left))
    await add(`${part}/${name}`, path);
  const snapshot: Snapshot = {
    id: (await import("node:crypto")).randomBytes(4).toString("hex"),
    session: entry.id,
    at: new Date().toISOString(),
    note,
    title: titleOf(entry).title,
    lastPrompt: entry.facts?.lastPrompt ?? null,
    project: startOf(entry),
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

const fileOf = ({ session, id }: Snapshot): string => join(root(), session, `${id}.json`);

/** Undefined where another process was faster. */
function unlessGone<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch (error) {
    if (errno(error) === "ENOENT") return undefined;
    throw error;
  }
}
const move = (from: string, to: string): void => unlessGone(() => renameSync(from, to));

/** Whatever looks like a piece in any snapshot's file, damaged ones too. */
function neededPieces(): Set<string> {
  const found = new Set<string>();
  for (const id of names(root()).filter(isSessionId))
    for (const name of names(join(root(), id))) {
      const file = join(root(), id, name);
      const text = unlessGone(() => readFileSync(file, "latin1")) ?? "";
      for (const [sum] of text.matchAll(/[0-9a-f]{64}/g)) found.add(sum);
    }
  return found;
}

/** Deletes snapshots, and the pieces that no other one needs; the bytes that this frees. */
export function deleteSnapshots(gone: readonly Snapshot[]): number {
  for (const one of gone) rmSync(fileOf(one), { force: true });
  const pieces = join(root(), "pieces");
  const all = names(pieces).flatMap((two) => {
    sweep(join(pieces, two));
    return names(join(pieces, two)).map((name) => join(pieces, two, name));
  });
  let needed = neededPieces();
  for (const path of all)
    if (SUM.test(basename(path)) && !needed.has(basename(path))) move(path, path + LEAVING);
  // A snapshot that is taken at this moment was there before it looked for its pieces: what it needs comes back.
  needed = neededPieces();
  let freed = 0;
  for (const path of all.map((path) => (path.endsWith(LEAVING) ? path : path + LEAVING))) {
    const name = path.slice(0, -LEAVING.length);
    if (needed.has(basename(name))) move(path, name);
    else {
      freed += lstatOrNull(path)?.size ?? 0;
      rmSync(path, { force: true });
    }
  }
  return freed;
}

const names = (directory: string): string[] => {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
};

/** Every snapshot, of one session or of all, newest first. */
export function snapshots(wanted: (session: string) => boolean = () => true): Snapshot[] {
  const found = names(root())
    .filter((id) => isSessionId(id) && wanted(id))
    .flatMap((id) =>
      names(join(root(), id)).flatMap((name): Snapshot[] => {
        try {
          const one: Snapshot = JSON.parse(readFileSync(join(root(), id, name), "utf8"));
          const whole = one.files.every(
            ({ name, pieces }) => name !== "" && pieces.every((sum) => SUM.test(sum)),
          );
          return whole && one.session === id && `${one.id}.json` === name ? [one] : [];
        } catch {
          return [];
        }
      }),
    );
  return found.sort((a, b) => (a.at < b.at ? 1 : -1));
}

async function* unpacked(pieces: readonly string[]): AsyncGenerator<Buffer> {
  const { gunzipSync } = await import("node:zlib");
  for (const sum of pieces) {
    let bytes: Buffer | null = null;
    try {
      const file = pieceFile(sum);
      bytes = gunzipSync(readFileSync(existsSync(file) ? file : file + LEAVING), MOST);
    } catch {
      // told below
    }
    if (!bytes || (await sumOf(bytes)) !== sum) {
      throw new Problem("damaged", "a piece of the snapshot is missing or damaged; nothing was changed.", {
        hint: "take another one: ccr snapshots",
      });
    }
    yield bytes;
  }
}

/** Writes a file of a snapshot to its place, when that still is what `base` says. */
async function restore(
  path: string,
  pieces: readonly string[],
  base: Stats | null,
  ready = () => {},
): Promise<void> {
  const file = new Staged(path);
  try {
    for await (const bytes of unpacked(pieces)) file.write(bytes);
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
    const { part, rest } = partsOf(`${session}/${name}`);
    if (name === TRANSCRIPT || rest === "") continue;
    const target = join(placeOf(part, session, ownFolder(path)), rest);
    if (!lstatOrNull(target)) await restore(target, pieces, null);
  }
  const transcript = snapshot.files.find(({ name }) => name === TRANSCRIPT);
  // Its rename is what counts, so it comes last.
  if (transcript) await restore(path, transcript.pieces, base?.stats ?? null, ready);
}
