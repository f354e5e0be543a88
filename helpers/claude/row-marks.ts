// Marks of rows: texts that the CLI writes without blanks, so that a line can be judged by its bytes before it is parsed.
// Within a JSON string their quotes would be escaped, so a mark that is found is never text of a person or a model.
// Source: docs/developing/claude-code-format.md, "Rows of a transcript".

export const USER_ROW = '"type":"user"';
export const ASSISTANT_ROW = '"type":"assistant"';
export const API_ERROR = '"isApiErrorMessage":true';
/** In every row with a message that a person may have written. */
export const USER_ROLE = Buffer.from('"role":"user"');
/** In every row that tells its usage of tokens. */
export const USAGE = Buffer.from('"output_tokens":');
/** Before the directory of a row. */
export const CWD = Buffer.from('"cwd":"');
/** Before the directory that `/cd` moved the session to. */
export const RELOCATED = Buffer.from('"relocatedCwd":"');
/** In the row with this uuid. */
export const uuidMark = (uuid: string): string => `"uuid":"${uuid}"`;
const TIMESTAMP = '"timestamp":"';
/** Length of `2026-11-20T13:31:47.375Z`. */
const TIMESTAMP_LENGTH = 24;

/** Whether a line may be a user or assistant row. */
export const mayBeMessage = (line: Buffer | string): boolean =>
  line.includes(USER_ROW) || line.includes(ASSISTANT_ROW);

/** The time of a row (epoch ms) from the last timestamp in its bytes; NaN when there is none. */
export function timestampIn(line: Buffer): number {
  const at = line.lastIndexOf(TIMESTAMP);
  const start = at + TIMESTAMP.length;
  return at < 0 ? Number.NaN : Date.parse(line.toString("latin1", start, start + TIMESTAMP_LENGTH));
}

const QUOTE = 34;
const BACKSLASH = 92;
const COLON = 58;
const BLANK = 32;

/** The first `cwd` in the head of a transcript, read from its bytes. Null when the head holds none. */
export function firstDirectory(head: Buffer): string | null {
  const at = head.indexOf(CWD);
  if (at < 0) return null;
  const from = at + CWD.length - 1;
  let end = head.indexOf(QUOTE, from + 1);
  while (end > 0 && head[end - 1] === BACKSLASH) end = head.indexOf(QUOTE, end + 1);
  if (end < 0) return null;
  try {
    return JSON.parse(head.toString("utf8", from, end + 1));
  } catch {
    return null;
  }
}

/** Whether another program has written a transcript anew, with a blank after each colon: marks do not hold then. */
export const isReformatted = (head: Buffer): boolean => head[head.indexOf(COLON) + 1] === BLANK;

/** A mark that ends with a value's quote, with and without a blank after the colon. */
export const withBlank = (mark: string): string[] => [mark, mark.replace(":", ": ")];

/** Index of the quote that closes the JSON string whose text begins at `from`; the line's length when there is none. */
export function closingQuote(line: Buffer, from: number): number {
  for (let at = line.indexOf(QUOTE, from); at >= 0; at = line.indexOf(QUOTE, at + 1)) {
    let slashes = 0;
    while (line[at - 1 - slashes] === BACKSLASH) slashes++;
    if (slashes % 2 === 0) return at;
  }
  return line.length;
}

