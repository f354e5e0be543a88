import { accessSync, closeSync, constants, openSync } from "node:fs";
import { counted, readAt } from "../claude/lines.ts";
import { isSessionId, projectsDirectory } from "../claude/places.ts";
import { SYNTHETIC, type Tokens } from "../claude/usage.ts";
import { errno } from "../system/problem.ts";
import { attribute, WIDTH } from "./stats-attribute.ts";
import {
  headOf,
  type Index,
  type Known,
  loadIndex,
  newGeneration,
  openRecords,
  recordsFile,
  saveIndex,
} from "./stats-cache.ts";
import { dayText, zone } from "./stats-days.ts";
import { type Source, sources } from "./stats-files.ts";
import { type Head, Reader } from "./stats-read.ts";
import { Hash, Records } from "./stats-records.ts";

/** A file and what is counted for it. `project` is its session's start directory. */
export type Part = Source & { project: string | null; rows: number[]; skipped: number };
/** All that is counted. `models` are the names of the numbers in rows. */
export type Corpus = { parts: Part[]; models: string[]; unreadable: string[] };

/** Called while transcripts are read, with bytes done and to do. */
export type Progress = (done: number, all: number) => void;

/** Counts all transcripts; of files that have not changed since the last time, nothing is read. */
export function corpus(now: number, progress: Progress = () => {}): Corpus {
  const root = projectsDirectory();
  const { files, unreadable } = sources();
  const index = loadIndex(root);
  const here = zone(now);
  const known = new Map(index?.files.map((file) => [file.key, file]));
  if (
    index &&
    index.zone === here &&
    index.files.length === files.length &&
    files.every((file) => unchanged(file, known.get(file.key)))
  ) {
    const parts = files.map((file) => partOf(file, known.get(file.key)!));
    return finished(parts, index.models, unreadable);
  }
  return count(root, files, index, known, here, unreadable, progress);
}

const same = (file: Source, known: Known | undefined): known is Known =>
  known !== undefined &&
  known.bytes === file.bytes &&
  known.mtime === file.mtime &&
  known.inode === file.inode;

/** Whether a file is as it was counted. One that could not be read then, must still be so. */
const unchanged = (file: Source, known: Known | undefined): boolean =>
  same(file, known) && (known.offset >= 0 || !readable(file.path));

function readable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

const partOf = (file: Source, { rows, start, session, skipped }: Known): Part => ({
  ...file,
  session,
  project: start,
  rows,
  skipped,
});

function count(
  root: string,
  files: Source[],
  index: Index | null,
  known: ReadonlyMap<string, Known>,
  here: string,
  unreadable: string[],
  progress: Progress,
): Corpus {
  files.sort((a, b) => (a.key < b.key ? -1 : 1));
  const before = index && openRecords(root, index);
  const models = index && before ? [...index.models] : [""];
  const generation = newGeneration();
  const records = new Records(recordsFile(root, generation), headOf(generation));
  const reader = new Reader(records, models);
  const counted: [Source, Known][] = [];
  const all = files.reduce((sum, { bytes }) => sum + bytes, 0);
  let done = 0;
  let kept = false;
  try {
    for (const file of files) {
      const old = before ? known.get(file.key) : undefined;
      const first = records.count;
      records.beginFile();
      let now = same(file, old) && old.offset >= 0 ? old : null;
      if (now) records.copy(before!, old!.first, old!.count);
      else now = readFile(file, old, records, reader, before);
      done += file.bytes;
      progress(done, all);
      if (now) counted.push([file, { ...now, first, count: records.count - first }]);
    }
    records.finish();
    attribute(
      records,
      counted.map(([, now]) => now),
    );
    const entries = counted.map(([, now]) => now);
    if (records.onDisk)
      kept = save(root, { models, zone: here, generation, records: records.count, files: entries });
  } finally {
    before?.close();
    records.close(kept);
  }
  for (const [file, { offset }] of counted) if (offset < 0) unreadable.push(file.path);
  return finished(
    counted.map(([file, now]) => partOf(file, now)),
    models,
    unreadable,
  );
}

function save(root: string, index: Index): boolean {
  try {
    saveIndex(root, index);
    return true;
  } catch {
    return false; // counted again the next time
  }
}

const PROBE = 256;

/** Reads a file, or what was added to it. Null when it has vanished. */
function readFile(
  file: Source,
  old: Known | undefined,
  records: Records,
  reader: Reader,
  before: Parameters<Records["copy"]>[0] | null,
): Known | null {
  const { key, bytes, mtime, inode, side } = file;
  const head: Head = { start: null, session: null, offset: 0, skipped: 0 };
  const result = (offset: number, probe: string): Known => ({
    key,
    bytes,
    mtime,
    inode,
    offset,
    probe,
    session:
      file.session ??
      (head.session !== null && isSessionId(head.session) ? head.session.toLowerCase() : null),
    start: head.start,
    skipped: head.skipped,
    side,
    first: 0,
    count: 0,
    rows: [],
  });
  let fd: number | null = null;
  try {
    fd = openSync(file.path, "r");
    counted.opens++;
    if (
      old &&
      before &&
      old.offset > 0 &&
      old.inode === inode &&
      bytes >= old.offset &&
      probeOf(fd, old.offset) === old.probe
    ) {
      head.start = old.start;
      head.session = old.session;
      head.offset = old.offset;
      head.skipped = old.skipped;
      records.copy(before, old.first, old.count);
    }
    reader.read(fd, bytes, head, key, file.folder, side);
    return result(head.offset, probeOf(fd, head.offset));
  } catch (error) {
    if (errno(error) === undefined) throw error;
    return errno(error) === "ENOENT" ? null : result(-1, "");
  } finally {
    if (fd !== null) closeSync(fd);
  }
}

