import type { Query } from "../search/query.ts";
import type { SearchResult, ShownMatch } from "../search/search-result.ts";
import type { Bounds } from "../search/threads.ts";
import { fold } from "../search/words.ts";
import { realPath } from "../sessions/lookup.ts";
import { type Context, type Session, sessionOf } from "../sessions/session.ts";
import { allSessionIds, newest, transcripts } from "../sessions/store.ts";
import { searchRecordings } from "./cast-search.ts";

/** Sessions that were recorded; they need not have a transcript any more, or yet. */
export function screenHits(wanted: Query, { limit, since }: Bounds, context: Context): SearchResult {
  const known = new Map<string, Session>();
  const session = (id: string): Session => {
    const made = known.get(id) ?? recorded(id, context);
    known.set(id, made);
    return made;
  };
  const keep = (id: string): boolean => {
    if (wanted.here === null && wanted.project === null) return true;
    const project = session(id).project ?? "";
    return (
      (wanted.here === null || realPath(project) === wanted.here) &&
      (wanted.project === null || fold(project).includes(wanted.project))
    );
  };
  const { words, complete } = wanted;
  const { found, searched, more } = searchRecordings(words, { limit, since, complete, keep });
  const hits = found.map(({ id, matches: { hits, best } }) => () => ({
    session: session(id),
    hits,
    matches: best.map((match): ShownMatch => ({ ...match, role: "screen" })),
  }));
  return { hits, searched, more, ids: allSessionIds };
}

function recorded(id: string, context: Context): Session {
  const [entry] = newest(
    transcripts((one) => one.toLowerCase() === id),
    1,
  );
  if (entry) return sessionOf(entry, context);
  const none = { id, folder: "", path: "", bytes: 0, mtime: 0, facts: null, unreadable: null };
  return { ...sessionOf(none, context), transcript: null, damaged: false };
}
