/** `164,784`. */
export const number = (value: number): string => String(value).replace(/\B(?=(\d{3})+$)/g, ",");

/** `1 session`, `2 sessions`. */
export const plural = (count: number, what: string): string =>
  `${number(count)} ${what}${count === 1 ? "" : "s"}`;

/** Three figures and a unit, a thousand of each making the next: `929 M`, `10.6 G`. */
function scaled(value: number, units: readonly string[]): string {
  let unit = 0;
  // 999.6 would be shown as 1000
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  const shown =
    unit === 0 ? String(Math.round(value)) : value < 99.95 ? value.toFixed(1) : String(Math.round(value));
  return `${shown} ${units[unit]}`.trimEnd();
}

export const size = (bytes: number): string => scaled(bytes, ["B", "kB", "MB", "GB", "TB", "PB"]);
export const short = (count: number): string => scaled(count, ["", "k", "M", "G", "T"]);

const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/** A bar of `share` (0 to 1) of `room` cells; anything above nothing is seen. */
export function bar(share: number, room: number, ascii: boolean): string {
  const eighths = Math.round(share * room * 8);
  if (!ascii) return "█".repeat(eighths >> 3) + (eighths === 0 && share > 0 ? "▏" : EIGHTHS[eighths & 7]!);
  return "#".repeat(share > 0 ? Math.max(1, Math.round(share * room)) : 0);
}
