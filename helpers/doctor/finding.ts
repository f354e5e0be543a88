import type { Entry, Transcript } from "../sessions/entry.ts";

/** What is wrong, how that is known, and what to type. `note`: good to know, nothing is broken. */
export type Finding = {
  finding: string;
  evidence: string;
  fix: string;
  level?: "note";
  /** does it, where that is safe, and says what was done */
  apply?: () => string | Promise<string>;
};

/** What the checks look at, read once. `live` are the ids of running sessions. */
export type CheckContext = {
  now: number;
  all: readonly Transcript[];
  entries: readonly Entry[];
  live: ReadonlySet<string>;
  /** told how many bytes of all transcripts were read */
  onProgress: (done: number, all: number) => void;
};

export type Found = Finding | Finding[] | null | undefined | false;
/** Checks by the names of their entries in docs/using/troubleshooting.md. One that fails is a finding itself. */
export type Checks = Record<string, (scene: CheckContext) => Found | Promise<Found>>;
