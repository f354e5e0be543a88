// Two places have the sessions of each other. A transcript only grows, so of two copies of which one is the beginning
// of the other the shorter one gets the rest; where both have grown each keeps its own and gets the other as a fork.

import {
  closeSync,
  fstatSync,
  lstatSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { hostname } from "node:os";
import { basename, join } from "node:path";
import { copy, extend } from "../archive/import.ts";
import { keysOf, mapFile, mapOf, type Rule, relationOf } from "../archive/paths.ts";
import { isSessionId, slug } from "../claude/places.ts";
import { liveSessions, withoutGhosts } from "../claude/registry.ts";
import { object, string } from "../claude/rows.ts";
import { readFacts } from "../claude/transcript.ts";
import { Survey } from "../conversation/main-chain.ts";
import { forked } from "../history/fork.ts";
import { realPath } from "../sessions/lookup.ts";
import { idsIn, projectFolders } from "../sessions/store.ts";
import { makeDirectory } from "../system/files.ts";
import { domain } from "../system/pid-domain.ts";
import { state } from "../system/places.ts";
import { errno, Problem } from "../system/problem.ts";
import { startOf } from "../system/process.ts";
import { lstatOrNull, Staged } from "../system/staged-file.ts";
import { sweep, temporary } from "../system/temporary-files.ts";

/** A transcript at one of the two places. `mtime` is epoch ms. */
export type Item = { id: string; folder: string; bytes: number; mtime: number };

/**
 * What a transcript has: how many rows, the checksum of all and of the first `at` of them, and where those end. The
 * paths in them do not matter. `echo`: of a fork that nobody has gone on with, the session and the last row of it that
 * the fork has. `has`: whether the row that was asked for is there.
 */
export type Sum = {
  rows: number;
  all: string;
  at: string | null;
  end: number;
  echo: [session: string, uuid: string] | null;
  has: boolean;
};

export type Place = {
  /** the home that paths in there speak of */
  home: string;
  list(): Promise<Item[]>;
  sum(item: Item, at: number, uuid?: string): Promise<Sum>;
  /** A file with what follows byte `from`. */
  fetch(item: Item, from: number): Promise<string>;
  /** Adds a file's bytes to a transcript that has so many bytes, or makes a new one (null). */
  put(id: string, folder: string, bytes: number | null, file: string): Promise<Item>;
};

const spool = (): string => join(state(), "sync");
export const spooled = (): string => temporary(spool());
const release = (file: string): void => {
  if (file.startsWith(`${spool()}/`)) rmSync(file, { force: true });
};

export async function sumOf(path: string, at: number, uuid?: string): Promise<Sum> {
  const { createHash } = await import("node:crypto");
  const hash = createHash("sha256");
  const sum: Sum = { rows: 0, all: "", at: null, end: 0, echo: null, has: false };
  let last = "{}";
  const fd = openSync(path, "r");
  try {
    if (at === 0) sum.at = hash.copy().digest("hex");
    for (const { key, end } of keysOf(fd, 0)) {
      hash.update(key).update("\n");
      if (key.includes(`"uuid":"${uuid}"`)) sum.has = true;
      last = key;
      if (++sum.rows !== at) continue;
      sum.at = hash.copy().digest("hex");
      sum.end = end;
    }
  } finally {
    closeSync(fd);
  }
  const row = object(JSON.parse(last));
  const from = string(object(row?.forkedFrom)?.sessionId);
  if (from !== null) sum.echo = [from, String(row!.uuid)];
  sum.all = hash.digest("hex");
  return sum;
}

function tailOf(path: string, from: number): string {
  if (from === 0) return path;
  const file = spooled();
  const staged = new Staged(file);
  copy(path, from, staged);
  staged.commit(null);
  return file;
}

/** A directory like `~/.claude` on a disk of this machine. */
export class Here implements Place {
  readonly #directory: string;
  readonly home: string;
  constructor(directory: string, home: string) {
    this.#directory = directory;
    this.home = home;
  }
  path({ folder, id }: Pick<Item, "folder" | "id">): string {
    if (!isSessionId(id) || basename(folder) !== folder || folder.startsWith("."))
      throw new Problem("sync", "the other side names a session in a way that none has.");
    return join(this.#directory, "projects", folder, `${id}.jsonl`);
  }
  #item(id: string, folder: string): Item {
    const { size: bytes, mtimeMs: mtime } = statSync(this.path({ id, folder }));
    return { id, folder, bytes, mtime };
  }
  async list(): Promise<Item[]> {
    return projectFolders(join(this.#directory, "projects")).flatMap(([folder, path]) =>
      idsIn(path).flatMap((id) => {
        // A link could lead to anything that this machine has.
        const stats = lstatSync(join(path, `${id}.jsonl`), { throwIfNoEntry: false });
        return stats?.isFile() && !folder.startsWith(".") ? this.#item(id, folder) : [];
      }),
    );
  }
  sum = async (item: Item, at: number, uuid?: string): Promise<Sum> => sumOf(this.path(item), at, uuid);
  fetch = async (item: Item, from: number): Promise<string> => tailOf(this.path(item), from);
  async put(id: string, folder: string, bytes: number | null, file: string): Promise<Item> {
    const path = this.path({ id, folder });
    const running = (): boolean => withoutGhosts(liveSessions(join(this.#directory, "sessions"))).has(id);
    if (bytes === null) {
      const staged = new Staged(path);
      try {
        copy(file, 0, staged);
        staged.commit(null);
      } finally {
        staged.discard();
      }
    } else if (lstatOrNull(path)?.size === bytes) extend(path, file, 0, running);
    else throw new Problem("changed", `${id.slice(0, 8)} was written to meanwhile.`);
    return this.#item(id, folder);
  }
}

export type Outcome = {
  id: string;
  /** of its project folder, where it was before */
  folder: string;
  action: "received" | "sent" | "updated-here" | "updated-there" | "conflict" | "left";
  detail: string | null;
  /** of a conflict: the ids under which the other side's copy is kept here, and ours there */
  forks: string[];
};

/** Sizes and times of both copies when they were last seen to be at one. */
export type Seen = Record<string, number[]>;

export type Options = {
  /** from paths there to paths here */
  rules: readonly Rule[];
  dry: boolean;
  /** what the other side is called */
  name: string;
  seen: Seen;
  tell(outcome: Outcome): void;
};

const LATER = ["changed", "live", "enoent", "eacces"];

/** Brings two places to one state; the number of sessions for which there was nothing to do. */
export async function sync(near: Place, far: Place, options: Options): Promise<number> {
  const { seen, tell } = options;
  makeDirectory(spool());
  sweep(spool());
  const [ours, theirs] = [byId(await near.list()), byId(await far.list())];
  let unchanged = 0;
  for (const id of new Set([...ours.keys(), ...theirs.keys()])) {
    const [a, more] = ours.get(id) ?? [];
    const [b, others] = theirs.get(id) ?? [];
    const folder = (a ?? b)!.folder;
    const left = (detail: string): void => tell({ id, folder, action: "left", detail, forks: [] });
    if (more || others) {
      left("it is stored in two project folders");
      continue;
    }
    const stamp = (...both: (Item | undefined)[]): number[] =>
      both.flatMap((item) => (item ? [item.bytes, item.mtime] : [-1, -1]));
    if (String(seen[id]) === String(stamp(a, b))) {
      unchanged++;
      continue;
    }
    try {
      const done = await new Pair(near, far, options, ours, theirs).bring(id, a, b);
      if (done.outcome) tell({ id, folder, forks: [], detail: null, ...done.outcome });
      else unchanged++;
      if ((done.a || done.b) && !options.dry) seen[id] = stamp(done.a, done.b);
    } catch (error) {
      // Its turn comes with the next run.
      if (error instanceof Problem && LATER.includes(error.kind)) left(error.message);
      else if (LATER.includes(errno(error)?.toLowerCase() ?? "")) left("it cannot be read, or is gone");
      else throw error;
    }
  }
  return unchanged;
}

function byId(items: readonly Item[]): Map<string, Item[]> {
  const found = new Map<string, Item[]>();
  for (const item of items) found.set(item.id, [...(found.get(item.id) ?? []), item]);
  return found;
}

type Done = {
  a?: Item | undefined;
  b?: Item | undefined;
  outcome?: Partial<Outcome> & Pick<Outcome, "action">;
};

class Pair {
  readonly #near: Place;
  readonly #far: Place;
  readonly #options: Options;
  readonly #back: Rule[];
  readonly #known: Map<Place, ReadonlyMap<string, Item[]>>;
  constructor(
    near: Place,
    far: Place,
    options: Options,
    ours: ReadonlyMap<string, Item[]>,
    theirs: ReadonlyMap<string, Item[]>,
  ) {
    this.#near = near;
    this.#far = far;
    this.#options = options;
    this.#back = options.rules.map(([there, here]) => [here, there]);
    this.#known = new Map([
      [near, ours],
      [far, theirs],
    ]);
  }

  #rules = (to: Place): readonly Rule[] => (to === this.#near ? this.#options.rules : this.#back);

  async bring(id: string, a: Item | undefined, b: Item | undefined): Promise<Done> {
    const [near, far] = [this.#near, this.#far];
    if (a && b) {
      const mine = await near.sum(a, 0);
      const other = await far.sum(b, mine.rows);
      if (other.at === mine.all) {
        if (other.rows === mine.rows) return { a, b };
        return {
          b,
          a: await this.#carry(far, near, b, other.end, a),
          outcome: { action: "updated-here" },
        };
      }
      const part = other.rows < mine.rows ? await near.sum(a, other.rows) : null;
      if (part?.at === other.all)
        return { a, b: await this.#carry(near, far, a, part.end, b), outcome: { action: "updated-there" } };
      return { a, b, outcome: await this.#conflict(id, a, b) };
    }
    const [from, to, item] = a ? [near, far, a] : [far, near, b!];
    if (item.bytes === 0) return {};
    if (isConflict(id)) {
      const { echo } = await from.sum(item, 0);
      const [origin] = (echo && this.#known.get(to)!.get(echo[0])) ?? [];
      // The other side has all of it, in the session itself.
      if (origin && (await to.sum(origin, 0, echo![1])).has) return { a, b };
    }
    const made = await this.#carry(from, to, item, 0, null);
    return a ? { a, b: made, outcome: { action: "sent" } } : { a: made, b, outcome: { action: "received" } };
  }

  /** Brings what follows `start` from one side to the end of the other's copy, or all of it where there is none. */
  async #carry(
    from: Place,
    to: Place,
    item: Item,
    start: number,
    present: Item | null,
  ): Promise<Item | undefined> {
    if (this.#options.dry) return undefined;
    const file = await from.fetch(item, start);
    try {
      return await this.#put(
        to,
        file,
        present ?? item.id,
        present ? "" : this.#folder(to, file, item.folder),
      );
    } finally {
      release(file);
    }
  }

  /** The project folder for a session that comes from elsewhere. */
  #folder(to: Place, file: string, folder: string): string {
    const { start } = readFacts(file);
    const moved = start === null ? null : mapOf(this.#rules(to))(start);
    return moved === null || moved === start ? folder : slug(to === this.#near ? realPath(moved) : moved);
  }

  async #put(to: Place, file: string, present: Item | string, folder: string): Promise<Item> {
    const mapped = mapTo(file, this.#rules(to));
    try {
      return typeof present === "string"
        ? await to.put(present, folder, null, mapped)
        : await to.put(present.id, present.folder, present.bytes, mapped);
    } finally {
      if (mapped !== file) release(mapped);
    }
  }

  /** Both have grown: each side gets the other's copy under an id that is the same whenever it is made again. */
  async #conflict(id: string, a: Item, b: Item): Promise<Partial<Outcome> & Pick<Outcome, "action">> {
    const [near, far] = [this.#near, this.#far];
    if (this.#options.dry) return { action: "conflict" };
    const files = [await near.fetch(a, 0), await far.fetch(b, 0)] as const;
    const forks: string[] = [];
    try {
      for (const [to, own, other, beside, from] of [
        [near, files[0], files[1], a, this.#options.name],
        [far, files[1], files[0], b, hostname()],
      ] as const) {
        const fork = await forkOf(other, relationOf(own, other).to, id, from);
        if (!fork) continue;
        forks.push(fork.id);
        try {
          // Beside the session that it belongs to.
          await this.#grow(to, fork, beside.folder);
        } finally {
          release(fork.file);
        }
      }
    } finally {
      files.map(release);
    }
    return { action: "conflict", forks };
  }

  async #grow(to: Place, { id, file }: { id: string; file: string }, folder: string): Promise<void> {
    const [present] = this.#known.get(to)!.get(id) ?? [];
    if (!present) {
      await this.#put(to, file, id, folder);
      return;
    }
    const there = await to.sum(present, 0);
    const here = await sumOf(file, there.rows);
    if (here.at !== there.all || here.rows === there.rows) return;
    const tail = tailOf(file, here.end);
    await this.#put(to, tail, present, folder);
    release(tail);
  }
}

function mapTo(file: string, rules: readonly Rule[]): string {
  if (rules.length === 0) return file;
  const mapped = spooled();
  mapFile(file, mapped, rules);
  return mapped;
}

/** Ids of conflicts' forks are of UUID version 8; Claude Code's are of version 4. */
const isConflict = (id: string): boolean => id[14] === "8";

async function forkOf(
  path: string,
  start: number,
  from: string,
  place: string,
): Promise<{ id: string; file: string } | null> {
  const { createHash } = await import("node:crypto");
  const fd = openSync(path, "r");
  try {
    const { size } = fstatSync(fd);
    const found = new Survey(fd, size);
    const cut = found.tip;
    const first = keysOf(fd, start).next().value?.key;
    if (cut < 0 || first === undefined) return null;
    const { uuid } = JSON.parse(first);
    const sum = createHash("sha256").update(`${from} ${uuid}`).digest("hex");
    const id = `${sum.slice(0, 8)}-${sum.slice(8, 12)}-8${sum.slice(13, 16)}-8${sum.slice(17, 20)}-${sum.slice(20, 32)}`;
    const { customTitle, aiTitle, firstPrompt } = readFacts(path);
    const title = `${(customTitle ?? aiTitle ?? firstPrompt ?? from).slice(0, 100)} (from ${place})`;
    const file = spooled();
    const staged = new Staged(file);
    try {
      for (const piece of forked(fd, size, found, cut, { from, id, title })) staged.write(piece);
      staged.commit(null);
    } finally {
      staged.discard();
    }
    return { id, file };
  } finally {
    closeSync(fd);
  }
}

/** A machine that cannot be looked at from here has this long to finish, ms. */
const LONGEST = 3_600_000;
/** Tenths of a second. */
const PATIENCE = 20;

/** Takes the one lock of a place; gives what lets it go. */
export function lock(directory: string): () => void {
  makeDirectory(directory);
  const path = join(directory, ".ccr-sync.lock");
  const own = JSON.stringify([process.pid, startOf(process.pid), domain()]);
  for (let tries = 0; ; tries++) {
    try {
      writeFileSync(path, own, { flag: "wx", mode: 0o600 });
      return () => rmSync(path, { force: true });
    } catch (error) {
      if (errno(error) !== "EEXIST") throw error;
    }
    const [pid, start, where] = holderOf(path);
    const age = Date.now() - (lstatOrNull(path)?.mtimeMs ?? 0);
    const dead =
      where === domain() ? startOf(Number(pid)) !== start : age > LONGEST || (pid === 0 && age > 10_000);
    // Often the other one is at its end.
    if (!dead && tries < PATIENCE) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
    else if (!dead || tries > PATIENCE + 3) {
      throw new Problem("locked", `another sync is at work${pid ? `, pid ${pid}` : ""}.`, {
        hint: ["wait for it, then run this again", `or, if that is wrong: rm ${path}`],
      });
    }
    if (!dead) continue;
    // One of several gets it away.
    const away = `${path}.${process.pid}`;
    try {
      renameSync(path, away);
      rmSync(away, { force: true });
    } catch {
      // another was faster
    }
  }
}

function holderOf(path: string): [number, unknown, unknown] {
  try {
    const [pid, start, where] = JSON.parse(readFileSync(path, "utf8"));
    return [Number(pid) || 0, start, where];
  } catch {
    return [0, null, null];
  }
}
