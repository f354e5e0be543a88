// What a person has said about single sessions: hold it, or continue it at a time. One small file each.

import { readdirSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { readText, writeAtomic } from "../system/files.ts";
import { state } from "../system/places.ts";
import { errno } from "../system/problem.ts";
import type { Hold, Scheduled } from "./plan.ts";

const folder = (kind: "holds" | "plans"): string => join(state(), kind);
/** The hold of all sessions has this name in place of an id. */
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

export function hold(session: string, until: number | null): void {
  writeAtomic(join(folder("holds"), `${session}.json`), `${JSON.stringify({ until })}\n`);
}

/** Whether there was a hold to lift. */
export const release = (session: string): boolean => remove(join(folder("holds"), `${session}.json`));

/** The hold of a session: its own, or that of all. */
export function getHold(session: string): Hold | null {
  const own = readJson<Hold>(join(folder("holds"), `${session}.json`));
  return own ?? (session === ALL ? null : getHold(ALL));
}

/** Plans a session for a time (null: its reset). The plan's id tells it from an earlier plan of the same session. */
export function schedule(session: string, at: number | null): void {
  const later: Scheduled = { id: `plan-${Date.now()}`, at };
  writeAtomic(join(folder("plans"), `${session}.json`), `${JSON.stringify(later)}\n`);
}

export const unschedule = (session: string): boolean => remove(join(folder("plans"), `${session}.json`));

export function getScheduled(session: string): Scheduled | null {
  const later = readJson<Scheduled>(join(folder("plans"), `${session}.json`));
  return later && typeof later.id === "string"
    ? { id: later.id, at: typeof later.at === "number" ? later.at : null }
    : null;
}

const idsIn = (kind: "holds" | "plans"): string[] => {
  try {
    return readdirSync(folder(kind)).flatMap((name) => (name.endsWith(".json") ? [name.slice(0, -5)] : []));
  } catch {
    return [];
  }
};
export const scheduledIds = (): string[] => idsIn("plans");
export const heldIds = (): string[] => idsIn("holds");
