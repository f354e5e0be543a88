import { hostname } from "node:os";
import { compareTranscripts } from "../archive/compare.ts";
import { mapTranscript } from "../archive/map-transcript.ts";
import { type PathRule, pathMapper } from "../archive/path-rules.ts";
import { slug } from "../claude/places.ts";
import { readFacts } from "../claude/transcript.ts";
import { realPath } from "../sessions/lookup.ts";
import { makeDirectory } from "../system/files.ts";
import { errno, Problem } from "../system/problem.ts";
import { sweepTemporaryFiles } from "../system/temporary-files.ts";
import { isConflictId, writeConflictFork } from "./conflict.ts";
import { spoolTail, summarize } from "./local-peer.ts";
import { type Peer, removeSpooled, spoolDirectory, spoolPath, type TranscriptFile } from "./peer.ts";

export type SyncOutcome = {
  id: string;
  /** of its project folder, where it was before */
  folder: string;
  action: "received" | "sent" | "updated-here" | "updated-there" | "conflict" | "left";
  detail: string | null;
  /** of a conflict: the ids under which the other side's copy is kept here, and ours there */
  forks: string[];
};

/** Sizes and times of both copies when they were last seen to be at one. */
export type SyncState = Record<string, number[]>;

export type SyncOptions = {
  /** from paths there to paths here */
  rules: readonly PathRule[];
  dryRun: boolean;
  /** what the other side is called */
  name: string;
  seen: SyncState;
  tell(outcome: SyncOutcome): void;
};

const LATER = ["changed", "live", "enoent", "eacces"];

/** Brings two places to one state; the number of sessions for which there was nothing to do. */
export async function sync(near: Peer, far: Peer, options: SyncOptions): Promise<number> {
  const { seen, tell } = options;
  makeDirectory(spoolDirectory());
  sweepTemporaryFiles(spoolDirectory());
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
    const stamp = (...both: (TranscriptFile | undefined)[]): number[] =>
      both.flatMap((item) => (item ? [item.bytes, item.mtime] : [-1, -1]));
    if (String(seen[id]) === String(stamp(a, b))) {
      unchanged++;
      continue;
    }
    try {
      const done = await new PeerPair(near, far, options, ours, theirs).syncSession(id, a, b);
      if (done.outcome) tell({ id, folder, forks: [], detail: null, ...done.outcome });
      else unchanged++;
      if ((done.a || done.b) && !options.dryRun) seen[id] = stamp(done.a, done.b);
    } catch (error) {
      // Its turn comes with the next run.
      if (error instanceof Problem && LATER.includes(error.kind)) left(error.message);
      else if (LATER.includes(errno(error)?.toLowerCase() ?? "")) left("it cannot be read, or is gone");
      else throw error;
    }
  }
  return unchanged;
}

function byId(items: readonly TranscriptFile[]): Map<string, TranscriptFile[]> {
  const found = new Map<string, TranscriptFile[]>();
  for (const item of items) found.set(item.id, [...(found.get(item.id) ?? []), item]);
  return found;
}

type Done = {
  a?: TranscriptFile | undefined;
  b?: TranscriptFile | undefined;
  outcome?: Partial<SyncOutcome> & Pick<SyncOutcome, "action">;
};

class PeerPair {
  readonly #near: Peer;
  readonly #far: Peer;
  readonly #options: SyncOptions;
  readonly #back: PathRule[];
  readonly #known: Map<Peer, ReadonlyMap<string, TranscriptFile[]>>;
  constructor(
    near: Peer,
    far: Peer,
    options: SyncOptions,
    ours: ReadonlyMap<string, TranscriptFile[]>,
    theirs: ReadonlyMap<string, TranscriptFile[]>,
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

  #rules = (to: Peer): readonly PathRule[] => (to === this.#near ? this.#options.rules : this.#back);

  async syncSession(id: string, a: TranscriptFile | undefined, b: TranscriptFile | undefined): Promise<Done> {
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
    if (isConflictId(id)) {
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
    from: Peer,
    to: Peer,
    item: TranscriptFile,
    start: number,
    present: TranscriptFile | null,
  ): Promise<TranscriptFile | undefined> {
    if (this.#options.dryRun) return undefined;
    const file = await from.fetch(item, start);
    try {
      return await this.#put(
        to,
        file,
        present ?? item.id,
        present ? "" : this.#folder(to, file, item.folder),
      );
    } finally {
      removeSpooled(file);
    }
  }

  /** The project folder for a session that comes from elsewhere. */
  #folder(to: Peer, file: string, folder: string): string {
    const { start } = readFacts(file);
    const moved = start === null ? null : pathMapper(this.#rules(to))(start);
    return moved === null || moved === start ? folder : slug(to === this.#near ? realPath(moved) : moved);
  }

  async #put(
    to: Peer,
    file: string,
    present: TranscriptFile | string,
    folder: string,
  ): Promise<TranscriptFile> {
    const mapped = mapTo(file, this.#rules(to));
    try {
      return typeof present === "string"
        ? await to.put(present, folder, null, mapped)
        : await to.put(present.id, present.folder, present.bytes, mapped);
    } finally {
      if (mapped !== file) removeSpooled(mapped);
    }
  }

  /** Both have grown: each side gets the other's copy under an id that is the same whenever it is made again. */
  async #conflict(
    id: string,
    a: TranscriptFile,
    b: TranscriptFile,
  ): Promise<Partial<SyncOutcome> & Pick<SyncOutcome, "action">> {
    const [near, far] = [this.#near, this.#far];
    if (this.#options.dryRun) return { action: "conflict" };
    const files = [await near.fetch(a, 0), await far.fetch(b, 0)] as const;
    const forks: string[] = [];
    try {
      for (const [to, own, other, beside, from] of [
        [near, files[0], files[1], a, this.#options.name],
        [far, files[1], files[0], b, hostname()],
      ] as const) {
        const fork = await writeConflictFork(other, compareTranscripts(own, other).to, id, from);
        if (!fork) continue;
        forks.push(fork.id);
        try {
          // Beside the session that it belongs to.
          await this.#grow(to, fork, beside.folder);
        } finally {
          removeSpooled(fork.file);
        }
      }
    } finally {
      files.map(removeSpooled);
    }
    return { action: "conflict", forks };
  }

  async #grow(to: Peer, { id, file }: { id: string; file: string }, folder: string): Promise<void> {
    const [present] = this.#known.get(to)!.get(id) ?? [];
    if (!present) {
      await this.#put(to, file, id, folder);
      return;
    }
    const there = await to.sum(present, 0);
    const here = await summarize(file, there.rows);
    if (here.at !== there.all || here.rows === there.rows) return;
    const tail = spoolTail(file, here.end);
    await this.#put(to, tail, present, folder);
    removeSpooled(tail);
  }
}

function mapTo(file: string, rules: readonly PathRule[]): string {
  if (rules.length === 0) return file;
  const mapped = spoolPath();
  mapTranscript(file, mapped, rules);
  return mapped;
}
