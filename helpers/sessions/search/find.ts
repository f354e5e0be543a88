import { type Transcript, timeOfEntry } from "../entry.ts";
import { recentIds, transcripts } from "../store.ts";
import type { Sighting, Wanted } from "./search.ts";
import { type Bounds, SLACK, searchAll } from "./threads.ts";

export type Found = {
  /** newest first, each session once */
  sightings: Sighting[];
  /** transcripts that were searched, and their size */
  searched: { files: number; bytes: number };
  /** whether there are more than were wanted, or older ones were not searched any more */
  more: boolean;
};

/** With so few files the times of all are known from their records. */
const FEW = 200;

/** Sessions that hold every word, newest first. */
export async function find(wanted: Wanted, bounds: Bounds): Promise<Found> {
  const order = newestFirst(transcripts(), bounds);
  const { sightings, files, bytes } = await searchAll(wanted, order, bounds);
  sightings.sort((a, b) => timeOfEntry(b.entry) - timeOfEntry(a.entry));
  // Of two files with one id, the one that was written to last.
  const ids = new Set<string>();
  const each = sightings.filter(({ entry: { id } }) => !ids.has(id) && ids.add(id));
  return {
    sightings: each.slice(0, bounds.limit),
    searched: { files, bytes },
    more: files < order.length || each.length > bounds.limit,
  };
}

/** Files newest first; before them those whose sessions had the newest prompts, as a file's time may be set back. */
function newestFirst(all: Transcript[], { limit, since }: Bounds): Transcript[] {
  const bounded = (Number.isFinite(limit) || since > 0) && all.length > FEW;
  const recent = bounded ? recentIds(Math.max(64, Math.min(limit * 2, 1000))) : new Set<string>();
  const young = ({ mtime }: Transcript): boolean =>
    mtime === 0 || mtime + SLACK >= since || all.length <= FEW;
  all.sort((a, b) => b.mtime - a.mtime);
  return [
    ...all.filter(({ id }) => recent.has(id)),
    ...all.filter((file) => !recent.has(file.id) && young(file)),
  ];
}
