// What was done: a log for people, and the circuit breaker that it feeds.

import { appendFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { configDirectory } from "../claude/places.ts";
import { makeDirectory, readText, writeAtomic } from "../system/files.ts";
import { state } from "../system/places.ts";
import { DAY } from "../system/units.ts";
import { type Outcome, type Result, writeResult } from "./claims.ts";

export const logsDirectory = (): string => join(configDirectory(), "resume-logs");
export const logFile = (): string => join(logsDirectory(), "resumes.jsonl");

/** One line of the log. `at` is ISO 8601; `why` holds the reasons in words. */
export type Entry = {
  at: string;
  event: "start" | "outcome" | "pass" | "stop" | "go";
  session: string | null;
  by: "person" | "supervise";
  outcome?: Outcome;
  why: string | null;
};

/** Adds a line. A log that cannot be written (full disk) does not stop what it tells of. */
export function note(entry: Omit<Entry, "at">): void {
  try {
    makeDirectory(logsDirectory());
    appendFileSync(logFile(), `${JSON.stringify({ at: new Date().toISOString(), ...entry })}\n`, {
      mode: 0o600,
    });
  } catch {
    // see above
  }
}

const TAIL = 512 * 1024;

/** How many sessions supervise has started in the last 24 hours. A start dated into the future counts too. */
export function startedToday(now: number): number {
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

/** Why supervise starts nothing until a person has looked: `failures` counts those in a row. */
export type Breaker = { open: boolean; why: string | null; at: number; failures: number };
const CLOSED: Breaker = { open: false, why: null, at: 0, failures: 0 };
const MOST_FAILURES = 3;

const breakerFile = (): string => join(state(), "breaker.json");

export function breaker(): Breaker {
  try {
    const { open, why, at, failures } = JSON.parse(readText(breakerFile()));
    return { open: open === true, why: why ?? null, at: Number(at) || 0, failures: Number(failures) || 0 };
  } catch {
    return CLOSED;
  }
}

/** Lets supervise start sessions again; whether it was stopped. */
export function closeBreaker(): boolean {
  const was = breaker();
  if (was.open || was.failures > 0) writeAtomic(breakerFile(), `${JSON.stringify(CLOSED)}\n`);
  return was.open;
}

/** Keeps what became of a try: beside its claim, in the log, and for the breaker. */
export function record(session: string, n: number, result: Result, by: Entry["by"]): void {
  writeResult(session, n, result);
  note({ event: "outcome", session, by, outcome: result.outcome, why: result.detail });
  if (result.outcome === "continued") {
    if (closeBreaker()) note({ event: "go", session, by, why: "a session was continued" });
    return;
  }
  if (result.outcome !== "failed" && result.outcome !== "needs-login") return;
  const failures = breaker().failures + 1;
  const login = result.outcome === "needs-login";
  const open = login || failures >= MOST_FAILURES;
  const why = login
    ? "the login has expired"
    : `${failures} failures in a row: ${result.detail ?? "no reason given"}`;
  writeAtomic(
    breakerFile(),
    `${JSON.stringify({ open, why: open ? why : null, at: result.at, failures })}\n`,
  );
  if (open) note({ event: "stop", session, by, why });
}
