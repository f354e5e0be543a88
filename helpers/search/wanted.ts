import { realPath } from "../sessions/lookup.ts";
import { fold, holds, type Word } from "./query.ts";

/** What a search looks for, and where. */
export type Wanted = {
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
export type Project = { mask: number; refused: boolean };

export function projectOf(
  path: string | null,
  { words, here, project }: Wanted,
  known: Map<string, Project>,
): Project {
  const seen = known.get(path ?? "");
  if (seen) return seen;
  const mask = path === null ? 0 : holds(words, path);
  const elsewhere = here !== null && (path === null || (path !== here && realPath(path) !== here));
  const other = project !== null && !fold(path ?? "").includes(project);
  const found = { mask, refused: elsewhere || other };
  known.set(path ?? "", found);
  return found;
}
