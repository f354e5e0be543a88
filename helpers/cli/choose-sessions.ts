import type { ExportOptions } from "../archive/export.ts";
import { readContext } from "../sessions/context.ts";
import { startOf } from "../sessions/session.ts";
import { type Entry, newest, timeOfEntry, transcripts } from "../sessions/store.ts";
import { Problem } from "../system/problem.ts";
import { progress } from "../terminal/progress.ts";
import { type Call, type Flag, isSet, stringFlag } from "./command.ts";
import { timeFlag } from "./parse-time.ts";
import { resolveEntry } from "./resolve-session.ts";
import { VERSION } from "./version.ts";

/** Flags that choose sessions, and {@link chooseSessions} that follows them. */
export const SESSION_FLAGS: Record<string, Flag> = {
  all: { type: "boolean", description: "all sessions" },
  project: {
    type: "string",
    value: "name",
    description: "sessions of projects whose path has this in it",
    completes: "project",
  },
  "older-than": {
    type: "string",
    value: "90d",
    description: "sessions that were not written to for so long",
  },
};

/** The sessions that words and flags choose, newest first. */
export function chooseSessions(call: Call, words: readonly string[]): Entry[] {
  const project = stringFlag(call, "project");
  const age = stringFlag(call, "older-than");
  if (words.length > 0) {
    const named = words.map((word) => resolveEntry(word));
    return named.filter(({ id }, i) => named.findIndex((other) => other.id === id) === i);
  }
  if (!isSet(call, "all") && project === undefined && age === undefined) {
    throw new Problem("usage", "which session?", { hint: ["ccr-list", "or all of them: --all"], exit: 2 });
  }
  const before =
    timeFlag(call, "older-than", { now: Date.now(), direction: "past" }) ?? Number.POSITIVE_INFINITY;
  return newest(
    transcripts(),
    Number.POSITIVE_INFINITY,
    (entry) =>
      timeOfEntry(entry) < before &&
      (project === undefined || (startOf(entry) ?? "").toLowerCase().includes(project.toLowerCase())),
  );
}

/** What every writer of archives needs. */
export const archiveOptions = (call: Call): ExportOptions => {
  const { live } = readContext();
  return {
    ccr: VERSION,
    running: (id) => live.has(id),
    onSkipped: warnLeftOut(call),
    startProgress: () => progress(),
  };
};

/** Tells of a file that no archive takes: the rest of its session goes without it. */
export const warnLeftOut = (call: Call) => (path: string) =>
  call.warn(new Problem("left-out", `a file with a name that cannot be kept is left out: ${path}`));
