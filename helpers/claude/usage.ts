// Which tokens a row of a transcript stands for: exactly, from the parsed row, and fast, from its bytes.
import { USER_ROLE } from "./row-marks.ts";
import { isMessage, object, promptOf, type Row, string, timeOf } from "./rows.ts";

/** Tokens as the API bills them; cache writes and reads are no part of `input`. */
export type Tokens = { input: number; output: number; cacheCreation: number; cacheRead: number };

/** One row's share in the statistics. `key` names the message: rows with the same key are one message. */
export type CountedRow = Tokens & {
  kind: "answer" | "prompt";
  key: string | null;
  model: string;
  /** epoch ms */
  at: number;
  /** of a subagent */
  side: boolean;
};

export const SYNTHETIC = "<synthetic>";

const number = (value: unknown): number =>
  typeof value === "number" && value > 0 && value <= Number.MAX_SAFE_INTEGER ? Math.floor(value) : 0;

/** Cache writes are told twice: as a sum, and (since 2.0) by their lifetime. The second is the exact one. */
function cacheCreationOf(usage: Row): number {
  const parts = Object.values(object(usage.cache_creation) ?? {}).filter((part) => typeof part === "number");
  return parts.length > 0
    ? parts.reduce((sum: number, part) => sum + number(part), 0)
    : number(usage.cache_creation_input_tokens);
}

const tokensOf = (usage: Row): Tokens => ({
  input: number(usage.input_tokens),
  output: number(usage.output_tokens),
  cacheCreation: cacheCreationOf(usage),
  cacheRead: number(usage.cache_read_input_tokens),
});

/**
 * What a row counts for: an answer of a model with its usage, a prompt that a person typed, or nothing (null).
 * Progress rows carry an answer of a subagent. Rows without a time count for nothing.
 */
export function countRow(row: Row): CountedRow | null {
  const inner = row.type === "progress" ? object(object(row.data)?.message) : row;
  const message = object(inner?.message);
  const at = inner && timeOf(inner);
  if (!inner || !message || at === null || at < 0) return null;
  const usage = object(message.usage);
  if (usage && typeof usage.output_tokens === "number" && (inner !== row || row.type === "assistant")) {
    const model = string(message.model) ?? "";
    const tokens = tokensOf(usage);
    // What the program says itself (an error, mostly) is no answer of a model.
    if (model === SYNTHETIC && Object.values(tokens).every((n) => n === 0)) return null;
    return {
      kind: "answer",
      key: string(message.id) ?? string(inner.uuid),
      model,
      at,
      side: inner !== row || row.isSidechain === true,
      ...tokens,
    };
  }
  if (inner !== row || row.type !== "user" || !isMessage(row) || promptOf(row) === null) return null;
  return {
    kind: "prompt",
    key: string(row.uuid),
    model: "",
    at,
    side: false,
    input: 0,
    output: 0,
    cacheCreation: 0,
    cacheRead: 0,
  };
}

/** `yes`: it counts, with what is in the fields. `parse`: only {@link countRow} can tell. */
export type ScanResult = "yes" | "no" | "parse";

const QUOTE = 34;
const BACKSLASH = 92;
const COLON = 58;
const COMMA = 44;
const OPEN = 123;
const CLOSE = 125;
const OPEN_LIST = 91;
const CLOSE_LIST = 93;

const NEWLINE = 10;
const RETURN = 13;

