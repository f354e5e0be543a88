// Makes untrusted text safe for a terminal.

import { CONTROL } from "../system/control-characters.ts";

/** Text that needs no cleaning, apart from runs of blanks. */
export const PLAIN = /^[\x20-\x7e]*$/;

/** Returns one line without control characters, bidi overrides and invisible characters; runs of blanks become one. */
export function clean(text: string): string {
  if (!PLAIN.test(text)) text = text.replace(CONTROL, " ").replace(/\s+/g, " ");
  else if (text.includes("  ")) text = text.replace(/ +/g, " ");
  return text.trim();
}

/** Does the same but keeps lines and indentation. */
export function cleanLines(text: string): string {
  return text
    .split(/\r\n|[\n\r\u2028\u2029\u0085]/)
    .map((line) => line.replace(/\t/g, "    ").replace(CONTROL, "").trimEnd())
    .join("\n");
}
