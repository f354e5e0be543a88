// A transcript as a reader follows it: prompts, answers, and tool calls with their results, in the order of the file.

import { closeSync, fstatSync, openSync } from "node:fs";
import { linesForward } from "../claude/lines.ts";
import { mayBeMessage } from "../claude/row-marks.ts";
import {
  blocksOf,
  isApiError,
  isCompactSummary,
  isMessage,
  isSidechain,
  object,
  parseLine,
  promptOf,
  type Row,
  string,
  textsOf,
  timeOf,
  toolResultsOf,
} from "../claude/rows.ts";
import type { Redactor } from "../redact/redactor.ts";

/** `data` is base64; empty if the picture is left out. */
type Picture = { type: string; data: string };
/** `at` is epoch ms. `result` is null if a tool call got no answer. */
export type Item =
  | { kind: "prompt" | "answer" | "note"; at: number | null; text: string; pictures: Picture[] }
  | { kind: "tool"; at: number | null; name: string; input: Row; result: string | null; failed: boolean };
type Tool = Extract<Item, { kind: "tool" }>;

/** Rows longer than this (bytes) are parsed only if they are messages. */
const LONG = 4096;
/** At most this many tool calls wait for their results. */
const MAX_PENDING = 200;

/** Reads everything in a transcript that people see, with secrets redacted. A note at the end counts unreadable lines. */
export function* readItems(
  path: string,
  redactor: Redactor | null,
  onProgress: (done: number, all: number) => void = () => {},
): Generator<Item> {
  const fd = openSync(path, "r");
  const converter = new ItemConverter(redactor);
  let damaged = 0;
  try {
    const { size } = fstatSync(fd);
    for (const { bytes, start, length } of linesForward(fd, size)) {
      onProgress(start, size);
      if (!bytes) damaged++;
      if (!bytes || (length > LONG && !mayBeMessage(bytes))) continue;
      const line = parseLine(bytes.toString());
      if (line.lost) damaged++;
      for (const row of line.rows) if (!isSidechain(row)) yield* converter.convert(row);
    }
    yield* converter.unanswered();
    if (damaged > 0) {
      const lines = damaged === 1 ? "line" : "lines";
      yield note(null, `${damaged} damaged ${lines} of the transcript could not be read.`);
    }
    onProgress(size, size);
  } finally {
    closeSync(fd);
  }
}

/** Converts rows to items. A tool call is held back until its result comes. */
class ItemConverter {
  readonly #redactor: Redactor | null;
  readonly #pending = new Map<string, Tool>();

  constructor(redactor: Redactor | null) {
    this.#redactor = redactor;
  }

  *convert(row: Row): Generator<Item> {
    if (row.type === "assistant" && isMessage(row)) yield* this.#fromAssistant(row);
    else if (row.type === "user") yield* this.#fromUser(row);
  }

  /** Yields the tool calls that got no result. */
  *unanswered(): Generator<Item> {
    yield* this.#pending.values();
    this.#pending.clear();
  }

  #text = (text: string): string => (this.#redactor ? this.#redactor.text(text) : text);

  *#fromAssistant(row: Row): Generator<Item> {
    const at = timeOf(row);
    const answer = textsOf(row).join("\n\n").trim();
    if (answer !== "") {
      yield* this.unanswered();
      if (isApiError(row)) yield note(at, this.#text(answer));
      else yield { kind: "answer", at, text: this.#text(answer), pictures: [] };
    }
    for (const { type, id, name, input } of blocksOf(row)) {
      if (type !== "tool_use") continue;
      const value = object(input) ?? {};
      if (this.#pending.size >= MAX_PENDING) yield* this.unanswered();
      this.#pending.set(String(id), {
        kind: "tool",
        at,
        name: this.#text(string(name) ?? "tool"),
        input: this.#redactor ? this.#redactor.value(value) : serializable(value),
        result: null,
        failed: false,
      });
    }
  }

  *#fromUser(row: Row): Generator<Item> {
    const at = timeOf(row);
    const blocks = blocksOf(row);
    for (const block of blocks) {
      if (block.type !== "tool_result") continue;
      const id = String(block.tool_use_id);
      const result = this.#text(toolResultsOf({ content: [block] }).join("\n"));
      const call = this.#pending.get(id) ?? { kind: "tool", at, name: "result", input: {} };
      this.#pending.delete(id);
      yield { ...call, result, failed: block.is_error === true };
    }
    const prompt = promptOf(row);
    const pictures = blocks.flatMap((block) => pictureOf(block, this.#redactor) ?? []);
    if (prompt !== null || pictures.length > 0) {
      yield* this.unanswered();
      yield { kind: "prompt", at, text: this.#text(prompt ?? ""), pictures };
    } else if (isCompactSummary(row))
      yield note(at, `The conversation was compacted here.\n\n${this.#text(textsOf(row).join("\n"))}`);
  }
}

/** Returns the value, or an empty one if it is nested too deeply for JSON. */
function serializable(value: Row): Row {
  try {
    JSON.stringify(value);
    return value;
  } catch {
    return {};
  }
}

const note = (at: number | null, text: string): Item => ({ kind: "note", at, text, pictures: [] });

/** Reads an image block. With a redactor its data is left out: a picture can show a secret. */
function pictureOf(block: Row, redactor: Redactor | null): Picture | null {
  const source = object(block.source);
  const type = /^image\/(?:png|jpeg|gif|webp)$/.exec(String(source?.media_type))?.[0];
  if (block.type !== "image" || !type) return null;
  const data = string(source?.data) ?? "";
  return { type, data: redactor || !/^[A-Za-z0-9+/]+=*$/.test(data) ? "" : data };
}