const bytesOf = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text));
const TYPE = bytesOf("type");
const MESSAGE = bytesOf("message");
const SIDE = bytesOf("isSidechain");
const TIME = bytesOf("timestamp");
const UUID = bytesOf("uuid");
const ID = bytesOf("id");
const MODEL = bytesOf("model");
const ROLE = bytesOf("role");
const CONTENT = bytesOf("content");
const INPUT = bytesOf("input_tokens");
const OUTPUT = bytesOf("output_tokens");
const CREATED = bytesOf("cache_creation_input_tokens");
const CREATION = bytesOf("cache_creation");
const READ = bytesOf("cache_read_input_tokens");
const ASSISTANT = bytesOf("assistant");
const USER = bytesOf("user");
const TRUE = bytesOf("true");
const USAGE_KEY = bytesOf('"usage":');
const CONTENT_NEXT = bytesOf(',"content":');
const TOOL_RESULTS = ['[{"tool_use_id":', '[{"type":"tool_result"'].map(bytesOf);
/** Fields of a row that may make something else of it than a person's prompt. */
const ODD = ["isMeta", "origin", "isCompactSummary", "isVisibleInTranscriptOnly"].map(bytesOf);
/** Length of `2026-11-20T13`. */
const HOUR = 13;
/** First letters of texts that programs write, and of escapes. */
const DOUBTFUL = new Set(bytesOf('<[C\\ "'));

/** How far before the first usage field the object may begin. */
const USAGE_REACH = 2048;
/** An object beside the message that is longer than this is not walked through. */
const LONG_VALUE = 4096;
/** Numbers of more digits may not be exact. */
const MOST_DIGITS = 15;

/**
 * Reads the few fields that statistics need out of a row's bytes: its head up to the content, and from the usage to
 * its end; the content between them is never looked at. The order of keys does not matter as long as the brackets
 * agree; whatever looks unusual is left to the parser. A row is given by its start; it must end with its line.
 */
export class UsageScanner {
  /** epoch ms of the minute */
  at = 0;
  side = false;
  idStart = 0;
  idEnd = 0;
  modelStart = 0;
  modelEnd = 0;
  input = 0;
  output = 0;
  cacheCreation = 0;
  cacheRead = 0;
  /** places of the last brackets of the usage and of the row */
  usageEnd = 0;
  rowEnd = 0;

  #b: Uint8Array = new Uint8Array(0);
  #end = 0;
  /** 1 assistant, 2 user, 3 another, 0 not seen yet */
  #type = 0;
  #role = 0;
  #content = 0;
  #odd = false;
  #uuidStart = 0;
  #uuidEnd = 0;
  #hasOutput = false;
  /** sum of cache writes by their lifetime; -1 when there is none */
  #parts = -1;
  #hour = new Uint8Array(HOUR);
  #hourAt = 0;

