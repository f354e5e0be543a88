// Makes the sessions of two sides equal. A transcript only grows. If one copy is the beginning of the other, it gets the
// rest. If both have grown, each side keeps its own copy and gets the other one as a fork.

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
  /** name of its project folder, before the sync */
  folder: string;
  action: "received" | "sent" | "updated-here" | "updated-there" | "conflict" | "left";
  detail: string | null;
  /** of a conflict: the ids of the other side's copy here, and of ours there */
  forks: string[];
};

/** Sizes and times of both copies, by session id, when they were last in sync. */
export type SyncState = Record<string, number[]>;

export type SyncOptions = {
  /** from paths there to paths here */
  rules: readonly PathRule[];
  dryRun: boolean;
  /** name of the other side */
  name: string;
  seen: SyncState;
  tell(outcome: SyncOutcome): void;
};

/** Kinds of errors after which a session is left for the next run. */
const TRY_LATER = ["changed", "live", "enoent", "eacces"];

/** Makes both sides equal. Returns the number of sessions that were in sync already. */
export async function sync(local: Peer, remote: Peer, options: SyncOptions): Promise<number> {
  const { seen, tell } = options;
  makeDirectory(spoolDirectory());
  sweepTemporaryFiles(spoolDirectory());
  const [ours, theirs] = [byId(await local.list()), byId(await remote.list())];
  const pair = new PeerPair(
    local,
    remote,
    options,
    new Map([
      [local, ours],
      [remote, theirs],
    ]),
  );
  let unchanged = 0;
  for (const id of new Set([...ours.keys(), ...theirs.keys()])) {
    const [a, a2] = ours.get(id) ?? [];
    const [b, b2] = theirs.get(id) ?? [];
    const folder = (a ?? b)!.folder;
    const leave = (detail: string): void => tell({ id, folder, action: "left", detail, forks: [] });
    if (a2 || b2) {
      leave("it is in two project folders");
      continue;
    }
    if (String(seen[id]) === String(stampOf(a, b))) {
      unchanged++;
      continue;
    }
    try {
      const done = await pair.syncSession(id, a, b);
      if (done.outcome) tell({ id, folder, forks: [], detail: null, ...done.outcome });
      else unchanged++;
      if ((done.a || done.b) && !options.dryRun) seen[id] = stampOf(done.a, done.b);
    } catch (error) {
      if (error instanceof Problem && TRY_LATER.includes(error.kind)) leave(error.message);
      else if (TRY_LATER.includes(errno(error)?.toLowerCase() ?? ""))
        leave("it cannot be read, or was deleted");
      else throw error;
    }
  }
  return unchanged;
}

const stampOf = (...both: (TranscriptFile | undefined)[]): number[] =>
  both.flatMap((file) => (file ? [file.bytes, file.mtime] : [-1, -1]));

type FilesById = ReadonlyMap<string, TranscriptFile[]>;

function byId(files: readonly TranscriptFile[]): FilesById {
  const found = new Map<string, TranscriptFile[]>();
  for (const file of files) found.set(file.id, [...(found.get(file.id) ?? []), file]);
  return found;
}

type SessionOutcome = Partial<SyncOutcome> & Pick<SyncOutcome, "action">;
/** The two copies afterwards. Without `outcome` there was nothing to do. */
type Done = {
  a?: TranscriptFile | undefined;
  b?: TranscriptFile | undefined;
  outcome?: SessionOutcome;
};

class PeerPair {
  readonly #local: Peer;
  readonly #remote: Peer;
  readonly #options: SyncOptions;
  readonly #rulesBack: PathRule[];
  /** what each side had at the beginning */
  readonly #known: ReadonlyMap<Peer, FilesById>;
  constructor(local: Peer, remote: Peer, options: SyncOptions, known: ReadonlyMap<Peer, FilesById>) {
    this.#local = local;
    this.#remote = remote;
    this.#options = options;
    this.#rulesBack = options.rules.map(([there, here]) => [here, there]);
    this.#known = known;
  }

  #rules = (to: Peer): readonly PathRule[] => (to === this.#local ? this.#options.rules : this.#rulesBack);

