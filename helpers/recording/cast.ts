// Recordings as they lie on the disk: asciicast v2 (v3 is read too), in parts.

import { closeSync, fstatSync, openSync, readdirSync, rmdirSync, statSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { linesBackward, linesForward } from "../claude/lines.ts";
import { isSessionId } from "../claude/places.ts";
import { object, type Row, string } from "../claude/rows.ts";
import { state } from "../system/places.ts";
import { startOf } from "../system/process.ts";

/** Holds a folder for each Claude session, named by its id, with files `<start>.<n>.cast`. */
export const recordingsDirectory = (): string => join(state(), "recordings");

/** What one recorder wrote: its parts follow each other, the first ones may be gone. Times are epoch ms. */
export type Recording = {
  /** the Claude session's id */
  session: string;
  startedAt: number;
  /** when its last part was written to */
  updatedAt: number;
  bytes: number;
  parts: string[];
};

const NAME = /^(\d{4}-\d\d-\d\d)T(\d\d)-(\d\d)-(\d\d)-(\d{3})Z\.(\d+)\.cast$/;

/** The ids of sessions that were recorded. */
export const recordedSessions = (): string[] => namesIn(recordingsDirectory()).filter(isSessionId);

/** The recordings of a session, newest first. */
export function recordingsOf(session: string): Recording[] {
  const folder = join(recordingsDirectory(), session);
  const found = new Map<number, Recording>();
  for (const name of namesIn(folder)) {
    const [, day, ...rest] = NAME.exec(name) ?? [];
    const [hour, minute, second, ms, number] = rest;
    const startedAt = Date.parse(`${day}T${hour}:${minute}:${second}.${ms}Z`);
    const path = join(folder, name);
    const stats = statSync(path, { throwIfNoEntry: false });
    if (!Number.isFinite(startedAt) || !stats?.isFile()) continue;
    const known = found.get(startedAt) ?? { session, startedAt, updatedAt: 0, bytes: 0, parts: [] };
    found.set(startedAt, known);
    known.bytes += stats.size;
    known.updatedAt = Math.max(known.updatedAt, stats.mtimeMs);
    known.parts[Number(number)] = path;
  }
  return [...found.values()]
    .map((recording) => ({ ...recording, parts: recording.parts.filter(Boolean) }))
    .sort((a, b) => b.startedAt - a.startedAt);
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** The first line of a part. */
export type Head = { columns: number; rows: number; at: number; pid: number | null; start: string | null };
/** `seconds` since the recording began; `o` is printed, `r` is a new size. */
export type Event = { seconds: number; kind: string; data: string };

/** The head of a part, then its events. A torn last line, or any line that is none, is left out. */
export function* read(path: string): Generator<Head | Event, void> {
  const fd = openSync(path, "r");
  try {
    let v3 = false;
    let last = 0;
    let first = true;
    for (const { bytes } of linesForward(fd, fstatSync(fd).size)) {
      const line = bytes && parse(bytes);
      if (first) {
        const head = object(line);
        if (!head) return;
        v3 = head.version === 3;
        first = false;
        yield headOf(head);
      } else if (Array.isArray(line)) {
        const [at, kind, data] = line;
        if (typeof at !== "number" || typeof kind !== "string" || typeof data !== "string") continue;
        last = v3 ? last + at : Math.max(last, at);
        yield { seconds: last, kind, data };
      }
    }
  } finally {
    closeSync(fd);
  }
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch {
    return null;
  }
}

function headOf(head: Row): Head {
  const term = object(head.term) ?? { cols: head.width, rows: head.height };
  const ccr = object(head.ccr);
  return {
    columns: Number(term.cols) || 80,
    rows: Number(term.rows) || 24,
    at: Number(head.timestamp) * 1000 || 0,
    pid: Number(ccr?.pid) || null,
    start: string(ccr?.start),
  };
}

/** Whether the recorder of a recording still lives: it does not tell when it is killed. */
export function isAlive({ parts }: Recording): boolean {
  const head = parts.length > 0 ? headOfFile(parts.at(-1)!) : null;
  if (!head?.pid) return false;
  const start = startOf(head.pid);
  return start !== null && (start === "" || start === head.start);
}

function headOfFile(path: string): Head | null {
  for (const head of read(path)) return "columns" in head ? head : null;
  return null;
}

/** Seconds that a recording lasts; pauses between its parts are none. */
export function secondsOf({ parts }: Recording): number {
  let sum = 0;
  for (const path of parts) {
    const fd = openSync(path, "r");
    try {
      for (const { bytes } of linesBackward(fd, fstatSync(fd).size, 4096, 1024 * 1024)) {
        const line = bytes && parse(bytes);
        if (!Array.isArray(line) || typeof line[0] !== "number") continue;
        sum += line[0];
        break;
      }
    } finally {
      closeSync(fd);
    }
  }
  return sum;
}

/** Deletes recordings that nobody has written to for so many days; those of a recorder that lives stay. */
export function prune(days: number, now: number): void {
  for (const session of recordedSessions()) {
    for (const recording of recordingsOf(session)) {
      if (now - recording.updatedAt < days * 86_400_000 || isAlive(recording)) continue;
      for (const path of recording.parts) unlinkSync(path);
      try {
        rmdirSync(join(recordingsDirectory(), session));
      } catch {
        // it holds others
      }
    }
  }
}
