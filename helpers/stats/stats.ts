import { projectsDirectory } from "../claude/places.ts";
import type { Progress } from "./count.ts";
import { zone } from "./days.ts";
import type { FileIndex } from "./file-index.ts";
import { filesWithMessages } from "./files.ts";
import { Snapshot } from "./snapshot.ts";
import { GROUPINGS, type Summary, summarize } from "./sums.ts";

/** All that is counted, and the paths of what could not be. */
export type TranscriptStats = {
  /** of all files, by each grouping */
  summary: Summary;
  /** file by file; read only when it is asked for */
  index: () => Promise<FileIndex>;
  unreadable: string[];
};

/** Counts all transcripts; of files that have not changed since the last time, nothing is read. */
export async function countTranscripts(now: number, progress: Progress = () => {}): Promise<TranscriptStats> {
  const root = projectsDirectory();
  const files = filesWithMessages();
  const before = Snapshot.load(root);
  const here = zone(now);
  // What reads transcripts is loaded only when there is one to read.
  const count = async (old: FileIndex | null): Promise<FileIndex> =>
    (await import("./count.ts")).count(root, files, old, here, progress);
  if (before?.zone === here && before.matches(files)) {
    const { summary } = before;
    return { summary, index: async () => before.index ?? count(null), unreadable: files.unreadable };
  }
  const index = await count(before?.index ?? null);
  const unreadable = [...files.unreadable];
  for (let i = 0; i < index.size; i++) if (!index.readable(i)) unreadable.push(`${root}/${index.key(i)}`);
  return { summary: summarize(index, GROUPINGS, null), index: async () => index, unreadable };
}
