// Text of other people on its way to a terminal: nothing in it may act.

import { CONTROL } from "../system/control-characters.ts";

/** Most text is this, and needs no second look. */
export const PLAIN = /^[\x20-\x7e]*$/;

/** One line without control characters, bidi overrides and invisible characters; runs of blanks become one. */
export function clean(text: string): string {
  if (!PLAIN.test(text)) text = text.replace(CONTROL, " ").replace(/\s+/g, " ");
  else if (text.includes("  ")) text = text.replace(/ +/g, " ");
  return text.trim();
}

/** Like {@link clean}, but lines stay lines and indentation stays. */
export function cleanLines(text: string): string {
  return text
    .split(/\r\n|[\n\r\u2028\u2029\u0085]/)
    .map((line) => line.replace(/\t/g, "    ").replace(CONTROL, "").trimEnd())
    .join("\n");
}
