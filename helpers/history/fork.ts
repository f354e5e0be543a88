// Copies a session under a new id, up to a message. Rules: docs/developing/claude-code-format.md, "Forking".

import { copyFileSync, linkSync, readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { linesForward } from "../claude/lines.ts";
import { configDirectory } from "../claude/places.ts";
import { FILE_HISTORY_MARK } from "../claude/row-marks.ts";
import { fileHistoryMessages, isSidechain, type Row, string } from "../claude/rows.ts";
import { parseLongLine } from "../conversation/long-strings.ts";
import type { TranscriptIndex } from "../conversation/main-chain.ts";
import type { Transcript } from "../sessions/entry.ts";
import { makeDirectory } from "../system/files.ts";
import { collect } from "../system/heap.ts";
import { Problem } from "../system/problem.ts";
import { StagedFile, statOrNull } from "../system/staged-file.ts";

export type ForkNames = { from: string; id: string; title: string };

/**
 * Yields the lines of a fork in pieces: all rows up to `cut` in the order of the file with the new id, the file history of
 * what is kept, and a title. Rows that belong to a run of Claude Code and not to the conversation are left out.
 */
export function* forkLines(
  fd: number,
  size: number,
  index: TranscriptIndex,
  cut: number,
  { from, id, title }: ForkNames,
): Generator<string | Buffer> {
  const { row: leaf, end } = index.locate(cut)!;
  let last: string | null = null;
  let lines = 0;
  for (const { bytes, start, length } of linesForward(fd, size)) {
    const isPastCut = start + length > end;
    if (!bytes || (isPastCut && !bytes.includes(FILE_HISTORY_MARK))) continue;
    const { rows, serialize } = parseLongLine(bytes);
    if (lines++ % 4096 === 4095) collect();
    for (const row of rows) {
      const uuid = isPastCut ? null : string(row.uuid);
      if (uuid === null && !isKeptFileHistory(row, index, cut)) continue;
      const pieces = serialize([forkRow(row, uuid, from, id)]);
      if (!pieces) {
        index.damagedLines++;
        continue;
      }
      if (uuid !== null && !isSidechain(row)) last = uuid;
      yield* pieces;
      yield "\n";
    }
  }
  yield `${JSON.stringify({ type: "custom-title", customTitle: title, sessionId: id })}\n`;
  // Name the leaf if the last row belongs to another branch.
  if (last !== leaf.uuid)
    yield `${JSON.stringify({ type: "last-prompt", leafUuid: leaf.uuid, sessionId: id })}\n`;
}

/** Returns a row with the fork's id. `uuid` is null for rows of the file history. */
function forkRow(row: Row, uuid: string | null, from: string, id: string): Row {
  if (uuid !== null) return { ...row, sessionId: id, forkedFrom: { sessionId: from, messageUuid: uuid } };
  return "sessionId" in row ? { ...row, sessionId: id } : { ...row };
}

/** Returns whether a row of the file history belongs to a message up to `cut`. */
function isKeptFileHistory(row: Row, index: TranscriptIndex, cut: number): boolean {
  const number = fileHistoryMessages(row)
    ?.map((uuid) => index.numberOf(uuid))
    .find((one) => one >= 0);
  return number !== undefined && number <= cut;
}

const wrongCut = (message: string, hint = "list the turns: ccr fork <session> --list"): Problem =>
  new Problem("cut", message, { hint, exit: 2 });

const isTurnNumber = (text: string): boolean => /^\d{1,6}$/.test(text);

/**
 * Returns the row to cut at. `text` is the number of a turn (`3`: the end of the third one) or the prefix with which the
 * index was built. Throws a Problem if there is none.
 */
export function findCut(index: TranscriptIndex, text: string): number {
  if (isTurnNumber(text)) return endOfTurn(index, Number(text));
  const { number, before } = findByPrefix(index, text);
  const kind = index.kind(number);
  if (kind === "good") return number;
  if (kind === "middle") {
    let turns = 0;
    for (const { row } of index.turns()) if (row <= number) turns++;
    throw wrongCut(`"${text}" is in the middle of an answer`, `cut at the end of its turn: --at ${turns}`);
  }
  // A fork that ends with a prompt would never get an answer. Cut before it, so that it can be asked again.
  if (before < 0) throw wrongCut("there is nothing before the first prompt");
  return before;
}

function endOfTurn(index: TranscriptIndex, wanted: number): number {
  let turns = 0;
  for (const { last } of index.turns()) if (++turns === wanted) return last;
  throw wrongCut(`there is no turn ${wanted}: the session has ${turns}`);
}

/** Finds the row of the main chain that has the prefix, and the row before it (-1: none). */
function findByPrefix(index: TranscriptIndex, prefix: string): { number: number; before: number } {
  let [number, before, matches, last] = [-1, -1, 0, -1];
  for (const one of index.mainChain()) {
    if (prefix.length >= 4 && index.matchesPrefix(one) && ++matches === 1) [number, before] = [one, last];
    last = one;
  }
  if (number < 0) throw wrongCut(`no message of the main chain starts with "${prefix}"`);
  if (matches > 1)
    throw wrongCut(`"${prefix}" matches ${matches} messages`, "type more characters of the id");
  return { number, before };
}

/** Gives the fork the file history of its session, as hard links where possible: the files never change. */
function linkFileHistory(from: string, id: string): void {
  const source = join(configDirectory(), "file-history", from);
  const target = join(configDirectory(), "file-history", id);
  if (!statOrNull(source)?.isDirectory()) return;
  makeDirectory(target);
  for (const entry of readdirSync(source, { withFileTypes: true })) {
    if (!entry.isFile()) continue;
    try {
      linkSync(join(source, entry.name), join(target, entry.name));
    } catch {
      copyFileSync(join(source, entry.name), join(target, entry.name));
    }
  }
}

/** Writes a fork beside the session's transcript. Returns the new transcript. */
export async function writeFork(
  fd: number,
  size: number,
  index: TranscriptIndex,
  cut: number,
  { from, path, title }: { from: string; path: string; title: string },
): Promise<Transcript> {
  const id = (await import("node:crypto")).randomUUID();
  const target = join(dirname(path), `${id}.jsonl`);
  const file = new StagedFile(target);
  try {
    for (const piece of forkLines(fd, size, index, cut, { from, id, title })) file.write(piece);
    linkFileHistory(from, id);
    const { size: bytes, mtimeMs: mtime } = file.commit(null);
    return { id, folder: basename(dirname(path)), path: target, bytes, mtime };
  } finally {
    file.discard();
  }
}
