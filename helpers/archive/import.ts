import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { readAt } from "../claude/lines.ts";
import { configDirectory, historyFile, projectsDirectory, slug } from "../claude/places.ts";
import { parseLine } from "../claude/rows.ts";
import { realPath } from "../sessions/lookup.ts";
import { projectFolders, transcripts } from "../sessions/store.ts";
import { makeDirectory } from "../system/files.ts";
import { home } from "../system/places.ts";
import { Problem } from "../system/problem.ts";
import { lstatOrNull, Staged } from "../system/staged-file.ts";
import { linkInto, requireRoom, sweep, temporary } from "../system/temporary-files.ts";
import { historyOf, ownFolder, placeOf } from "./collect.ts";
import { type Manifest, type Packed, type Part, partsOf } from "./manifest.ts";
import { mapFile, mapOf, mapRow, type Rule, relationOf, under } from "./paths.ts";
import { readArchive } from "./read.ts";
import { sinkTo } from "./write.ts";

/** `here`: it is here already. `refused` says why in `detail`, and nothing of it was written. */
export type Outcome = {
  id: string;
  title: string | null;
  /** its directory here */
  project: string | null;
  action: "imported" | "updated" | "here" | "refused";
  detail: string | null;
};

export type Options = {
  rules: readonly Rule[];
  /** append what is missing where the archive has more */
  update: boolean;
  /** only tell what would be done */
  dry: boolean;
  /** import sessions whose directory does not exist here */
  missing: boolean;
  /** ids that are running now: asked again before each write */
  running: () => ReadonlyMap<string, unknown>;
  watch?: () => (done: number, all: number) => void;
};

