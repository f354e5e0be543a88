// After an expired login, or several failures in a row, `ccr supervise` starts nothing until a person has looked.

import { join } from "node:path";
import { readText, writeAtomic } from "../system/files.ts";
import { state } from "../system/places.ts";
import type { Result } from "./claims.ts";
import { appendLog, type Entry } from "./resume-log.ts";

/** `open`: nothing is started. `failures` counts those in a row. `at` is epoch ms. */
export type Breaker = { open: boolean; why: string | null; at: number; failures: number };

const CLOSED: Breaker = { open: false, why: null, at: 0, failures: 0 };
const MAX_FAILURES = 3;

const breakerFile = (): string => join(state(), "breaker.json");

/** Reads the breaker. It is closed when its file is missing or damaged. */
export function readBreaker(): Breaker {
  try {
    const { open, why, at, failures } = JSON.parse(readText(breakerFile()));
    return { open: open === true, why: why ?? null, at: Number(at) || 0, failures: Number(failures) || 0 };
  } catch {
    return CLOSED;
  }
}

const writeBreaker = (breaker: Breaker): void => writeAtomic(breakerFile(), `${JSON.stringify(breaker)}\n`);

/** Lets `ccr supervise` start sessions again. False when it was not stopped. */
export function closeBreaker(): boolean {
  const { open, failures } = readBreaker();
  if (open || failures > 0) writeBreaker(CLOSED);
  return open;
}

/** Counts the result of an attempt: a success closes the breaker; a failure may open it. */
export function updateBreaker(session: string, { outcome, detail, at }: Result, by: Entry["by"]): void {
  if (outcome === "continued" && closeBreaker())
    appendLog({ event: "go", session, by, why: "a session was resumed" });
  if (outcome !== "failed" && outcome !== "needs-login") return;
  const failures = readBreaker().failures + 1;
  const open = outcome === "needs-login" || failures >= MAX_FAILURES;
  const why =
    outcome === "needs-login"
      ? "the login has expired"
      : `${failures} failures in a row: ${detail ?? "no reason given"}`;
  writeBreaker({ open, why: open ? why : null, at, failures });
  if (open) appendLog({ event: "stop", session, by, why });
}
