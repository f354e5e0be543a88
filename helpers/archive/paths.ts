// A session in another place: what of its rows names a path is mapped field by field, and never text.

import { createHash } from "node:crypto";
import { closeSync, fstatSync, fsyncSync, openSync } from "node:fs";
import { forward, readAt } from "../claude/lines.ts";
import { object, parseLine, type Row } from "../claude/rows.ts";
import { opened, shortened, textOf } from "../conversation/long-strings.ts";
import { sinkTo } from "./write.ts";

/** From a directory to another one; both absolute, without a slash at the end. */
export type Rule = readonly [from: string, to: string];

/** Whether a path is a directory or lies below it. */
export const under = (path: string, from: string): boolean =>
  path === from || (path.startsWith(from) && (from === "/" || path[from.length] === "/"));

/** What becomes of a path: the rule with the longest beginning decides, of two the earlier one. */
export function mapOf(rules: readonly Rule[]): (path: string) => string {
  const sorted = [...rules].sort((a, b) => b[0].length - a[0].length);
  return (path) => {
    const rule = sorted.find(([from]) => under(path, from));
    if (!rule) return path;
    const [from, to] = rule;
    return (to + path.slice(from === "/" ? 0 : from.length)).replace(/^\/\//, "/");
  };
}

/** Rows that hold the old system prompt, which Claude Code would send again; it makes new ones. */
export const isDropped = (row: Row): boolean =>
  (row.type === "attachment" && object(row.attachment)?.type === "prompt_snapshot") ||
  (typeof row.type === "string" && row.type.startsWith("api-request"));

/**
 * Maps the paths of a row in place. `workingDirectory` stays, so that Claude Code tells the model that it has moved; so
 * does all that was said. Whether anything has changed.
 */
export function mapRow(row: Row, map: (path: string) => string): boolean {
  let changed = false;
  const fields = (value: unknown, ...names: string[]): void => {
    const at = object(value);
    if (!at) return;
    for (const name of names) {
      const path = at[name];
      if (typeof path !== "string" || !path.startsWith("/")) continue;
      const mapped = map(path);
      if (mapped === path) continue;
      at[name] = mapped;
      changed = true;
    }
  };
  fields(row, "cwd", "relocatedCwd", "trackingPath");
  fields(row.worktreeSession, "originalCwd", "preEnterOriginalCwd", "worktreePath");
  fields(row.backup, "realParentDir", "trackingPath");
  fields(row.toolUseResult, "persistedOutputPath", "outputFile", "planFilePath");
  fields(row.attachment, "planFilePath");
  const tracked = object(object(row.snapshot)?.trackedFileBackups);
  for (const [key, backup] of Object.entries(tracked ?? {})) {
    fields(backup, "realParentDir", "trackingPath");
    const mapped = key.startsWith("/") ? map(key) : key;
    if (mapped === key) continue;
    delete tracked![key];
    tracked![mapped] = backup;
    changed = true;
  }
  return changed;
}

const MARKS = ['"prompt_snapshot"', '"api-request'];
const PAGE = 1 << 20;

/** Writes a transcript with its paths mapped to `to`; rows in which nothing changes stay as they are, byte for byte. */
export function mapFile(from: string, to: string, rules: readonly Rule[]): void {
  const map = mapOf(rules);
  const marks = [
    ...MARKS,
    ...rules.flatMap(([path, other]) => (path === other ? [] : JSON.stringify(path).slice(1, -1))),
  ].map((mark) => Buffer.from(mark));
  const input = openSync(from, "r");
  const output = openSync(to, "wx", 0o600);
  try {
    const sink = sinkTo(output, to);
    const { size } = fstatSync(input);
    const page = Buffer.allocUnsafe(PAGE);
    let used = 0;
    const flush = (): void => {
      sink(page.subarray(0, used));
      used = 0;
    };
    const write = (piece: string | Buffer): void => {
      const bytes = typeof piece === "string" ? Buffer.from(piece) : piece;
      if (used + bytes.length > PAGE) flush();
      if (bytes.length > PAGE) sink(bytes);
      else used += bytes.copy(page, used);
    };
    for (const { bytes, start, length } of forward(input, size, { first: 1 << 18 })) {
      if (bytes) {
        const line = marks.some((mark) => bytes.includes(mark)) ? mapLine(bytes, map) : [bytes];
        if (line === null) continue;
        for (const piece of line) write(piece);
      } else {
        flush();
        for (let at = 0; at < length; ) {
          const got = readAt(input, page, start + at, Math.min(PAGE, length - at));
          sink(page.subarray(0, got));
          at += got;
        }
      }
      if (start + length < size) write("\n");
    }
    flush();
    fsyncSync(output);
  } finally {
    closeSync(input);
    closeSync(output);
  }
}

/** A line with its rows mapped; null where none of them is kept. What cannot be read whole stays as it is. */
function mapLine(bytes: Buffer, map: (path: string) => string): (string | Buffer)[] | null {
  const { rows, lost, written } = opened(bytes);
  if (lost || rows.length === 0) return [bytes];
  const kept = rows.filter((row) => !isDropped(row));
  if (kept.length === 0) return null;
  const changed = kept.map((row) => mapRow(row, map)).includes(true) || kept.length < rows.length;
  return (changed && written(kept)) || [bytes];
}

/** What two copies of a session have in common: `to` is the byte of `theirs` after the last row that both have. */
export type Relation = { is: "same" | "ours-longer" | "theirs-longer" | "different"; to: number };

/** Compares two transcripts of one session row by row, wherever each of them lies. Rows without a uuid do not count. */
export function relationOf(ours: string, theirs: string): Relation {
  const [one, two] = [openSync(ours, "r"), openSync(theirs, "r")];
  try {
    // Most often all of one is the beginning of the other.
    const common = commonLines(one, two);
    const [mine, other] = [keysOf(one, common), keysOf(two, common)];
    for (let to = common; ; ) {
      const [a, b] = [mine.next(), other.next()];
      if (a.done && b.done) return { is: "same", to };
      if (a.done) return { is: "theirs-longer", to };
      if (b.done) return { is: "ours-longer", to };
      if (a.value.key !== b.value.key) return { is: "different", to };
      to = b.value.end;
    }
  } finally {
    closeSync(one);
    closeSync(two);
  }
}

/** Where the last line ends up to which two files have the same bytes. */
function commonLines(one: number, two: number): number {
  const [a, b] = [Buffer.allocUnsafe(PAGE), Buffer.allocUnsafe(PAGE)];
  let lines = 0;
  for (let at = 0; ; at += PAGE) {
    const [m, n] = [readAt(one, a, at), readAt(two, b, at)];
    let same = Math.min(m, n);
    if (!a.subarray(0, same).equals(b.subarray(0, same))) {
      same = 0;
      while (a[same] === b[same]) same++;
    }
    const newline = same === 0 ? -1 : a.lastIndexOf(10, same - 1);
    if (newline >= 0) lines = at + newline + 1;
    if (same < PAGE) return lines;
  }
}

const sumOf = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

export function* keysOf(fd: number, from: number): Generator<{ key: string; end: number }, undefined> {
  const { size } = fstatSync(fd);
  for (const { bytes, start, length } of forward(fd, size, { start: from, first: 1 << 18 })) {
    const end = Math.min(size, start + length + 1);
    if (!bytes) yield { key: String(length), end };
    else
      for (const row of parseLine(shortened(bytes, (long) => `"${sumOf(long)}"`)).rows) {
        if (typeof row.uuid !== "string" || isDropped(row)) continue;
        mapRow(row, () => "");
        yield { key: textOf(row) ?? JSON.stringify({ uuid: row.uuid, sum: sumOf(bytes) }), end };
      }
  }
}
