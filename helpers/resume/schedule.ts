// What a person decided about single sessions: paused, or scheduled for a time. One small file for each.

import { readdirSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { readText, writeAtomic } from "../system/files.ts";
import { state } from "../system/places.ts";
import { errno } from "../system/problem.ts";
import type { Pause, Scheduled } from "./plan.ts";

const folder = (kind: "holds" | "plans"): string => join(state(), kind);
/** Stands for the id where all sessions are paused. */
export const ALL = "all";

function readJson<T>(path: string): T | null {
  try {
    const value = JSON.parse(readText(path));
    return typeof value === "object" && value !== null ? value : null;
  } catch {
    return null;
  }
}

function remove(path: string): boolean {
  try {
    unlinkSync(path);
    return true;
  } catch (error) {
    if (errno(error) === "ENOENT") return false;
    throw error;
  }
}

/** Pauses automatic resuming of a session until a time (epoch ms), or until further notice (null). */
export function setPause(session: string, until: number | null): void {
  writeAtomic(join(folder("holds"), `${session}.json`), `${JSON.stringify({ until })}\n`);
}

/** Ends the pause of a session. False when it was not paused. */
export const clearPause = (session: string): boolean => remove(join(folder("holds"), `${session}.json`));

/** The pause of a session: its own, or that of all sessions. Null when neither exists. */
export function getPause(session: string): Pause | null {
  const own = readJson<Pause>(join(folder("holds"), `${session}.json`));
  return own ?? (session === ALL ? null : getPause(ALL));
}

/** Schedules a session for a time (null: its reset). The id distinguishes it from earlier schedules of the session. */
export function schedule(session: string, at: number | null): void {
  const scheduled: Scheduled = { id: `plan-${Date.now()}`, at };
  writeAtomic(join(folder("plans"), `${session}.json`), `${JSON.stringify(scheduled)}\n`);
}

/** Removes the schedule of a session. False when it has none. */
export const unschedule = (session: string): boolean => remove(join(folder("plans"), `${session}.json`));

/** When a session is scheduled. Null when it is not. */
export function getScheduled(session: string): Scheduled | null {
  const scheduled = readJson<Scheduled>(join(folder("plans"), `${session}.json`));
  return scheduled && typeof scheduled.id === "string"
    ? { id: scheduled.id, at: typeof scheduled.at === "number" ? scheduled.at : null }
    : null;
}

/** Ids of the sessions that a person has scheduled. */
export function scheduledIds(): string[] {
  try {
    return readdirSync(folder("plans")).flatMap((name) =>
      name.endsWith(".json") ? [name.slice(0, -".json".length)] : [],
    );
  } catch {
    return [];
  }
}
