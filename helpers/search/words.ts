// What is looked for: words, ignoring case as Unicode has it, and the bytes that every hit must hold.
import { withBlank } from "../claude/row-marks.ts";
import { TEXT_MARK } from "../claude/visible-text.ts";
import { LONGEST_NEEDLE, type Needle } from "./kernel.ts";

/**
 * One word or phrase. Wherever a file holds it, it holds one of the needles; `marks`: the needle is what stands before
 * every visible text, as nothing is known of the word.
 */
export type Word = {
  text: string;
  folded: string;
  pattern: RegExp | null;
  needles: readonly Needle[];
  marks: boolean;
};

/** The words of a command line: quoted phrases stay whole, whether the shell or the person took care of the quotes. */
export function wordsOf(args: readonly string[]): string[] {
  const words = args.flatMap((arg) =>
    /"[^"]+"/.test(arg)
      ? [...arg.matchAll(/"([^"]+)"|[^\s"]+/g)].map((match) => match[1] ?? match[0])
      : [arg],
  );
  return [...new Set(words.map((word) => word.trim()))].filter((word) => word !== "");
}

// A class of ranges: the property of Unicode takes ten milliseconds to compile.
const MARKS = /[\u0300-\u036f]|[\u0591-\u1dff]|[\u20d0-\u20ff]|[\u3099\u309a]|[\ufe20-\ufe2f]/;

const PLAIN = /^[\0-\x7f]*$/;

/** A text without the differences that a search should not see: case, ß and ss, İ and i, composed or not. */
export function fold(text: string): string {
  if (PLAIN.test(text)) return text.toLowerCase();
  // The first call of normalize loads tables for five milliseconds.
  return (MARKS.test(text) ? text.normalize("NFC") : text)
    .toUpperCase()
    .toLowerCase()
    .replace(/i\u0307/g, "i")
    .replaceAll("ς", "σ")
    .replaceAll("ß", "ss");
}

/** A word to look for as it stands. */
export function literalWord(text: string): Word {
  const folded = fold(text);
  return { text, folded, pattern: null, needles: needlesOf(text), marks: false };
}

/** A regular expression to look for; `mark` stands before every text that is searched. Throws SyntaxError. */
export function regexWord(source: string, mark = TEXT_MARK): Word {
  let pattern: RegExp;
  try {
    pattern = new RegExp(source, "iu");
  } catch {
    pattern = new RegExp(source, "i");
  }
  const sure = requiredText(source);
  return sure.length >= 3
    ? { text: source, folded: "", pattern, needles: needlesOf(sure), marks: false }
    : { ...anyText(withBlank(mark)), text: source, pattern };
}

/** A word that is found wherever one of the marks is. */
export const anyText = (marks: readonly string[]): Word => ({
  text: "",
  folded: "",
  pattern: null,
  needles: marks.map(exactNeedle),
  marks: true,
});

/** The words that a text holds, as bits. */
export function wordsIn(words: readonly Word[], text: string): number {
  let mask = 0;
  let folded: string | undefined;
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    if (word.pattern ? word.pattern.test(text) : (folded ??= fold(text)).includes(word.folded))
      mask |= 1 << i;
  }
  return mask;
}

/** Where words stand in a text: ranges that do not overlap, in order, with the number of the word. */
export function ranges(words: readonly Word[], text: string): { start: number; end: number; word: number }[] {
  const found: { start: number; end: number; word: number }[] = [];
  const { folded, origin } = foldedWithOrigin(text);
  words.forEach((word, index) => {
    if (word.pattern) {
      const all = new RegExp(word.pattern.source, `${word.pattern.flags}g`);
      for (const match of text.matchAll(all)) {
        if (found.length > MOST_RANGES) break;
        if (match[0] !== "")
          found.push({ start: match.index, end: match.index + match[0].length, word: index });
      }
      return;
    }
    for (
      let at = folded.indexOf(word.folded);
      at >= 0 && found.length <= MOST_RANGES;
      at = folded.indexOf(word.folded, at + word.folded.length)
    )
      found.push({ start: origin(at), end: origin(at + word.folded.length), word: index });
  });
  found.sort((a, b) => a.start - b.start || b.end - a.end);
  let last = 0;
  return found.filter(({ start, end }) => {
    if (start < last || end <= start) return false;
    last = end;
    return true;
  });
}

