// Text of other people on its way to a terminal: nothing in it may act.

const HARMFUL =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]+/gu;

/** Most text is this, and needs no second look. */
export const PLAIN = /^[\x20-\x7e]*$/;

/** One line without control characters, bidi overrides and invisible characters; runs of blanks become one. */
export function clean(text: string): string {
  if (!PLAIN.test(text)) text = text.replace(HARMFUL, " ").replace(/\s+/g, " ");
  else if (text.includes("  ")) text = text.replace(/ +/g, " ");
  return text.trim();
}

/** Like {@link clean}, but lines stay lines and indentation stays. */
export function cleanLines(text: string): string {
  return text
    .split(/\r\n|[\n\r\u2028\u2029\u0085]/)
    .map((line) => line.replace(/\t/g, "    ").replace(HARMFUL, "").trimEnd())
    .join("\n");
}
