// A second thread for a long search. Both take the next file from one shared counter.
import { collect } from "../system/heap.ts";
import { CacheFiller } from "./cache-filler.ts";
import { makeKernel } from "./kernel.ts";
import type { ListedFile, Listing } from "./listing.ts";
import type { Part, WrittenText } from "./part-writer.ts";
import type { Query } from "./query.ts";
import { Searcher, type Serialized, serialized, spillToDisk } from "./search.ts";
import { TextCache } from "./text-cache.ts";

/** The word that the program is started with in a thread of its own. */
export const THREAD = "find-thread";

export type Bounds = {
  /** at most so many sessions are wanted … */
  limit: number;
  /** … none of them last used before this (epoch ms) */
  since: number;
};

type Job = {
  wanted: Query;
  bounds: Bounds;
  /** those that were needed so far; all of them in a second thread */
  files: (ListedFile | undefined)[];
  count: number;
  /** bytes of other transcripts, of which the cache knows that they need not be searched */
  saved: number;
  /** of the cache; null where none is to be used */
  parts: readonly Part[] | null;
  /** number of the next file, and whether the second thread takes part */
  next: Int32Array;
  /** epoch ms of files that hold the words, {@link NO_HIT} for others that were searched */
  times: Float64Array;
  /** which thread took a file */
  owner: Uint8Array;
};

export type ThreadResult = {
  hits: Serialized[];
  files: number;
  bytes: number;
  /** what was written to the cache */
  fresh: WrittenText[];
  written: Part[];
  /** bytes of the cache that there is time to copy */
  room: number;
  /** whether the second thread has nothing more to tell */
  last: boolean;
};

const emptyResult = (): ThreadResult => ({
  hits: [],
  files: 0,
  bytes: 0,
  fresh: [],
  written: [],
  room: 0,
  last: false,
});

const NO_HIT = -1;
const MAIN = 1;
const SECOND = 2;
/** Clocks of writer and file system may differ by this much. */
export const SLACK = 2000;
/** A thread costs 30 ms of processor time: worth it for more than this many bytes. */
const WORTH_A_THREAD = 256 * 1024 * 1024;
/** With a limit the search may soon be over: so many bytes are waited for. */
const FIRST_BYTES = 64 * 1024 * 1024;

/** From this many hits on, memory is kept small. */
export const MANY_HITS = 60;
const SOME_HITS = 64;
/** Megabytes of short-lived objects in the second thread. */
const YOUNG_MEGABYTES = 2;

/** What is searched. `order`: numbers of the files in the listing. `saved`: bytes that the cache says need no search. */
export type Search = {
  wanted: Query;
  bounds: Bounds;
  listing: Listing;
  order: readonly number[];
  cache: TextCache | null;
  saved: number;
};

/** Searches files in the given order, in two threads when there is much to read. */
export async function searchAll(search: Search): Promise<ThreadResult> {
  const { wanted, bounds, listing, order, cache, saved } = search;
  let read = 0;
  for (const at of order) if (!listing.isCurrent(at)) read += listing.bytes[at]!;
  const job: Job = {
    wanted,
    bounds,
    files: [],
    count: order.length,
    saved: read > WORTH_A_THREAD ? saved / 2 : saved,
    parts: cache?.parts ?? null,
    next: new Int32Array(new SharedArrayBuffer(8)),
    times: new Float64Array(new SharedArrayBuffer(8 * order.length)),
    owner: new Uint8Array(new SharedArrayBuffer(order.length)),
  };
  const patience = Number.isFinite(bounds.limit) ? FIRST_BYTES : 0;
  let left = read - patience;
  // Sessions that are stored twice must not be counted twice.
  const surplus = Number.isFinite(bounds.limit)
    ? order.length - new Set(order.map((at) => listing.id(at))).size
    : 0;
  job.bounds = { ...bounds, limit: bounds.limit + surplus };
  const start = (): ReturnType<typeof startSecondThread<ThreadResult>> => {
    for (let at = Atomics.load(job.next, 0); at < job.count; at++) job.files[at] = listing.file(order[at]!);
    return startSecondThread<ThreadResult>(THREAD, job);
  };
  let second = patience === 0 && left > WORTH_A_THREAD ? await start() : undefined;
  const { searcher, filler } = makeSearcher(job, cache);
  let searched = 0;
  const done = emptyResult();
  for (const at of takeFiles(job, MAIN, (number) => listing.mtimes[order[number]!]!)) {
    job.files[at] ??= listing.file(order[at]!);
    searchFile(searcher, job, at, done);
    const { cached, bytes } = job.files[at]!;
    if (done.hits.length > MANY_HITS) saveMemory(done, at);
    if (cached) continue;
    searched += bytes;
    left -= bytes;
    if (second === undefined && patience > 0 && searched > patience && left > WORTH_A_THREAD)
      second = await start();
  }
  Atomics.store(job.next, 0, job.count);
  if (done.hits.length > MANY_HITS) collect();
  finishCache(done, filler);
  // A thread that has not started by now finds nothing left to do.
  if (!second || Atomics.load(job.next, 1) === 0) return done;
  const other = await second();
  if (other) for (const part of other) addTo(done, part);
  else searchAgain(searcher, job, done);
  return done;
}

