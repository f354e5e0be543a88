import { DAY, HOUR, MINUTE, SECOND, WEEK } from "../system/units.ts";
import { type Call, stringFlag } from "./command.ts";
import { invalidValue } from "./usage-error.ts";

const UNITS = { ms: 1, s: SECOND, m: MINUTE, h: HOUR, d: DAY, w: WEEK } as const;
type Unit = keyof typeof UNITS;

/** The largest distance (ms) from 1970 that a Date can hold. */
const LAST_DATE = 8.64e15;

type TimeOptions = {
  now: number;
  /** whether `2h` is in two hours or two hours ago, and `18:00` the next one or the last one */
  direction: "future" | "past";
};

/**
 * Returns a duration such as `90m`, `1.5h` or `2w` in ms, or null when the text is none. `unit` is the unit of a number
 * that has none; without it such a number is refused.
 */
export function parseDuration(text: string, unit?: Unit): number | null {
  const [, amount, given = unit] = /^(\d+(?:\.\d+)?)\s*(ms|[smhdw])?$/.exec(text.trim()) ?? [];
  if (amount === undefined || given === undefined) return null;
  const duration = Number(amount) * UNITS[given as Unit];
  return duration <= LAST_DATE ? duration : null;
}

/**
 * Returns the epoch ms of a time as people type it, or null when the text is none: a duration from now (`2h`), a time of
 * day (`18:00`), a month or day (`2026-01-31`), or a day with a time of day (`2026-11-21 09:00`, ISO 8601).
 */
export function parseTime(text: string, { now, direction }: TimeOptions): number | null {
  const words = text.trim();
  const sign = direction === "future" ? 1 : -1;
  const duration = parseDuration(sign > 0 ? words.replace(/^\+/, "") : words);
  const at = duration === null ? (timeOfDay(words, now, sign) ?? parseDate(words)) : now + sign * duration;
  return at !== null && Math.abs(at) <= LAST_DATE ? at : null;
}

/** The next (`sign` 1) or the last (-1) time that this machine's clock shows `18:00`. */
function timeOfDay(words: string, now: number, sign: 1 | -1): number | null {
  const [, hour, minute] = /^(\d{1,2}):(\d\d)$/.exec(words) ?? [];
  if (hour === undefined || Number(hour) > 23 || Number(minute) > 59) return null;
  const at = new Date(now);
  at.setHours(Number(hour), Number(minute), 0, 0);
  if (sign * (at.getTime() - now) <= 0) at.setDate(at.getDate() + sign);
  return at.getTime();
}

function parseDate(words: string): number | null {
  const [, month, day] = /^(\d{4}-\d\d)(-\d\d)?$/.exec(words) ?? [];
  if (month === undefined) {
    const at = /^\d{4}-\d\d-\d\d/.test(words) ? Date.parse(words) : Number.NaN;
    return Number.isNaN(at) ? null : at;
  }
  const date = month + (day ?? "-01");
  // Date.parse takes 30 February for 2 March.
  const exists = new Date(Date.parse(`${date}T00:00Z`) || 0).toISOString().startsWith(date);
  return exists ? Date.parse(`${date}T00:00`) : null;
}

const TIME_EXAMPLES = {
  future: 'a time such as 18:00, 2h, 3d or "2026-11-21 09:00"',
  past: "a duration such as 12h, 7d or 2w, or a date such as 2026-01-31",
} as const;

/** Returns the epoch ms that a flag names, undefined when it is not given. Throws a Problem for a bad value. */
export function timeFlag(call: Call, flag: string, options: TimeOptions): number | undefined {
  const text = stringFlag(call, flag);
  if (text === undefined) return undefined;
  const at = parseTime(text, options);
  if (at === null) throw invalidValue(`--${flag}`, text, TIME_EXAMPLES[options.direction]);
  return at;
}

/** Returns the duration (ms) that a flag names, undefined when it is not given. Throws a Problem for a bad value. */
export function durationFlag(
  call: Call,
  flag: string,
  { unit, example }: { unit?: Unit; example: string },
): number | undefined {
  const text = stringFlag(call, flag);
  if (text === undefined) return undefined;
  const duration = parseDuration(text, unit);
  if (duration === null) throw invalidValue(`--${flag}`, text, `a duration such as ${example}`);
  return duration;
}
