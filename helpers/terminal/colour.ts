import { isTerminal } from "./output.ts";

export type Colour = "bold" | "dim" | "red" | "green" | "yellow" | "magenta" | "cyan" | "inverse";
const CODES: Record<Colour, [number, number]> = {
  bold: [1, 22],
  dim: [2, 22],
  inverse: [7, 27],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  magenta: [35, 39],
  cyan: [36, 39],
};

let forced: boolean | undefined;
const known = new Map<1 | 2, boolean>();

/** `--color` / `--no-color` win over the environment. */
export function forceColour(on: boolean): void {
  forced = on;
}

/** NO_COLOR, FORCE_COLOR, TERM=dumb and pipes are respected. */
export function coloured(fd: 1 | 2): boolean {
  if (forced !== undefined) return forced;
  let on = known.get(fd);
  if (on === undefined) {
    const { NO_COLOR, FORCE_COLOR, TERM } = process.env;
    on = NO_COLOR ? false : FORCE_COLOR && FORCE_COLOR !== "0" ? true : TERM !== "dumb" && isTerminal(fd);
    known.set(fd, on);
  }
  return on;
}

/** Text in a colour where that descriptor shows colours, else the text itself. */
export const paint = (text: string, colour: Colour | undefined, fd: 1 | 2 = 1): string =>
  colour && text !== "" && coloured(fd) ? painted(text, colour) : text;

/** Text in a colour, for a terminal of which that is known. */
export function painted(text: string, colour: Colour): string {
  const [on, off] = CODES[colour];
  return `\u001b[${on}m${text}\u001b[${off}m`;
}
