// Which live session an argument names.

import { isSessionId } from "../claude/places.ts";
import { MARK } from "../live/create.ts";
import { entryNamed } from "../live/journal.ts";
import { displayName, type Live } from "../live/live-sessions.ts";
import { realPath } from "../sessions/lookup.ts";
import { Problem } from "../system/problem.ts";
import { sessionsOfLive } from "./live-session-format.ts";
import { resolveEntry } from "./resolve-session.ts";
import { usageError } from "./usage-error.ts";

/**
 * Returns the live sessions that a word names: by tmux name, id or its beginning, directory, title or a part of it;
 * `.` is this directory.
 */
export function matchingSessions(word: string, lives: readonly Live[]): Live[] {
  if (word === ".") return sessionsInDirectory(process.cwd(), lives);
  const named = lives.filter(({ name, ours }) => ours && (name === word || name === `claude-${word}`));
  if (named.length > 0) return named;
  if (/^[0-9a-f][0-9a-f-]{3,35}$/i.test(word)) {
    const found = lives.filter(({ id }) => id.startsWith(word.toLowerCase()));
    if (found.length > 0) return found;
  }
  const inProject = lives.filter(({ project }) => `/${project}`.endsWith(`/${word}`));
  if (inProject.length > 0) return inProject;
  const titles = sessionsOfLive(lives).map(({ title }) => title?.toLowerCase() ?? "");
  const wanted = word.trim().toLowerCase() || "\0";
  const exact = lives.filter((_, i) => titles[i] === wanted);
  return exact.length > 0 ? exact : lives.filter((_, i) => titles[i]!.includes(wanted));
}

/** Returns the live sessions of a directory. */
export function sessionsInDirectory(directory: string, lives: readonly Live[]): Live[] {
  const real = realPath(directory);
  return lives.filter(({ project }) => project !== null && realPath(project) === real);
}

/**
 * Returns the one live session that a word names; without a word the one of this tmux session, or the only one. Throws
 * a Problem when there is none or more than one.
 */
export async function resolveLive(word: string | undefined): Promise<Live> {
  const { liveSessions } = await import("../live/live-sessions.ts");
  const lives = await liveSessions();
  const found = word === undefined ? defaultSessions(lives) : matchingSessions(word, lives);
  if (found.length === 1) return found[0]!;
  const shown = found.length > 1 ? found : lives;
  const list = shown.slice(0, 10).map((live) => `${displayName(live)}  ${live.state}  ${live.project ?? ""}`);
  const hint = list.length > 0 ? list : ["there are no live sessions; start one: cct"];
  if (word === undefined) throw usageError("missing argument: <session>", hint);
  throw found.length > 1
    ? new Problem("ambiguous", `"${word}" matches ${found.length} live sessions`, { hint, exit: 2 })
    : new Problem("not-live", `no live session matches "${word}"`, { hint });
}

function defaultSessions(lives: readonly Live[]): readonly Live[] {
  const here = lives.filter(({ key, ours }) => ours && key === process.env[MARK]);
  if (here.length > 0) return here;
  return lives.length === 1 ? lives : [];
}

/**
 * Returns the session id that a word names. It may also be the tmux name of a session that has ended, or of one that
 * has no transcript yet.
 */
export function resolveSessionId(word: string): string {
  if (isSessionId(word)) return word.toLowerCase();
  return entryNamed(word)?.current ?? resolveEntry(word).id;
}
