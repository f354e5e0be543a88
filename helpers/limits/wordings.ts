// The one table of what Claude Code writes when a turn ends on an error of the service, with the CLI versions it was
// seen in ("doc": only in the CLI's own list or in public issues). Pure; nothing is compiled or looked up at load.

import { DAY, HOUR } from "../system/units.ts";

/** Why a session stopped on an error that is no usage limit. Each is told apart; none is ever resumed by itself. */
export type Cause =
  | "spend-limit"
  | "credits"
  | "login"
  | "payment"
  | "overloaded"
  | "server-error"
  | "throttle"
  | "api-key-429"
  | "request";

/** What a text means: a window's name for a usage limit, or a cause. */
export type Meaning = { limit: string } | { cause: Cause };

/** `needsReset`: a limit only where a reset time is named, else the cause. */
type Wording = { text: RegExp; window?: string; cause?: Cause; needsReset?: true; versions: string };

/** In this order; the first that fits. The name of a `{name} limit` is looked up in {@link WINDOWS}. */
export const WORDINGS: readonly Wording[] = [
  { text: /^Claude AI usage limit reached\|0*$/, cause: "throttle", versions: "1.0.15-2.0.2" },
  { text: /^Claude (?:AI |Pro |Max )?usage limit reached/, window: "unknown", versions: "1.0.15-2.0.2" },
  {
    text: /^Spending cap reached/,
    window: "unknown",
    cause: "spend-limit",
    needsReset: true,
    versions: "1.0.109-2.0.50",
  },
  { text: /^You've hit your fast limit/, cause: "throttle", versions: "2.1.329 doc" },
  { text: /^([\w-]+(?: weekly)?) limit reached/, versions: "1.0.109-2.0.50" },
  { text: /^You've (?:hit|reached) your ((?:[\w.-]+ ){0,4})(?:limit|cap)\b/, versions: "2.0.72-2.1.329" },
  {
    text: /^You're out of (?:usage credits|extra usage)/,
    window: "unknown",
    cause: "credits",
    needsReset: true,
    versions: "2.1.5-2.1.329 doc",
  },
  {
    text: /^Your org is out of usage/,
    window: "unknown",
    cause: "credits",
    needsReset: true,
    versions: "2.1.329 doc",
  },
  { text: /^Your seat type doesn't include usage/, cause: "credits", versions: "2.1.329 doc" },
  { text: /^Your usage allocation has been disabled/, cause: "spend-limit", versions: "2.1.329 doc" },
  { text: /^Your group's usage limit is set to \$0/, cause: "spend-limit", versions: "2.1.329 doc" },
  { text: /^.{1,60} requires usage credits/, cause: "credits", versions: "2.1.329 doc" },
  { text: /not your usage limit/, cause: "throttle", versions: "2.1.119-2.1.329" },
  { text: /^API Error: Rate limit reached/, cause: "throttle", versions: "2.0.50-2.1.75" },
  { text: /^API Error: Request rejected \(429\)/, cause: "api-key-429", versions: "2.1.329" },
  { text: /specified (?:API|workspace API) usage limits/, cause: "spend-limit", versions: "2.1.329" },
  { text: /credit balance is too low/, cause: "credits", versions: "2.1.329" },
  { text: /payment is past due/, cause: "payment", versions: "2.1.329" },
  {
    text: /run \/login|^Failed to authenticate|^Not logged in|^Login expired|^Invalid API key|^API Error: 401|authentication_error|OAuth token (?:revoked|has expired)/,
    cause: "login",
    versions: "1.0.109-2.1.329",
  },
  { text: /^API Error: 529|overloaded/, cause: "overloaded", versions: "1.0.109-2.1.329" },
  { text: /^API Error: 5\d\d/, cause: "server-error", versions: "2.1.329" },
  { text: /^API Error: 429/, cause: "throttle", versions: "1.0.109 doc" },
];

/** Names of windows in texts. A model's name counts wherever it stands (`Opus weekly`, `Fable 5`). */
const WINDOWS: readonly (readonly [name: RegExp, window: string, versions: string])[] = [
  [/spend|credit|budget|overage/, "overage", "2.1.329"],
  [/^(?:5-hour|five-hour|session)$/, "five_hour", "1.0.109-2.1.329"],
  [/opus/, "seven_day_opus", "2.0.50-2.1.329"],
  [/sonnet/, "seven_day_sonnet", "2.1.329"],
  [/fable/, "seven_day_overage_included", "2.1.329"],
  [/^(?:weekly|7-day)$/, "seven_day", "1.0.109-2.1.329"],
];

const windowOf = (name: string): string =>
  WINDOWS.find(([pattern]) => pattern.test(name.trim().toLowerCase()))?.[1] ?? "unknown";

/** Straight quotes, plain blanks (the CLI's clock can hold a narrow no-break space), nothing around. */
export const normalize = (text: string): string =>
  text
    .slice(0, LONGEST)
    .replace(/[\u2018\u2019]/g, "'")
    .replace(/[\s\u00a0\u2000-\u200a\u202f]+/g, " ")
    .trim();
const LONGEST = 2000;

/** What a text (already {@link normalize}) of an error row says, or null where no wording fits. */
export function meaningOf(text: string): Meaning | null {
  for (const { text: pattern, window, cause, needsReset } of WORDINGS) {
    const match = pattern.exec(text);
    if (!match) continue;
    if (cause && !(needsReset && clockIn(text))) return { cause };
    const limit = window ?? windowOf(match[1] ?? "");
    if (limit !== "overage") return { limit };
    // A spend cap beside a plan's window: the window's reset lets the session go on.
    const beside = /\byour ([\w -]{0,40}?)limit resets /.exec(text);
    return beside ? { limit: windowOf(beside[1]!) } : { cause: "spend-limit" };
  }
  return null;
}

/** Epoch seconds of `Claude AI usage limit reached|<epoch>`, in milliseconds; null where there is none. */
export function epochIn(text: string): number | null {
  const digits = /^Claude (?:AI )?usage limit reached\|(\d{1,13})/.exec(text)?.[1];
  return digits ? toMilliseconds(Number(digits)) : null;
}

/** Epoch seconds (or milliseconds, told by their size) to milliseconds; null for what is no time. */
export function toMilliseconds(epoch: unknown): number | null {
  const value = typeof epoch === "string" && /^\d{1,13}$/.test(epoch) ? Number(epoch) : epoch;
  if (typeof value !== "number" || !(value > 0)) return null;
  const ms = value < 1e11 ? value * 1000 : value;
  return ms <= 8.64e15 ? Math.round(ms) : null;
}

/** A wall clock as a text names it. `month` from 0, `weekday` from 0 = Sunday; no zone = this machine's. */
export type Clock = {
  year?: number;
  month?: number;
  day?: number;
  weekday?: number;
  hour: number;
  minute: number;
  zone?: string;
};

const MONTHS = "janfebmaraprmayjunjulaugsepoctnovdec";
const DAYS = "sunmontuewedthufrisat";
const CLOCK =
  /\bresets? (?:at |on )?(?:(?:(sun|mon|tue|wed|thu|fri|sat)[a-z]*,? )?(?:(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.? (\d{1,2})(?:st|nd|rd|th)?(?:,? (\d{4}))?)?(?:,? at |, | )?)?(\d{1,2})(?::(\d\d))?(?::\d\d)? ?([ap])?\.?(?:m\b)?\.?(?: ?\(([\w/+:-]{1,64})\))?/gi;

/** The last clock time that a text (already {@link normalize}) says something resets at, or null. */
export function clockIn(text: string): Clock | null {
  let found: Clock | null = null;
  for (const [, weekday, month, day, year, hour, minute, half, zone] of text.matchAll(CLOCK)) {
    // "resets 3" alone is no time
    if (!half && minute === undefined) continue;
    const h = hourOf(Number(hour), half);
    const m = Number(minute ?? 0);
    if (h === null || m > 59 || Number(day ?? 1) < 1 || Number(day ?? 1) > 31) continue;
    found = { hour: h, minute: m };
    if (weekday) found.weekday = DAYS.indexOf(weekday.toLowerCase()) / 3;
    if (month) {
      found.month = MONTHS.indexOf(month.toLowerCase()) / 3;
      found.day = Number(day);
    }
    if (year) found.year = Number(year);
    if (zone) found.zone = zone;
  }
  return found;
}

/** The hour from 0 to 23; `half` is the letter of am or pm. Null for an hour that does not exist. */
function hourOf(hour: number, half: string | undefined): number | null {
  if (!half) return hour > 23 ? null : hour;
  if (hour < 1 || hour > 12) return null;
  return (hour % 12) + (half.toLowerCase() === "p" ? 12 : 0);
}

/** Wall clock of an instant, as if it were UTC (epoch ms). Null: no such zone. */
type Wall = (instant: number) => number;

const machine: Wall = (instant) => instant - new Date(instant).getTimezoneOffset() * 60_000;

const walls = new Map<string, Wall | null>();

function wallOf(zone: string | undefined): Wall | null {
  if (zone === undefined || zone === process.env.TZ) return machine;
  const known = walls.get(zone);
  if (known !== undefined) return known;
  const wall = makeWall(zone);
  if (walls.size < 1000) walls.set(zone, wall);
  return wall;
}

function makeWall(zone: string): Wall | null {
  if (/^(?:UTC|GMT|Etc\/UTC|Etc\/GMT|Z)$/i.test(zone)) return (instant) => instant;
  const offset = /^(?:UTC|GMT)?([+-])(\d{1,2})(?::?(\d\d))?$/i.exec(zone);
  if (offset) {
    const ahead = (Number(offset[2]) * HOUR + Number(offset[3] ?? 0) * 60_000) * (offset[1] === "-" ? -1 : 1);
    return (instant) => instant + ahead;
  }
  try {
    // Intl costs 15 ms at its first use: only for a zone that is neither UTC nor this machine's.
    const format = new Intl.DateTimeFormat("en-US", {
      timeZone: zone,
      calendar: "gregory",
      numberingSystem: "latn",
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
    return (instant) => {
      const part: Record<string, number> = {};
      for (const { type, value } of format.formatToParts(instant)) part[type] = Number(value);
      return Date.UTC(part.year!, part.month! - 1, part.day!, part.hour!, part.minute!, part.second!);
    };
  } catch {
    return null;
  }
}

/** The instants at which a zone's clocks show a time: two where they are turned back, none where they jump over it. */
function instantsOf(wall: Wall, shown: number): number[] {
  const offsets = new Set([-DAY, 0, DAY].map((by) => wall(shown + by) - (shown + by)));
  return [...offsets].map((offset) => shown - offset).filter((instant) => wall(instant) === shown);
}

/**
 * The first instant (epoch ms) strictly after `after` at which the clock shows that time; for a clock with a year
 * the instant itself. Null: no such zone or day, or nothing to count from.
 */
export function instantOf(clock: Clock, after: number | null): number | null {
  const wall = wallOf(clock.zone);
  if (!wall) return null;
  const { year, month, day, weekday, hour, minute } = clock;
  const time = hour * HOUR + minute * 60_000;
  if (year !== undefined && month !== undefined) {
    const shown = dayOf(year, month, day ?? 1);
    if (shown === null) return null;
    const [first] = instantsOf(wall, shown + time).sort((a, b) => a - b);
    return first ?? shown + time - (wall(shown) - shown);
  }
  if (after === null || Math.abs(after) > 8e15) return null;
  const today = new Date(wall(after));
  for (let step = -1; step <= 9; step++) {
    const start =
      month === undefined
        ? Date.UTC(today.getUTCFullYear(), today.getUTCMonth(), today.getUTCDate() + step)
        : dayOf(today.getUTCFullYear() + step, month, day ?? 1);
    if (
      start === null ||
      (month === undefined && weekday !== undefined && new Date(start).getUTCDay() !== weekday)
    )
      continue;
    const next = instantsOf(wall, start + time)
      .filter((instant) => instant > after)
      .sort((a, b) => a - b)[0];
    if (next !== undefined) return next;
  }
  return null;
}

/** Midnight of a day as if in UTC, or null for a day that is none (Feb 30). */
function dayOf(year: number, month: number, day: number): number | null {
  const start = Date.UTC(year, month, day);
  return new Date(start).getUTCMonth() === month ? start : null;
}
