import { rmSync } from "node:fs";
import { join } from "node:path";
import { state } from "../system/places.ts";
import { temporaryPath } from "../system/temporary-files.ts";

/** A transcript on one of the two sides. `mtime` is epoch ms. */
export type TranscriptFile = { id: string; folder: string; bytes: number; mtime: number };

/** What a transcript contains, regardless of the paths in it. */
export type TranscriptSummary = {
  /** number of rows */
  rows: number;
  /** checksum of all rows */
  all: string;
  /** checksum of the first `at` rows that were asked for; null if there are fewer */
  at: string | null;
  /** offset at which those rows end */
  end: number;
  /** of a fork that was not continued: the session, and the last of its rows that the fork has */
  echo: [session: string, uuid: string] | null;
  /** whether the row that was asked for is there */
  has: boolean;
};

/** One of the two sides of a sync. */
export type Peer = {
  /** the home directory to which its paths belong */
  home: string;
  list(): Promise<TranscriptFile[]>;
  sum(item: TranscriptFile, at: number, uuid?: string): Promise<TranscriptSummary>;
  /** Returns a file with everything from byte `from` on. Pass it to {@link removeSpooled} afterwards. */
  fetch(item: TranscriptFile, from: number): Promise<string>;
  /** Appends a file to a transcript that has `bytes` bytes, or creates a transcript (null). */
  put(id: string, folder: string, bytes: number | null, file: string): Promise<TranscriptFile>;
};

export const spoolDirectory = (): string => join(state(), "sync");
/** Returns a path for a temporary file of a sync. */
export const spoolPath = (): string => temporaryPath(spoolDirectory());
/** Deletes a file if it is a temporary one of a sync. */
export const removeSpooled = (file: string): void => {
  if (file.startsWith(`${spoolDirectory()}/`)) rmSync(file, { force: true });
};
