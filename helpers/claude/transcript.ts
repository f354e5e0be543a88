import { closeSync, fstatSync, openSync } from "node:fs";
import { type Line, linesBackward, linesForward, readCounts } from "./lines.ts";
import { ASSISTANT_ROW, mayBeMessage, USER_ROW } from "./row-marks.ts";
import {
  isMessage,
  isPlainMessage,
  object,
  parseLine,
  promptOf,
  type Row,
  relocatedTo,
  string,
  timeOf,
} from "./rows.ts";

/** What the head and the tail of a transcript say. Times are epoch ms, unknown is null. */
export type Facts = {
  bytes: number;
  /** first `cwd`: the directory that the session was started in */
  start: string | null;
  /** latest `cwd` */
  cwd: string | null;
  gitBranch: string | null;
  version: string | null;
  entrypoint: string | null;
  model: string | null;
  permissionMode: string | null;
  createdAt: number | null;
  updatedAt: number | null;
  customTitle: string | null;
  aiTitle: string | null;
  summary: string | null;
  firstPrompt: string | null;
  lastPrompt: string | null;
  /** where `/cd` moved the session to */
  relocated: string | null;
  /** last message of the main chain */
  last: Row | undefined;
  /** the assistant's last message, where `last` is a prompt after it */
  answer: Row | undefined;
  /** lines, among those that were looked at, that could not be read */
  skipped: number;
  /** whether the last line is unfinished: it is being written now, or its writer was killed */
  torn: boolean;
  /** rows of types that this version does not know, among those that were looked at */
  unknown: number;
};

const FIRST_TAIL = 65_536;
const HEAD_BUDGET = 32 * 1024 * 1024;
const TAIL_BUDGET = 64 * 1024 * 1024;
/** Parsing is what costs: of the rows longer than this only messages are parsed. */
const LONG = 4096;

const OPEN = 0x7b;
const CLOSE = 0x7d;
const CR = 0x0d;
const ends = (bytes: Buffer): boolean =>
  bytes.at(-1) === CLOSE || (bytes.at(-1) === CR && bytes.at(-2) === CLOSE);

/** Row types with a meaning for us or for the CLI; others are ignored, and counted. */
const KNOWN = new Set(
  `user assistant system attachment summary custom-title ai-title agent-name agent-color agent-setting tag last-prompt
   mode permission-mode worktree-state relocated pr-link queue-operation file-history-snapshot file-history-delta
   cost-state atis-latch tools-used content-replacement bridge-session api-request api-request-shape api-request-blob
   progress`.split(/\s+/),
);

/**
 * Reads the head and the tail of a transcript in growing steps, never the whole of a large one.
 * Throws Node's file errors (ENOENT when it vanished, EACCES).
 */
export function readFacts(path: string): Facts {
  const fd = openSync(path, "r");
  readCounts.opens++;
  try {
    return factsOf(fd, fstatSync(fd).size);
  } finally {
    closeSync(fd);
  }
}

/** The same of a file that is open already. */
export const factsOf = (fd: number, size: number): Facts => new FactsReader(fd, size).facts;

class FactsReader {
  readonly facts: Facts;
  /** offset of the first line that the tail has looked at */
  #top: number;
  #firstMessage = Number.POSITIVE_INFINITY;
  readonly #uuids = new Set<unknown>();
  readonly #summaries: { text: string; leaf: unknown; start: number }[] = [];

  constructor(fd: number, size: number) {
    this.#top = size;
    this.facts = {
      bytes: size,
      start: null,
      cwd: null,
      gitBranch: null,
      version: null,
      entrypoint: null,
      model: null,
      permissionMode: null,
      createdAt: null,
      updatedAt: null,
      customTitle: null,
      aiTitle: null,
      summary: null,
      firstPrompt: null,
      lastPrompt: null,
      relocated: null,
      last: undefined,
      answer: undefined,
      skipped: 0,
      torn: false,
      unknown: 0,
    };
    this.#readTail(fd, size);
    this.#readHead(fd, size);
    this.#chooseSummary();
  }

