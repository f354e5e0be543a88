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

/** `here`: it is here already. `refused` says why in `detail`, and nothing of it was written. */
export type ImportOutcome = {
  id: string;
  title: string | null;
  /** its directory here */
  project: string | null;
  action: "imported" | "updated" | "here" | "refused";
  detail: string | null;
};

export type ImportOptions = {
  rules: readonly PathRule[];
  /** append what is missing where the archive has more */
  update: boolean;
  /** only tell what would be done */
  dryRun: boolean;
  /** import sessions whose directory does not exist here */
  allowMissing: boolean;
  /** ids that are running now: asked again before each write */
  running: () => ReadonlyMap<string, unknown>;
  startProgress?: () => (done: number, all: number) => void;
};

/** Directories of an archive that do not exist here. */
export class MissingDirectories extends Problem {
  readonly directories: readonly string[];
  constructor(directories: readonly string[], hint: readonly string[] = []) {
    const [first] = directories;
    const more = directories.length > 1 ? ` and ${directories.length - 1} more` : "";
    super("directory-gone", `the session's directory does not exist here: ${first}${more}.`, {
      hint,
      exit: 2,
    });
    this.directories = directories;
  }
}

const isDirectory = (path: string): boolean =>
  statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;

/** A session on its way in. */
export type ImportCandidate = {
  packed: PackedSession;
  project: string | null;
  /** its transcript here; it need not exist yet */
  path: string;
  /** the same session, where it is here already */
  present: string | null;
  /** null: nothing in it changes */
  rules: PathRule[] | null;
  outcome: ImportOutcome | null;
  files: { part: Part; rest: string; path: string }[];
};

/** Where each session goes. Throws {@link MissingDirectories} before anything is written. */
export function importCandidates(
  manifest: Manifest,
  { rules, allowMissing, running, dryRun }: ImportOptions,
): ImportCandidate[] {
  const ids = new Set(manifest.sessions.map(({ id }) => id));
  const present = new Map(transcripts((id) => ids.has(id.toLowerCase())).map(({ id, path }) => [id, path]));
  const live = running();
  const gone = new Set<string>();
  const chosen = pathMapper(rules);
  // In a container home may be /, which says nothing of a path.
  const homes: PathRule[] = /^\/./.test(manifest.home) ? [[manifest.home, home()]] : [];
  const moved = pathMapper([...rules, ...homes]);
  const guests = manifest.sessions.map((packed): ImportCandidate => {
    const { id, title } = packed;
    const old = /^\/[^\0]{0,4095}$/.test(packed.project ?? "") ? packed.project : null;
    let project = old;
    if (old !== null) {
      const typed = chosen(old);
      const explicit = rules.some(([from]) => isWithin(old, from));
      project = typed !== old || explicit || isDirectory(old) ? typed : moved(old);
      if (typed === old && !explicit && !isDirectory(project) && !present.has(id)) {
        gone.add(old);
        if (allowMissing) project = old;
      }
    }
    const stays = project === old && /^[\w-]{1,255}$/.test(packed.folder);
    const folder = stays ? packed.folder : slug(project === null ? "/" : realPath(project));
    const path = present.get(id) ?? join(projectsDirectory(), folder, `${id}.jsonl`);
    const all: PathRule[] = [
      ...rules,
      [join(manifest.config, "projects", packed.folder, id), sessionFolder(path)],
      ...(old !== null && project !== null ? [[old, project] as const] : []),
      [manifest.config, configDirectory()],
      ...homes,
    ];
    const effective = all.filter(([from, to]) => from.startsWith("/") && from !== to);
    const outcome: ImportOutcome | null = live.has(id)
      ? { id, title, project, action: "refused", detail: "it is running: end it first" }
      : dryRun && !present.has(id)
        ? { id, title, project, action: "imported", detail: null }
        : null;
    return {
      packed,
      project,
      path,
      present: present.get(id) ?? null,
      // Rules that keep a path where a shorter one would move it count only beside others.
      rules: effective.length > 0 ? all.filter(([from]) => from.startsWith("/")) : null,
      outcome,
      files: [],
    };
  });
  if (gone.size > 0 && !allowMissing) throw new MissingDirectories([...gone]);
  return guests;
}
