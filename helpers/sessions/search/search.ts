import { closeSync, openSync } from "node:fs";
import { counted } from "../../claude/lines.ts";
import { slug } from "../../claude/places.ts";
import { saidIn, titleIn, transcriptField } from "../../claude/text.ts";
import { factsOf } from "../../claude/transcript.ts";
import { verdictOf } from "../../limits/verdict.ts";
import type { Entry, Transcript } from "../entry.ts";
import { realPath } from "../lookup.ts";
import { startOf, titleOf } from "../session.ts";
import { CHUNK, type Kernel, makeKernel } from "./kernel.ts";
import { type Match, Matches } from "./matches.ts";
import { fold, holds, selectivity, type Word } from "./query.ts";
import { Scan, type Visit } from "./scan.ts";

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

export type Sighting = { entry: Entry; hits: number; matches: Match[] };

const HEAD = 16_384;

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

/** Searches transcripts one after the other, with one kernel. */
export class Searcher {
  readonly #wanted: Wanted;
  readonly #scan: Scan;
  readonly #all: number;
  /** word numbers, those first that are met least */
  readonly #order: number[];
  readonly #projects = new Map<string, Project>();

  constructor(wanted: Wanted, kernel: Kernel = makeKernel()) {
    this.#wanted = wanted;
    this.#scan = new Scan(kernel, wanted.words, transcriptField(wanted.tools));
    this.#all = 2 ** wanted.words.length - 1;
    this.#order = wanted.words.map((_, i) => i);
    this.#order.sort((a, b) => selectivity(wanted.words[b]!) - selectivity(wanted.words[a]!));
  }

  /** What a session holds of the words, or null when it does not hold them all. */
  search(transcript: Transcript): Sighting | null {
    let fd: number;
    try {
      fd = openSync(transcript.path, "r");
    } catch {
      // vanished, or not ours to read
      return null;
    }
    counted.opens++;
    try {
      return new Session(fd, transcript, this.#wanted, this.#all).search(
        this.#scan,
        this.#order,
        this.#projects,
      );
    } catch (error) {
      if (error instanceof Error && "code" in error) return null;
      throw error;
    } finally {
      closeSync(fd);
    }
  }
}

/** One transcript while it is searched. */
class Session {
  readonly #fd: number;
  readonly #transcript: Transcript;
  readonly #wanted: Wanted;
  readonly #all: number;
  #found: Matches;
  #known: Entry | undefined;
  #start: string | null | undefined;
  #titles = 0;

  constructor(fd: number, transcript: Transcript, wanted: Wanted, all: number) {
    this.#fd = fd;
    this.#transcript = transcript;
    this.#wanted = wanted;
    this.#all = all;
    this.#found = new Matches(wanted.words, wanted.complete);
  }

  get #entry(): Entry {
    if (!this.#known) {
      const { last, ...facts } = factsOf(this.#fd, this.#transcript.bytes);
      this.#known = { ...this.#transcript, facts: { ...facts, verdict: verdictOf(last) }, unreadable: null };
    }
    return this.#known;
  }

  /** Where the session was started. The whole facts are read only for files that lie in another's folder. */
  get #project(): string | null {
    const start = this.#start;
    return start != null && slug(start) === this.#transcript.folder ? start : startOf(this.#entry);
  }

  search(scan: Scan, order: readonly number[], projects: Map<string, Project>): Sighting | null {
    const { bytes } = this.#transcript;
    const filtered = this.#wanted.here !== null || this.#wanted.project !== null;
    let project: Project | undefined;
    const head = (chunk: Buffer): boolean => {
      if (!project) {
        this.#start = firstDirectory(chunk);
        project = projectOf(this.#project, this.#wanted, projects);
      }
      return project.refused;
    };
    const first = filtered ? HEAD : CHUNK;

    // Of several words the rarest must be somewhere, before the others are looked for.
    const rarest = order.length > 1 ? order[0]! : null;
    if (rarest !== null) {
      const bit = 1 << rarest;
      scan.read(this.#fd, bytes, [rarest], (line) => this.#sees(line, bit), head, first);
      if (!project || project.refused) return null;
      if (!((project.mask | this.#found.mask | this.#titles) & bit)) return null;
      this.#found = new Matches(this.#wanted.words, this.#wanted.complete);
    }
    scan.read(this.#fd, bytes, order, (line) => this.#visit(line), head, first);
    if (!project || project.refused) return null;
    const mask = project.mask | this.#found.mask;
    if (mask !== this.#all) {
      if ((mask | this.#titles) !== this.#all) return null;
      const { title } = titleOf(this.#entry);
      if (title === null || (mask | holds(this.#wanted.words, title)) !== this.#all) return null;
    }
    return { entry: this.#entry, hits: this.#found.hits, matches: this.#found.best };
  }

  #sees(line: Visit, bit: number): boolean {
    this.#visit(line);
    return ((this.#found.mask | this.#titles) & bit) !== 0;
  }

  #visit({ start, rows }: Visit): boolean {
    for (const row of rows) {
      for (const said of saidIn(row, this.#wanted.tools)) this.#found.add(said, start);
      const title = titleIn(row);
      if (title !== null) this.#titles |= holds(this.#wanted.words, title);
    }
    return this.#found.full && !this.#wanted.complete;
  }
}

const MARK = Buffer.from('"cwd":"');

/** The first `cwd` in the head of a transcript, taken from its bytes; null where the head holds none. */
function firstDirectory(head: Buffer): string | null {
  const at = head.indexOf(MARK);
  if (at < 0) return null;
  const from = at + MARK.length - 1;
  let end = head.indexOf(34, from + 1);
  while (end > 0 && head[end - 1] === 92) end = head.indexOf(34, end + 1);
  if (end < 0) return null;
  try {
    return JSON.parse(head.toString("utf8", from, end + 1));
  } catch {
    return null;
  }
}