const MOST_RANGES = 400;

/** The folded text, and where a position in it lies in the text itself. */
function foldedWithOrigin(text: string): { folded: string; origin: (at: number) => number } {
  const whole = fold(text);
  // Without marks that join others each character stays in its place, unless one has become two.
  if (whole.length === text.length && !MARKS.test(text)) return { folded: whole, origin: (at) => at };
  let folded = "";
  const starts: number[] = [];
  let at = 0;
  for (const [cluster] of text.matchAll(/\P{M}\p{M}*|\p{M}+/gsu)) {
    const piece = fold(cluster);
    for (let i = 0; i < piece.length; i++) starts.push(at);
    folded += piece;
    at += cluster.length;
  }
  // The end of a cluster is the start of the next one.
  return { folded, origin: (position) => starts[position] ?? text.length };
}

// ---- needles

/** Bytes of transcripts from the most common to the rarest; others are rarer still. */
const COMMONEST_FIRST = " etnaori\"sl\\cuhd,mf.p:12/bw3g4y05}{k69-78;()=v_'&jxq>!z?[]|<#$%*+@^`~";
const rarity = (byte: number): number => {
  const at = COMMONEST_FIRST.indexOf(String.fromCharCode(byte).toLowerCase());
  // Of a character of several bytes the first is the same for its whole alphabet.
  if (at >= 0) return at;
  return byte >= 0xc0 ? COMMONEST_FIRST.length : COMMONEST_FIRST.length + 1;
};

type Bytes = { value: number[]; mask: number[] };

/**
 * The bytes of a word that stand in a file in whatever way the word is written there. Characters with several
 * spellings (é may be two characters, İ is an i, ß is ss) are left out, and the longest run of others is taken.
 * Where that is not ASCII, a writer of JSON may have escaped it: two needles.
 */
export function needlesOf(word: string): Needle[] {
  let run = longestRun(word, true);
  if (bytesOf(run).value.length < 3) run = longestRun(word, false);
  if (run.length === 0) return formsOf(word);
  const needles = [needle(bytesOf(run))];
  if (run.some(({ escaped }) => escaped)) needles.push(needle(bytesOf(run, true)));
  return needles;
}

/** The needles of a word that is nothing but characters with several spellings: one for each. */
function formsOf(word: string): Needle[] {
  const forms = new Set<string>();
  for (const form of [word, word.toLowerCase(), word.toUpperCase(), fold(word)])
    for (const text of [form.normalize("NFC"), form.normalize("NFD")])
      forms.add(text).add(unicodeEscapes(text));
  return [...forms].map((form) => {
    const bytes = Buffer.from(form);
    return needle(matchingBoth(bytes, bytes, 0x20)!);
  });
}

/** One character: its bytes, and its `\\u` escape where that is another way to write it. */
type Spelling = { plain: Bytes; escaped: Bytes | null };

function bytesOf(run: readonly Spelling[], escaped = false): Bytes {
  const all: Bytes = { value: [], mask: [] };
  for (const spelling of run) {
    const bytes = (escaped && spelling.escaped) || spelling.plain;
    if (all.value.length + bytes.value.length > LONGEST_NEEDLE) break;
    all.value.push(...bytes.value);
    all.mask.push(...bytes.mask);
  }
  return all;
}

function longestRun(word: string, strict: boolean): Spelling[] {
  let best: Spelling[] = [];
  let run: Spelling[] = [];
  const characters = [...(PLAIN.test(word) ? word : word.normalize("NFC"))];
  characters.forEach((character, i) => {
    const spelling =
      strict && (/^i$/i.test(character) || isDoubleS(characters, i)) ? null : spellingOf(character);
    if (spelling === null) run = [];
    else run = [...run, spelling];
    if (run.length > best.length) best = run;
  });
  return best;
}

const isS = (character: string | undefined): boolean => character === "s" || character === "S";
const isDoubleS = (all: readonly string[], i: number): boolean =>
  isS(all[i]) && (isS(all[i - 1]) || isS(all[i + 1]));