  /** Syncs a session; `a` is our copy, `b` the other side's. */
  async syncSession(id: string, a: TranscriptFile | undefined, b: TranscriptFile | undefined): Promise<Done> {
    if (a && b) return this.#syncBoth(id, a, b);
    const [from, to, file] = a ? [this.#local, this.#remote, a] : [this.#remote, this.#local, b!];
    if (file.bytes === 0) return {};
    if (await this.#isEcho(file, from, to)) return { a, b };
    const copy = await this.#transfer(from, to, file, 0, null);
    return a ? { a, b: copy, outcome: { action: "sent" } } : { a: copy, b, outcome: { action: "received" } };
  }

  async #syncBoth(id: string, a: TranscriptFile, b: TranscriptFile): Promise<Done> {
    const [local, remote] = [this.#local, this.#remote];
    const ours = await local.sum(a, 0);
    const theirs = await remote.sum(b, ours.rows);
    if (theirs.at === ours.all) {
      if (theirs.rows === ours.rows) return { a, b };
      const longer = await this.#transfer(remote, local, b, theirs.end, a);
      return { a: longer, b, outcome: { action: "updated-here" } };
    }
    const part = theirs.rows < ours.rows ? await local.sum(a, theirs.rows) : null;
    if (part?.at === theirs.all) {
      const longer = await this.#transfer(local, remote, a, part.end, b);
      return { a, b: longer, outcome: { action: "updated-there" } };
    }
    return { a, b, outcome: await this.#forkBoth(id, a, b) };
  }

  /** Returns whether a session is the fork of a conflict, and all of it is in the other side's session already. */
  async #isEcho(file: TranscriptFile, from: Peer, to: Peer): Promise<boolean> {
    if (!isConflictId(file.id)) return false;
    const { echo } = await from.sum(file, 0);
    const [origin] = (echo && this.#known.get(to)!.get(echo[0])) ?? [];
    return origin !== undefined && (await to.sum(origin, 0, echo![1])).has;
  }

  /** Appends what follows byte `start` to the other side's copy (`present`), or creates the copy. */
  async #transfer(
    from: Peer,
    to: Peer,
    source: TranscriptFile,
    start: number,
    present: TranscriptFile | null,
  ): Promise<TranscriptFile | undefined> {
    if (this.#options.dryRun) return undefined;
    const file = await from.fetch(source, start);
    try {
      if (present) return await this.#put(to, file, present);
      return await this.#put(to, file, {
        id: source.id,
        folder: this.#folder(to, file, source.folder),
        bytes: null,
      });
    } finally {
      removeSpooled(file);
    }
  }

  /** Returns the project folder for a session that the other side does not have. */
  #folder(to: Peer, file: string, folder: string): string {
    const { start } = readFacts(file);
    const moved = start === null ? null : pathMapper(this.#rules(to))(start);
    if (moved === null || moved === start) return folder;
    return slug(to === this.#local ? realPath(moved) : moved);
  }

  /** Maps the paths in a file and appends it to a transcript; with `bytes: null` the transcript is new. */
  async #put(
    to: Peer,
    file: string,
    { id, folder, bytes }: Pick<TranscriptFile, "id" | "folder"> & { bytes: number | null },
  ): Promise<TranscriptFile> {
    const mapped = withMappedPaths(file, this.#rules(to));
    try {
      return await to.put(id, folder, bytes, mapped);
    } finally {
      if (mapped !== file) removeSpooled(mapped);
    }
  }

  /** Both copies have grown: gives each side the other's copy as a fork, beside the session. */
  async #forkBoth(id: string, a: TranscriptFile, b: TranscriptFile): Promise<SessionOutcome> {
    const [local, remote] = [this.#local, this.#remote];
    if (this.#options.dryRun) return { action: "conflict" };
    const [ours, theirs] = [await local.fetch(a, 0), await remote.fetch(b, 0)];
    const forks: string[] = [];
    const addFork = async (
      to: Peer,
      folder: string,
      own: string,
      other: string,
      name: string,
    ): Promise<void> => {
      const fork = await writeConflictFork(other, compareTranscripts(own, other).to, id, name);
      if (!fork) return;
      forks.push(fork.id);
      try {
        await this.#putFork(to, fork, folder);
      } finally {
        removeSpooled(fork.file);
      }
    };
    try {
      await addFork(local, a.folder, ours, theirs, this.#options.name);
      await addFork(remote, b.folder, theirs, ours, hostname());
    } finally {
      removeSpooled(ours);
      removeSpooled(theirs);
    }
    return { action: "conflict", forks };
  }

  /** Creates a fork, or appends to the one of an earlier sync, unless somebody has continued that. */
  async #putFork(to: Peer, { id, file }: { id: string; file: string }, folder: string): Promise<void> {
    const [present] = this.#known.get(to)!.get(id) ?? [];
    if (!present) {
      await this.#put(to, file, { id, folder, bytes: null });
      return;
    }
    const there = await to.sum(present, 0);
    const here = await summarize(file, there.rows);
    if (here.at !== there.all || here.rows === there.rows) return;
    const tail = spoolTail(file, here.end);
    await this.#put(to, tail, present);
    removeSpooled(tail);
  }
}

function withMappedPaths(file: string, rules: readonly PathRule[]): string {
  if (rules.length === 0) return file;
  const mapped = spoolPath();
  mapTranscript(file, mapped, rules);
  return mapped;
}
