import type { ExportOptions } from "../archive/export.ts";
import { readContext } from "../sessions/context.ts";
import { startDirectoryOf } from "../sessions/session.ts";
import { type Entry, newest, timeOfEntry, transcripts } from "../sessions/store.ts";
import { Problem } from "../system/problem.ts";
import { progress } from "../terminal/progress.ts";
import { type Call, type Flag, isSet, stringFlag } from "./command.ts";
import { timeFlag } from "./parse-time.ts";
import { resolveEntry } from "./resolve-session.ts";
import { usageError } from "./usage-error.ts";
import { VERSION } from "./version.ts";

/** Flags that choose sessions; {@link chooseSessions} reads them. */
export const SESSION_FLAGS: Record<string, Flag> = {
  all: { type: "boolean", description: "all sessions" },
  project: {
    type: "string",
    value: "name",
    description: "sessions of projects whose path contains this",
    completes: "project",
  },
  "older-than": {
    type: "string",
    value: "90d",
    description: "sessions that nobody has used for this long",
  },
};

/** Returns the sessions that arguments or flags choose, newest first. Throws a Problem when there are neither. */
export function chooseSessions(call: Call, words: readonly string[]): Entry[] {
  const project = stringFlag(call, "project");
  const age = stringFlag(call, "older-than");
  if (words.length > 0) {
    const named = words.map((word) => resolveEntry(word));
    return named.filter(({ id }, i) => named.findIndex((other) => other.id === id) === i);
  }
  if (!isSet(call, "all") && project === undefined && age === undefined) {
    throw usageError("missing argument: <session>", ["run: ccr-list", "or choose all sessions: --all"]);
  }
  const before =
    timeFlag(call, "older-than", { now: Date.now(), direction: "past" }) ?? Number.POSITIVE_INFINITY;
  return newest(
    transcripts(),
    Number.POSITIVE_INFINITY,
    (entry) =>
      timeOfEntry(entry) < before &&
      (project === undefined ||
        (startDirectoryOf(entry) ?? "").toLowerCase().includes(project.toLowerCase())),
  );
}

/** Returns the options that every writer of archives needs. */
export const archiveOptions = (call: Call): ExportOptions => {
  const { live } = readContext();
  return {
    ccr: VERSION,
    running: (id) => live.has(id),
    onSkipped: warnLeftOut(call),
    startProgress: () => progress(),
  };
};

/** Warns about a file that is left out because an archive cannot hold its name. */
export const warnLeftOut = (call: Call) => (path: string) =>
  call.warn(new Problem("left-out", `left out, because an archive cannot contain this file name: ${path}`));
