// A transcript as people follow it: prompts, answers, tool calls with their results, in the order of the file.

import { closeSync, fstatSync, openSync } from "node:fs";
import { forward } from "../claude/lines.ts";
import { mayBeMessage } from "../claude/row-marks.ts";
import {
  isMessage,
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

export type Picture = { type: string; data: string };
/** `at` is epoch ms. A tool without result was not answered. */
export type Item =
  | { kind: "prompt" | "answer" | "note"; at: number | null; text: string; pictures: Picture[] }
  | { kind: "tool"; at: number | null; name: string; input: Row; result: string | null; failed: boolean };
type Tool = Extract<Item, { kind: "tool" }>;

/** Rows longer than this are parsed only when they are messages. */
const LONG = 4096;
const MOST_PENDING = 200;

/** Everything that people see of a transcript, secrets taken out. Rows that cannot be read are told in a note. */
export function* readItems(
  path: string,
  redactor: Redactor | null,
  seen: (done: number, all: number) => void = () => {},
): Generator<Item> {
  const text = (raw: string): string => (redactor ? redactor.text(raw) : raw);
  const fd = openSync(path, "r");
  const pending = new Map<string, Tool>();
  let lost = 0;
  try {
    const { size } = fstatSync(fd);
    for (const { bytes, start, length } of forward(fd, size)) {
      seen(start, size);
      if (!bytes) lost++;
      if (!bytes || (length > LONG && !mayBeMessage(bytes))) continue;
      const line = parseLine(bytes.toString());
      if (line.lost) lost++;
      for (const row of line.rows) if (row.isSidechain !== true) yield* fromRow(row);
    }
    yield* unanswered();
    if (lost > 0)
      yield note(
        null,
        `${lost} damaged ${lost === 1 ? "line" : "lines"} of the transcript could not be read.`,
      );
    seen(size, size);
  } finally {
    closeSync(fd);
  }

  function* unanswered(): Generator<Item> {
    yield* pending.values();
    pending.clear();
  }

  function* fromRow(row: Row): Generator<Item> {
    const at = timeOf(row);
    const content = object(row.message)?.content;
    const blocks = (Array.isArray(content) ? content : [])
      .map(object)
      .filter((block): block is Row => block !== null);
    if (row.type === "assistant" && isMessage(row)) {
      const said = textsOf(row).join("\n\n").trim();
      if (said !== "") {
        yield* unanswered();
        if (row.isApiErrorMessage === true) yield note(at, text(said));
        else yield { kind: "answer", at, text: text(said), pictures: [] };
      }
      for (const { type, id, name, input } of blocks) {
        if (type !== "tool_use") continue;
        const value = object(input) ?? {};
        const tool: Tool = {
          kind: "tool",
          at,
          name: text(string(name) ?? "tool"),
          input: redactor ? redactor.value(value) : whole(value),
          result: null,
          failed: false,
        };
        if (pending.size >= MOST_PENDING) yield* unanswered();
        pending.set(String(id), tool);
      }
    } else if (row.type === "user") {
      for (const block of blocks) {
        if (block.type !== "tool_result") continue;
        const id = String(block.tool_use_id);
        const result = text(toolResultsOf({ content: [block] }).join("\n"));
        const call = pending.get(id) ?? { kind: "tool", at, name: "result", input: {} };
        pending.delete(id);
        yield { ...call, result, failed: block.is_error === true };
      }
      const prompt = promptOf(row);
      const pictures = blocks.flatMap((block) => pictureOf(block, redactor) ?? []);
      if (prompt !== null || pictures.length > 0) {
        yield* unanswered();
        yield { kind: "prompt", at, text: text(prompt ?? ""), pictures };
      } else if (row.isCompactSummary === true)
        yield note(at, `The conversation was compacted here.\n\n${text(textsOf(row).join("\n"))}`);
    }
  }
}

/** Without what is nested too deeply to be written as JSON. */
function whole(value: Row): Row {
  try {
    JSON.stringify(value);
    return value;
  } catch {
    return {};
  }
}

const note = (at: number | null, text: string): Item => ({ kind: "note", at, text, pictures: [] });

/** A picture can show a secret, and nothing can take it out: only its place is kept unless all is wanted. */
function pictureOf(block: Row, redactor: Redactor | null): Picture | null {
  const source = object(block.source);
  const type = /^image\/(?:png|jpeg|gif|webp)$/.exec(String(source?.media_type))?.[0];
  if (block.type !== "image" || !type) return null;
  const data = string(source?.data) ?? "";
  return { type, data: redactor || !/^[A-Za-z0-9+/]+=*$/.test(data) ? "" : data };
}
