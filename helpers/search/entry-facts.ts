// What a search takes of a transcript besides its text.
import { closeSync, openSync } from "node:fs";
import { readCounts } from "../claude/lines.ts";
import { slug } from "../claude/places.ts";
import { firstDirectory } from "../claude/row-marks.ts";
import { factsOf } from "../claude/transcript.ts";
import { verdictOf } from "../limits/verdict.ts";
import type { Entry, Transcript } from "../sessions/entry.ts";
import { startDirectoryOf } from "../sessions/session.ts";
import { copyOf } from "./excerpt.ts";
import type { ListedFile } from "./listing.ts";

/** What `work` makes of a transcript; null where it has vanished, or is not ours to read. */
export function withOpenFile<T>(file: ListedFile, work: (fd: number) => T): T | null {
  let fd: number;
  try {
    fd = openSync(file.path, "r");
  } catch {
    return null;
  }
  readCounts.opens++;
  try {
    return work(fd);
  } finally {
    closeSync(fd);
  }
}

const transcriptOf = ({ id, folder, path, bytes, mtime }: ListedFile): Transcript => ({
  id,
  folder,
  path,
  bytes,
  mtime,
});

const LONGEST_PROMPT = 400;

/** What a transcript says, without what a search has no use for: there may be thousands of them. */
export function readEntry(fd: number, file: ListedFile): Entry {
  const { last, firstPrompt, ...facts } = factsOf(fd, file.bytes);
  const known = {
    ...facts,
    firstPrompt: firstPrompt && copyOf(firstPrompt.slice(0, LONGEST_PROMPT)),
    lastPrompt: null,
    verdict: verdictOf(last),
  };
  return { ...transcriptOf(file), facts: known, unreadable: null };
}

/** Where a session was started. Of files in another folder than their own, the end has to be looked at. */
export function projectOfFile(
  fd: number,
  file: ListedFile,
  head: Buffer,
  entryOf: () => Entry = () => readEntry(fd, file),
): string | null {
  const start = firstDirectory(head);
  return start !== null && slug(start) === file.folder ? start : startDirectoryOf(entryOf());
}