  #readTail(fd: number, size: number): void {
    // One byte more: a line that begins where the tail does is whole.
    for (const line of linesBackward(fd, size, FIRST_TAIL + 1, TAIL_BUDGET, () => this.#enough())) {
      if (this.#enough() && size - line.start > FIRST_TAIL) break;
      this.#top = line.start;
      if (!this.#wanted(line)) continue;
      const skipped = this.facts.skipped;
      // Two rows can stand in one line; the second is the newer one.
      for (const row of this.#rowsOf(line, true).reverse()) this.#fromTail(row, line.start);
      if (this.facts.skipped > skipped && line.start + line.length === size && line.bytes?.[0] === OPEN) {
        this.facts.skipped = skipped;
        this.facts.torn = true;
      }
    }
  }

  #enough(): boolean {
    const { last, answer, updatedAt, cwd } = this.facts;
    return (last?.type === "assistant" || answer !== undefined) && updatedAt !== null && cwd !== null;
  }

  #wanted({ bytes, length }: Line): boolean {
    if (length <= LONG || !bytes || bytes[0] !== OPEN || !ends(bytes)) return true;
    const { last, cwd, updatedAt, model } = this.facts;
    if (updatedAt === null || (last !== undefined && cwd === null)) return true;
    if (last === undefined) return mayBeMessage(bytes);
    return model === null && bytes.includes(ASSISTANT_ROW);
  }

  #fromTail(row: Row, start: number): void {
    const { facts } = this;
    facts.updatedAt ??= timeOf(row);
    this.#title(row, start);
    facts.relocated ??= relocatedTo(row);
    if (row.type === "last-prompt") facts.lastPrompt ??= string(row.lastPrompt);
    if (row.isSidechain === true) return;
    facts.permissionMode ??= string(row.permissionMode);
    facts.cwd ??= string(row.cwd);
    facts.version ??= string(row.version);
    facts.gitBranch ??= string(row.gitBranch);
    if (row.type === "assistant") {
      const model = string(object(row.message)?.model);
      if (model !== "<synthetic>") facts.model ??= model;
    } else if (row.type === "user") facts.lastPrompt ??= promptOf(row);
    if (isMessage(row)) {
      if (facts.last?.type === "user" && row.type === "assistant") facts.answer ??= row;
      facts.last ??= row;
    }
  }

  #readHead(fd: number, size: number): void {
    const { facts } = this;
    for (const line of linesForward(fd, size, { budget: HEAD_BUDGET })) {
      for (const row of this.#rowsOf(line, line.start < this.#top)) {
        facts.createdAt ??= timeOf(row);
        this.#title(row, line.start);
        if (row.isSidechain !== true) facts.start ??= string(row.cwd);
        facts.entrypoint ??= string(row.entrypoint);
        facts.firstPrompt ??= promptOf(row);
        if (row.type === "user" || row.type === "assistant")
          this.#firstMessage = Math.min(this.#firstMessage, line.start);
      }
      if (facts.start !== null && facts.firstPrompt !== null && facts.createdAt !== null) return;
    }
  }

  /** Titles repeat and change: the tail is read backwards and before the head, so the newest comes first. */
  #title(row: Row, start: number): void {
    const { facts } = this;
    if (row.uuid !== undefined) this.#uuids.add(row.uuid);
    if (row.type === "custom-title") facts.customTitle ??= string(row.customTitle);
    else if (row.type === "ai-title") facts.aiTitle ??= string(row.aiTitle);
    else if (row.type === "summary") {
      const text = string(row.summary);
      if (text !== null) this.#summaries.push({ text, leaf: row.leafUuid, start });
    }
  }

  /** Old versions put the summaries of other conversations at the head of a new file: those are not its title. */
  #chooseSummary(): void {
    const own = this.#summaries.filter(
      ({ leaf, start }) => start > this.#firstMessage || this.#uuids.has(leaf),
    );
    own.sort((a, b) => b.start - a.start);
    this.facts.summary = own[0]?.text ?? null;
  }

  #rowsOf({ bytes }: Line, count: boolean): Row[] {
    if (!bytes) {
      if (count) this.facts.skipped++;
      return [];
    }
    const text = bytes.toString("utf8");
    const { rows, lost } = parseLine(text);
    // A harmed answer is an answer: what stood before it is not the end.
    if (lost && isPlainMessage(text)) {
      if (text.includes(ASSISTANT_ROW)) rows.push({ type: "assistant" });
      else if (text.includes(USER_ROW) && !rows.some(isMessage)) rows.push({ type: "user" });
    }
    if (count) {
      if (lost) this.facts.skipped++;
      for (const row of rows) if (!KNOWN.has(String(row.type))) this.facts.unknown++;
    }
    return rows;
  }
}
