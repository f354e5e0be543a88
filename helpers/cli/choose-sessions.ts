import type { Options } from "../archive/export.ts";
import { surroundings } from "../sessions/context.ts";
import { startOf } from "../sessions/session.ts";
import { type Entry, newest, timeOfEntry, transcripts } from "../sessions/store.ts";
import { Problem } from "../system/problem.ts";
import { progress } from "../terminal/progress.ts";
import { type Call, type Flag, on, text } from "./command.ts";
import { when } from "./parse-time.ts";
import { entryNamed } from "./resolve-session.ts";
import { VERSION } from "./version.ts";

/** Flags that choose sessions, and {@link chosen} that follows them. */
export const CHOICE: Record<string, Flag> = {
  all: { type: "boolean", about: "all sessions" },
  project: {
    type: "string",
    value: "name",
    about: "sessions of projects whose path has this in it",
    completes: "project",
  },
  "older-than": { type: "string", value: "90d", about: "sessions that were not written to for so long" },
};

/** The sessions that words and flags choose, newest first. */
export function chosen(call: Call, words: readonly string[]): Entry[] {
  const project = text(call, "project");
  const age = text(call, "older-than");
  if (words.length > 0) {
    const named = words.map((word) => entryNamed(word));
    return named.filter(({ id }, i) => named.findIndex((other) => other.id === id) === i);
  }
  if (!on(call, "all") && project === undefined && age === undefined) {
    throw new Problem("usage", "which session?", { hint: ["ccr-list", "or all of them: --all"], exit: 2 });
  }
  const now = Date.now();
  const before = age === undefined ? Number.POSITIVE_INFINITY : 2 * now - when(age, now);
  return newest(
    transcripts(),
    Number.POSITIVE_INFINITY,
    (entry) =>
      timeOfEntry(entry) < before &&
      (project === undefined || (startOf(entry) ?? "").toLowerCase().includes(project.toLowerCase())),
  );
}

/** What every writer of archives needs. */
export const writing = (call: Call): Options => {
  const { live } = surroundings();
  return { ccr: VERSION, running: (id) => live.has(id), left: leftOut(call), watch: () => progress() };
};

/** Tells of a file that no archive takes: the rest of its session goes without it. */
export const leftOut = (call: Call) => (path: string) =>
  call.warn(new Problem("left-out", `a file with a name that cannot be kept is left out: ${path}`));
