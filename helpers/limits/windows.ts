// The account's usage windows: as the status line reports them, or estimated from the transcripts.

import { closeSync, fstatSync, openSync } from "node:fs";
import { join } from "node:path";
import { linesBackward } from "../claude/lines.ts";
import { API_ERROR, ASSISTANT_ROW, timestampIn } from "../claude/row-marks.ts";
import { object } from "../claude/rows.ts";
import { readText, writeAtomic } from "../system/files.ts";
import { state } from "../system/places.ts";
import { HOUR } from "../system/units.ts";
import type { Verdict } from "./verdict.ts";
import { toMilliseconds } from "./wordings.ts";

/** Times are epoch ms; `at` is when the values were read. An estimate knows the reset, but not how much is used. */
export type Window = {
  window: string;
  usedPercent: number | null;
  resetsAt: number | null;
  source: "statusline" | "estimate";
  at: number;
};

const FIVE_HOURS = 5 * HOUR;
const windowsFile = (): string => join(state(), "windows.json");

/** The windows of a status line's input (docs/developing/claude-code-format.md, "Status line and hooks"), or an empty list. */
export function windowsIn(input: unknown, now: number): Window[] {
  const limits = object(object(input)?.rate_limits) ?? {};
  return Object.entries(limits).flatMap(([window, value]) => {
    const limit = object(value);
    const used = limit?.used_percentage;
    if (!limit || !/^[\w-]{1,64}$/.test(window)) return [];
    const usedPercent = typeof used === "number" && Number.isFinite(used) ? used : null;
    return [
      { window, usedPercent, resetsAt: toMilliseconds(limit.resets_at), source: "statusline", at: now },
    ];
  });
}

const SAME_FOR = 60_000;

/** Saves what a status line received. Unchanged values are written at most once a minute. */
export function saveWindows(windows: readonly Window[], now: number): void {
  if (windows.length === 0) return;
  const old = stored();
  const same = windows.every((window) =>
    old.some(
      (one) =>
        one.window === window.window &&
        one.usedPercent === window.usedPercent &&
        one.resetsAt === window.resetsAt &&
        Math.abs(now - one.at) < SAME_FOR,
    ),
  );
  if (same) return;
  const kept = old.filter((one) => !windows.some(({ window }) => window === one.window));
  writeAtomic(windowsFile(), `${JSON.stringify({ windows: [...windows, ...kept] })}\n`);
}

function stored(): Window[] {
  try {
    const list = JSON.parse(readText(windowsFile())).windows;
    return Array.isArray(list)
      ? list.filter((one) => typeof one?.window === "string" && typeof one.at === "number")
      : [];
  } catch {
    return [];
  }
}

const LONGEST = 8 * 24 * HOUR;

/** The saved windows that have not been reset since. */
export const reportedWindows = (now: number): Window[] =>
  stored().filter(
    ({ resetsAt, at }) => (resetsAt === null ? now - at < FIVE_HOURS : resetsAt > now) && now - at < LONGEST,
  );

/** The windows of limits whose reset is still to come: they are used up. */
export function exhaustedWindows(verdicts: Iterable<Verdict>, now: number): Window[] {
  const found = new Map<string, Window>();
  for (const verdict of verdicts) {
    if (verdict.state !== "limited" || verdict.resetsAt === null || verdict.resetsAt <= now) continue;
    const { window, resetsAt, at } = verdict;
    const other = found.get(window);
    if (window === "unknown" || (other?.at ?? 0) > (at ?? 0)) continue;
    found.set(window, { window, usedPercent: 100, resetsAt, source: "estimate", at: at ?? now });
  }
  return [...found.values()];
}

/** How far back (ms) the beginning of a block is searched, and how many bytes of each transcript. */
const LOOK_BACK = 15 * HOUR;
const MOST = 2 * 1024 * 1024;

/**
 * The 5-hour block that is running, from the times of messages: it begins with the first message (its full hour)
 * after the block before it, or after five hours of silence. Null: none is running.
 */
export function currentBlock(times: readonly number[], now: number): Window | null {
  let start: number | null = null;
  let before = 0;
  for (const at of [...times].sort((a, b) => a - b)) {
    if (at > now) break;
    if (start === null || at >= start + FIVE_HOURS || at - before >= FIVE_HOURS) start = at - (at % HOUR);
    before = at;
  }
  if (start === null || now >= start + FIVE_HOURS) return null;
  return {
    window: "five_hour",
    usedPercent: null,
    resetsAt: start + FIVE_HOURS,
    source: "estimate",
    at: now,
  };
}

/** Times of the messages in the end of a transcript, of the last 15 hours. */
export function messageTimes(path: string, now: number): number[] {
  const times: number[] = [];
  const fd = openSync(path, "r");
  try {
    for (const { bytes } of linesBackward(fd, fstatSync(fd).size, 65_536, MOST)) {
      if (!bytes?.includes(ASSISTANT_ROW) || bytes.includes(API_ERROR)) continue;
      const time = timestampIn(bytes);
      if (time < now - LOOK_BACK) break;
      if (time <= now) times.push(time);
    }
  } finally {
    closeSync(fd);
  }
  return times;
}

/** After this time (ms) in a block to warn when the usage is unknown. */
const WARN_AFTER = 4.5 * HOUR;

/** Windows that are nearly used up, each with the key under which it is announced once. */
export function nearlyUsedUp(
  windows: readonly Window[],
  percent: number,
  now: number,
): { key: string; window: Window }[] {
  return windows
    .filter(({ usedPercent, resetsAt, window }) =>
      usedPercent === null
        ? window === "five_hour" && resetsAt !== null && now >= resetsAt - FIVE_HOURS + WARN_AFTER
        : usedPercent >= percent,
    )
    .map((window) => ({
      key: `${window.window} ${Math.round((window.resetsAt ?? 0) / (HOUR / 6))}`,
      window,
    }));
}

const toldFile = (): string => join(state(), "told.json");

/** Returns the warnings that were not given before, and marks them as given. */
export function notYetWarned(keys: readonly string[]): string[] {
  let told: string[] = [];
  try {
    const list = JSON.parse(readText(toldFile()));
    if (Array.isArray(list)) told = list.filter((key) => typeof key === "string");
  } catch {
    // nothing was told yet
  }
  const fresh = keys.filter((key) => !told.includes(key));
  if (fresh.length > 0) writeAtomic(toldFile(), `${JSON.stringify([...fresh, ...told].slice(0, 50))}\n`);
  return fresh;
}

const NAMES: Record<string, string> = {
  five_hour: "5-hour",
  seven_day: "weekly",
  seven_day_opus: "weekly Opus",
  seven_day_sonnet: "weekly Sonnet",
  seven_day_overage_included: "weekly Fable",
};

/** The name of a window for people. */
export const nameOfWindow = (window: string): string =>
  NAMES[window] ?? (window === "unknown" ? "usage" : window.replaceAll("_", " "));
