// The log of what was resumed, for people; also how many sessions were started today.

import { appendFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { configDirectory } from "../claude/places.ts";
import { makeDirectory, readText } from "../system/files.ts";
import { DAY } from "../system/units.ts";
import type { Outcome } from "./claims.ts";

/** Holds the log, and the output of sessions that are resumed without tmux. */
export const logsDirectory = (): string => join(configDirectory(), "resume-logs");
/** One JSON object for each line. */
export const logFile = (): string => join(logsDirectory(), "resumes.jsonl");

/** One line of the log. `at` is ISO 8601; `why` is the reason in words. */
export type Entry = {
  at: string;
  event: "start" | "outcome" | "pass" | "stop" | "go";
  session: string | null;
  by: "person" | "supervise";
  outcome?: Outcome;
  why: string | null;
};

/** Adds a line. A log that cannot be written (full disk) is no reason to stop. */
export function appendLog(entry: Omit<Entry, "at">): void {
  try {
    makeDirectory(logsDirectory());
    appendFileSync(logFile(), `${JSON.stringify({ at: new Date().toISOString(), ...entry })}\n`, {
      mode: 0o600,
    });
  } catch {
    // see above
  }
}

/** How many bytes of the log's end are read. */
const TAIL = 512 * 1024;

/** How many sessions `ccr supervise` has started in the last 24 hours. A start dated in the future counts too. */
export function countStartedToday(now: number): number {
  let text: string;
  try {
    const { size } = statSync(logFile());
    text = readText(logFile()).slice(size > TAIL ? -TAIL : 0);
  } catch {
    return 0;
  }
  let count = 0;
  for (const line of text.split("\n")) {
    if (!line.includes('"event":"start"') || !line.includes('"by":"supervise"')) continue;
    const at = Date.parse(/"at":"([^"]+)"/.exec(line)?.[1] ?? "");
    if (at > now - DAY) count++;
  }
  return count;
}
