// What a search gives, whatever was searched.

import type { Session } from "../sessions/session.ts";
import type { Match } from "./matches.ts";

/** What the screen needs of a session. */
export type ShownSession = Pick<Session, "id" | "title" | "project" | "updatedAt" | "state">;
export type ShownMatch = Omit<Match, "role"> & { role: Match["role"] | "screen" };
export type Hit = { session: Session | ShownSession; hits: number; matches: ShownMatch[] };
export type SearchResult = {
  hits: (() => Hit | null)[];
  searched: { files: number; bytes: number };
  more: boolean;
  ids: () => Iterable<string>;
};
