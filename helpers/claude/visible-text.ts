// What people see of a transcript: prompts and answers, and the results of tools where they are asked for.
import { isMessage, promptOf, type Row, textsOf, timeOf, toolResultsOf } from "./rows.ts";

type Role = "user" | "assistant" | "tool";
/** A piece of visible text. `at` is epoch ms. */
export type VisibleText = { role: Role; at: number | null; text: string };

/** The visible text of a row. Thinking, tool input, snapshots and what subagents say are not the session's. */
export function visibleTextsOf(row: Row, tools: boolean): VisibleText[] {
  const at = timeOf(row);
  if (row.type === "assistant") {
    if (!isMessage(row)) return [];
    const text = textsOf(row).join("\n");
    return text === "" ? [] : [{ role: "assistant", at, text }];
  }
  if (row.type !== "user" || row.isSidechain === true) return [];
  const said: VisibleText[] = [];
  const prompt = promptOf(row);
  if (prompt !== null) said.push({ role: "user", at, text: prompt });
  if (tools) for (const text of toolResultsOf(row)) said.push({ role: "tool", at, text });
  return said;
}

/** The key of the title in rows that are titles. */
const TITLE_KEYS = new Map<unknown, string>([
  ["custom-title", "customTitle"],
  ["ai-title", "aiTitle"],
  ["summary", "summary"],
]);

/** The title that a row gives its session. Null for rows that are no titles and no summaries. */
export function titleOfRow(row: Row): string | null {
  const key = TITLE_KEYS.get(row.type);
  const title = key && row[key];
  return typeof title === "string" ? title : null;
}

/** Bytes that stand before every string of visible text: `"text":"` and `"content":"` end so. */
export const TEXT_MARK = 't":"';
/** The same for the titles of a session. */
export const TITLE_MARKS = ['Title":"', 'summary":"'];
export const PROMPT_MARK = 'display":"';

export type Field = "said" | "title" | null;
/** Judges a JSON string by the bytes before its opening quote; `floor` is the first byte that may be looked at. */
export type FieldOf = (bytes: Buffer, quote: number, floor: number) => Field;

// Members that stand before a `content` or `text` which is not a message: results and inputs of tools, notes of the CLI.
const NO_CONTENT =
  /"(?:type":"(?!user"|message")[\w-]+|subtype":"[\w-]+|tool_use_id":"[^"]*|file_?[pP]ath":"[^"]*)",(?:"is_error":\w+,)?"content":$/;
const NO_TEXT =
  /"(?:type":"tool_result|tool_use_id":"[^"]*)",(?:"is_error":\w+,)?"content":\[\{"type":"text","text":$/;
const BEFORE = 200;

/**
 * The field of a string in a transcript: a cheap check that lets nothing visible through the net; what passes may
 * still turn out not to be visible. With `tools` the results of tools pass.
 */
export const transcriptField =
  (tools: boolean): FieldOf =>
  (bytes, quote, floor) => {
    const colon = colonBefore(bytes, quote, floor);
    // text, content: t; customTitle, aiTitle: e; summary: y
    const last = bytes[colon - 2];
    if (colon < 0 || (last !== 0x74 && last !== 0x65 && last !== 0x79)) return null;
    if (last === 0x74 && !tools && isToolResult(bytes, colon)) return null;
    const name = bytes.toString("latin1", Math.max(floor, colon - 14), colon);
    const hidden = hiddenAfter(name);
    if (hidden) return !tools && hidden.test(before(bytes, colon, floor)) ? null : "said";
    return /"(?:customTitle|aiTitle|summary)"$/.test(name) ? "title" : null;
  };

function hiddenAfter(name: string): RegExp | null {
  if (name.endsWith('"text"')) return NO_TEXT;
  return name.endsWith('"content"') ? NO_CONTENT : null;
}

/** The usual `"type":"tool_result","content":`, which most bytes of a transcript stand behind. */
const isToolResult = (bytes: Buffer, colon: number): boolean =>
  bytes[colon - 12] === 0x74 &&
  bytes[colon - 13] === 0x6c &&
  bytes[colon - 18] === 0x5f &&
  bytes[colon - 10] === 0x2c;

/** The field of a string in `history.jsonl`. */
export const historyField: FieldOf = (bytes, quote, floor) => {
  const colon = colonBefore(bytes, quote, floor);
  if (colon < 0) return null;
  const name = bytes.toString("latin1", Math.max(floor, colon - 9), colon);
  if (name.endsWith('"display"')) return "said";
  return name.endsWith('"project"') ? "title" : null;
};

/** Index of the colon between a key and the quote of its value, or -1. */
function colonBefore(bytes: Buffer, quote: number, floor: number): number {
  let colon = quote - 1;
  while (colon > floor && bytes[colon] === 0x20) colon--;
  return colon - floor >= 6 && bytes[colon] === 0x3a && bytes[colon - 1] === 0x22 ? colon : -1;
}

const before = (bytes: Buffer, colon: number, floor: number): string =>
  bytes.toString("latin1", Math.max(floor, colon - BEFORE), colon + 1);
