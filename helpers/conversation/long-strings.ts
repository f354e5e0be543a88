// Rows with megabytes in one string. The string is kept as bytes while the row is parsed, so that it never becomes text.

import { closingQuote } from "../claude/row-marks.ts";
import { parseLine, type Row } from "../claude/rows.ts";

/** Strings longer than this (bytes) are replaced. Paths and ids are shorter. */
const LONG = 1 << 16;
const [QUOTE, BACKSLASH, BLANK] = [34, 92, 32];

/** Decodes a line. Each long string (bytes with its quotes) is replaced by what `literal` returns. */
export function replaceLongStrings(bytes: Buffer, literal: (long: Buffer) => string): string {
  let text = "";
  let from = 0;
  for (let open = bytes.length > LONG ? bytes.indexOf(QUOTE) : -1; open >= 0; ) {
    const close = closingQuote(bytes, open + 1);
    if (close >= bytes.length) break;
    if (close - open > LONG) {
      text += bytes.toString("utf8", from, open) + literal(bytes.subarray(open, close + 1));
      from = close + 1;
    }
    open = bytes.indexOf(QUOTE, close + 1);
  }
  return text + bytes.toString("utf8", from);
}

/** Returns whether the bytes are a valid JSON string. */
function isValid(long: Buffer): boolean {
  for (const byte of long) if (byte < BLANK) return false;
  for (let at = long.indexOf(BACKSLASH); at >= 0; at = long.indexOf(BACKSLASH, at + 2))
    if (!/^\\(?:["\\/bfnrt]|u[\da-f]{4})/i.test(long.toString("latin1", at, at + 6))) return false;
  return true;
}

/** Bytes that `brief` keeps of a long string. */
const BEGINNING = 400;
/** Returns the beginning of a string, cut before an escape. */
const beginning = (long: Buffer): string =>
  `${long.toString("utf8", 0, BEGINNING).replace(/\\+[^\\]{0,5}$/, "")}"`;

/** Returns a row as JSON; null if it is nested too deeply. */
export function rowToJson(row: Row): string | null {
  try {
    return JSON.stringify(row);
  } catch {
    return null;
  }
}

/** A parsed line. `lost`: some of it could not be read. */
export type LongLine = {
  rows: Row[];
  lost: boolean;
  /** Returns rows as lines, in pieces, with the long strings inserted again; null if a row is nested too deeply. */
  serialize: (rows: readonly Row[]) => (string | Buffer)[] | null;
};

/** Parses a line with placeholders for its long strings; with `brief`, with their beginnings. */
export function parseLongLine(bytes: Buffer, brief = false): LongLine {
  const strings: Buffer[] = [];
  const mark = bytes.length > LONG ? `\u0000${Math.random()}:` : "";
  let text = replaceLongStrings(bytes, (long) => {
    const number = strings.push(long) - 1;
    return brief ? beginning(long) : JSON.stringify(mark + number);
  });
  if (!strings.every(isValid)) {
    strings.length = 0;
    text = bytes.toString();
  }
  const serialize = (rows: readonly Row[]): (string | Buffer)[] | null => {
    const texts = rows.map(rowToJson);
    if (texts.includes(null)) return null;
    const lines = texts.join("\n");
    if (strings.length === 0) return [lines];
    return lines.split(JSON.stringify(mark).slice(0, -1)).flatMap((piece, i) => {
      const [, number = "", rest = ""] = /^(\d+)"([\s\S]*)$/.exec(piece) ?? [];
      return i === 0 ? [piece] : [strings[Number(number)]!, rest];
    });
  };
  return { ...parseLine(text), serialize };
}
