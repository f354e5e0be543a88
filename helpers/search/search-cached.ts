import { LONGEST_KEPT, parseCachedLine } from "./cached-text.ts";
import type { Kernel } from "./kernel.ts";
import type { Matches } from "./matches.ts";
import { type Word, wordsIn } from "./words.ts";

/** Brings `length` bytes of a text, from `from` on, into the kernel at `at`; false when they cannot be had. */
export type ReadText = (at: number, from: number, length: number) => boolean;

/** Searches a text in the form of the cache. Gives the words (bits) in its titles; undefined when it cannot be had. */
export function searchText(
  kernel: Kernel,
  words: readonly Word[],
  order: readonly number[],
  length: number,
  read: ReadText,
  found: Matches,
  complete: boolean,
): number | undefined {
  const { bytes, base } = kernel;
  const seen = new Set<number>();
  let titles = 0;
  for (let from = 0, size = 0; from < length; from += size) {
    size = Math.min(LONGEST_KEPT, length - from);
    if (!read(base, from, size)) return undefined;
    if (from + size < length) size = bytes.subarray(base, base + size).lastIndexOf(10) + 1;
    if (size === 0) return undefined;
    let end = base + size;
    for (const index of order) {
      const { marks, needles } = words[index]!;
      if (marks) {
        for (let at = base; at < end; at = lineEnd(at) + 1) end = add(at, end);
        continue;
      }
      for (const needle of needles) {
        kernel.use(needle);
        for (let hit = kernel.find(base, end); hit >= 0; hit = kernel.find(lineEnd(hit) + 1, end))
          end = add(Math.max(base, bytes.lastIndexOf(10, hit) + 1), end);
      }
    }
    if (found.full && !complete) break;

    /** Takes the line at `at` once; gives where to search to. */
    function add(at: number, until: number): number {
      const place = from + at - base;
      if (seen.has(place)) return until;
      seen.add(place);
      const said = parseCachedLine(bytes.toString("utf8", at, lineEnd(at)));
      if (said?.role === "title") titles |= wordsIn(words, said.text);
      else if (said) found.add(said, place);
      return found.full && !complete ? Math.min(until, at) : until;
    }
  }
  return titles;

  function lineEnd(at: number): number {
    const end = bytes.indexOf(10, at);
    return end < 0 ? bytes.length : end;
  }
}
