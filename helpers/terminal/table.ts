import { clean } from "./clean.ts";
import { type Colour, paint } from "./colour.ts";
import { cut, width } from "./text.ts";

export type Part = { text: string; colour?: Colour };
export type Cell = string | readonly Part[];
export type Column = {
  title: string /** shares the rest of the line, and is cut to it */;
  flexible?: boolean;
};

const plain = (cell: Cell): string =>
  typeof cell === "string" ? cell : cell.map((part) => part.text).join("");

/** Cuts a cell to `room` cells and returns how many it takes. */
function fitted(cell: Cell, room: number, mark: string): { text: string; size: number } {
  const parts: readonly Part[] = typeof cell === "string" ? [{ text: cell }] : cell;
  let text = "";
  let size = 0;
  for (const part of parts) {
    if (size >= room) break;
    const piece = cut(part.text, room - size, mark);
    size += width(piece);
    text += paint(piece, part.colour);
  }
  return { text, size };
}

/** Cleans a part but keeps blanks at its ends, which separate it from its neighbours. */
const cleanPart = (part: Part): Part => {
  const inner = clean(part.text);
  const head =
    part.text.startsWith(" ") && inner !== ""
      ? " ".repeat(part.text.length - part.text.trimStart().length)
      : "";
  const tail = part.text.endsWith(" ") ? " ".repeat(part.text.length - part.text.trimEnd().length) : "";
  return { ...part, text: inner === "" ? part.text.replace(/[^ ]/g, "") : head + inner + tail };
};

/**
 * Returns the lines of a table without borders. Columns are as wide as their widest cell; flexible ones share the rest
 * of `room` cells (`Infinity` in a pipe: nothing is cut). Cells are cleaned, so data cannot control the terminal.
 */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  options: { room: number; header: boolean; ascii?: boolean },
): string[] {
  const mark = options.ascii ? "..." : "…";
  const safe = rows.map((row) =>
    row.map((cell) => (typeof cell === "string" ? clean(cell) : cell.map(cleanPart))),
  );
  const heads = columns.map((column) => column.title);
  const last = columns.length - 1;
  // The width of the last column is not needed in a pipe.
  const widths = columns.map((_, i) =>
    i === last && options.room === Number.POSITIVE_INFINITY
      ? options.room
      : Math.max(options.header ? width(heads[i]!) : 0, ...safe.map((row) => width(plain(row[i] ?? "")))),
  );
  let over =
    options.room === Number.POSITIVE_INFINITY ? 0 : widths.reduce((sum, w) => sum + w + 2, -2) - options.room;
  // Shrink the last flexible column first, down to a readable width.
  for (let i = last; i >= 0 && over > 0; i--) {
    if (!columns[i]!.flexible) continue;
    const given = Math.min(over, Math.max(0, widths[i]! - 8));
    widths[i]! -= given;
    over -= given;
  }
  const line = (cells: readonly Cell[]): string => {
    let text = "";
    let used = 0;
    for (let i = 0; i < columns.length; i++) {
      const room = Math.min(widths[i]!, Math.max(0, options.room - used));
      const cell = fitted(cells[i] ?? "", room, mark);
      text += i === last ? cell.text : cell.text + " ".repeat(Math.max(0, widths[i]! - cell.size) + 2);
      used += widths[i]! + 2;
    }
    return text.trimEnd();
  };
  const lines = safe.map(line);
  if (options.header) lines.unshift(line(heads.map((text) => [{ text, colour: "dim" as const }])));
  return lines;
}
