import { closeSync, openSync } from "node:fs";
import { counted, readAt } from "../claude/lines.ts";
import { isSessionId } from "../claude/places.ts";
import { errno } from "../system/problem.ts";
import { attribute, type Share } from "./stats-attribute.ts";
import {
  headOf,
  Index,
  type Known,
  newGeneration,
  openRecords,
  recordsFile,
  Snapshot,
} from "./stats-cache.ts";
import type { Files } from "./stats-files.ts";
import { type Head, Reader } from "./stats-read.ts";
import { Hash, Records, type Stored } from "./stats-records.ts";
import { GROUPINGS, summarize } from "./stats-sums.ts";

/** Called while transcripts are read, with bytes done and to do. */
export type Progress = (done: number, all: number) => void;

/** Counts what has changed since `index`, and keeps the result for the next time. */
export function count(
  root: string,
  files: Files,
  index: Index | null,
  here: string,
  progress: Progress,
): Index {
  const before = index && openRecords(root, index);
  const generation = newGeneration();
  const records = new Records(recordsFile(root, generation), headOf(generation));
  const known: (Known | null)[] = [];
  const shares: Share[] = [];
  const keys = files.names.map((_, i) => files.key(i));
  // The order decides which of two copies counts; it must not depend on that of the directory.
  const order = [...keys.keys()].sort((a, b) => (keys[a]! < keys[b]! ? -1 : 1));
  const all = files.bytes.reduce((sum, bytes) => sum + bytes, 0);
  /** bytes of the files before this one, and those that were read of it too */
  let passed = 0;
  let done = 0;
  let kept = false;
  const reader = new Reader(records, index && before ? [...index.models] : [""], (bytes) => {
    done += bytes;
    progress(Math.min(done, all - 1), all);
  });
  try {
    for (const i of order) {
      const first = records.count;
      records.beginFile();
      const place = index && before ? index.placeOf(keys[i]!) : -1;
      const old = place < 0 ? null : index!.known(place);
      if (old && old.offset >= 0 && index!.same(place, files, i)) {
        records.copy(before!, old.first, old.count);
        known[i] = old;
      } else known[i] = readFile(files, i, old, records, reader, before);
      shares.push({ first, count: records.count - first, rows: [] });
      passed += files.bytes[i]!;
      done = passed;
      progress(Math.min(done, all - 1), all);
    }
    progress(all, all);
    records.finish();
    attribute(records, shares);
    order.forEach((i, n) => {
      Object.assign(known[i] ?? {}, shares[n]);
    });
    const found = known.filter((file) => file !== null);
    toSessions(found);
    const { models } = reader;
    const fresh = Index.of({ models, generation, records: records.count, files: found });
    kept = records.kept && save(root, here, fresh);
    return fresh;
  } finally {
    before?.close();
    records.close(kept);
  }
}

function save(root: string, here: string, index: Index): boolean {
  try {
    Snapshot.save(root, here, index, summarize(index, GROUPINGS, null));
    return true;
  } catch {
    return false; // counted again the next time
  }
}

/** Subagents belong to the project of their session, wherever they worked. */
function toSessions(files: readonly Known[]): void {
  const projects = new Map<string, string>();
  for (const { side, folder, session, start } of files) {
    if (!side && start !== null) projects.set(`${folder}/${session}`, start);
  }
  for (const file of files) {
    file.project = (file.side ? projects.get(`${file.folder}/${file.session}`) : null) ?? file.start;
  }
}

const PROBE = 256;

/** Reads a file, or what was added to it. Null when it has vanished. */
function readFile(
  files: Files,
  i: number,
  old: Known | null,
  records: Records,
  reader: Reader,
  before: Stored | null,
): Known | null {
  const folder = files.folders[i]!;
  const side = files.sides[i]!;
  const bytes = files.bytes[i]!;
  const inode = files.inodes[i]!;
  const head: Head = { start: null, session: null, offset: 0, skipped: 0 };
  const result = (offset: number, probe: number): Known => ({
    folder,
    name: files.names[i]!,
    side,
    bytes,
    mtime: files.times[i]!,
    inode,
    offset,
    probe,
    session: files.session(i) ?? (isSessionId(head.session ?? "") ? head.session!.toLowerCase() : null),
    start: head.start,
    project: null,
    skipped: head.skipped,
    first: 0,
    count: 0,
    rows: [],
  });
  let fd: number | null = null;
  try {
    fd = openSync(files.path(i), "r");
    counted.opens++;
    const grown =
      old !== null && before !== null && old.offset > 0 && old.inode === inode && bytes >= old.offset;
    if (grown && probeOf(fd, old.offset) === old.probe) {
      head.start = old.start;
      head.session = old.session;
      head.offset = old.offset;
      head.skipped = old.skipped;
      records.copy(before, old.first, old.count);
    }
    reader.read(fd, bytes, head, files.key(i), folder, side);
    return result(head.offset, probeOf(fd, head.offset));
  } catch (error) {
    if (errno(error) === undefined) throw error;
    return errno(error) === "ENOENT" ? null : result(-1, 0);
  } finally {
    if (fd !== null) closeSync(fd);
  }
}

const hash = new Hash();

/** What stands right before an offset: a file that was rewritten has something else there. */
function probeOf(fd: number, offset: number): number {
  const bytes = Buffer.alloc(Math.min(PROBE, offset));
  const got = readAt(fd, bytes, offset - bytes.length);
  hash.of(bytes, 0, got, got);
  return hash.low + (hash.high & 0xfffff) * 2 ** 32;
}
