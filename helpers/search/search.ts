import { writeSync } from "node:fs";
import { readAt } from "../claude/lines.ts";
import { saidIn, titleIn, transcriptField } from "../claude/text.ts";
import { type Entry, timeOfEntry } from "../sessions/entry.ts";
import { titleOf } from "../sessions/session.ts";
import { asciiJson } from "../system/json-text.ts";
import { openUnlinkedFile } from "../system/unlinked-file.ts";
import type { Cache, Kept } from "./cache.ts";
import { projectIn, readEntry, reading } from "./facts.ts";
import type { Filler } from "./fill.ts";
import { CHUNK, type Kernel, makeKernel } from "./kernel.ts";
import type { File } from "./listing.ts";
import { type Match, Matches } from "./matches.ts";
import { holds, selectivity } from "./query.ts";
import { Scan, type Visit } from "./scan.ts";
import { type ReadText, searchText } from "./text.ts";
import { type Project, projectOf, type Wanted } from "./wanted.ts";

export type SearchHit = { entry: Entry; hits: number; matches: Match[] };

/** A sighting as text, and what is needed to put it in order: there may be thousands, of twelve kilobytes each. */
export type Serialized = {
  id: string;
  path: string;
  at: number;
  mtime: number;
  text: string;
  /** where the text is when it was put aside */
  aside?: { at: number; length: number };
};

export const serialized = (sighting: SearchHit): Serialized => {
  const { entry } = sighting;
  const { id, path, mtime } = entry;
  return { id, path, at: timeOfEntry(entry), mtime, text: asciiJson(sighting) };
};

export function deserialized({ text, aside }: Serialized): SearchHit {
  if (!aside) return JSON.parse(text);
  const bytes = Buffer.allocUnsafe(aside.length);
  readAt(file!, bytes, aside.at);
  return JSON.parse(bytes.toString("latin1"));
}

let file: number | undefined;
let end = 0;

/** Puts the text of a sighting into a file without a name, where there is room for one. */
export function spillToDisk(one: Serialized): void {
  const bytes = Buffer.from(one.text, "latin1");
  try {
    file ??= openUnlinkedFile();
    if (writeSync(file, bytes, 0, bytes.length, end) !== bytes.length) return;
    one.aside = { at: end, length: bytes.length };
    end += bytes.length;
    one.text = "";
  } catch {
    // it stays in memory
  }
}

const HEAD = 16_384;

const filtered = ({ here, project }: Wanted): boolean => here !== null || project !== null;

/** Searches transcripts one after the other, with one kernel; their texts in the cache where they are there. */
export class Searcher {
  readonly #wanted: Wanted;
  readonly #kernel: Kernel;
  readonly #scan: Scan;
  readonly #cache: Cache | null;
  readonly #filler: Filler | null;
  readonly #all: number;
  /** words of which nothing is known: each title must be looked at */
  readonly #vague: number;
  /** word numbers, those first that are met least */
  readonly #order: number[];
  readonly #projects = new Map<string, Project>();

  constructor(
    wanted: Wanted,
    kernel: Kernel = makeKernel(),
    cache: Cache | null = null,
    filler: Filler | null = null,
  ) {
    const { words, tools } = wanted;
    this.#wanted = wanted;
    this.#kernel = kernel;
    this.#cache = cache;
    this.#filler = filler;
    this.#scan = new Scan(kernel, words, transcriptField(tools));
    this.#all = 2 ** words.length - 1;
    this.#vague = words.reduce((mask, { marks }, i) => (marks ? mask | (1 << i) : mask), 0);
    this.#order = words.map((_, i) => i);
    this.#order.sort((a, b) => selectivity(words[b]!) - selectivity(words[a]!));
  }

  /** What a session holds of the words, or null when it does not hold them all. */
  search(file: File): SearchHit | null {
    const began = process.hrtime();
    const { kept } = file;
    const cached = kept ? this.#inCache(file, kept) : undefined;
    const result = cached === undefined ? this.#read(file) : cached;
    if (this.#filler) {
      const [seconds, nanoseconds] = process.hrtime(began);
      this.#filler.took(file, seconds * 1e3 + nanoseconds / 1e6);
    }
    return result;
  }

