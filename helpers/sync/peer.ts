import { rmSync } from "node:fs";
import { join } from "node:path";
import { state } from "../system/places.ts";
import { temporaryPath } from "../system/temporary-files.ts";

/** A transcript at one of the two places. `mtime` is epoch ms. */
export type TranscriptFile = { id: string; folder: string; bytes: number; mtime: number };

/**
 * What a transcript has: how many rows, the checksum of all and of the first `at` of them, and where those end. The
 * paths in them do not matter. `echo`: of a fork that nobody has gone on with, the session and the last row of it that
 * the fork has. `has`: whether the row that was asked for is there.
 */
export type TranscriptSummary = {
  rows: number;
  all: string;
  at: string | null;
  end: number;
  echo: [session: string, uuid: string] | null;
  has: boolean;
};

export type Peer = {
  /** the home that paths in there speak of */
  home: string;
  list(): Promise<TranscriptFile[]>;
  sum(item: TranscriptFile, at: number, uuid?: string): Promise<TranscriptSummary>;
  /** A file with what follows byte `from`. */
  fetch(item: TranscriptFile, from: number): Promise<string>;
  /** Adds a file's bytes to a transcript that has so many bytes, or makes a new one (null). */
  put(id: string, folder: string, bytes: number | null, file: string): Promise<TranscriptFile>;
};

export const spoolDirectory = (): string => join(state(), "sync");

export const spoolPath = (): string => temporaryPath(spoolDirectory());

export const removeSpooled = (file: string): void => {
  if (file.startsWith(`${spoolDirectory()}/`)) rmSync(file, { force: true });
};
