import { realPath } from "../sessions/lookup.ts";
import { fold, type Word, wordsIn } from "./words.ts";

/** What a search looks for, and where. */
export type Query = {
  words: readonly Word[];
  /** results of tools are searched as well */
  tools: boolean;
  /** every message that holds a word is counted; else a session is left when its best snippet is found */
  complete: boolean;
  /** real path that sessions were started in */
  here: string | null;
  /** folded part of the project's path */
  project: string | null;
};

/** What a project's path holds of the words, and whether its sessions are not wanted. */
export type ProjectMatch = { mask: number; excluded: boolean };

export function matchProject(
  path: string | null,
  { words, here, project }: Query,
  known: Map<string, ProjectMatch>,
): ProjectMatch {
  const seen = known.get(path ?? "");
  if (seen) return seen;
  const mask = path === null ? 0 : wordsIn(words, path);
  const elsewhere = here !== null && (path === null || (path !== here && realPath(path) !== here));
  const other = project !== null && !fold(path ?? "").includes(project);
  const found = { mask, excluded: elsewhere || other };
  known.set(path ?? "", found);
  return found;
}