  /** Whether a `USER_ROLE` mark belongs to the results of tools: most do, and they are no prompts. */
  isToolResult(bytes: Uint8Array, mark: number): boolean {
    this.#b = bytes;
    const content = mark + USER_ROLE.length + CONTENT_NEXT.length;
    return (
      this.#is(content - CONTENT_NEXT.length, content, CONTENT_NEXT) &&
      TOOL_RESULTS.some((text) => this.#is(content, content + text.length, text))
    );
  }

  /** A row from `start` on that has a `USER_ROLE` mark; its uuid is the id. */
  prompt(bytes: Uint8Array, start: number, end: number): ScanResult {
    this.#begin(bytes, end);
    this.#uuidEnd = 0;
    if (!this.#head(start)) return this.#type === 1 || this.#type === 3 ? "no" : "parse";
    if ((this.#type || this.#role) === 1 || this.side) return "no";
    const text = this.#content;
    if (bytes[text] !== QUOTE || DOUBTFUL.has(bytes[text + 1]!)) return "parse";
    const textEnd = this.#string(text);
    if (textEnd < 0 || !this.#tail(textEnd + 1) || this.#type !== 2 || this.#odd) return "parse";
    if (this.side) return "no";
    this.idStart = this.#uuidStart;
    this.idEnd = this.#uuidEnd;
    return this.at !== 0 && this.#plain(this.idStart, this.idEnd) ? "yes" : "parse";
  }

  /** A row from `start` on that has a `USAGE` mark, the first of them at `mark`. */
  answer(bytes: Uint8Array, start: number, end: number, mark: number): ScanResult {
    this.#begin(bytes, end);
    this.idEnd = this.modelEnd = 0;
    if (!this.#head(start) || this.#content > mark) return "parse";
    const open = this.#usageBefore(mark);
    if (open < 0) return "parse";
    this.usageEnd = this.#usage(open);
    if (this.usageEnd < 0 || !this.#tail(this.usageEnd + 1)) return "parse";
    if (this.#type !== 1 || this.at === 0 || this.input + this.output === 0) return "parse";
    return this.#plain(this.idStart, this.idEnd) && this.#plain(this.modelStart, this.modelEnd)
      ? "yes"
      : "parse";
  }

  /** From within the message to the end of the row, which must be that of its line too. */
  #tail(start: number): boolean {
    const messageEnd = this.#fields(start, 2);
    this.rowEnd = messageEnd < 0 ? -1 : this.#fields(messageEnd + 1, 1);
    if (this.rowEnd < 0) return false;
    const b = this.#b;
    let next = this.rowEnd + 1;
    if (b[next] === RETURN) next++;
    return next >= this.#end || b[next] === NEWLINE;
  }

  #begin(bytes: Uint8Array, end: number): void {
    this.#b = bytes;
    this.#end = end;
    this.#type = this.#role = this.#content = this.at = 0;
    this.side = this.#odd = false;
  }

  /** From the row's first byte to its message's content; false where it is not found. */
  #head(start: number): boolean {
    const b = this.#b;
    if (b[start] !== OPEN) return false;
    for (let p = start + 1; p < this.#end; ) {
      const keyEnd = b[p] === QUOTE ? this.#string(p) : -1;
      if (keyEnd < 0 || b[keyEnd + 1] !== COLON) return false;
      const value = keyEnd + 2;
      if (b[value] === OPEN && this.#is(p + 1, keyEnd, MESSAGE)) return this.#message(value + 1);
      const next = this.#value(p + 1, keyEnd, value, 1);
      if (next < 0) return false;
      if (this.#type === 3) return false;
      if (b[next] === CLOSE) return false;
      if (b[next] !== COMMA) return false;
      p = next + 1;
    }
    return false;
  }

  #message(start: number): boolean {
    const b = this.#b;
    for (let p = start; p < this.#end; ) {
      const keyEnd = b[p] === QUOTE ? this.#string(p) : -1;
      if (keyEnd < 0 || b[keyEnd + 1] !== COLON) return false;
      const value = keyEnd + 2;
      if (this.#is(p + 1, keyEnd, CONTENT)) {
        this.#content = value;
        return true;
      }
      const next = this.#value(p + 1, keyEnd, value, 2);
      if (next < 0 || b[next] !== COMMA) return false;
      p = next + 1;
    }
    return false;
  }

  /** The fields after a value at some depth, up to the bracket that ends their object; its place, or -1. */
  #fields(start: number, depth: number): number {
    const b = this.#b;
    let p = start;
    while (p < this.#end) {
      if (b[p] === CLOSE) return p;
      if (b[p] !== COMMA || b[p + 1] !== QUOTE) return -1;
      const keyEnd = this.#string(p + 1);
      if (keyEnd < 0 || b[keyEnd + 1] !== COLON) return -1;
      p = this.#value(p + 2, keyEnd, keyEnd + 2, depth);
      if (p < 0) return -1;
    }
    return -1;
  }

  /** Takes a value if its key means something at this depth. Returns the place behind the value, or -1. */
  #value(key: number, keyEnd: number, value: number, depth: number): number {
    const c = this.#b[value];
    const length = keyEnd - key;
    if (depth === 1 && (length === 6 || length === 16 || length === 25))
      this.#odd ||= ODD.some((name) => this.#is(key, keyEnd, name));
    if (c === OPEN || c === OPEN_LIST) return this.#skip(value);
    if (c !== QUOTE) {
      const end = this.#scalarEnd(value);
      if (depth === 1 && length === 11 && this.#is(key, keyEnd, SIDE)) this.side = this.#is(value, end, TRUE);
      return end;
    }
    const end = this.#string(value);
    if (end < 0) return -1;
    if (depth === 1) this.#rowText(key, keyEnd, value + 1, end);
    else this.#messageText(key, keyEnd, value + 1, end);
    return end + 1;
  }

  /** Takes a text of the row itself. */
  #rowText(key: number, keyEnd: number, start: number, end: number): void {
    const length = keyEnd - key;
    if (length === 4 && this.#is(key, keyEnd, TYPE)) this.#type = this.#typeOf(start, end);
    else if (length === 4 && this.#is(key, keyEnd, UUID)) {
      this.#uuidStart = start;
      this.#uuidEnd = end;
    } else if (length === 9 && this.#is(key, keyEnd, TIME)) this.at = this.#time(start, end);
  }

  /** Takes a text of the message. */
  #messageText(key: number, keyEnd: number, start: number, end: number): void {
    const length = keyEnd - key;
    if (length === 2 && this.#is(key, keyEnd, ID)) {
      this.idStart = start;
      this.idEnd = end;
    } else if (length === 5 && this.#is(key, keyEnd, MODEL)) {
      this.modelStart = start;
      this.modelEnd = end;
    } else if (length === 4 && this.#is(key, keyEnd, ROLE)) {
      this.#role = this.#is(start, end, ASSISTANT) ? 1 : 2;
    }
  }

  #typeOf(start: number, end: number): number {
    if (this.#is(start, end, ASSISTANT)) return 1;
    return this.#is(start, end, USER) ? 2 : 3;
  }

  #scalarEnd(start: number): number {
    const b = this.#b;
    let p = start;
    while (p < this.#end && b[p] !== COMMA && b[p] !== CLOSE && b[p] !== CLOSE_LIST && b[p] !== NEWLINE) p++;
    return p;
  }

  /** The place of the quote that ends the string at `p`, or -1. */
  #string(p: number): number {
    const b = this.#b;
    for (let i = p + 1; i < this.#end; i++) {
      const c = b[i]!;
      if (c > BACKSLASH) continue;
      if (c === QUOTE) return i;
      if (c === BACKSLASH) i++;
      else if (c === NEWLINE) return -1;
    }
    return -1;
  }

  /** The place behind the object or list at `p`, or -1. */
  #skip(p: number): number {
    const b = this.#b;
    const stop = Math.min(this.#end, p + LONG_VALUE);
    let depth = 0;
    for (let i = p; i < stop; i++) {
      const c = b[i];
      if (c === QUOTE) {
        i = this.#string(i);
        if (i < 0) return -1;
      } else if (c === OPEN || c === OPEN_LIST) depth++;
      else if ((c === CLOSE || c === CLOSE_LIST) && --depth === 0) return i + 1;
      else if (c === NEWLINE) return -1;
    }
    return -1;
  }

  /** The bracket that opens the usage object around `p`, or -1. */
  #usageBefore(p: number): number {
    const b = this.#b;
    const least = Math.max(this.#content, p - USAGE_REACH);
    for (let i = p - 1; i > least; i--) {
      if (b[i] === OPEN && b[i - 1] === COLON && this.#is(i - USAGE_KEY.length, i, USAGE_KEY)) return i;
    }
    return -1;
  }

  /** Reads the usage object. Returns the place of its last bracket, or -1 when it is none. */
  #usage(open: number): number {
    const b = this.#b;
    this.input = this.output = this.cacheCreation = this.cacheRead = 0;
    this.#hasOutput = false;
    this.#parts = -1;
    let p = open + 1;
    while (p < this.#end && b[p] === QUOTE) {
      const keyEnd = this.#string(p);
      if (keyEnd < 0 || b[keyEnd + 1] !== COLON) return -1;
      p = this.#usageValue(p + 1, keyEnd, keyEnd + 2);
      if (p < 0) return -1;
      if (b[p] === CLOSE) {
        if (this.#parts >= 0) this.cacheCreation = this.#parts;
        return this.#hasOutput ? p : -1;
      }
      if (b[p] !== COMMA) return -1;
      p++;
    }
    return -1;
  }

  /** Takes a value of the usage object. Returns the place behind it, or -1. */
  #usageValue(key: number, keyEnd: number, value: number): number {
    const c = this.#b[value]!;
    if (c >= 48 && c <= 57) return this.#tokens(key, keyEnd, value);
    if (c !== OPEN || !this.#is(key, keyEnd, CREATION)) return this.#value(key, keyEnd, value, 3);
    const end = this.#skip(value);
    if (end < 0) return -1;
    this.#parts = this.#sum(value + 1, end - 1);
    return this.#parts === -2 ? -1 : end;
  }

  /** Takes a number of tokens. */
  #tokens(key: number, keyEnd: number, value: number): number {
    const b = this.#b;
    let n = 0;
    let p = value;
    for (; b[p]! >= 48 && b[p]! <= 57; p++) n = n * 10 + b[p]! - 48;
    if (p - value > MOST_DIGITS || (b[p] !== COMMA && b[p] !== CLOSE)) return -1;
    if (this.#is(key, keyEnd, OUTPUT)) {
      this.output = n;
      this.#hasOutput = true;
    } else if (this.#is(key, keyEnd, INPUT)) this.input = n;
    else if (this.#is(key, keyEnd, CREATED)) this.cacheCreation = n;
    else if (this.#is(key, keyEnd, READ)) this.cacheRead = n;
    return p;
  }

  /** Sum of an object's fields, all of them whole numbers; -1 where there is none, -2 for anything else. */
  #sum(start: number, end: number): number {
    const b = this.#b;
    let sum = -1;
    for (let p = start; p < end; p++) {
      if (b[p] !== QUOTE) return -2;
      p = this.#string(p) + 1;
      if (p === 0 || b[p] !== COLON) return -2;
      let n = 0;
      const first = ++p;
      for (; b[p]! >= 48 && b[p]! <= 57; p++) n = n * 10 + b[p]! - 48;
      if (p === first || p - first > MOST_DIGITS || (p !== end && b[p] !== COMMA)) return -2;
      sum = Math.max(0, sum) + n;
    }
    return sum;
  }

  /** Epoch ms of `2026-11-20T13:31:47.375Z`, to the minute; 0 for other forms. Most rows are of the hour before. */
  #time(start: number, end: number): number {
    const b = this.#b;
    const minute = start + HOUR + 1;
    const tens = b[minute]! - 48;
    const ones = b[minute + 1]! - 48;
    if (end - start !== 24 || b[end - 1] !== 90 || !(tens >= 0 && tens < 6 && ones >= 0 && ones < 10))
      return 0;
    if (!this.#is(start, start + HOUR, this.#hour)) {
      this.#hour = Uint8Array.from(b.subarray(start, start + HOUR));
      // A second later, since 24:00:00 is an hour too.
      this.#hourAt = Date.parse(`${Buffer.from(this.#hour).toString("latin1")}:00:01Z`) - 1000 || 0;
    }
    return this.#hourAt && this.#hourAt + (tens * 10 + ones) * 60_000;
  }

  /** Whether a text is not empty, ASCII and without escapes, so that its bytes are what it says. */
  #plain(start: number, end: number): boolean {
    for (let i = start; i < end; i++) if (this.#b[i] === BACKSLASH || this.#b[i]! > 126) return false;
    return end > start;
  }

  #is(start: number, end: number, text: Uint8Array): boolean {
    if (end - start !== text.length) return false;
    const b = this.#b;
    for (let i = text.length - 1; i >= 0; i--) if (b[start + i] !== text[i]) return false;
    return true;
  }
}
