import { writeSync } from "node:fs";
import { readAt } from "../claude/lines.ts";
import { titleOfRow, transcriptField, visibleTextsOf } from "../claude/visible-text.ts";
import { type Entry, timeOfEntry } from "../sessions/entry.ts";
import { titleOf } from "../sessions/session.ts";
import { asciiJson } from "../system/json-text.ts";
import { openUnlinkedFile } from "../system/unlinked-file.ts";
import type { CacheFiller } from "./cache-filler.ts";
import { projectOfFile, readEntry, withOpenFile } from "./entry-facts.ts";
import { CHUNK, type Kernel, makeKernel } from "./kernel.ts";
import type { ListedFile } from "./listing.ts";
import { type Match, Matches } from "./matches.ts";
import { matchProject, type ProjectMatch, type Query } from "./query.ts";
import { Scan, type ScannedLine } from "./scan.ts";
import { type ReadText, searchText } from "./search-cached.ts";
import type { CachedText, TextCache } from "./text-cache.ts";
import { selectivity, wordsIn } from "./words.ts";

export type SearchHit = { entry: Entry; hits: number; matches: Match[] };

/** A hit as JSON, and what is needed to sort it: there may be thousands, of twelve kilobytes each. */
export type Serialized = {
  id: string;
  path: string;
  at: number;
  mtime: number;
  text: string;
  /** where the text is when it was put aside */
  spilled?: { at: number; length: number };
};

export const serialized = (hit: SearchHit): Serialized => {
  const { entry } = hit;
  const { id, path, mtime } = entry;
  return { id, path, at: timeOfEntry(entry), mtime, text: asciiJson(hit) };
};

export function deserialized({ text, spilled }: Serialized): SearchHit {
  if (!spilled) return JSON.parse(text);
  const bytes = Buffer.allocUnsafe(spilled.length);
  readAt(file!, bytes, spilled.at);
  return JSON.parse(bytes.toString("latin1"));
}

let file: number | undefined;
let end = 0;

/** Moves the text of a hit from memory to a file without a name, if there is room for one. */
export function spillToDisk(one: Serialized): void {
  const bytes = Buffer.from(one.text, "latin1");
  try {
    file ??= openUnlinkedFile();
    if (writeSync(file, bytes, 0, bytes.length, end) !== bytes.length) return;
    one.spilled = { at: end, length: bytes.length };
    end += bytes.length;
    one.text = "";
  } catch {
    // it stays in memory
  }
}

const HEAD = 16_384;

const hasProjectFilter = ({ here, project }: Query): boolean => here !== null || project !== null;

/** Searches transcripts one after the other, with one kernel; their texts in the cache where they are there. */
export class Searcher {
  readonly #wanted: Query;
  readonly #kernel: Kernel;
  readonly #scan: Scan;
  readonly #cache: TextCache | null;
  readonly #filler: CacheFiller | null;
  readonly #all: number;
  /** words of which nothing is known: each title must be looked at */
  readonly #vague: number;
  /** word numbers, those first that are met least */
  readonly #order: number[];
  readonly #projects = new Map<string, ProjectMatch>();

  constructor(
    wanted: Query,
    kernel: Kernel = makeKernel(),
    cache: TextCache | null = null,
    filler: CacheFiller | null = null,
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
  search(file: ListedFile): SearchHit | null {
    const began = process.hrtime();
    const { cached } = file;
    const fromCache = cached ? this.#inCache(file, cached) : undefined;
    const result = fromCache === undefined ? this.#read(file) : fromCache;
    if (this.#filler) {
      const [seconds, nanoseconds] = process.hrtime(began);
      this.#filler.noteTime(file, seconds * 1e3 + nanoseconds / 1e6);
    }
    return result;
  }

  #read(file: ListedFile): SearchHit | null {
    try {
      return withOpenFile(file, (fd) => {
        const filled = hasProjectFilter(this.#wanted) ? null : this.#filler?.fill(fd, file);
        if (!filled) return this.#inFile(fd, file);
        const { text, project } = filled;
        const place = matchProject(project, this.#wanted, this.#projects);
        if (place.excluded) return null;
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

  #inFile(fd: number, file: ListedFile): SearchHit | null {
    const { words, complete } = this.#wanted;
    let entry: Entry | undefined;
    const entryOf = (): Entry => {
      entry ??= readEntry(fd, file);
      return entry;
    };
    let project: ProjectMatch | undefined;
    const head = (chunk: Buffer): boolean => {
      if (!project) {
        project = matchProject(projectOfFile(fd, file, chunk, entryOf), this.#wanted, this.#projects);
      }
      return project.excluded;
    };
    const options = { head, first: hasProjectFilter(this.#wanted) ? HEAD : CHUNK };

    let found = new Matches(words, complete);
    let titles = this.#vague;
    const visit = ({ rows, start }: ScannedLine): boolean => {
      for (const row of rows()) {
        for (const said of visibleTextsOf(row, this.#wanted.tools)) found.add(said, start);
        const title = titleOfRow(row);
        if (title !== null) titles |= wordsIn(words, title);
      }
      return found.full && !complete;
    };

    // Of several words the rarest must be somewhere, before the others are looked for.
    const rarest = this.#order[0]!;
    if (this.#order.length > 1) {
      const bit = 1 << rarest;
      const sees = (line: ScannedLine): boolean => visit(line) || ((found.mask | titles) & bit) !== 0;
      this.#scan.read(fd, file.bytes, [rarest], sees, options);
      if (!project || project.excluded) return null;
      if (!((project.mask | found.mask | titles) & bit)) return null;
      found = new Matches(words, complete);
    }
    this.#scan.read(fd, file.bytes, this.#order, visit, options);
    if (!project || project.excluded) return null;
    return this.#judge(found, project.mask, titles, entryOf);
  }

  /** Whether everything was found, the title included where it is not elsewhere. */
  #judge(found: Matches, inProject: number, titles: number, entryOf: () => Entry | null): SearchHit | null {
    let mask = inProject | found.mask;
    if ((mask | titles) !== this.#all) return null;
    const entry = entryOf();
    if (!entry) return null;
    if (mask !== this.#all) {
      mask |= wordsIn(this.#wanted.words, titleOf(entry).title ?? "");
      if (mask !== this.#all) return null;
    }
    return { entry, hits: found.hits, matches: found.best };
  }

  // ---- in the cache

  /** The same from the cache; undefined when the text cannot be had. */
  #inCache(file: ListedFile, kept: CachedText): SearchHit | null | undefined {
    const place = matchProject(kept.project, this.#wanted, this.#projects);
    if (place.excluded) return null;
    const { bytes } = this.#kernel;
    const read: ReadText = (at, from, length) => this.#cache?.read(kept, bytes, at, from, length) ?? false;
    return this.#inText(file, kept.length, place.mask, read);
  }

  #inText(file: ListedFile, length: number, inProject: number, read: ReadText): SearchHit | null | undefined {
    const { words, complete } = this.#wanted;
    const found = new Matches(words, complete);
    const titles = searchText(this.#kernel, { words, order: this.#order, complete }, length, read, found);
    if (titles === undefined) return undefined;
    return this.#judge(found, inProject, titles | this.#vague, () =>
      withOpenFile(file, (fd) => readEntry(fd, file)),
    );
  }
}
