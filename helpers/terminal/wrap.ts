import { width } from "./text.ts";

/**
 * Breaks one cleaned line into lines of at most `room` cells: at blanks, and within words that are longer.
 * Stops after `most` lines.
 */
export function wrap(text: string, room: number, most = Number.POSITIVE_INFINITY): string[] {
  const lines: string[] = [];
  let line = "";
  let used = 0;
  const push = (): void => {
    lines.push(line.trimEnd());
    line = "";
    used = 0;
  };
  for (const piece of text.match(/\s+|\S+/g) ?? []) {
    if (lines.length >= most) break;
    const size = width(piece);
    if (used + size <= room) {
      line += piece;
      used += size;
      continue;
    }
    const blank = piece.trim() === "";
    if (used > 0) push();
    if (blank) continue;
    if (size <= room) {
      line = piece;
      used = size;
      continue;
    }
    for (const character of piece) {
      const cells = width(character);
      if (used + cells > room && used > 0) push();
      if (lines.length >= most) break;
      line += character;
      used += cells;
    }
  }
  if (line.trim() !== "" && lines.length < most) push();
  return lines.length === 0 ? [""] : lines;
}
