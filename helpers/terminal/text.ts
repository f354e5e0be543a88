// How many cells text takes in a terminal.
import { PLAIN } from "./clean.ts";

// East Asian wide and fullwidth characters, and emoji that take two cells. WIDE has gaps and lengths in base 36.
function ranges(text: string): [first: number, last: number][] {
  const steps = text.split(/\s+/).map((word) => Number.parseInt(word, 36));
  let at = 0;
  return Array.from({ length: steps.length / 2 }, (_, i) => {
    const first = at + steps[2 * i]!;
    at = first + steps[2 * i + 1]!;
    return [first, at];
  });
}
let wide: [first: number, last: number][] | undefined;
const WIDE = `
  3cw 2n 3i3 1 e 1 5b 3 4 0 3 0 ei 1 m 1 1f b 18 0 k 0 e 0 9 1 i 1 6 1 9 0 6 0 m 0 8 1 2 0 5 0 3
  0 8 0 5 1 t 0 10 0 2 0 5 2 2 0 1q 2 p 0 f 0 nw 1 1g 0 5 0 mj ce 3 qm 1 533 1t g73 1 y7 wh v ht
  8mb 6l9 e7 lt 9 n 1r 41 2o 3k 6 m4a 5cv 7b5 lb c1x 0 5n 0 5b 0 3 9 24 s e 17 5 8 8 1 f 5 4b w d
  8 2 1x 2 l d 16 5 4 d g 4 0 4 1y 2 0 2 56 3 1q e 3 2 n j 0 r 1 e 0 2f 2c 1d 1x 7 0 4 2 3 2 5 3
  c 1 8 8 6c b 5 0 7w 1a 2 9 2 54 35 3z zl 2t4t`;
const ZERO = /^(?:\p{Mn}|\p{Me}|\u200c|\u200d|[\u{1f3fb}-\u{1f3ff}])$/u;

/** Returns how many cells one character takes: 0, 1 or 2. */
function cells(character: string): number {
  const code = character.codePointAt(0)!;
  if (code < 0x300) return 1;
  if (ZERO.test(character)) return 0;
  if (code < 0x1100) return 1;
  wide ??= ranges(WIDE.trim());
  let low = 0;
  let high = wide.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const [first, last] = wide[middle]!;
    if (code < first) high = middle - 1;
    else if (code > last) low = middle + 1;
    else return 2;
  }
  return 1;
}

/** Returns how many cells a cleaned text takes. */
export function width(text: string): number {
  if (PLAIN.test(text)) return text.length;
  let sum = 0;
  for (const character of text) sum += cells(character);
  return sum;
}

/** Cuts text to at most `room` cells and marks the cut with `mark`. */
export function cut(text: string, room: number, mark = "…"): string {
  if (text.length * 2 <= room || width(text) <= room) return text;
  let used = mark.length;
  if (room <= used) return mark.slice(0, Math.max(0, room));
  let end = 0;
  for (const character of text) {
    const size = cells(character);
    if (used + size > room) break;
    used += size;
    end += character.length;
  }
  return `${text.slice(0, end).trimEnd()}${mark}`;
}

/** Pads text with blanks on the right to `room` cells. */
export const pad = (text: string, room: number): string => text + " ".repeat(Math.max(0, room - width(text)));