/** Thousands of hits take memory: moves the last one to the disk, and collects garbage early. */
function saveMemory({ hits }: ThreadResult, at: number): void {
  const last = hits.at(-1)!;
  if (last.text) spillToDisk(last);
  if (at % 16 === 0) collect();
}

/** Searches the files that the second thread took before it died. */
function searchAgain(searcher: Searcher, job: Job, done: ThreadResult): void {
  job.owner.forEach((owner, at) => {
    if (owner === SECOND) searchFile(searcher, job, at, done);
  });
}

function addTo(done: ThreadResult, part: ThreadResult): void {
  done.hits.push(...part.hits);
  done.fresh.push(...part.fresh);
  done.written.push(...part.written);
  done.files += part.files;
  done.bytes += part.bytes;
}

function makeSearcher(
  { wanted, saved }: Job,
  cache: TextCache | null,
): { searcher: Searcher; filler: CacheFiller | null } {
  const kernel = makeKernel();
  const filler = cache && new CacheFiller(kernel, cache, saved);
  return { searcher: new Searcher(wanted, kernel, cache, filler), filler };
}

function finishCache(done: ThreadResult, filler: CacheFiller | null): void {
  done.room = filler?.room ?? 0;
  const part = filler?.end();
  if (!part) return;
  done.written.push(part);
  done.fresh.push(...filler!.fresh);
}

/** Numbers of the files to search. */
function* takeFiles(job: Job, owner: number, mtime: (at: number) => number): Generator<number> {
  for (;;) {
    const at = Atomics.add(job.next, 0, 1);
    if (at >= job.count || hasEnough(job.times, at, job.bounds.limit, mtime(at))) return;
    job.owner[at] = owner;
    yield at;
  }
}

function searchFile(searcher: Searcher, { files, bounds, times }: Job, at: number, done: ThreadResult): void {
  const file = files[at]!;
  const all = searcher.search(file);
  const found = all && serialized(all);
  const hit = found && found.at >= bounds.since ? found : null;
  times[at] = hit ? hit.at : NO_HIT;
  if (hit) done.hits.push(hit);
  done.files++;
  done.bytes += file.bytes;
}

/** Whether no file of this time or older can hold one of the newest sessions any more. */
function hasEnough(times: Float64Array, upTo: number, limit: number, mtime: number): boolean {
  if (upTo < limit) return false;
  const newest = times.subarray(0, upTo).filter((time) => time > 0);
  if (newest.length < limit) return false;
  return newest.sort()[newest.length - limit]! > mtime + SLACK;
}

/**
 * Starts the program with a word in a second thread; null when there can be none. `heard` hears of what it tells. The
 * promise of all that is null when it has died.
 */
export async function startSecondThread<WorkerMessage extends { last: boolean }>(
  word: string,
  job: unknown,
  onMessage: () => void = () => {},
): Promise<(() => Promise<WorkerMessage[] | null>) | null> {
  // In the bundle the program is one file; tests run the sources in one thread.
  if (typeof __filename !== "string" || !__filename.endsWith(".cjs")) return null;
  const { Worker } = await import("node:worker_threads");
  try {
    const thread = new Worker(__filename, {
      argv: [word],
      // A file that it leaves open is for this thread.
      trackUnmanagedFds: false,
      workerData: job,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MEGABYTES },
    });
    const done = new Promise<WorkerMessage[] | null>((resolve) => {
      const parts: WorkerMessage[] = [];
      thread.on("message", (part: WorkerMessage) => {
        parts.push(part);
        onMessage();
        if (part.last) resolve(parts);
      });
      thread.once("error", () => resolve(null));
      thread.once("exit", () => resolve(null));
    });
    // Nobody waits for it unless it has begun.
    thread.unref();
    return () => {
      thread.ref();
      return done;
    };
  } catch {
    return null;
  }
}

/** The second thread itself. False when this is no thread of ours. */
export async function runThread(): Promise<boolean> {
  const { isMainThread, parentPort, workerData } = await import("node:worker_threads");
  if (isMainThread || !parentPort) return false;
  const job: Job = workerData;
  Atomics.store(job.next, 1, 1);
  const { searcher, filler } = makeSearcher(job, job.parts && new TextCache(job.parts));
  let done = emptyResult();
  for (const at of takeFiles(job, SECOND, (number) => job.files[number]!.mtime)) {
    searchFile(searcher, job, at, done);
    // Where nearly all are found, the room that a thread takes is worth more than its help.
    const { length } = done.hits;
    if (length < MANY_HITS && (length < SOME_HITS || length * 2 < done.files)) continue;
    parentPort.postMessage(done);
    done = emptyResult();
    break;
  }
  finishCache(done, filler);
  parentPort.postMessage({ ...done, last: true });
  return true;
}
