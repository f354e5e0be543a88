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

/** Turns colours on or off, whatever the environment says: `--color`, `--no-color`. */
export function forceColour(on: boolean): void {
  forced = on;
}

/** Whether a descriptor gets colours, by NO_COLOR, FORCE_COLOR, TERM and whether it is a terminal. */
export function coloured(fd: 1 | 2): boolean {
  if (forced !== undefined) return forced;
  let on = known.get(fd);
  if (on === undefined) {
    on = colouredByDefault(fd);
    known.set(fd, on);
  }
  return on;
}

function colouredByDefault(fd: 1 | 2): boolean {
  const { NO_COLOR, FORCE_COLOR, TERM } = process.env;
  if (NO_COLOR) return false;
  if (FORCE_COLOR && FORCE_COLOR !== "0") return true;
  return TERM !== "dumb" && isTerminal(fd);
}

/** Returns text in a colour if the descriptor gets colours, else the text itself. */
export const paint = (text: string, colour: Colour | undefined, fd: 1 | 2 = 1): string =>
  colour && text !== "" && coloured(fd) ? painted(text, colour) : text;

/** Returns text in a colour, for a terminal that is known to show colours. */
export function painted(text: string, colour: Colour): string {
  const [on, off] = CODES[colour];
  return `\u001b[${on}m${text}\u001b[${off}m`;
}
