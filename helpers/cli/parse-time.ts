import { Problem } from "../system/problem.ts";
import { DAY } from "../system/units.ts";

const UNITS = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/**
 * An instant as people type it: `18:00` (the next one), `2026-11-21 09:00`, ISO 8601, or a length of time from now
 * (`90m`, `2h`, `3d`). Epoch ms, on this machine's clock. Throws a Problem for anything else.
 */
export function parseTime(words: string, now: number): number {
  const text = words.trim();
  const [, amount, unit] = /^\+?(\d+(?:\.\d+)?) ?([mhd])$/.exec(text) ?? [];
  if (amount !== undefined) return now + Number(amount) * UNITS[unit as keyof typeof UNITS];
  const [, hour, minute] = /^(\d{1,2}):(\d\d)$/.exec(text) ?? [];
  if (hour !== undefined && Number(hour) < 24 && Number(minute) < 60) {
    const at = new Date(now);
    at.setHours(Number(hour), Number(minute), 0, 0);
    if (at.getTime() <= now) at.setDate(at.getDate() + 1);
    return at.getTime();
  }
  const at = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text.replace(" ", "T")) : Number.NaN;
  if (Number.isFinite(at)) return at;
  throw new Problem("usage", `"${words}" is no time.`, {
    hint: 'like 18:00, 2h, 3d or "2026-11-21 09:00"',
    exit: 2,
  });
}

/** A length of time as people type it: `7d`, `36h`, `90m`, a bare number of days. In ms; null where it is none. */
export function parseDuration(words: string): number | null {
  const [, amount, unit = "d"] = /^(\d+(?:\.\d+)?) ?([dhm])?$/.exec(words.trim()) ?? [];
  if (amount === undefined) return null;
  return Number(amount) * { d: DAY, h: DAY / 24, m: 60_000 }[unit as "d" | "h" | "m"];
}
