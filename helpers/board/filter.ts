// Search words against sessions: case, accents and word order do not matter. Pure.

const ACCENTS = /\p{Mn}+/gu;

/** Normalizes text for comparison: lower case, without accents, full-width forms as plain ones. */
export function fold(text: string): string {
  // Most text is ASCII, and normalizing is slow.
  return /^[\0-\x7f]*$/.test(text)
    ? text.toLowerCase()
    : text.normalize("NFKD").replace(ACCENTS, "").toLowerCase().replaceAll("ß", "ss").replaceAll("ς", "σ");
}

/** Returns the distinct folded words of a query. */
export const searchWords = (query: string): string[] => [
  ...new Set(fold(query).split(/\s+/).filter(Boolean)),
];

/** The folded text of a session: what its row shows (head) and everything else that is searched (body). */
export type Searchable = { head: string; body: string };

/** Returns 2 when the row shows every word, 1 when some are only in the rest, 0 when one is missing. */
export function rank({ head, body }: Searchable, words: readonly string[]): 0 | 1 | 2 {
  let best: 1 | 2 = 2;
  for (const word of words) {
    if (head.includes(word)) continue;
    if (!body.includes(word)) return 0;
    best = 1;
  }
  return best;
}

/** Returns the items that have every word, in their order, those whose row shows all words first. */
export function filter<T extends Searchable>(items: readonly T[], words: readonly string[]): T[] {
  if (words.length === 0) return [...items];
  const first: T[] = [];
  const second: T[] = [];
  for (const item of items) {
    const score = rank(item, words);
    if (score === 2) first.push(item);
    else if (score === 1) second.push(item);
  }
  return [...first, ...second];
}

/** Finds words in a text. Returns `[from, to)` ranges of UTF-16 offsets, sorted and without overlap. */
export function matchRanges(text: string, words: readonly string[]): [from: number, to: number][] {
  if (words.length === 0) return [];
  const { folded, from, to } = foldWithOffsets(text);
  const found: [number, number][] = [];
  for (const word of words) {
    for (let at = folded.indexOf(word); at >= 0; at = folded.indexOf(word, at + word.length)) {
      found.push([from[at]!, to[at + word.length - 1]!]);
    }
  }
  found.sort((a, b) => a[0] - b[0]);
  const joined: [number, number][] = [];
  for (const [start, end] of found) {
    const last = joined.at(-1);
    if (last && start <= last[1]) last[1] = Math.max(last[1], end);
    else joined.push([start, end]);
  }
  return joined;
}

/** Folds a text; `from` and `to` map each folded position to the bounds of its character in the original. */
function foldWithOffsets(text: string): { folded: string; from: number[]; to: number[] } {
  let folded = "";
  const from: number[] = [];
  const to: number[] = [];
  for (let at = 0; at < text.length; ) {
    const character = String.fromCodePoint(text.codePointAt(at)!);
    const piece = fold(character);
    const end = at + character.length;
    if (piece === "" && to.length > 0) to[to.length - 1] = end;
    for (let i = 0; i < piece.length; i++) {
      from.push(at);
      to.push(end);
    }
    folded += piece;
    at = end;
  }
  return { folded, from, to };
}
