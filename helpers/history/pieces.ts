import { closeSync, existsSync, fstatSync, openSync, readdirSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { readAt } from "../claude/lines.ts";
import { state } from "../system/places.ts";
import { errno, Problem } from "../system/problem.ts";
import { StagedFile } from "../system/staged-file.ts";

const PIECE = 1 << 20;

/** A piece that unpacks to more is none of ours. */
const GUNZIP_OPTIONS = { maxOutputLength: PIECE };

export const CHECKSUM = /^[0-9a-f]{64}$/;

export const snapshotsDirectory = (): string => join(state(), "snapshots");

export const pieceFile = (sum: string): string => join(snapshotsDirectory(), "pieces", sum.slice(0, 2), sum);

/** What the name of a piece ends with while nobody seems to need it. */
export const RETIRED = ".leaving";

async function checksum(bytes: Uint8Array): Promise<string> {
  return (await import("node:crypto")).createHash("sha256").update(bytes).digest("hex");
}

/** Keeps a file's pieces; what of it was not kept before is counted. */
export async function storeFile(path: string): Promise<{ size: number; pieces: string[]; fresh: number }> {
  const { gzipSync } = await import("node:zlib");
  const pieces: string[] = [];
  const buffer = Buffer.alloc(PIECE);
  let [at, fresh] = [0, 0];
  const fd = openSync(path, "r");
  try {
    const { size } = fstatSync(fd);
    for (; at < size; at += PIECE) {
      const bytes = buffer.subarray(0, readAt(fd, buffer, at, Math.min(PIECE, size - at)));
      const sum = await checksum(bytes);
      pieces.push(sum);
      const file = pieceFile(sum);
      if (existsSync(file)) continue;
      const packed = gzipSync(bytes, { level: 1 });
      fresh += packed.length;
      const staged = new StagedFile(file);
      staged.write(packed);
      staged.commit();
    }
    return { size, pieces, fresh };
  } finally {
    closeSync(fd);
  }
}

/** Undefined where another process was faster. */
export function unlessMissing<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch (error) {
    if (errno(error) === "ENOENT") return undefined;
    throw error;
  }
}

export const renameIfPresent = (from: string, to: string): void => unlessMissing(() => renameSync(from, to));

export const namesIn = (directory: string): string[] => {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
};

export async function* readPieces(pieces: readonly string[]): AsyncGenerator<Buffer> {
  const { gunzipSync } = await import("node:zlib");
  for (const sum of pieces) {
    let bytes: Buffer | null = null;
    try {
      const file = pieceFile(sum);
      bytes = gunzipSync(readFileSync(existsSync(file) ? file : file + RETIRED), GUNZIP_OPTIONS);
    } catch {
      // told below
    }
    if (!bytes || (await checksum(bytes)) !== sum) {
      throw new Problem("damaged", "a piece of the snapshot is missing or damaged; nothing was changed.", {
        hint: "take another one: ccr snapshots",
      });
    }
    yield bytes;
  }
}
