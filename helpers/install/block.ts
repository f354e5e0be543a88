// The marked lines in an rc file. Text here is latin1: one character a byte, so whatever else the file holds
// (CRLF, other encodings, no newline at its end) stays as it is.

const BEGIN = "# >>> ccr >>>";
const END = "# <<< ccr <<<";
const WHO = `${BEGIN} "ccr install" writes these lines, "ccr uninstall" takes them out`;
// What taking out has to undo besides the lines stands in the first line: no other record can be lost.
const MADE = " (with the file)";
const JOINED = " (with the line end before)";

/** A marker that is missing, doubled or out of order; `line` counts from 1. */
export type Damage = { line: number; message: string };

type Found = { from: number; to: number; made: boolean; joined: boolean };

/** Where the block stands: undefined when there is none. `to` is before the end of its last line. */
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
  if (!begin) return { line: end![0], message: "the end line of a ccr block has no first line before it" };
  if (second) return { line: second[0], message: "a second ccr block begins here" };
  if (!end) return { line: begin[0], message: `the ccr block has no end line (${END})` };
  if (secondEnd) return { line: secondEnd[0], message: "a second end line of a ccr block stands here" };
  if (end[0] < begin[0])
    return { line: end[0], message: "the end line of the ccr block stands before its first" };
  const head = begin[2];
  return { from: begin[1], to: end[1], made: head.includes(MADE), joined: head.includes(JOINED) };
}

const block = (lines: readonly string[], made: boolean, joined: boolean): string =>
  [WHO + (made ? MADE : "") + (joined ? JOINED : ""), ...lines, END].join("\n");

/**
 * The text with the block in it: in place where there is one, else on top or at the end.
 * `text` is null for a file that does not exist yet.
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

/** The text as it was without the block; null when the file was made for the block and holds nothing else. */
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

/** Whether the text has our block, a damaged one too. */
export const has = (text: string): boolean => find(text) !== undefined;
