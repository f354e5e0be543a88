import { realpathSync } from "node:fs";
import { prompts } from "../claude/history.ts";
import { slug } from "../claude/places.ts";
import { titleOf } from "./session.ts";
import { type Entry, newest, transcripts } from "./store.ts";

/** What a word names: one session, several, a deleted one, or none (with the most similar ones). */
export type Found =
  | { kind: "one"; entry: Entry }
  | { kind: "many"; entries: Entry[]; total: number; by: "id" | "title" }
  | { kind: "gone"; id: string; project: string | null; title: string | null }
  | { kind: "none"; near: Entry[] };

const MOST_CANDIDATES = 10;
const ID_PREFIX = /^[0-9a-f][0-9a-f-]{0,35}$/i;

/**
 * The session that a word names: `.` is the newest of this directory; else a full id or unique prefix, an exact
 * title, or a unique part of a title (the newest ten when several fit).
 */
export function lookup(word: string, directory: string = process.cwd()): Found {
  if (word === ".") {
    const [entry] = sessionsOf(directory, 1);
    return entry ? { kind: "one", entry } : { kind: "none", near: newest(transcripts(), 3) };
  }
  if (ID_PREFIX.test(word)) {
    const prefix = word.toLowerCase();
    const matches = transcripts((id) => id.toLowerCase().startsWith(prefix));
    const ids = new Set(matches.map(({ id }) => id));
    if (ids.size > 1) {
      return { kind: "many", entries: newest(matches, MOST_CANDIDATES), total: ids.size, by: "id" };
    }
    const [entry] = newest(matches, 1);
    if (entry) return { kind: "one", entry };
  }
  const titled = byTitle(word);
  if (titled) return titled;
  return (
    (ID_PREFIX.test(word) && word.length >= 4 && deletedSession(word.toLowerCase())) || {
      kind: "none",
      near: similarSessions(word),
    }
  );
}

/** Sessions that were started in a directory, newest first. Symbolic links in its path do not matter. */
export function sessionsOf(directory: string, limit: number): Entry[] {
  const real = realPath(directory);
  const folder = slug(real);
  const own = transcripts((_, name) => name === folder);
  const here = (entry: Entry): boolean =>
    entry.facts?.start === real || entry.facts?.start === directory || entry.facts?.relocated === real;
  const found = newest(own, limit, here);
  // Sessions of another folder name: moved by hand, or under a folder name of one's own.
  return found.length > 0 ? found : newest(transcripts(), limit, here);
}

export function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

const fold = (text: string): string => text.normalize("NFC").replace(/\s+/g, " ").trim().toLowerCase();

function byTitle(word: string): Found | undefined {
  const wanted = fold(word);
  if (wanted === "") return undefined;
  const exact: Entry[] = [];
  const part: Entry[] = [];
  for (const entry of newest(transcripts(), Number.POSITIVE_INFINITY)) {
    const title = titleOf(entry).title;
    if (title === null) continue;
    const text = fold(title);
    if (text === wanted) exact.push(entry);
    else if (text.includes(wanted)) part.push(entry);
  }
  for (const entries of [exact, part]) {
    if (entries.length === 1) return { kind: "one", entry: entries[0]! };
    if (entries.length > 1) {
      return { kind: "many", entries: entries.slice(0, MOST_CANDIDATES), total: entries.length, by: "title" };
    }
  }
  return undefined;
}

/** A session of which the history still has prompts, but whose transcript is deleted. */
function deletedSession(prefix: string): Found | undefined {
  let found: { id: string; project: string | null; title: string } | undefined;
  for (const { session, project, text } of prompts()) {
    if (!session?.startsWith(prefix)) continue;
    if (found && found.id !== session) continue;
    found = { id: session, project: found?.project ?? project, title: text };
  }
  return found && { kind: "gone", ...found };
}

const NEAR = 3;

/** The sessions whose ids share the longest beginning with a word, else the newest ones. */
function similarSessions(word: string): Entry[] {
  const wanted = word.toLowerCase();
  const shared = (id: string): number => {
    let n = 0;
    while (n < wanted.length && n < id.length && wanted[n] === id[n]) n++;
    return n;
  };
  const all = transcripts();
  const most = Math.max(0, ...all.map(({ id }) => shared(id)));
  const close = most >= 2 ? all.filter(({ id }) => shared(id) === most) : [];
  const found = newest(close, NEAR);
  if (found.length === NEAR) return found;
  const known = new Set(found.map(({ id }) => id));
  return [
    ...found,
    ...newest(
      all.filter(({ id }) => !known.has(id)),
      NEAR - found.length,
    ),
  ];
}
