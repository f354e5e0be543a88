// The block of marked lines in an rc file. Text is latin1, one character for each byte, so that the rest of the file
// (CRLF, other encodings, no newline at the end) stays as it is.

const BEGIN = "# >>> ccr >>>";
const END = "# <<< ccr <<<";
const WHO = `${BEGIN} "ccr install" writes these lines, "ccr uninstall" removes them`;
// The first line also records what else "ccr uninstall" must undo, so that no separate record can get lost.
const MADE = " (with the file)";
const JOINED = " (with the line end before)";

/** A marker line that is missing, doubled or out of order; `line` counts from 1. */
export type Damage = { line: number; message: string };

type Found = { from: number; to: number; made: boolean; joined: boolean };

/** Returns the position of the block, undefined when there is none. `to` is before the line end of its last line. */
function find(text: string): Found | Damage | undefined {
  const begins: [line: number, at: number, head: string][] = [];
  const ends: [line: number, at: number][] = [];
  for (let at = 0, line = 1; at <= text.length; line++) {
    const next = text.indexOf("\n", at);
    const stop = next < 0 ? text.length : next;
    if (text.startsWith(BEGIN, at) || text.startsWith(END, at)) {
      const row = text.slice(at, stop).replace(/\r$/, "");
      if (row === BEGIN || row.startsWith(`${BEGIN} `)) begins.push([line, at, row]);
      else if (row === END || row.startsWith(`${END} `)) ends.push([line, at + row.length]);
    }
    at = stop + 1;
  }
  const [begin, second] = begins;
  const [end, secondEnd] = ends;
  if (!begin && !end) return undefined;
  if (!begin) return { line: end![0], message: "the ccr block has an end line but no first line" };
  if (second) return { line: second[0], message: "a second ccr block begins here" };
  if (!end) return { line: begin[0], message: `the ccr block has no end line (${END})` };
  if (secondEnd) return { line: secondEnd[0], message: "a second end line of the ccr block" };
  if (end[0] < begin[0])
    return { line: end[0], message: "the end line of the ccr block is before its first line" };
  const head = begin[2];
  return { from: begin[1], to: end[1], made: head.includes(MADE), joined: head.includes(JOINED) };
}

const block = (lines: readonly string[], made: boolean, joined: boolean): string =>
  [WHO + (made ? MADE : "") + (joined ? JOINED : ""), ...lines, END].join("\n");

/**
 * Returns the text with the block: in place of an earlier block, else at the top or the end. `text` is null for a file
 * that does not exist yet.
 */
export function put(text: string | null, lines: readonly string[], place: "top" | "end"): string | Damage {
  if (text === null) return `${block(lines, true, false)}\n`;
  const found = find(text);
  if (found && "message" in found) return found;
  if (found) return text.slice(0, found.from) + block(lines, found.made, found.joined) + text.slice(found.to);
  if (place === "top") return `${block(lines, false, false)}\n${text}`;
  const joined = text !== "" && !text.endsWith("\n");
  return `${text}${joined ? "\n" : ""}${block(lines, false, joined)}\n`;
}

/** Returns the text as it was before the block; null when the file was created for the block and has nothing else. */
export function drop(text: string): string | null | Damage {
  const found = find(text);
  if (!found) return text;
  if ("message" in found) return found;
  let before = text.slice(0, found.from);
  const after = text.slice(found.to).replace(/^\r?\n/, "");
  if (found.joined && after === "" && before.endsWith("\n")) before = before.slice(0, -1);
  const rest = before + after;
  return found.made && rest === "" ? null : rest;
}

/** Whether the text has a ccr block, even a damaged one. */
export const has = (text: string): boolean => find(text) !== undefined;
