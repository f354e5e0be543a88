import { statSync } from "node:fs";
import { join } from "node:path";
import { configDirectory, projectsDirectory, slug } from "../claude/places.ts";
import { realPath } from "../sessions/lookup.ts";
import { transcripts } from "../sessions/store.ts";
import { home } from "../system/places.ts";
import { Problem } from "../system/problem.ts";
import type { Manifest, PackedSession, Part } from "./manifest.ts";
import { isWithin, type PathRule, pathMapper } from "./path-rules.ts";
import { sessionFolder } from "./session-files.ts";

/** `here`: the session was here already. `refused`: `detail` says why, and nothing of it was written. */
export type ImportOutcome = {
  id: string;
  title: string | null;
  /** its directory on this machine */
  project: string | null;
  action: "imported" | "updated" | "here" | "refused";
  detail: string | null;
};

export type ImportOptions = {
  rules: readonly PathRule[];
  /** append what the archive has more than the session here */
  update: boolean;
  /** only report what would be done */
  dryRun: boolean;
  /** import sessions whose directory does not exist here */
  allowMissing: boolean;
  /** running sessions by id; read again before each write */
  running: () => ReadonlyMap<string, unknown>;
  startProgress?: () => (done: number, all: number) => void;
};

/** Thrown when directories of an archive's sessions do not exist here. */
export class MissingDirectories extends Problem {
  readonly directories: readonly string[];
  constructor(directories: readonly string[], hint: readonly string[] = []) {
    const [first] = directories;
    const more = directories.length > 1 ? ` and ${directories.length - 1} more` : "";
    super("directory-gone", `the session's directory does not exist here: ${first}${more}`, {
      hint,
      exit: 2,
    });
    this.directories = directories;
  }
}

const isDirectory = (path: string): boolean =>
  statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;

/** A session of an archive, and where it goes. */
export type ImportCandidate = {
  packed: PackedSession;
  project: string | null;
  /** the transcript here; it need not exist yet */
  path: string;
  /** the transcript here if it exists already */
  present: string | null;
  /** null if no path in the session changes */
  rules: PathRule[] | null;
  outcome: ImportOutcome | null;
  files: { part: Part; rest: string; path: string }[];
};

/** Decides where each session of an archive goes. Throws {@link MissingDirectories}. Writes nothing. */
export function importCandidates(manifest: Manifest, options: ImportOptions): ImportCandidate[] {
  const { rules, allowMissing, running, dryRun } = options;
  const ids = new Set(manifest.sessions.map(({ id }) => id));
  const present = new Map(transcripts((id) => ids.has(id.toLowerCase())).map(({ id, path }) => [id, path]));
  const live = running();
  const missing = new Set<string>();
  // In a container home may be /, which would match every path.
  const homes: PathRule[] = /^\/./.test(manifest.home) ? [[manifest.home, home()]] : [];
  const targetOf = projectMapper(rules, homes);

  const candidates = manifest.sessions.map((packed): ImportCandidate => {
    const { id, title } = packed;
    const old = /^\/[^\0]{0,4095}$/.test(packed.project ?? "") ? packed.project : null;
    let project = old;
    if (old !== null) {
      const target = targetOf(old);
      const isMissing = target.guessed && !isDirectory(target.path) && !present.has(id);
      if (isMissing) missing.add(old);
      project = isMissing && allowMissing ? old : target.path;
    }
    const path =
      present.get(id) ?? join(projectsDirectory(), folderName(packed, old, project), `${id}.jsonl`);
    let outcome: ImportOutcome | null = null;
    if (live.has(id)) outcome = { id, title, project, action: "refused", detail: RUNNING };
    else if (dryRun && !present.has(id)) outcome = { id, title, project, action: "imported", detail: null };
    return {
      packed,
      project,
      path,
      present: present.get(id) ?? null,
      rules: effectiveRules([
        ...rules,
        [join(manifest.config, "projects", packed.folder, id), sessionFolder(path)],
        ...(old !== null && project !== null ? [[old, project] as const] : []),
        [manifest.config, configDirectory()],
        ...homes,
      ]),
      outcome,
      files: [],
    };
  });
  if (missing.size > 0 && !allowMissing) throw new MissingDirectories([...missing]);
  return candidates;
}

/** Why a running session is refused. */
export const RUNNING = "it is running: end it first";

/**
 * Returns a function that gives a session's directory on this machine. The user's rules decide; without one, the same
 * directory if it exists, else (`guessed`) the same path below this home.
 */
function projectMapper(
  rules: readonly PathRule[],
  homes: readonly PathRule[],
): (project: string) => { path: string; guessed: boolean } {
  const byRules = pathMapper(rules);
  const byRulesAndHome = pathMapper([...rules, ...homes]);
  return (project) => {
    const mapped = byRules(project);
    if (rules.some(([from]) => isWithin(project, from)) || isDirectory(project))
      return { path: mapped, guessed: false };
    return { path: byRulesAndHome(project), guessed: true };
  };
}

/** Returns the name of the project folder: the old one if the directory stays the same. */
function folderName(packed: PackedSession, old: string | null, project: string | null): string {
  if (project === old && /^[\w-]{1,255}$/.test(packed.folder)) return packed.folder;
  return slug(project === null ? "/" : realPath(project));
}

/**
 * Returns the rules that apply, or null if none of them changes a path. A rule that keeps a path matters only beside a
 * shorter one that would change it.
 */
function effectiveRules(rules: readonly PathRule[]): PathRule[] | null {
  const absolute = rules.filter(([from]) => from.startsWith("/"));
  return absolute.some(([from, to]) => from !== to) ? absolute : null;
}
