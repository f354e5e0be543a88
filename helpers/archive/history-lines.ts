import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from "node:fs";
import { forward, readAt } from "../claude/lines.ts";
import { historyFile } from "../claude/places.ts";
import { mapRowPaths, parseLine } from "../claude/rows.ts";
import { openFile } from "../system/files.ts";
import { errno } from "../system/problem.ts";

/** Start and length of each line of a session. */
export type HistoryLines = ReadonlyMap<string, readonly (readonly [number, number])[]>;

/** Where in the history the lines of sessions are, in one reading. */
export function findHistoryLines(ids: ReadonlySet<string>): HistoryLines {
  const found = new Map<string, [number, number][]>();
  let fd: number;
  try {
    fd = openFile(historyFile());
  } catch (error) {
    if (["ENOENT", "ENOTDIR", "EISDIR", "ENXIO"].includes(errno(error) ?? "")) return found;
    throw error;
  }
  try {
    const { size } = fstatSync(fd);
    for (const { bytes, start, length } of forward(fd, size, { first: 1 << 18 })) {
      const at = bytes?.lastIndexOf('"sessionId":"') ?? -1;
      if (!bytes || at < 0) continue;
      const id = bytes.toString("latin1", at + 13, at + 49).toLowerCase();
      if (!ids.has(id)) continue;
      const piece: [number, number] = [start, Math.min(length + 1, size - start)];
      const others = found.get(id);
      if (others) others.push(piece);
      else found.set(id, [piece]);
    }
  } finally {
    closeSync(fd);
  }
  return found;
}

const promptKey = (row: Record<string, unknown>): string => JSON.stringify([row.timestamp, row.display]);

/** Appends the prompts that the history does not have yet; it is never rewritten. */
export function appendHistory(
  id: string,
  lines: string,
  map: (path: string) => string,
  present: readonly (readonly [number, number])[],
): void {
  const fd = openSync(historyFile(), "a+", 0o600);
  try {
    const known = new Set<string>();
    for (const [start, length] of present) {
      const bytes = Buffer.alloc(length);
      const text = bytes.toString("utf8", 0, readAt(fd, bytes, start));
      for (const row of parseLine(text.trim()).rows) known.add(promptKey(row));
    }
    const input = openSync(lines, "r");
    const { size: incoming } = fstatSync(input);
    const bytes = Buffer.alloc(incoming);
    readAt(input, bytes, 0);
    closeSync(input);
    let fresh = "";
    for (const line of bytes.toString("utf8").split("\n")) {
      for (const row of parseLine(line).rows) {
        if (String(row.sessionId).toLowerCase() !== id || known.has(promptKey(row))) continue;
        known.add(promptKey(row));
        if (typeof row.project === "string") row.project = map(row.project);
        mapRowPaths(row, map);
        fresh += `${JSON.stringify(row)}\n`;
      }
    }
    if (fresh === "") return;
    const { size } = fstatSync(fd);
    const end = Buffer.alloc(1);
    if (size > 0 && readSync(fd, end, 0, 1, size - 1) === 1 && end[0] !== 10) fresh = `\n${fresh}`;
    const whole = Buffer.from(fresh);
    let at = 0;
    try {
      while (at < whole.length) at += writeSync(fd, whole, at);
    } catch (error) {
      // Half a line is worse than none.
      if (fstatSync(fd).size === size + at) ftruncateSync(fd, size);
      (error as NodeJS.ErrnoException).path = historyFile();
      throw error;
    }
  } finally {
    closeSync(fd);
  }
}
