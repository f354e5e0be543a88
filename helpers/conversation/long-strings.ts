// Rows with megabytes in one string: it is put aside while the row is parsed, and never becomes text.

import { parseLine, type Row } from "../claude/rows.ts";

/** A string of this many bytes is no path, and no id. */
const LONG = 1 << 16;
const [QUOTE, BACKSLASH, BLANK] = [34, 92, 32];

/** A line as text, with what `literal` gives in the place of each long string. */
export function replaceLongStrings(bytes: Buffer, literal: (long: Buffer) => string): string {
  let text = "";
  let from = 0;
  for (let open = bytes.length > LONG ? bytes.indexOf(QUOTE) : -1; open >= 0; ) {
    let close = open;
    for (let slashes = 1; slashes % 2 === 1 && close >= 0; ) {
      close = bytes.indexOf(QUOTE, close + 1);
      for (slashes = 0; bytes[close - 1 - slashes] === BACKSLASH; ) slashes++;
    }
    if (close < 0) break;
    if (close - open > LONG) {
      text += bytes.toString("utf8", from, open) + literal(bytes.subarray(open, close + 1));
      from = close + 1;
    }
    open = bytes.indexOf(QUOTE, close + 1);
  }
  return text + bytes.toString("utf8", from);
}

/** Whether a string is one to JSON too. */
function isWhole(long: Buffer): boolean {
  for (const byte of long) if (byte < BLANK) return false;
  for (let at = long.indexOf(BACKSLASH); at >= 0; at = long.indexOf(BACKSLASH, at + 2))
    if (!/^\\(?:["\\/bfnrt]|u[\da-f]{4})/i.test(long.toString("latin1", at, at + 6))) return false;
  return true;
}

const BEGINNING = 400;
/** The beginning of a string, cut before an escape. */
const beginning = (long: Buffer): string =>
  `${long.toString("utf8", 0, BEGINNING).replace(/\\+[^\\]{0,5}$/, "")}"`;

/** A row as JSON; null where it is nested too deeply for that. */
export function rowToJson(row: Row): string | null {
  try {
    return JSON.stringify(row);
  } catch {
    return null;
  }
}

/**
 * The rows of a line, without what stands in long strings; `brief` leaves their beginnings. `written` gives rows as
 * lines in pieces, with the strings back in their places; null where one is nested too deeply.
 */
export function parseLongLine(
  bytes: Buffer,
  brief = false,
): { rows: Row[]; lost: boolean; written: (rows: readonly Row[]) => (string | Buffer)[] | null } {
  const aside: Buffer[] = [];
  const mark = bytes.length > LONG ? `\u0000${Math.random()}:` : "";
  let text = replaceLongStrings(bytes, (long) => {
    const number = aside.push(long) - 1;
    return brief ? beginning(long) : JSON.stringify(mark + number);
  });
  if (!aside.every(isWhole)) {
    aside.length = 0;
    text = bytes.toString();
  }
  const written = (rows: readonly Row[]): (string | Buffer)[] | null => {
    const texts = rows.map(rowToJson);
    if (texts.includes(null)) return null;
    const lines = texts.join("\n");
    if (aside.length === 0) return [lines];
    return lines.split(JSON.stringify(mark).slice(0, -1)).flatMap((piece, i) => {
      const [, number = "", rest = ""] = /^(\d+)"([\s\S]*)$/.exec(piece) ?? [];
      return i === 0 ? [piece] : [aside[Number(number)]!, rest];
    });
  };
  return { ...parseLine(text), written };
}
