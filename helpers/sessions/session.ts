import { slug } from "../claude/places.ts";
import type { Live } from "../claude/registry.ts";
import { stateOf, type Verdict } from "../limits/verdict.ts";
import { type Entry, timeOfEntry } from "./entry.ts";

type TitleFrom = "custom" | "ai" | "summary" | "prompt" | "none";
export type State = "live" | "waiting" | "ready" | "blocked" | "idle" | "gone";

/** A session as every command speaks of it. Times are epoch ms here and ISO 8601 in JSON; unknown is null. */
export type Session = {
  id: string;
  title: string | null;
  titleFrom: TitleFrom;
  /** start directory */
  project: string | null;
  cwd: string | null;
  gitBranch: string | null;
  transcript: string | null;
  createdAt: number | null;
  updatedAt: number | null;
  version: string | null;
  entrypoint: string | null;
  bytes: number;
  state: State;
  damaged: boolean;
  /** lines, among those that were looked at, that could not be read */
  skipped: number;
  verdict: Verdict;
  live: (Live & { tmux: string | null }) | null;
  deletedAfter: number | null;
  permissionMode: string | null;
  lastPrompt: string | null;
};

/** A session of which nothing is known but its id. */
export const blank = (id: string): Session => ({
  id,
  title: null,
  titleFrom: "none",
  project: null,
  cwd: null,
  gitBranch: null,
  transcript: null,
  createdAt: null,
  updatedAt: null,
  version: null,
  entrypoint: null,
  bytes: 0,
  state: "idle",
  damaged: false,
  skipped: 0,
  verdict: { state: "none" },
  live: null,
  deletedAfter: null,
  permissionMode: null,
  lastPrompt: null,
});

/** What a session is derived from beside its own files. */
export type Context = { now: number; live: ReadonlyMap<string, Live>; cleanupPeriod: number };

const LONGEST_TITLE = 200;

/** The directory to resume in: the first one, unless the session was moved for good by `/cd`. */
export function startDirectoryOf(entry: Entry): string | null {
  const { facts } = entry;
  if (!facts) return null;
  if (facts.relocated !== null && slug(facts.relocated) === entry.folder) return facts.relocated;
  return facts.start;
}

export function titleOf(entry: Entry): Pick<Session, "title" | "titleFrom"> {
  const { facts } = entry;
  const choices: [TitleFrom, string | null | undefined][] = [
    ["custom", facts?.customTitle],
    ["ai", facts?.aiTitle],
    ["summary", facts?.summary],
    ["prompt", facts?.firstPrompt],
  ];
  for (const [titleFrom, text] of choices) {
    const title = text
      ?.replace(/<\/?pasted_content\b[^>]*>/g, " ")
      .replace(/\s+/g, " ")
      .trim();
    if (title) return { title: title.length > LONGEST_TITLE ? shorten(title) : title, titleFrom };
  }
  return { title: null, titleFrom: "none" };
}

const shorten = (title: string): string =>
  `${title.slice(0, LONGEST_TITLE - 1).replace(/[\ud800-\udbff]$/, "")}…`;

export function sessionOf(entry: Entry, context: Context): Session {
  const { facts } = entry;
  const live = context.live.get(entry.id) ?? null;
  const verdict: Verdict = facts?.verdict ?? { state: "none" };
  // An unfinished last line of a running session is being written; of another one it is a loss.
  const skipped = (facts?.skipped ?? 0) + (facts?.torn && !live ? 1 : 0);
  return {
    id: entry.id,
    ...titleOf(entry),
    project: startDirectoryOf(entry),
    cwd: facts?.cwd ?? null,
    gitBranch: facts?.gitBranch ?? null,
    transcript: entry.path,
    createdAt: facts?.createdAt ?? null,
    updatedAt: facts ? timeOfEntry(entry) : null,
    version: facts?.version ?? null,
    entrypoint: facts?.entrypoint ?? null,
    bytes: entry.bytes,
    state: live ? "live" : stateOf(verdict, context.now),
    damaged: facts === null || skipped > 0 || facts.bytes === 0,
    skipped,
    verdict,
    live: live && { ...live, tmux: null },
    deletedAfter: entry.mtime > 0 ? entry.mtime + context.cleanupPeriod : null,
    permissionMode: facts?.permissionMode ?? null,
    lastPrompt: facts?.lastPrompt ?? null,
  };
}