const hash = new Hash();

/** What stands right before an offset: a file that was rewritten has something else there. */
function probeOf(fd: number, offset: number): string {
  const bytes = Buffer.alloc(Math.min(PROBE, offset));
  const got = readAt(fd, bytes, offset - bytes.length);
  hash.of(bytes, 0, got, got);
  return hash.low.toString(36) + hash.high.toString(36);
}

/** Subagents belong to the project of their session, wherever they worked. */
function finished(parts: Part[], models: string[], unreadable: string[]): Corpus {
  const projects = new Map<string, string>();
  for (const { side, folder, session, project } of parts) {
    if (!side && project !== null) projects.set(`${folder}/${session}`, project);
  }
  for (const part of parts) {
    if (part.side) part.project = projects.get(`${part.folder}/${part.session}`) ?? part.project;
  }
  return { parts, models, unreadable };
}

export type Sums = {
  sessions: number;
  messages: number;
  tokens: Tokens;
  /** null where a file cannot be divided: by day and by model */
  bytes: number | null;
  activeDays: number;
  /** the part of `messages` and `tokens` that is of subagents */
  subagents: { messages: number; tokens: Tokens };
};
export type Grouping = "day" | "project" | "model";
export type Group = Sums & { key: string | null };

class Sum {
  readonly sessions = new Set<string>();
  readonly days = new Set<number>();
  readonly own: number[] = [0, 0, 0, 0, 0];
  readonly side: number[] = [0, 0, 0, 0, 0];
  bytes = 0;

  add(rows: readonly number[], at: number): void {
    this.days.add(rows[at]!);
    const sums = rows[at + 2] === 1 ? this.side : this.own;
    for (let i = 0; i < sums.length; i++) sums[i]! += rows[at + 3 + i]!;
  }

  get sums(): Sums {
    const { own, side } = this;
    return {
      sessions: this.sessions.size,
      messages: own[0]! + side[0]!,
      tokens: tokensOf(own.map((n, i) => n + side[i]!)),
      bytes: this.bytes,
      activeDays: this.days.size,
      subagents: { messages: side[0]!, tokens: tokensOf(side) },
    };
  }
}

const tokensOf = (sums: readonly number[]): Tokens => ({
  input: sums[1]!,
  output: sums[2]!,
  cacheCreation: sums[3]!,
  cacheRead: sums[4]!,
});

export const totalOf = ({ input, output, cacheCreation, cacheRead }: Tokens): number =>
  input + output + cacheCreation + cacheRead;

/** Sums of all parts, and of their groups: days from the oldest on, others from the largest on. `since` is a day. */
export function summarize(
  corpus: Corpus,
  groupings: readonly Grouping[],
  since: number | null,
): { totals: Sums; by: Group[][] } {
  const total = new Sum();
  const groups = groupings.map(() => new Map<string | null, Sum>());
  const sumIn = (place: number, key: string | null): Sum => {
    let sum = groups[place]!.get(key);
    if (!sum) groups[place]!.set(key, (sum = new Sum()));
    return sum;
  };
  for (const { rows, session, bytes, project } of corpus.parts) {
    let any = since === null;
    for (let at = 0; at < rows.length; at += WIDTH) {
      if (since !== null && rows[at]! < since) continue;
      any = true;
      total.add(rows, at);
      groupings.forEach((grouping, place) => {
        const key =
          grouping === "day"
            ? dayText(rows[at]!)
            : grouping === "model"
              ? corpus.models[rows[at + 1]!]!
              : project;
        // Prompts, and answers that the program made itself, are of no model.
        if (grouping === "model" && (key === "" || key === SYNTHETIC)) return;
        const sum = sumIn(place, key);
        sum.add(rows, at);
        if (session !== null) sum.sessions.add(session);
      });
    }
    if (!any) continue;
    if (session !== null) total.sessions.add(session);
    total.bytes += bytes;
    groupings.forEach((grouping, place) => {
      if (grouping !== "project") return;
      const sum = sumIn(place, project);
      sum.bytes += bytes;
      if (session !== null) sum.sessions.add(session);
    });
  }
  const by = groupings.map((grouping, place) => {
    const list = [...groups[place]!].map(([key, sum]): Group => {
      const sums = sum.sums;
      return { key, ...sums, bytes: grouping === "project" ? sums.bytes : null };
    });
    return grouping === "day"
      ? list.sort((a, b) => (a.key! < b.key! ? -1 : 1))
      : list.sort(
          (a, b) => totalOf(b.tokens) - totalOf(a.tokens) || ((a.key ?? "") < (b.key ?? "") ? -1 : 1),
        );
  });
  return { totals: total.sums, by };
}
