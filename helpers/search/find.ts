import { recentlyPrompted } from "../sessions/store.ts";
import { collect } from "../system/heap.ts";
import { Listing } from "./listing.ts";
import { matchProject, type ProjectMatch, type Query } from "./query.ts";
import { deserialized, type SearchHit } from "./search.ts";
import { sequencesOf } from "./signature.ts";
import { TextCache } from "./text-cache.ts";
import { type Bounds, MANY_HITS, SLACK, searchAll } from "./threads.ts";

export type FindResult = {
  /** newest first, each session once; unpacked when they are asked for */
  hits: (() => SearchHit)[];
  /** transcripts that were searched, and their size */
  searched: { files: number; bytes: number };
  /** whether there are more than were wanted, or older ones were not searched any more */
  more: boolean;
  /** ids of all transcripts, as the file names have them */
  ids: () => readonly string[];
};

/** Room (bytes) from which on parts of the cache are brought together for its own sake. */
const ROOM_TO_COMPACT = 32 * 1024 * 1024;

/** Sessions that hold every word, newest first. */
export async function find(wanted: Query, bounds: Bounds): Promise<FindResult> {
  // The cache has no results of tools.
  const cache = wanted.tools ? null : new TextCache();
  const listing = new Listing(cache);
  const may = cache && candidateRows(cache, wanted);
  const numbers: number[] = [];
  let saved = 0;
  for (let at = 0; at < listing.count; at++) {
    if (!may || !listing.isCurrent(at) || may[listing.rows[at]!]) numbers.push(at);
    else saved += listing.bytes[at]!;
  }
  const order = searchOrder(numbers, listing, bounds);
  const done = await searchAll({ wanted, bounds, listing, order, cache, saved });
  if (done.hits.length > MANY_HITS) collect();
  if (cache && (done.fresh.length > 0 || (cache.isFragmented && done.room > ROOM_TO_COMPACT)))
    cache.save(listing.folders, listing.listed(), done.fresh, done.written, done.room);
  cache?.close();
  const sorted = done.hits.sort((a, b) => b.at - a.at || b.mtime - a.mtime || (a.path < b.path ? -1 : 1));
  // Of two files with one id, the one that was written to last.
  const ids = new Set<string>();
  const each = sorted.filter(({ id }) => !ids.has(id) && ids.add(id));
  return {
    hits: each.slice(0, bounds.limit).map((one) => () => deserialized(one)),
    searched: searchedOf(listing, order, done.files),
    more: done.files < order.length || each.length > bounds.limit,
    ids: () => listing.ids,
  };
}

/** The rows of the cache that may hold every word, in the text or in the project's path. */
function candidateRows(cache: TextCache, wanted: Query): Uint8Array {
  const all = wanted.words.map(({ needles, marks }) =>
    cache.mayContain(marks ? [[]] : needles.map(sequencesOf)),
  );
  const may = all[0]!;
  const known = new Map<string, ProjectMatch>();
  const masks = cache.projects.map((project) => matchProject(project, wanted, known).mask);
  if (all.length === 1 && !masks.some(Boolean)) return may;
  const { projectNumbers } = cache;
  for (let row = 0; row < may.length; row++) {
    let missing = 0;
    for (let word = 0; word < all.length; word++) if (all[word]![row] === 0) missing |= 1 << word;
    may[row] = (masks[projectNumbers[row]!]! & missing) === missing ? 1 : 0;
  }
  return may;
}

/** What the answer is about: every transcript, or those that are as new as what was looked at. */
function searchedOf(listing: Listing, order: readonly number[], looked: number): FindResult["searched"] {
  if (looked >= order.length) return { files: listing.count, bytes: listing.size };
  const oldest = Math.min(...order.slice(0, looked).map((at) => listing.mtimes[at]!));
  const searched = { files: 0, bytes: 0 };
  for (let at = 0; at < listing.count; at++) {
    if (listing.mtimes[at]! < oldest) continue;
    searched.files++;
    searched.bytes += listing.bytes[at]!;
  }
  return searched;
}

/**
 * The order to search in: the newest first; before them those whose sessions had the newest prompts, as a file's time
 * may be set back. Without bounds all are searched, and those in the cache may come as they are.
 */
function searchOrder(numbers: readonly number[], listing: Listing, { limit, since }: Bounds): number[] {
  const newestFirst = (some: number[]): number[] =>
    some.sort((a, b) => listing.mtimes[b]! - listing.mtimes[a]!);
  if (!Number.isFinite(limit) && since === 0) {
    const kept = numbers.filter((at) => listing.isCurrent(at));
    const others = kept.length === numbers.length ? [] : numbers.filter((at) => !listing.isCurrent(at));
    return [...kept, ...newestFirst(others)];
  }
  const recent = recentlyPrompted(Math.max(16, Math.min(limit, 1000)));
  const first: number[] = [];
  const rest: number[] = [];
  for (const at of numbers) {
    if (recent.has(listing.id(at).toLowerCase())) first.push(at);
    else if (listing.mtimes[at]! + SLACK >= since) rest.push(at);
  }
  return [...newestFirst(first), ...newestFirst(rest)];
}