/** Directories of an archive that do not exist here. */
export class Missing extends Problem {
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
type ImportCandidate = {
  packed: Packed;
  project: string | null;
  /** its transcript here; it need not exist yet */
  path: string;
  /** the same session, where it is here already */
  present: string | null;
  /** null: nothing in it changes */
  rules: Rule[] | null;
  outcome: Outcome | null;
  files: { part: Part; rest: string; path: string }[];
};

/**
 * Brings the sessions of an archive into this home, each as a whole or not at all. The archive is read to its end
 * before anything is written.
 */
export async function importArchive(file: string, options: Options): Promise<Outcome[]> {
  const watch = options.watch?.();
  let all = 0;
  const manifest = await readArchive(file, {
    start: (one) => {
      all = one.files.reduce((sum, { size }) => sum + size, 0);
    },
    done: (done) => watch?.(done, all),
  });
  for (const [, path] of projectFolders()) sweep(path);
  const guests = guestsOf(manifest, options);
  const coming = new Map(
    guests.flatMap((guest) => (guest.outcome ? [] : [[guest.packed.id, guest] as const])),
  );
  if (coming.size === 0) return guests.map(({ outcome }) => outcome!);

  makeDirectory(projectsDirectory());
  const needed = manifest.files.reduce((sum, { name, size }) => {
    const guest = coming.get(name.slice(0, 36));
    return sum + (guest && !options.dry ? size * (guest.rules ? 2 : 1) : 0);
  }, 0);
  requireRoom(projectsDirectory(), needed);
  const history = historyOf(new Set(coming.keys()));
  const watching = options.watch?.();
  let stage: Staging | null = null;
  const finish = (): void => {
    if (stage) stage.guest.outcome = stage.commit(options, history.get(stage.guest.packed.id) ?? []);
    stage = null;
  };
  try {
    await readArchive(file, {
      start: (again) => {
        if (JSON.stringify(again) !== JSON.stringify(manifest))
          throw new Problem("changed", `${file} was changed.`);
      },
      take: ({ name }) => {
        const guest = coming.get(name.slice(0, 36));
        if (stage?.guest !== guest) finish();
        if (!guest) return undefined;
        stage ??= new Staging(guest);
        return stage.take(name);
      },
      done: (done) => watching?.(done, all),
    });
    finish();
  } finally {
    (stage as Staging | null)?.discard();
  }
  return guests.map(({ outcome }) => outcome!);
}

/** Where each session goes. Throws {@link Missing} before anything is written. */
function guestsOf(manifest: Manifest, { rules, missing, running, dry }: Options): ImportCandidate[] {
  const ids = new Set(manifest.sessions.map(({ id }) => id));
  const present = new Map(transcripts((id) => ids.has(id.toLowerCase())).map(({ id, path }) => [id, path]));
  const live = running();
  const gone = new Set<string>();
  const chosen = mapOf(rules);
  // In a container home may be /, which says nothing of a path.
  const homes: Rule[] = /^\/./.test(manifest.home) ? [[manifest.home, home()]] : [];
  const moved = mapOf([...rules, ...homes]);
  const guests = manifest.sessions.map((packed): ImportCandidate => {
    const { id, title } = packed;
    const old = /^\/[^\0]{0,4095}$/.test(packed.project ?? "") ? packed.project : null;
    let project = old;
    if (old !== null) {
      const typed = chosen(old);
      const explicit = rules.some(([from]) => under(old, from));
      project = typed !== old || explicit || isDirectory(old) ? typed : moved(old);
      if (typed === old && !explicit && !isDirectory(project) && !present.has(id)) {
        gone.add(old);
        if (missing) project = old;
      }
    }
    const stays = project === old && /^[\w-]{1,255}$/.test(packed.folder);
    const folder = stays ? packed.folder : slug(project === null ? "/" : realPath(project));
    const path = present.get(id) ?? join(projectsDirectory(), folder, `${id}.jsonl`);
    const all: Rule[] = [
      ...rules,
      [join(manifest.config, "projects", packed.folder, id), ownFolder(path)],
      ...(old !== null && project !== null ? [[old, project] as const] : []),
      [manifest.config, configDirectory()],
      ...homes,
    ];
    const effective = all.filter(([from, to]) => from.startsWith("/") && from !== to);
    const outcome: Outcome | null = live.has(id)
      ? { id, title, project, action: "refused", detail: "it is running: end it first" }
      : dry && !present.has(id)
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
  if (gone.size > 0 && !missing) throw new Missing([...gone]);
  return guests;
}

/** A session's files beside the place where they will be, until all are there. */
class Staging {
  readonly guest: ImportCandidate;
  readonly #directory: string;

  constructor(guest: ImportCandidate) {
    this.guest = guest;
    makeDirectory(dirname(guest.path));
    this.#directory = temporary(dirname(guest.path));
    mkdirSync(this.#directory, { mode: 0o700 });
  }

  take(name: string): { bytes(piece: Buffer): void; end(): void } {
    const { part, rest } = partsOf(name);
    const path = join(this.#directory, String(this.guest.files.length));
    this.guest.files.push({ part, rest, path });
    const fd = openSync(path, "wx", 0o600);
    const write = sinkTo(fd, path);
    return {
      bytes: write,
      end: () => {
        fsyncSync(fd);
        closeSync(fd);
      },
    };
  }

  discard(): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }

  commit(options: Options, history: readonly (readonly [number, number])[]): Outcome {
    const { rules, files } = this.guest;
    try {
      if (rules) {
        for (const one of files) {
          if (!/\.jsonl$/.test(one.rest || one.part) || one.part === "history.jsonl") continue;
          mapFile(one.path, `${one.path}m`, rules);
          rmSync(one.path);
          one.path += "m";
        }
      }
      for (let tries = 0; ; tries++) {
        try {
          return this.#settle(options, history);
        } catch (error) {
          // Another import has just brought it.
          if (!(error instanceof Problem) || error.kind !== "exists" || tries > 8) throw error;
        }
      }
    } finally {
      this.discard();
    }
  }

  /** Everything but the transcript first: until that has its name, the session is not here. */
  #settle(options: Options, history: readonly (readonly [number, number])[]): Outcome {
    const { guest } = this;
    const { packed, project, rules, files } = guest;
    const present = guest.present ?? (existsSync(guest.path) ? guest.path : null);
    const outcome = (action: Outcome["action"], detail: string | null = null): Outcome => ({
      id: packed.id,
      title: packed.title,
      project,
      action,
      detail,
    });
    const [transcript] = files;
    let action: Outcome["action"] = "imported";
    let tail = 0;
    if (present !== null) {
      const { is, to } = relationOf(present, transcript!.path);
      if (is === "different")
        return outcome("refused", "here and there it went on differently: neither was changed");
      if (is === "ours-longer") return outcome("refused", "it is longer here than in the archive");
      if (is === "theirs-longer" && !options.update)
        return outcome("refused", "the archive has more of it: --update appends that");
      action = is === "same" ? "here" : "updated";
      tail = to;
    }
    if (options.dry) return outcome(action);
    if (options.running().has(packed.id)) return outcome("refused", "it is running: end it first");
    const own = ownFolder(guest.path);
    for (const { part, rest, path } of files.slice(1)) {
      if (part !== "history.jsonl") mergeFile(path, join(placeOf(part, packed.id, own), rest));
    }
    if (action === "imported") {
      linkInto(
        transcript!.path,
        guest.path,
        () => new Problem("exists", `${guest.path} has just come into being.`),
      );
    } else if (action === "updated")
      extend(present!, transcript!.path, tail, () => options.running().has(packed.id));
    const lines = files.find(({ part }) => part === "history.jsonl");
    if (lines) appendHistory(packed.id, lines.path, mapOf(rules ?? []), history);
    return outcome(action);
  }
}

/** A further file of a session: new ones are placed, grown ones are extended, others stay as they are here. */
function mergeFile(from: string, to: string): void {
  makeDirectory(dirname(to));
  if (!existsSync(to)) {
    linkInto(from, to, () => new Problem("exists", `${to} has just come into being.`));
    return;
  }
  if (!to.endsWith(".jsonl")) return;
  const { is, to: tail } = relationOf(to, from);
  if (is === "theirs-longer") extend(to, from, tail, () => false);
}

/** Appends a file's bytes from `tail` on: the whole is written beside it and takes its name at once. */
export function extend(ours: string, theirs: string, tail: number, running: () => boolean): void {
  const base = lstatOrNull(ours);
  const staged = new Staged(ours);
  try {
    const last = copy(ours, 0, staged);
    if (last !== 10 && last !== null) staged.write("\n");
    copy(theirs, tail, staged);
    if (running())
      throw new Problem("live", `${ours} is being written to.`, { hint: "end the session first" });
    staged.commit(base);
  } finally {
    staged.discard();
  }
}

/** The last byte that was copied. */
export function copy(path: string, start: number, to: Staged): number | null {
  const fd = openSync(path, "r");
  const buffer = Buffer.allocUnsafe(1 << 20);
  let last: number | null = null;
  try {
    for (let at = start; ; ) {
      const got = readAt(fd, buffer, at);
      if (got === 0) return last;
      to.write(buffer.subarray(0, got));
      last = buffer[got - 1]!;
      at += got;
    }
  } finally {
    closeSync(fd);
  }
}

const keyOf = (row: Record<string, unknown>): string => JSON.stringify([row.timestamp, row.display]);

/** Appends the prompts that the history does not have yet; it is never rewritten. */
function appendHistory(
  id: string,
  lines: string,
  map: (path: string) => string,
  present: readonly (readonly [number, number])[],
): void {
  const fd = openSync(historyFile(), "a+", 0o600);
  try {
    const known = new Set<string>();
    for (const [start, length] of present) {
      const bytes = Buffer.alloc(length);
      const text = bytes.toString("utf8", 0, readAt(fd, bytes, start));
      for (const row of parseLine(text.trim()).rows) known.add(keyOf(row));
    }
    const input = openSync(lines, "r");
    const { size: incoming } = fstatSync(input);
    const bytes = Buffer.alloc(incoming);
    readAt(input, bytes, 0);
    closeSync(input);
    let fresh = "";
    for (const line of bytes.toString("utf8").split("\n")) {
      for (const row of parseLine(line).rows) {
        if (String(row.sessionId).toLowerCase() !== id || known.has(keyOf(row))) continue;
        known.add(keyOf(row));
        if (typeof row.project === "string") row.project = map(row.project);
        mapRow(row, map);
        fresh += `${JSON.stringify(row)}\n`;
      }
    }
    if (fresh === "") return;
    const { size } = fstatSync(fd);
    const end = Buffer.alloc(1);
    if (size > 0 && readSync(fd, end, 0, 1, size - 1) === 1 && end[0] !== 10) fresh = `\n${fresh}`;
    const whole = Buffer.from(fresh);
    let at = 0;
    try {
      while (at < whole.length) at += writeSync(fd, whole, at);
    } catch (error) {
      // Half a line is worse than none.
      if (fstatSync(fd).size === size + at) ftruncateSync(fd, size);
      (error as NodeJS.ErrnoException).path = historyFile();
      throw error;
    }
  } finally {
    closeSync(fd);
  }
}
