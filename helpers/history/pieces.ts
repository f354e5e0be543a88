// Files kept as compressed pieces that are named after their checksums. A transcript only grows, so two states of it share
// all but their last pieces.

import {
  closeSync,
  existsSync,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from "node:fs";
import { basename, join } from "node:path";
import { readAt } from "../claude/lines.ts";
import { state } from "../system/places.ts";
import { errno, Problem } from "../system/problem.ts";
import { StagedFile, statOrNull } from "../system/staged-file.ts";
import { sweepTemporaryFiles } from "../system/temporary-files.ts";

/** Bytes in a piece. */
const PIECE = 1 << 20;
/** A piece that unpacks to more is not one of ours. */
const GUNZIP_OPTIONS = { maxOutputLength: PIECE };
export const CHECKSUM = /^[0-9a-f]{64}$/;

export const snapshotsDirectory = (): string => join(state(), "snapshots");
const piecesDirectory = (): string => join(snapshotsDirectory(), "pieces");
export const pieceFile = (sum: string): string => join(piecesDirectory(), sum.slice(0, 2), sum);

/** Suffix of a piece that is about to be deleted. */
const RETIRED = ".leaving";

async function checksum(bytes: Uint8Array): Promise<string> {
  return (await import("node:crypto")).createHash("sha256").update(bytes).digest("hex");
}

/** Stores a file in pieces. `fresh` is the number of bytes that were not stored before. */
export async function storeFile(path: string): Promise<{ size: number; pieces: string[]; fresh: number }> {
  const { gzipSync } = await import("node:zlib");
  const pieces: string[] = [];
  const buffer = Buffer.alloc(PIECE);
  let fresh = 0;
  const fd = openSync(path, "r");
  try {
    const { size } = fstatSync(fd);
    for (let at = 0; at < size; at += PIECE) {
      const bytes = buffer.subarray(0, readAt(fd, buffer, at, Math.min(PIECE, size - at)));
      const sum = await checksum(bytes);
      pieces.push(sum);
      const file = pieceFile(sum);
      if (existsSync(file)) continue;
      const compressed = gzipSync(bytes, { level: 1 });
      fresh += compressed.length;
      const staged = new StagedFile(file);
      staged.write(compressed);
      staged.commit();
    }
    return { size, pieces, fresh };
  } finally {
    closeSync(fd);
  }
}

/** Yields the contents of pieces. Throws a Problem if one is missing or damaged. */
export async function* readPieces(pieces: readonly string[]): AsyncGenerator<Buffer> {
  const { gunzipSync } = await import("node:zlib");
  for (const sum of pieces) {
    let bytes: Buffer | null = null;
    try {
      const file = pieceFile(sum);
      bytes = gunzipSync(readFileSync(existsSync(file) ? file : file + RETIRED), GUNZIP_OPTIONS);
    } catch {
      // reported below
    }
    if (!bytes || (await checksum(bytes)) !== sum) {
      throw new Problem("damaged", "a piece of the snapshot is missing or damaged; nothing was changed", {
        hint: "choose another one: ccr snapshots",
      });
    }
    yield bytes;
  }
}

/** Deletes the pieces that no snapshot needs. Returns how many bytes that frees. */
export function deleteUnneededPieces(neededPieces: () => ReadonlySet<string>): number {
  const all = namesIn(piecesDirectory()).flatMap((prefix) => {
    const directory = join(piecesDirectory(), prefix);
    sweepTemporaryFiles(directory);
    return namesIn(directory).map((name) => join(directory, name));
  });
  let needed = neededPieces();
  for (const path of all)
    if (CHECKSUM.test(basename(path)) && !needed.has(basename(path))) renameIfPresent(path, path + RETIRED);
  // A snapshot that another process takes right now writes its file before it checks its pieces. So read again what is
  // needed, and give those pieces their names back.
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

/** Runs a file operation; undefined if another process has deleted the file. */
export function unlessMissing<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch (error) {
    if (errno(error) === "ENOENT") return undefined;
    throw error;
  }
}

const renameIfPresent = (from: string, to: string): void => unlessMissing(() => renameSync(from, to));

/** Returns the names in a directory; none if it cannot be read. */
export const namesIn = (directory: string): string[] => {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
};
