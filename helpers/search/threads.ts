// A second thread for a long search. Both take the next file from one shared counter.
import { collect } from "../system/heap.ts";
import { Cache } from "./cache.ts";
import { Filler } from "./fill.ts";
import { makeKernel } from "./kernel.ts";
import type { File, Listing } from "./listing.ts";
import { Searcher, type Serialized, serialized, spillToDisk } from "./search.ts";
import type { Wanted } from "./wanted.ts";
import type { Fresh, Part } from "./writer.ts";

/** The word that the program is started with in a thread of its own. */
export const THREAD = "find-thread";

export type Bounds = {
  /** at most so many sessions are wanted … */
  limit: number;
  /** … none of them last used before this (epoch ms) */
  since: number;
};

type Job = {
  wanted: Wanted;
  bounds: Bounds;
  /** those that were needed so far; all of them in a second thread */
  files: (File | undefined)[];
  count: number;
  /** bytes of other transcripts, of which the cache knows that they need not be searched */
  saved: number;
  /** of the cache; null where none is to be used */
  parts: readonly Part[] | null;
  /** number of the next file, and whether the second thread takes part */
  next: Int32Array;
  /** epoch ms of files that hold the words, {@link NOTHING} for others that were searched */
  times: Float64Array;
  /** which thread took a file */
  owner: Uint8Array;
};

export type Done = {
  sightings: Serialized[];
  files: number;
  bytes: number;
  /** what was written to the cache */
  fresh: Fresh[];
  written: Part[];
  /** bytes of the cache that there is time to copy */
  room: number;
  /** whether the second thread has nothing more to tell */
  last: boolean;
};

const nothing = (): Done => ({
  sightings: [],
  files: 0,
  bytes: 0,
  fresh: [],
  written: [],
  room: 0,
  last: false,
});

const NOTHING = -1;
const MAIN = 1;
const SECOND = 2;
/** Clocks of writer and file system may differ by this much. */
export const SLACK = 2000;
/** A thread costs 30 ms of processor time: worth it for more than this many bytes. */
const MUCH = 256 * 1024 * 1024;
/** With a limit the search may soon be over: so many bytes are waited for. */
const FIRST = 64 * 1024 * 1024;

/** From so many sightings on memory is looked after. */
export const MANY = 60;
const SOME = 64;
/** Megabytes of what is thrown away, in the second thread. */
const YOUNG = 2;

/** Searches files, the newest first, in two threads when there is much to read. */
export async function searchAll(
  wanted: Wanted,
  order: readonly number[],
  listing: Listing,
  bounds: Bounds,
  cache: Cache | null,
  saved: number,
): Promise<Done> {
  let read = 0;
  for (const at of order) if (!listing.same(at)) read += listing.bytes[at]!;
  const job: Job = {
    wanted,
    bounds,
    files: [],
    count: order.length,
    saved: read > MUCH ? saved / 2 : saved,
    parts: cache?.parts ?? null,
    next: new Int32Array(new SharedArrayBuffer(8)),
    times: new Float64Array(new SharedArrayBuffer(8 * order.length)),
    owner: new Uint8Array(new SharedArrayBuffer(order.length)),
  };
  const patience = Number.isFinite(bounds.limit) ? FIRST : 0;
  let left = read - patience;
  // Sessions that are stored twice must not be counted twice.
  const surplus = Number.isFinite(bounds.limit)
    ? order.length - new Set(order.map((at) => listing.id(at))).size
    : 0;
  job.bounds = { ...bounds, limit: bounds.limit + surplus };
  const start = (): ReturnType<typeof secondThread<Done>> => {
    for (let at = Atomics.load(job.next, 0); at < job.count; at++) job.files[at] = listing.file(order[at]!);
    return secondThread<Done>(THREAD, job);
  };
  let second = patience === 0 && left > MUCH ? await start() : undefined;
  const { searcher, filler } = tools(job, cache);
  let searched = 0;
  const done = nothing();
  for (const at of work(job, MAIN, (number) => listing.mtimes[order[number]!]!)) {
    job.files[at] ??= listing.file(order[at]!);
    one(searcher, job, at, done);
    const { kept, bytes } = job.files[at]!;
    // An answer of thousands takes memory: what is thrown away meanwhile should not.
    const { length } = done.sightings;
    if (length > MANY && done.sightings[length - 1]!.text) spillToDisk(done.sightings[length - 1]!);
    if (length > MANY && at % 16 === 0) collect();
    if (kept) continue;
    searched += bytes;
    left -= bytes;
    if (second === undefined && patience > 0 && searched > patience && left > MUCH) second = await start();
  }
  Atomics.store(job.next, 0, job.count);
  if (done.sightings.length > MANY) collect();
  complete(done, filler);
  // A thread that has not begun by now finds nothing left to do.
  if (!second || Atomics.load(job.next, 1) === 0) return done;
  const other = await second();
  if (!other) {
    // It has died: what it took is searched again.
    job.owner.forEach((owner, at) => {
      if (owner === SECOND) one(searcher, job, at, done);
    });
    return done;
  }
  for (const part of other) {
    done.sightings.push(...part.sightings);
    done.fresh.push(...part.fresh);
    done.written.push(...part.written);
    done.files += part.files;
    done.bytes += part.bytes;
  }
  return done;
}

