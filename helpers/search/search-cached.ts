import { LONGEST_KEPT, parseCachedLine } from "./cached-text.ts";
import type { Kernel } from "./kernel.ts";
import type { Matches } from "./matches.ts";
import { type Word, wordsIn } from "./words.ts";

/** Reads `length` bytes of a text, from `from` on, into the kernel at `at`; false when they cannot be read. */
export type ReadText = (at: number, from: number, length: number) => boolean;

/** What is searched for: words, in which order, and whether all matches of a session are wanted. */
export type Sought = { words: readonly Word[]; order: readonly number[]; complete: boolean };

/** Searches a text in the form of the cache. Returns the words (as bits) in its titles; undefined when it cannot be read. */
export function searchText(
  kernel: Kernel,
  { words, order, complete }: Sought,
  length: number,
  read: ReadText,
  found: Matches,
): number | undefined {
  const { bytes, base } = kernel;
  const seen = new Set<number>();
  let titles = 0;
  let from = 0;
  let size = 0;
  for (; from < length; from += size) {
    size = Math.min(LONGEST_KEPT, length - from);
    if (!read(base, from, size)) return undefined;
    if (from + size < length) size = bytes.subarray(base, base + size).lastIndexOf(10) + 1;
    if (size === 0) return undefined;
    let end = base + size;
    for (const index of order) end = searchWord(words[index]!, end);
    if (found.full && !complete) break;
  }
  return titles;

  /** Takes the lines up to `end` that may hold a word. Returns where the next word is searched to. */
  function searchWord({ marks, needles }: Word, end: number): number {
    if (marks) {
      for (let at = base; at < end; at = lineEnd(at) + 1) end = add(at, end);
      return end;
    }
    for (const needle of needles) {
      kernel.use(needle);
      for (let hit = kernel.find(base, end); hit >= 0; hit = kernel.find(lineEnd(hit) + 1, end))
        end = add(Math.max(base, bytes.lastIndexOf(10, hit) + 1), end);
    }
    return end;
  }

  /** Takes the line at `at`, once. Returns where to search to. */
  function add(at: number, until: number): number {
    const place = from + at - base;
    if (seen.has(place)) return until;
    seen.add(place);
    const line = parseCachedLine(bytes.toString("utf8", at, lineEnd(at)));
    if (line?.role === "title") titles |= wordsIn(words, line.text);
    else if (line) found.add(line, place);
    return found.full && !complete ? Math.min(until, at) : until;
  }

  function lineEnd(at: number): number {
    const end = bytes.indexOf(10, at);
    return end < 0 ? bytes.length : end;
  }
}
