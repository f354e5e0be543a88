import type { Transcript } from "../entry.ts";
import { recentIds, timeOfEntry, transcripts } from "../store.ts";
import { Searcher, type Sighting, type Wanted } from "./search.ts";

export type Found = {
  /** newest first, each session once */
  sightings: Sighting[];
  /** transcripts that were searched, and their size */
  searched: { files: number; bytes: number };
  /** whether older sessions were left unsearched because there were enough */
  more: boolean;
};

/** Clocks of writer and file system may differ by this much. */
const SLACK = 2000;
const FEW = 200;

/** Sessions that hold every word, newest first, at most `limit`; `since` (epoch ms) leaves out older ones. */
export function find(wanted: Wanted, limit: number, since: number): Found {
  const order = newestFirst(transcripts(), limit, since);
  const searcher = new Searcher(wanted);
  const sightings: Sighting[] = [];
  let files = 0;
  let bytes = 0;
  let more = false;
  for (const transcript of order) {
    if (enough(sightings, limit, transcript.mtime)) {
      more = true;
      break;
    }
    files++;
    bytes += transcript.bytes;
    const sighting = searcher.search(transcript);
    if (sighting && timeOfEntry(sighting.entry) >= since) sightings.push(sighting);
  }
  const all = newestOfEach(sightings);
  return { sightings: all.slice(0, limit), searched: { files, bytes }, more: more || all.length > limit };
}

/** Files newest first; those whose sessions had the newest prompts come before, as a file's time may be set back. */
function newestFirst(all: Transcript[], limit: number, since: number): Transcript[] {
  const bounded = Number.isFinite(limit) || since > 0;
  const recent =
    bounded && all.length > FEW ? recentIds(Math.max(64, Math.min(limit * 2, 1000))) : new Set<string>();
  const order = all.sort((a, b) => b.mtime - a.mtime);
  const first = order.filter(({ id }) => recent.has(id));
  const rest = order.filter(
    ({ id, mtime }) => !recent.has(id) && (mtime === 0 || mtime + SLACK >= since || all.length <= FEW),
  );
  return [...first, ...rest];
}

/** Whether no file of this time or older can hold one of the newest sessions any more. */
function enough(sightings: readonly Sighting[], limit: number, mtime: number): boolean {
  if (sightings.length < limit) return false;
  const times = newestOfEach(sightings).map(({ entry }) => timeOfEntry(entry));
  return times.length >= limit && times[limit - 1]! > mtime + SLACK;
}

/** Of two files with one id, the one that was written to last. */
function newestOfEach(sightings: readonly Sighting[]): Sighting[] {
  const sorted = [...sightings].sort((a, b) => timeOfEntry(b.entry) - timeOfEntry(a.entry));
  const seen = new Set<string>();
  return sorted.filter(({ entry }) => !seen.has(entry.id) && seen.add(entry.id));
}
