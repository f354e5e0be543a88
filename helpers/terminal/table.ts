import { type Colour, paint } from "./colour.ts";
import { clean, cut, pad, width } from "./text.ts";

export type Part = { text: string; colour?: Colour };
export type Cell = string | readonly Part[];
export type Column = { title: string /** takes what is left of the line, and is cut */; flexible?: boolean };

const plain = (cell: Cell): string =>
  typeof cell === "string" ? cell : cell.map((part) => part.text).join("");

function paintCell(cell: Cell, room: number, mark: string): string {
  if (typeof cell === "string") return cut(cell, room, mark);
  let left = room;
  let text = "";
  for (const part of cell) {
    if (left <= 0) break;
    const piece = cut(part.text, left, mark);
    left -= width(piece);
    text += paint(piece, part.colour);
  }
  return text;
}

/**
 * Lines of a table without boxes. Columns are as wide as their widest cell; flexible ones share what is left of
 * `room` cells (`Infinity` in a pipe: nothing is cut). Cells are cleaned here, so data cannot act on the terminal.
 */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  options: { room: number; header: boolean; ascii?: boolean },
): string[] {
  const mark = options.ascii ? "..." : "…";
  const safe = rows.map((row) =>
    row.map((cell) =>
      typeof cell === "string"
        ? clean(cell)
        : cell.map((part) => ({
            ...part,
            text: part.text.trim() === part.text ? clean(part.text) : part.text.replace(/\S.*\S|\S/, clean),
          })),
    ),
  );
  const heads = columns.map((column) => column.title);
  const widths = columns.map((_, i) =>
    Math.max(options.header ? width(heads[i]!) : 0, ...safe.map((row) => width(plain(row[i] ?? "")))),
  );
  const gaps = 2 * (columns.length - 1);
  let over = widths.reduce((sum, w) => sum + w, 0) + gaps - options.room;
  // The last flexible column gives way first, down to a readable rest.
  for (let i = columns.length - 1; i >= 0 && over > 0; i--) {
    if (!columns[i]!.flexible) continue;
    const given = Math.min(over, Math.max(0, widths[i]! - 8));
    widths[i]! -= given;
    over -= given;
  }
  const line = (cells: readonly Cell[], colour?: Colour): string => {
    let text = "";
    let used = 0;
    for (let i = 0; i < columns.length; i++) {
      const room = Math.min(widths[i]!, Math.max(0, options.room - used));
      const cell = cells[i] ?? "";
      const shown = colour ? paint(cut(plain(cell), room, mark), colour) : paintCell(cell, room, mark);
      const size = Math.min(room, width(cut(plain(cell), room, mark)));
      text += i === columns.length - 1 ? shown : shown + " ".repeat(Math.max(0, widths[i]! - size) + 2);
      used += widths[i]! + 2;
    }
    return text.trimEnd();
  };
  const lines = safe.map((row) => line(row));
  if (options.header) lines.unshift(line(heads, "dim"));
  return lines;
}

export { pad };
