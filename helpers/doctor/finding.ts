import type { Entry, Transcript } from "../sessions/entry.ts";

/** A problem in plain words, the evidence for it, and what to type. `note`: good to know, nothing is broken. */
export type Finding = {
  finding: string;
  evidence: string;
  fix: string;
  level?: "note";
  /** fixes the problem, if that is safe, and returns what was done */
  apply?: () => string | Promise<string>;
};

/** What the checks need, read once. `live` are the ids of live sessions. */
export type CheckContext = {
  now: number;
  all: readonly Transcript[];
  entries: readonly Entry[];
  live: ReadonlySet<string>;
  /** called with the number of bytes of transcripts read so far */
  onProgress: (done: number, all: number) => void;
};

type Found = Finding | Finding[] | null | undefined | false;
/** The checks by name. docs/using/troubleshooting.md has an entry for each. A check that fails is itself a finding. */
export type Checks = Record<string, (context: CheckContext) => Found | Promise<Found>>;
