// A session's copy under a new id, cut at a message. Source of the rules: facts/moving.md §4.

import { copyFileSync, linkSync, readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { forward } from "../claude/lines.ts";
import { configDirectory } from "../claude/places.ts";
import { type Row, string } from "../claude/rows.ts";
import { parseLongLine } from "../conversation/long-strings.ts";
import type { TranscriptIndex } from "../conversation/main-chain.ts";
import type { Transcript } from "../sessions/entry.ts";
import { makeDirectory } from "../system/files.ts";
import { collect } from "../system/heap.ts";
import { Problem } from "../system/problem.ts";
import { StagedFile, statOrNull } from "../system/staged-file.ts";

/**
 * The lines of a fork, in pieces: every row up to `cut` in the file's order under the new id, the file history of what
 * is kept, a title. Rows that belong to a run of Claude Code, not to the conversation, are left out.
 */
export function* forkLines(
  fd: number,
  size: number,
  found: TranscriptIndex,
  cut: number,
  names: { from: string; id: string; title: string },
): Generator<string | Buffer> {
  const { from, id, title } = names;
  const { row: leaf, end } = found.locate(cut)!;
  let last: string | null = null;
  let lines = 0;
  for (const { bytes, start, length } of forward(fd, size)) {
    const past = start + length > end;
    if (!bytes || (past && !bytes.includes('"file-history-'))) continue;
    const { rows, written } = parseLongLine(bytes);
    if (lines++ % 4096 === 4095) collect();
    for (const row of rows) {
      const uuid = string(row.uuid);
      const isRow = uuid !== null && !past;
      if (!isRow && !(String(row.type).startsWith("file-history-") && isKept(row))) continue;
      const more = isRow ? { forkedFrom: { sessionId: from, messageUuid: uuid } } : {};
      const named = isRow || "sessionId" in row ? { sessionId: id } : {};
      const pieces = written([{ ...row, ...named, ...more }]);
      if (!pieces) {
        found.damagedLines++;
        continue;
      }
      if (isRow && row.isSidechain !== true) last = uuid;
      yield* pieces;
      yield "\n";
    }
  }
  yield `${JSON.stringify({ type: "custom-title", customTitle: title, sessionId: id })}\n`;
  // Another branch's rows may stand after the one that was asked for.
  if (last !== leaf.uuid)
    yield `${JSON.stringify({ type: "last-prompt", leafUuid: leaf.uuid, sessionId: id })}\n`;

  function isKept(row: Row): boolean {
    const number = [row.messageId, row.snapshotMessageId]
      .map((uuid) => (typeof uuid === "string" ? found.numberOf(uuid) : -1))
      .find((one) => one >= 0);
    return number !== undefined && number <= cut;
  }
}

const wrong = (what: string, hint = "ccr fork <session> --list"): Problem =>
  new Problem("cut", what, { hint, exit: 2 });

/** A person's words for a row to cut at: a turn's number, or a uuid or its beginning. */
const isTurn = (words: string): boolean => /^\d{1,6}$/.test(words);

/** The row to cut at that words mean: `3` is the end of the third turn, else what the survey has looked for. */
export function findCut(survey: TranscriptIndex, words: string): number {
  let turns = 0;
  if (isTurn(words)) {
    for (const { last } of survey.turns()) if (++turns === Number(words)) return last;
    throw wrong(`there is no turn ${words}: the session has ${turns}.`);
  }
  let [number, before, found, at] = [-1, -1, 0, -1];
  for (const one of survey.mainChain()) {
    if (words.length >= 4 && survey.matchesPrefix(one) && ++found === 1) [number, before] = [one, at];
    at = one;
  }
  if (number < 0) throw wrong(`no message of the main chain starts with "${words}".`);
  if (found > 1) throw wrong(`${found} messages start with "${words}".`, "type more of it");
  if (survey.kind(number) === "good") return number;
  if (survey.kind(number) === "middle") {
    for (const { row } of survey.turns()) if (row <= number) turns++;
    throw wrong(`"${words}" is in the middle of an answer.`, `cut at the end of its turn: --at ${turns}`);
  }
  // An unanswered prompt would stay unanswered; before it, it can be asked anew.
  if (before < 0) throw wrong("nothing stands before the first prompt.");
  return before;
}

/** The file history of a session is given to its fork: those files never change, so both can have them. */
function linkFileHistory(from: string, id: string): void {
  const [old, fresh] = [from, id].map((one) => join(configDirectory(), "file-history", one)) as [
    string,
    string,
  ];
  if (!statOrNull(old)?.isDirectory()) return;
  makeDirectory(fresh);
  for (const entry of readdirSync(old, { withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const [source, target] = [join(old, entry.name), join(fresh, entry.name)];
    try {
      linkSync(source, target);
    } catch {
      copyFileSync(source, target);
    }
  }
}

/** Writes a fork beside the session's transcript; the id of the new session. */
export async function writeFork(
  fd: number,
  size: number,
  found: TranscriptIndex,
  cut: number,
  { from, path, title }: { from: string; path: string; title: string },
): Promise<Transcript> {
  const id = (await import("node:crypto")).randomUUID();
  const target = join(dirname(path), `${id}.jsonl`);
  const file = new StagedFile(target);
  try {
    for (const piece of forkLines(fd, size, found, cut, { from, id, title })) file.write(piece);
    linkFileHistory(from, id);
    const { size: bytes, mtimeMs: mtime } = file.commit(null);
    return { id, folder: basename(dirname(path)), path: target, bytes, mtime };
  } finally {
    file.discard();
  }
}
