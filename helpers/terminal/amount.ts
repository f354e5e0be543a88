/** Returns a number with thousands separators: `164,784`. */
export const number = (value: number): string => String(value).replace(/\B(?=(\d{3})+$)/g, ",");

/** Returns a count with its noun: `1 session`, `2 sessions`. */
export const plural = (count: number, what: string): string =>
  `${number(count)} ${what}${count === 1 ? "" : "s"}`;

/** Returns three digits and a unit, each a thousand of the one before: `929 M`, `10.6 G`. */
function scaled(value: number, units: readonly string[]): string {
  let unit = 0;
  // 999.6 would be printed as 1000.
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  const shown = unit > 0 && value < 99.95 ? value.toFixed(1) : String(Math.round(value));
  return `${shown} ${units[unit]}`.trimEnd();
}

/** Returns a size in bytes for people: `10.6 MB`. */
export const size = (bytes: number): string => scaled(bytes, ["B", "kB", "MB", "GB", "TB", "PB"]);
/** Returns a large number for people: `10.6 M`. */
export const short = (count: number): string => scaled(count, ["", "k", "M", "G", "T"]);

const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/** Returns a bar that fills `share` (0 to 1) of `room` cells. A share above 0 is always visible. */
export function bar(share: number, room: number, ascii: boolean): string {
  const eighths = Math.round(share * room * 8);
  if (!ascii) return "█".repeat(eighths >> 3) + (eighths === 0 && share > 0 ? "▏" : EIGHTHS[eighths & 7]!);
  return "#".repeat(share > 0 ? Math.max(1, Math.round(share * room)) : 0);
}
