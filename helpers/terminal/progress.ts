import { size } from "./amount.ts";
import { isTerminal, writeStderr } from "./output.ts";

/** Time (ms) before anything is shown, and between two updates. */
const PATIENCE = 1000;
const REDRAW = 100;

/** Returns a function that shows on a terminal how many bytes were read, if it takes long. The line disappears at the end. */
export function progress(
  draw: (text: string) => void = writeStderr,
  clock: () => number = Date.now,
  seen: () => boolean = () => isTerminal(2),
): (done: number, all: number) => void {
  let next = clock() + PATIENCE;
  let drawn = 0;
  return (done, all) => {
    if (done >= all) {
      if (drawn > 0) draw(`\r${" ".repeat(drawn)}\r`);
      drawn = 0;
      next = Number.POSITIVE_INFINITY;
      return;
    }
    const now = clock();
    if (now < next) return;
    next = seen() ? now + REDRAW : Number.POSITIVE_INFINITY;
    if (next === Number.POSITIVE_INFINITY) return;
    const line = `reading ${size(done)} of ${size(all)}`;
    draw(`\r${line.padEnd(drawn)}`);
    drawn = Math.max(drawn, line.length);
  };
}