/** How one character stands in JSON, with masks for its case; null where case or composition has more ways. */
function spellingOf(character: string): Spelling | null {
  const code = character.codePointAt(0)!;
  if (code < 0x20) {
    const json = Buffer.from(JSON.stringify(character).slice(1, -1));
    const escapes = Buffer.from(unicodeEscapes(character));
    return { plain: matchingBoth(json, json)!, escaped: matchingBoth(escapes, escapes, 0x20) };
  }
  if (code === 0xfffd || (code >= 0xd800 && code < 0xe000)) return null;
  if (character === '"' || character === "\\")
    return { plain: { value: [0x5c, code], mask: [0, 0] }, escaped: null };
  if (code < 0x80) {
    const mask = /[a-z]/i.test(character) ? 0x20 : 0;
    return { plain: { value: [code | mask], mask: [mask] }, escaped: null };
  }
  if (
    character.normalize("NFD") !== character ||
    /[\u03c2\u03c3\u03a3\u0130\u0131\u00df\u1e9e\u017f]/.test(character)
  )
    return null;
  const lower = character.toLowerCase();
  const upper = character.toUpperCase();
  const plain = matchingBoth(Buffer.from(lower), Buffer.from(upper));
  const escaped = matchingBoth(Buffer.from(unicodeEscapes(lower)), Buffer.from(unicodeEscapes(upper)), 0x20);
  return plain && escaped && Buffer.byteLength(character) === plain.value.length ? { plain, escaped } : null;
}

const unicodeEscapes = (text: string): string =>
  text.replace(/./gs, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);

/** Bytes that fit both of two spellings; null where their lengths differ. `letters`: what their case may change. */
function matchingBoth(a: Buffer, b: Buffer, letters = 0): Bytes | null {
  if (a.length !== b.length) return null;
  const mask = [...a].map(
    (byte, i) =>
      (byte ^ b[i]!) | ((byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a && byte < 0x80 ? letters : 0),
  );
  return { value: [...a].map((byte, i) => byte | mask[i]!), mask };
}

const exactNeedle = (text: string): Needle => {
  const value = [...Buffer.from(text).subarray(0, LONGEST_NEEDLE)];
  return needle({ value, mask: value.map(() => 0) });
};

function needle({ value, mask }: Bytes): Needle {
  const order = value.map((byte, i) => [rarity(byte), i] as const).sort((a, b) => b[0] - a[0] || b[1] - a[1]);
  const first = order[0]![1];
  return {
    value: Uint8Array.from(value),
    mask: Uint8Array.from(mask),
    rare: [first, order[1]?.[1] ?? first],
  };
}

/** How seldom a word's needle is likely to be met: the higher, the better to begin with. */
export const selectivity = ({ needles: [needle], marks }: Word): number =>
  marks || !needle ? 0 : needle.value.length + rarity(needle.value[needle.rare[0]]!) / 8;

// ---- regular expressions

/** Escapes that take what follows: \\x41, \\u0041, \\p{L}, \\k<name>, back references. */
const LONG_ESCAPE = /[xupPkc0-9]/;

/** Finds the longest text that every match of a regular expression contains, as far as that is easy to see. */
export function requiredText(source: string): string {
  if (source.includes("|")) return "";
  let best = "";
  let run = "";
  let depth = 0;
  const longest = (): string => (run.length > best.length ? run : best);
  for (let i = 0; i < source.length; i++) {
    const character = source[i]!;
    let literal: string | null = null;
    if (character === "\\") {
      const escaped = source[++i] ?? "";
      if (/[^\w\s]/.test(escaped)) literal = escaped;
      else if (LONG_ESCAPE.test(escaped)) return longest();
    } else if (character === "[" || character === "{") i = closingBracket(source, i);
    else if (character === "(") depth++;
    else if (character === ")") depth--;
    else if (!/[.^$*+?}\]]/.test(character)) literal = character;
    const optional = /[*?{]/.test(source[i + 1] ?? "");
    if (literal !== null && depth === 0 && !optional && literal !== '"' && literal !== "\\") run += literal;
    else {
      best = longest();
      run = "";
    }
  }
  return longest();
}

/** Index of the bracket that closes a class or a count of a regular expression; its length when there is none. */
function closingBracket(source: string, open: number): number {
  const close = source[open] === "[" ? "]" : "}";
  let at = open + 1;
  while (at < source.length && source[at] !== close) at += close === "]" && source[at] === "\\" ? 2 : 1;
  return at;
}
