import { closeSync, openSync } from "node:fs";
import { readAt, readCounts } from "../claude/lines.ts";
import { isSessionId } from "../claude/places.ts";
import { startSecondThread } from "../search/threads.ts";
import { collect } from "../system/heap.ts";
import { errno } from "../system/problem.ts";
import { countOnce, type FileShare } from "./count-once.ts";
import { type FileCount, FileIndex } from "./file-index.ts";
import { Files } from "./files.ts";
import { type FileHead, RecordReader } from "./record-reader.ts";
import { FLAGS, Hash, type RecordSource, Records, readRecords, WORDS } from "./records.ts";
import { headOf, newGeneration, openRecords, recordsFile, Snapshot } from "./snapshot.ts";
import { GROUPINGS, summarize } from "./sums.ts";

/** The word that the program is started with in a thread of its own. */
const THREAD = "stats-thread";
/** A second thread costs 60 ms of processor time: worth it for more bytes than this. */
const WORTH_A_THREAD = 256 * 1024 * 1024;
const KIB = 1024;

/** What two threads read: this one from the first of `todo` on, the other from the last one back. */
type Job = {
  files: Pick<Files, "folders" | "paths" | "names" | "sides" | "bytes" | "times" | "inodes">;
  todo: number[];
  bytes: number;
  /** how many of them are taken, and how much the second thread has read (KiB) */
  shared: Int32Array;
};
const FILES_TAKEN = 0;
const KIB_READ = 1;

/** A file that the second thread has read, and where its records are. */
type Part = { file: number; known: FileCount | null; first: number; count: number };
/** What it tells: files as they come; at last where the records are, with its own numbers of models. */
type WorkerMessage = (Part & { last: false }) | { fd: number | null; models: string[]; last: true };

const jobOf = ({ ...files }: Files, todo: number[]): Job => ({
  files,
  todo,
  bytes: todo.reduce((sum, i) => sum + files.bytes[i]!, 0),
  shared: new Int32Array(new SharedArrayBuffer(8)),
});

/** Whether there was a file left to take. */
const takeFile = ({ shared, todo }: Job): boolean => Atomics.add(shared, FILES_TAKEN, 1) < todo.length;

/** The second thread itself. False when this is no thread of ours. */
export async function runThread(): Promise<boolean> {
  const { isMainThread, parentPort, workerData } = await import("node:worker_threads");
  if (isMainThread || !parentPort) return false;
  const job: Job = workerData;
  const files = Object.assign(new Files(), job.files);
  const records = Records.unlinked();
  const reader = new RecordReader(records, [""], (bytes) => Atomics.add(job.shared, KIB_READ, bytes / KIB));
  const tell = (told: WorkerMessage): void => parentPort.postMessage(told);
  for (let at = job.todo.length - 1; records.fd !== null && takeFile(job); at--) {
    const file = job.todo[at]!;
    const first = records.count;
    records.beginFile();
    const known = readFile(files, file, null, { records, reader, before: null });
    tell({ file, known, first, count: records.count - first, last: false });
  }
  records.finish();
  tell({ fd: records.fd, models: reader.models, last: true });
  return true;
}

/** What the second thread has read, with the numbers that models have here; nothing where it has died. */
class WorkerResults implements RecordSource {
  readonly parts = new Map<number, Part>();
  count = 0;
  readonly #fd: number | null = null;
  readonly #models: number[] = [];

  constructor(messages: readonly WorkerMessage[] | null, modelOf: (name: string) => number) {
    const end = messages?.at(-1);
    if (!end?.last || end.fd === null) return;
    this.#fd = end.fd;
    this.#models = end.models.map(modelOf);
    for (const part of messages!) {
      if (part.last) continue;
      this.parts.set(part.file, part);
      this.count += part.count;
    }
  }

