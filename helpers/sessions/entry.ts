import type { Facts } from "../claude/transcript.ts";
import type { Verdict } from "../limits/verdict.ts";

/** A transcript file; `folder` is the name of its project folder. Times are epoch ms. */
export type Transcript = { id: string; folder: string; path: string; bytes: number; mtime: number };

/** What a transcript says, its last message judged instead of kept. */
export type SessionFacts = Omit<Facts, "last" | "answer"> & { verdict: Verdict };

/** A transcript that was read. `unreadable` is the errno where nothing could be read. */
export type Entry = Transcript & { facts: SessionFacts | null; unreadable: string | null };

/** When a session was last written to by its own account, else by its file's. */
export const timeOfEntry = (entry: Entry): number => entry.facts?.updatedAt ?? entry.mtime;
