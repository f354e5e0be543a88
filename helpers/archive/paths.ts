// A session in another place: what of its rows names a path is mapped field by field, and never text.

import { closeSync, fstatSync, fsyncSync, openSync } from "node:fs";
import { forward, readAt } from "../claude/lines.ts";
import { object, parseLine, type Row } from "../claude/rows.ts";
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
    return rule ? rule[1] + path.slice(rule[0].length) : path;
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

const NEWLINE = Buffer.from("\n");
const MARKS = ['"prompt_snapshot"', '"api-request'];

/** Writes a transcript with its paths mapped to `to`; rows in which nothing changes stay as they are, byte for byte. */
export function mapFile(from: string, to: string, rules: readonly Rule[]): void {
  const map = mapOf(rules);
  const marks = [...MARKS, ...rules.map(([path]) => JSON.stringify(path).slice(1, -1))].map((mark) =>
    Buffer.from(mark),
  );
  const input = openSync(from, "r");
  const output = openSync(to, "wx", 0o600);
  try {
    const write = sinkTo(output, to);
    const { size } = fstatSync(input);
    const buffer = Buffer.allocUnsafe(1 << 18);
    let held: Buffer[] = [];
    let holding = 0;
    const flush = (): void => {
      write(Buffer.concat(held));
      held = [];
      holding = 0;
    };
    for (const { bytes, start, length } of forward(input, size, { first: 1 << 18 })) {
      const end = start + length < size ? NEWLINE : Buffer.alloc(0);
      if (!bytes) {
        flush();
        for (let at = 0; at < length; ) {
          const got = readAt(input, buffer, start + at, Math.min(buffer.length, length - at));
          write(buffer.subarray(0, got));
          at += got;
        }
        write(end);
        continue;
      }
      let line: Buffer | null = null;
      if (marks.some((mark) => bytes.includes(mark))) {
        const { rows, lost } = parseLine(bytes.toString("utf8"));
        // What cannot be read whole is better kept than mended.
        if (!lost && rows.length > 0) {
          const kept = rows.filter((row) => !isDropped(row));
          const changed = kept.map((row) => mapRow(row, map)).includes(true) || kept.length < rows.length;
          if (kept.length === 0) continue;
          if (changed) line = Buffer.from(kept.map((row) => JSON.stringify(row)).join("\n"));
        }
      }
      // A copy: the reader's buffer is used again.
      held.push(line ?? Buffer.from(bytes), end);
      holding += (line ?? bytes).length;
      if (holding > 1 << 20) flush();
    }
    flush();
    fsyncSync(output);
  } finally {
    closeSync(input);
    closeSync(output);
  }
}

/** What two copies of a session have in common: `to` is the byte of `theirs` after the last row that both have. */
export type Relation = { is: "same" | "ours-longer" | "theirs-longer" | "different"; to: number };

/** Compares two transcripts of one session row by row, wherever each of them lies. Rows without a uuid do not count. */
export function relationOf(ours: string, theirs: string): Relation {
  const [one, two] = [openSync(ours, "r"), openSync(theirs, "r")];
  try {
    const [mine, other] = [keysOf(one), keysOf(two)];
    for (let to = 0; ; ) {
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

function* keysOf(fd: number): Generator<{ key: string; end: number }, undefined> {
  const { size } = fstatSync(fd);
  for (const { bytes, start, length } of forward(fd, size, { first: 1 << 18 })) {
    const end = Math.min(size, start + length + 1);
    if (!bytes) yield { key: String(length), end };
    else
      for (const row of parseLine(bytes.toString("utf8")).rows) {
        if (typeof row.uuid !== "string" || isDropped(row)) continue;
        mapRow(row, () => "");
        yield { key: JSON.stringify(row), end };
      }
  }
}