  read(first: number, target: Uint32Array): number {
    const got = readRecords(this.#fd!, first, target);
    for (let w = 3; w < got * WORDS; w += WORDS) {
      const model = target[w]! >>> FLAGS;
      target[w] = ((this.#models[model]! << FLAGS) | (target[w]! - (model << FLAGS))) >>> 0;
    }
    return got;
  }

  close(): void {
    if (this.#fd !== null) closeSync(this.#fd);
  }
}

/** Called while transcripts are read, with bytes done and to do. */
export type Progress = (done: number, all: number) => void;

/** Counts what has changed since `index`, and keeps the result for the next time. */
export async function count(
  root: string,
  files: Files,
  index: FileIndex | null,
  here: string,
  progress: Progress,
): Promise<FileIndex> {
  const before = index && openRecords(root, index);
  const generation = newGeneration();
  const records = new Records(recordsFile(root, generation), headOf(generation));
  const known: (FileCount | null)[] = [];
  const shares: FileShare[] = [];
  const keys = files.names.map((_, i) => files.key(i));
  // The order decides which of two copies counts; it must not depend on that of the directory.
  const order = [...keys.keys()].sort((a, b) => (keys[a]! < keys[b]! ? -1 : 1));
  const all = files.bytes.reduce((sum, bytes) => sum + bytes, 0);
  const places = keys.map((key) => (index && before ? index.placeOf(key) : -1));
  const job = jobOf(
    files,
    order.filter((i) => places[i]! < 0),
  );
  /** bytes of the files before this one, and those that were read of it too */
  let passed = 0;
  let done = 0;
  let kept = false;
  const tell = (): void => progress(Math.min(done + Atomics.load(job.shared, KIB_READ) * KIB, all - 1), all);
  const reader = new RecordReader(records, index && before ? [...index.models] : [""], (bytes) => {
    done += bytes;
    tell();
  });
  const second =
    job.bytes > WORTH_A_THREAD ? await startSecondThread<WorkerMessage>(THREAD, job, tell) : null;
  /** what the second thread has read, when it is asked for */
  let others: WorkerResults | undefined;
  try {
    for (const i of order) {
      const first = records.count;
      records.beginFile();
      const place = places[i]!;
      const old = place < 0 ? null : index!.countOf(place);
      const ownedByMain = old !== null || !second || takeFile(job);
      if (!ownedByMain) others ??= new WorkerResults(await second(), (model) => reader.modelOf(model));
      const other = ownedByMain ? undefined : others?.parts.get(i);
      if (old && old.offset >= 0 && index!.isCurrent(place, files, i)) {
        records.copy(before!, old.first, old.count);
        known[i] = old;
      } else if (other) {
        records.copy(others!, other.first, other.count);
        known[i] = other.known;
      } else known[i] = readFile(files, i, old, { records, reader, before });
      shares.push({ first, count: records.count - first, rows: [] });
      if (other) {
        collect();
        continue;
      }
      passed += files.bytes[i]!;
      done = passed;
      tell();
    }
    progress(all, all);
    records.finish();
    collect();
    countOnce(records, shares);
    order.forEach((i, n) => {
      Object.assign(known[i] ?? {}, shares[n]);
    });
    const found = known.filter((file) => file !== null);
    setProjects(found);
    const { models } = reader;
    const fresh = FileIndex.of({ models, generation, records: records.count, files: found });
    kept = records.isKept && save(root, here, fresh);
    return fresh;
  } finally {
    before?.close();
    others?.close();
    records.close(kept);
  }
}

function save(root: string, here: string, index: FileIndex): boolean {
  return Snapshot.save(root, here, index, summarize(index, GROUPINGS, null));
}

/** Subagents belong to the project of their session, wherever they worked. */
function setProjects(files: readonly FileCount[]): void {
  const projects = new Map<string, string>();
  for (const { side, folder, session, start } of files) {
    if (!side && start !== null) projects.set(`${folder}/${session}`, start);
  }
  for (const file of files) {
    file.project = (file.side ? projects.get(`${file.folder}/${file.session}`) : null) ?? file.start;
  }
}

const PROBE = 256;

/** What counts files: where records go, what reads transcripts, and the records of the last time. */
type Counter = { records: Records; reader: RecordReader; before: RecordSource | null };

/** Counts a file; of one that has grown since `old` only what was added is read. Null when it was deleted. */
function readFile(
  files: Files,
  i: number,
  old: FileCount | null,
  { records, reader, before }: Counter,
): FileCount | null {
  const folder = files.folders[i]!;
  const side = files.sides[i]!;
  const bytes = files.bytes[i]!;
  const inode = files.inodes[i]!;
  const head: FileHead = { start: null, session: null, offset: 0, skipped: 0 };
  const result = (offset: number, probe: number): FileCount => ({
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
    readCounts.opens++;
    const grown =
      old !== null && before !== null && old.offset > 0 && old.inode === inode && bytes >= old.offset;
    if (grown && probeOf(fd, old.offset) === old.probe) {
      head.start = old.start;
      head.session = old.session;
      head.offset = old.offset;
      head.skipped = old.skipped;
      records.copy(before, old.first, old.count);
    }
    reader.read(fd, bytes, head, { key: files.key(i), folder, side });
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
