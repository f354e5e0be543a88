import { ranges, type Word } from "./words.ts";

const AROUND = 240;
const CLOSE = 160;

/** The part of a text that shows most of the words, with what stands around it; `…` where it was cut. */
export function excerptOf(words: readonly Word[], text: string): string {
  if (text.length <= AROUND) return copyOf(text);
  const found = ranges(words, text);
  let best = found[0]?.start ?? 0;
  let most = 0;
  for (let i = 0; i < found.length; i++) {
    let seen = 0;
    for (let j = i; j < found.length && found[j]!.start - found[i]!.start < CLOSE; j++)
      seen |= 1 << found[j]!.word;
    const count = countBits(seen);
    if (count > most) [most, best] = [count, found[i]!.start];
  }
  let start = best < CLOSE / 2 ? 0 : best - CLOSE / 4;
  let end = Math.min(text.length, start + AROUND);
  // Whole words where they are near, whole characters always.
  if (start > 0) {
    const blank = text.slice(start, best).search(/\s/);
    if (blank >= 0) start += blank + 1;
    if (/[\udc00-\udfff]/.test(text[start]!)) start++;
  }
  if (end < text.length && /[\ud800-\udbff]/.test(text[end - 1]!)) end--;
  return copyOf(`${start > 0 ? "…" : ""}${text.slice(start, end)}${end < text.length ? "…" : ""}`);
}

/** The same text by itself: a slice keeps the whole in memory that it was cut from. */
export function copyOf(text: string): string {
  const encoding = /[^\0-\xff]/.test(text) ? "utf16le" : "latin1";
  return Buffer.from(text, encoding).toString(encoding);
}

export function countBits(mask: number): number {
  let count = 0;
  for (let rest = mask; rest !== 0; rest &= rest - 1) count++;
  return count;
}