function tools({ wanted, saved }: Job, cache: Cache | null): { searcher: Searcher; filler: Filler | null } {
  const kernel = makeKernel();
  const filler = cache && new Filler(kernel, cache, saved);
  return { searcher: new Searcher(wanted, kernel, cache, filler), filler };
}

function complete(done: Done, filler: Filler | null): void {
  done.room = filler?.room ?? 0;
  const part = filler?.end();
  if (!part) return;
  done.written.push(part);
  done.fresh.push(...filler!.fresh);
}

/** Numbers of the files to search. */
function* work(job: Job, owner: number, mtime: (at: number) => number): Generator<number> {
  for (;;) {
    const at = Atomics.add(job.next, 0, 1);
    if (at >= job.count || enough(job.times, at, job.bounds.limit, mtime(at))) return;
    job.owner[at] = owner;
    yield at;
  }
}

function one(searcher: Searcher, { files, bounds, times }: Job, at: number, done: Done): void {
  const file = files[at]!;
  const all = searcher.search(file);
  const found = all && serialized(all);
  const sighting = found && found.at >= bounds.since ? found : null;
  times[at] = sighting ? sighting.at : NOTHING;
  if (sighting) done.sightings.push(sighting);
  done.files++;
  done.bytes += file.bytes;
}

/** Whether no file of this time or older can hold one of the newest sessions any more. */
function enough(times: Float64Array, upTo: number, limit: number, mtime: number): boolean {
  if (upTo < limit) return false;
  const newest = times.subarray(0, upTo).filter((time) => time > 0);
  if (newest.length < limit) return false;
  return newest.sort()[newest.length - limit]! > mtime + SLACK;
}

/**
 * Starts the program with a word in a second thread; null when there can be none. `heard` hears of what it tells. The
 * promise of all that is null when it has died.
 */
export async function secondThread<Told extends { last: boolean }>(
  word: string,
  job: unknown,
  onMessage: () => void = () => {},
): Promise<(() => Promise<Told[] | null>) | null> {
  // In the bundle the program is one file; tests run the sources in one thread.
  if (typeof __filename !== "string" || !__filename.endsWith(".cjs")) return null;
  const { Worker } = await import("node:worker_threads");
  try {
    const thread = new Worker(__filename, {
      argv: [word],
      // A file that it leaves open is for this thread.
      trackUnmanagedFds: false,
      workerData: job,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG },
    });
    const done = new Promise<Told[] | null>((resolve) => {
      const parts: Told[] = [];
      thread.on("message", (part: Told) => {
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
  const { searcher, filler } = tools(job, job.parts && new Cache(job.parts));
  let done = nothing();
  for (const at of work(job, SECOND, (number) => job.files[number]!.mtime)) {
    one(searcher, job, at, done);
    // Where nearly all are found, the room that a thread takes is worth more than its help.
    const { length } = done.sightings;
    if (length < MANY && (length < SOME || length * 2 < done.files)) continue;
    parentPort.postMessage(done);
    done = nothing();
    break;
  }
  complete(done, filler);
  parentPort.postMessage({ ...done, last: true });
  return true;
}