  #read(file: File): SearchHit | null {
    try {
      return reading(file, (fd) => {
        const filled = filtered(this.#wanted) ? null : this.#filler?.fill(fd, file);
        if (!filled) return this.#inFile(fd, file);
        const { text, project } = filled;
        const place = projectOf(project, this.#wanted, this.#projects);
        if (place.refused) return null;
        const read = (at: number, from: number, length: number): boolean => {
          this.#kernel.bytes.set(text.subarray(from, from + length), at);
          return true;
        };
        return this.#inText(file, text.length, place.mask, read) ?? null;
      });
    } catch (error) {
      if (error instanceof Error && "code" in error) return null;
      throw error;
    }
  }

  // ---- in the transcript itself

  #inFile(fd: number, file: File): SearchHit | null {
    const { words, complete } = this.#wanted;
    let entry: Entry | undefined;
    const entryOf = (): Entry => {
      entry ??= readEntry(fd, file);
      return entry;
    };
    let project: Project | undefined;
    const head = (chunk: Buffer): boolean => {
      if (!project) {
        project = projectOf(projectIn(fd, file, chunk, entryOf), this.#wanted, this.#projects);
      }
      return project.refused;
    };
    const options = { head, first: filtered(this.#wanted) ? HEAD : CHUNK };

    let found = new Matches(words, complete);
    let titles = this.#vague;
    const visit = ({ rows, start }: Visit): boolean => {
      for (const row of rows()) {
        for (const said of saidIn(row, this.#wanted.tools)) found.add(said, start);
        const title = titleIn(row);
        if (title !== null) titles |= holds(words, title);
      }
      return found.full && !complete;
    };

    // Of several words the rarest must be somewhere, before the others are looked for.
    const rarest = this.#order[0]!;
    if (this.#order.length > 1) {
      const bit = 1 << rarest;
      const sees = (line: Visit): boolean => visit(line) || ((found.mask | titles) & bit) !== 0;
      this.#scan.read(fd, file.bytes, [rarest], sees, options);
      if (!project || project.refused) return null;
      if (!((project.mask | found.mask | titles) & bit)) return null;
      found = new Matches(words, complete);
    }
    this.#scan.read(fd, file.bytes, this.#order, visit, options);
    if (!project || project.refused) return null;
    return this.#judge(found, project.mask, titles, entryOf);
  }

  /** Whether everything was found, the title included where it is not elsewhere. */
  #judge(found: Matches, inProject: number, titles: number, entryOf: () => Entry | null): SearchHit | null {
    let mask = inProject | found.mask;
    if ((mask | titles) !== this.#all) return null;
    const entry = entryOf();
    if (!entry) return null;
    if (mask !== this.#all) {
      mask |= holds(this.#wanted.words, titleOf(entry).title ?? "");
      if (mask !== this.#all) return null;
    }
    return { entry, hits: found.hits, matches: found.best };
  }

  // ---- in the cache

  /** The same from the cache; undefined when the text cannot be had. */
  #inCache(file: File, kept: Kept): SearchHit | null | undefined {
    const place = projectOf(kept.project, this.#wanted, this.#projects);
    if (place.refused) return null;
    const { bytes } = this.#kernel;
    const read: ReadText = (at, from, length) => this.#cache?.read(kept, bytes, at, from, length) ?? false;
    return this.#inText(file, kept.length, place.mask, read);
  }

  #inText(file: File, length: number, inProject: number, read: ReadText): SearchHit | null | undefined {
    const { words, complete } = this.#wanted;
    const found = new Matches(words, complete);
    const titles = searchText(this.#kernel, words, this.#order, length, read, found, complete);
    if (titles === undefined) return undefined;
    return this.#judge(found, inProject, titles | this.#vague, () =>
      reading(file, (fd) => readEntry(fd, file)),
    );
  }
}