// The usual form of a line around its text: members with values of little depth.
const STRING = '"[^"\\\\\\x00-\\x1f]*"';
const SCALAR = `(?:null|true|false|-?\\d+(?:\\.\\d+)?|${STRING})`;
const objectOf = (value: string): string => `\\{(?:${STRING}:${value}(?:,${STRING}:${value})*)?\\}`;
const SHALLOW = `(?:${SCALAR}|${objectOf(SCALAR)}|\\[\\])`;
const DEEP = `(?:${SHALLOW}|${objectOf(SHALLOW)})`;
const BEFORE_TEXT = new RegExp(
  `^\\{((?:${STRING}:${SHALLOW},)*)"message":\\{((?:${STRING}:${SHALLOW},)*)"content":(\\[\\{"type":"text","text":)?$`,
);
const AFTER_TEXT = new RegExp(`^(\\}\\])?(?:,${STRING}:${DEEP})*\\}((?:,${STRING}:${DEEP})*)\\}$`);
const LONGEST_BEFORE = 2000;
const LONGEST_AFTER = 4000;
/** Beginnings and ends of a prompt that may be more or less than what a person typed. */
const UNSURE_START = /^(?:[<[\s\\]|Caveat|[^\x21-\x7e])/;
const UNSURE_END = /(?:\s|\\.|[^\x21-\x7e])$/;
/** Members that may make a user row something else than a prompt. */
const SPECIAL = /"(?:isMeta|isCompactSummary|isVisibleInTranscriptOnly|origin)":(?!false|null)/;

/** A line that has one visible text and nothing else to read. `quote` and `close` are those around the text. */
export type PlainLine = { type: "user" | "assistant"; timestamp: string; quote: number; close: number };

/**
 * Reads a line of the usual form without parsing it, from the opening quote of its first text. Null for any other line:
 * it has to be parsed.
 */
export function plainLine(line: Buffer, quote: number): PlainLine | null {
  if (quote < 0 || quote > LONGEST_BEFORE) return null;
  const close = closingQuote(line, quote + 1);
  if (close >= line.length || line.length - close > LONGEST_AFTER || close - quote < 2) return null;
  const before = BEFORE_TEXT.exec(line.toString("latin1", 0, quote));
  const after = before && AFTER_TEXT.exec(line.toString("latin1", close + 1));
  if (!before || !after) return null;
  const inBlock = before[3] !== undefined;
  if (inBlock !== (after[1] !== undefined)) return null;
  const members = before[1]! + after[2]!;
  const timestamp = /"timestamp":(?:"([^"]*)")?/.exec(members);
  if ((timestamp && timestamp[1] === undefined) || members.includes('"isSidechain":true')) return null;
  const type = /"type":"(user|assistant)"/.exec(members)?.[1];
  const usual = type === "user" ? !inBlock && isPlainPrompt(line, quote, close, members) : inBlock;
  if (!usual || (type !== "user" && type !== "assistant")) return null;
  return { type, timestamp: timestamp?.[1] ?? "", quote, close };
}

function isPlainPrompt(line: Buffer, quote: number, close: number, members: string): boolean {
  const first = line.toString("latin1", quote + 1, Math.min(close, quote + 8));
  const last = line.toString("latin1", Math.max(quote + 1, close - 2), close);
  return !SPECIAL.test(members) && !UNSURE_START.test(first) && !UNSURE_END.test(last);
}

/** What every line with a request row contains. */
export const REQUEST_MARKS = ['"prompt_snapshot"', '"api-request'];

/** Rows of the file history, which belong to messages by `messageId` and have no uuid. */
export const FILE_HISTORY_MARK = '"file-history-';

/** Before the path of a plan. */
export const PLAN_PATH = '"planFilePath":"';
/** Returns the file names of the plans that a text of rows names. */
export const planNamesIn = (text: string): string[] =>
  [...text.matchAll(/"planFilePath":"[^"]*\/([\w-]+\.md)"/g)].map(([, name]) => name!);

const SESSION_ID = '"sessionId":"';
const SESSION_ID_LENGTH = 36;
/** Returns the session id in the first row of a text that has one, in lower case; null without one. */
export const firstSessionIdIn = (text: string): string | null =>
  /"sessionId":"([^"]*)"/.exec(text)?.[1]?.toLowerCase() ?? null;
/** Returns the session id in a line of the history, in lower case; null without one. */
export function sessionIdIn(line: Buffer): string | null {
  const at = line.lastIndexOf(SESSION_ID);
  const start = at + SESSION_ID.length;
  return at < 0 ? null : line.toString("latin1", start, start + SESSION_ID_LENGTH).toLowerCase();
}
