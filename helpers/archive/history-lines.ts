// The lines of sessions in history.jsonl. Its fields: docs/developing/claude-code-format.md, "History".

import { closeSync, fstatSync, ftruncateSync, openSync, readFileSync, readSync, writeSync } from "node:fs";
import { linesForward, readAt } from "../claude/lines.ts";
import { historyFile } from "../claude/places.ts";
import { sessionIdIn } from "../claude/row-marks.ts";
import { mapRowPaths, parseLine, type Row } from "../claude/rows.ts";
import { openFile } from "../system/files.ts";
import { errno } from "../system/problem.ts";

/** A line of `history.jsonl`: its offset and length in bytes, with the newline. */
export type LineRange = readonly [start: number, length: number];
/** The lines of each session, by session id. */
export type HistoryLines = ReadonlyMap<string, readonly LineRange[]>;

/** Finds the lines of these sessions in `history.jsonl`. Reads the file once. */
export function findHistoryLines(ids: ReadonlySet<string>): HistoryLines {
  const found = new Map<string, LineRange[]>();
  let fd: number;
  try {
    fd = openFile(historyFile());
  } catch (error) {
    if (["ENOENT", "ENOTDIR", "EISDIR", "ENXIO"].includes(errno(error) ?? "")) return found;
    throw error;
  }
  try {
    const { size } = fstatSync(fd);
    for (const { bytes, start, length } of linesForward(fd, size, { first: 1 << 18 })) {
      const id = bytes && sessionIdIn(bytes);
      if (!id || !ids.has(id)) continue;
      const range: LineRange = [start, Math.min(length + 1, size - start)];
      const others = found.get(id);
      if (others) others.push(range);
      else found.set(id, [range]);
    }
  } finally {
    closeSync(fd);
  }
  return found;
}

/** Identifies a prompt in the history of one session. */
const promptKey = (row: Row): string => JSON.stringify([row.timestamp, row.display]);

/**
 * Appends the prompts in the file `lines` that `history.jsonl` does not have yet, with their paths mapped. `present` are the
 * lines of the session that are there already. The history is never rewritten.
 */
export function appendHistory(
  id: string,
  lines: string,
  map: (path: string) => string,
  present: readonly LineRange[],
): void {
  const fd = openSync(historyFile(), "a+", 0o600);
  try {
    const added = newPrompts(id, lines, map, promptKeys(fd, present));
    if (added !== "") appendWhole(fd, added);
  } finally {
    closeSync(fd);
  }
}

function promptKeys(fd: number, ranges: readonly LineRange[]): Set<string> {
  const keys = new Set<string>();
  for (const [start, length] of ranges) {
    const bytes = Buffer.alloc(length);
    const text = bytes.toString("utf8", 0, readAt(fd, bytes, start));
    for (const row of parseLine(text.trim()).rows) keys.add(promptKey(row));
  }
  return keys;
}

/** Returns the session's prompts in a file as lines, without those that are known. */
function newPrompts(id: string, file: string, map: (path: string) => string, known: Set<string>): string {
  let added = "";
  for (const line of readFileSync(file, "utf8").split("\n")) {
    for (const row of parseLine(line).rows) {
      if (String(row.sessionId).toLowerCase() !== id || known.has(promptKey(row))) continue;
      known.add(promptKey(row));
      if (typeof row.project === "string") row.project = map(row.project);
      mapRowPaths(row, map);
      added += `${JSON.stringify(row)}\n`;
    }
  }
  return added;
}

/** Appends all lines or none: after a failed write the file gets its old size back. */
function appendWhole(fd: number, lines: string): void {
  const { size } = fstatSync(fd);
  const last = Buffer.alloc(1);
  const needsNewline = size > 0 && readSync(fd, last, 0, 1, size - 1) === 1 && last[0] !== 10;
  const bytes = Buffer.from(needsNewline ? `\n${lines}` : lines);
  let at = 0;
  try {
    while (at < bytes.length) at += writeSync(fd, bytes, at);
  } catch (error) {
    // Only if nobody else has appended meanwhile.
    if (fstatSync(fd).size === size + at) ftruncateSync(fd, size);
    (error as NodeJS.ErrnoException).path = historyFile();
    throw error;
  }
}
