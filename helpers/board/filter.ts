// Words to sessions: case, accents and order do not matter. Pure.

const ACCENTS = /\p{Mn}+/gu;

/** Text as it is compared: no accents, no case, full-width forms as their plain ones. */
export function fold(text: string): string {
  // Most text is ASCII, and normalizing costs.
  return /^[\0-\x7f]*$/.test(text)
    ? text.toLowerCase()
    : text.normalize("NFKD").replace(ACCENTS, "").toLowerCase().replaceAll("ß", "ss").replaceAll("ς", "σ");
}

/** The folded words of a search; each must occur. */
export const wordsOf = (query: string): string[] => [...new Set(fold(query).split(/\s+/).filter(Boolean))];

/** What is searched of a session, folded: the part that is shown in its row, and the rest. */
export type Searched = { head: string; body: string };

/** 0: no; 2: every word stands in what the row shows; 1: some only in the rest. */
export function rank({ head, body }: Searched, words: readonly string[]): 0 | 1 | 2 {
  let best: 1 | 2 = 2;
  for (const word of words) {
    if (head.includes(word)) continue;
    if (!body.includes(word)) return 0;
    best = 1;
  }
  return best;
}

/** Those that fit, in their order, but ones that fit by what their row shows before the others. */
export function filter<T extends Searched>(items: readonly T[], words: readonly string[]): T[] {
  if (words.length === 0) return [...items];
  const first: T[] = [];
  const second: T[] = [];
  for (const item of items) {
    const fits = rank(item, words);
    if (fits === 2) first.push(item);
    else if (fits === 1) second.push(item);
  }
  return [...first, ...second];
}

/** Where words stand in a text, as `[from, to)` of its own UTF-16 offsets, in order and without overlap. */
export function marks(text: string, words: readonly string[]): [from: number, to: number][] {
  if (words.length === 0) return [];
  let folded = "";
  /** of each folded position, where its character begins and ends in the text */
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
