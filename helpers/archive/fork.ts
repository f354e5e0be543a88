// A session's copy under a new id, cut at a message. Source of the rules: facts/moving.md §4.

import { copyFileSync, linkSync, readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { forward } from "../claude/lines.ts";
import { configDirectory } from "../claude/places.ts";
import { parseLine, promptOf, type Row, string, textsOf, timeOf } from "../claude/rows.ts";
import type { Transcript } from "../sessions/entry.ts";
import { makeDirectory } from "../system/files.ts";
import { Problem } from "../system/problem.ts";
import { look, Staged } from "./staged.ts";

/** What a row is to a cut: a person's prompt, a place to cut at, or one in the middle of things. */
type Kind = "prompt" | "good" | "middle";

/** One prompt of the main chain and all that came of it. `last` is the row that the turn ends with. */
export type Turn = { row: number; last: number; at: number | null; prompt: string };

/** The rows that have a uuid, by their number in the file. */
export type Survey = {
  numbers: ReadonlyMap<string, number>;
  /** offset of the end of each row's line */
  ends: readonly number[];
  /** numbers of the main chain's rows, oldest first */
  chain: readonly number[];
  turns: readonly Turn[];
  kinds: readonly Kind[];
  /** lines that could not be read */
  lost: number;
};

const LONGEST_PROMPT = 80;

function kindOf(row: Row): Kind {
  if (row.subtype === "compact_boundary" || row.isCompactSummary === true) return "middle";
  if (row.type !== "assistant") return "good";
  return textsOf(row).length > 0 || row.isApiErrorMessage === true ? "good" : "middle";
}

/** Reads a transcript once, keeping little of each row: hundreds of thousands are real. Prompts are long. */
export function survey(fd: number, size: number, withPrompts = false): Survey {
  const numbers = new Map<string, number>();
  const ends: number[] = [];
  const kinds: Kind[] = [];
  const parents: (number | string)[] = [];
  const prompts = new Map<number, Pick<Turn, "at" | "prompt">>();
  let lost = 0;
  let tip = -1;
  let leaf: unknown;
  for (const { bytes, start, length } of forward(fd, size)) {
    const parsed = bytes ? parseLine(bytes.toString()) : { rows: [], lost: true };
    if (parsed.lost) lost++;
    for (const row of parsed.rows) {
      if (row.type === "last-prompt") leaf = row.leafUuid;
      const uuid = string(row.uuid);
      if (uuid === null || numbers.has(uuid)) continue;
      const number = ends.length;
      const prompt = promptOf(row);
      numbers.set(uuid, number);
      ends.push(start + length);
      kinds.push(prompt === null ? kindOf(row) : "prompt");
      const parent = string(row.parentUuid ?? row.logicalParentUuid);
      parents.push(parent === null ? -1 : (numbers.get(parent) ?? parent));
      if (row.isSidechain === true) continue;
      tip = number;
      leaf = undefined;
      if (prompt === null || !withPrompts) continue;
      // A slice alone would keep the whole text.
      const shown = Buffer.from(prompt.slice(0, LONGEST_PROMPT)).toString();
      prompts.set(number, { at: timeOf(row), prompt: shown });
    }
  }
  const chain: number[] = [];
  const seen = new Uint8Array(ends.length);
  for (let at = numbers.get(leaf as string) ?? tip; at >= 0 && seen[at] === 0; ) {
    seen[at] = 1;
    chain.push(at);
    const parent = parents[at]!;
    // Where one is missing Claude Code goes by the order of the rows.
    at = typeof parent === "number" ? parent : (numbers.get(parent) ?? at - 1);
  }
  chain.reverse();
  const turns: Turn[] = [];
  for (const number of chain) {
    if (kinds[number] === "prompt") {
      turns.push({ row: number, last: number, ...(prompts.get(number) ?? { at: null, prompt: "" }) });
    } else if (turns.length > 0) turns.at(-1)!.last = number;
  }
  return { numbers, ends, chain, turns, kinds, lost };
}

/** The uuids of rows, by their numbers. */
export const uuidsOf = ({ numbers }: Survey): string[] => [...numbers.keys()];

/**
 * The lines of a fork: every row up to `cut` in the file's order under the new id, the file history of what is kept,
 * a title. Rows that belong to a run of Claude Code, not to the conversation, are left out.
 */
export function* forked(
  fd: number,
  size: number,
  found: Survey,
  cut: number,
  names: { from: string; id: string; title: string },
): Generator<string> {
  const { from, id, title } = names;
  const { numbers, ends } = found;
  let last: string | undefined;
  for (const { bytes, start, length } of forward(fd, size)) {
    const past = start + length > ends[cut]!;
    if (!bytes || (past && !bytes.includes('"file-history-'))) continue;
    for (const row of parseLine(bytes.toString()).rows) {
      const uuid = string(row.uuid);
      if (uuid !== null && !past) {
        if (row.isSidechain !== true) last = uuid;
        const more = { sessionId: id, forkedFrom: { sessionId: from, messageUuid: uuid } };
        yield `${JSON.stringify({ ...row, ...more })}\n`;
      } else if (String(row.type).startsWith("file-history-") && isKept(row)) {
        yield `${JSON.stringify("sessionId" in row ? { ...row, sessionId: id } : row)}\n`;
      }
    }
  }
  yield `${JSON.stringify({ type: "custom-title", customTitle: title, sessionId: id })}\n`;
  // Another branch's rows may stand after the one that was asked for.
  if (numbers.get(last!) !== cut)
    yield `${JSON.stringify({ type: "last-prompt", leafUuid: uuidsOf(found)[cut], sessionId: id })}\n`;

  function isKept(row: Row): boolean {
    const number = numbers.get(row.messageId as string) ?? numbers.get(row.snapshotMessageId as string);
    return number !== undefined && number <= cut;
  }
}

/** The row to cut at that a person's words mean: `3` is the end of the third turn, else a uuid or its beginning. */
export function cutAt(survey: Survey, words: string): number {
  const { chain, turns, kinds } = survey;
  const uuids = uuidsOf(survey);
  const wrong = (what: string, hint = "ccr fork <session> --list"): Problem =>
    new Problem("cut", what, { hint, exit: 2 });
  if (/^\d{1,6}$/.test(words)) {
    const turn = turns[Number(words) - 1];
    if (turn) return turn.last;
    throw wrong(`there is no turn ${words}: the session has ${turns.length}.`);
  }
  const prefix = words.toLowerCase();
  const found =
    words.length < 4 ? [] : chain.filter((number) => uuids[number]!.toLowerCase().startsWith(prefix));
  const [number] = found;
  if (number === undefined) throw wrong(`no message of the main chain starts with "${words}".`);
  if (found.length > 1) throw wrong(`${found.length} messages start with "${words}".`, "type more of it");
  const at = turns.findLastIndex(({ row }) => row <= number);
  if (kinds[number] === "middle") {
    throw wrong(`"${words}" is in the middle of an answer.`, `cut at the end of its turn: --at ${at + 1}`);
  }
  if (kinds[number] === "good") return number;
  // An unanswered prompt would stay unanswered; before it, it can be asked anew.
  const before = chain[chain.indexOf(number) - 1];
  if (before === undefined) throw wrong("nothing stands before the first prompt.");
  return before;
}

/** The file history of a session is given to its fork: those files never change, so both can have them. */
function shareHistory(from: string, id: string): void {
  const [old, fresh] = [from, id].map((one) => join(configDirectory(), "file-history", one)) as [
    string,
    string,
  ];
  if (!look(old)?.isDirectory()) return;
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
  found: Survey,
  cut: number,
  { from, path, title }: { from: string; path: string; title: string },
): Promise<Transcript> {
  const id = (await import("node:crypto")).randomUUID();
  const target = join(dirname(path), `${id}.jsonl`);
  const file = new Staged(target);
  try {
    for (const line of forked(fd, size, found, cut, { from, id, title })) file.write(line);
    shareHistory(from, id);
    const { size: bytes, mtimeMs: mtime } = file.commit(null);
    return { id, folder: basename(dirname(path)), path: target, bytes, mtime };
  } finally {
    file.discard();
  }
}
