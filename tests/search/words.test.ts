import { expect, test } from "vitest";
import {
  fold,
  literalWord,
  needlesOf,
  ranges,
  regexWord,
  requiredText,
  wordsIn,
  wordsOf,
} from "../../helpers/search/words.ts";

test("a query is split into words and phrases, without blanks", () => {
  expect(wordsOf(["retry", "gateway"])).toEqual(["retry", "gateway"]);
  expect(wordsOf(["payment gateway"])).toEqual(["payment gateway"]);
  expect(wordsOf(['"payment gateway" retry'])).toEqual(["payment gateway", "retry"]);
  expect(wordsOf(["", "  ", " a "])).toEqual(["a"]);
  expect(wordsOf(["a", "a"])).toEqual(["a"]);
  expect(wordsOf(['say "', '"'])).toEqual(['say "', '"']);
});

test.each([
  ["Ärger", "ÄRGER"],
  ["straße", "STRASSE"],
  ["GROSS", "groß"],
  ["istanbul", "İSTANBUL"],
  ["İstanbul", "istanbul"],
  ["IŞIK", "ışik"],
  ["ΟΔΟΣ", "οδος"],
  ["Größe", "gro\u0308ße"],
  ["ﬁle", "FILE"],
])("a query takes %s and %s for the same word", (a, b) => {
  expect(fold(a)).toBe(fold(b));
  expect(wordsIn([literalWord(a)], `x ${b} y`)).toBe(1);
  expect(wordsIn([literalWord(b)], `x ${a} y`)).toBe(1);
});

test("a query's needles are in every spelling of its word", () => {
  const fits = (word: string, text: string): boolean =>
    needlesOf(word).some(({ value, mask }) => {
      const bytes = Buffer.from(text);
      return [...bytes.keys()].some((at) =>
        value.every((byte, i) => ((bytes[at + i] ?? 0) | mask[i]!) === byte),
      );
    });
  const spellings: [word: string, texts: string[]][] = [
    ["flümmox", ["FLÜMMOX", "flu\u0308mmox", "fl\\u00fcmmox"]],
    ["straße", ["STRASSE", "Straße", "STRAẞE"]],
    ["istanbul", ["İSTANBUL", "Istanbul"]],
    [
      "данные",
      [
        "ДАННЫЕ",
        "Данные",
        "\\u0434\\u0430\\u043d\\u043d\\u044b\\u0435",
        "\\u0414\\u0410\\u041D\\u041D\\u042B\\u0415",
      ],
    ],
    ["日本語", ["日本語", "\\u65e5\\u672c\\u8a9e", "\\u65E5\\u672C\\u8A9E"]],
    ['say "hi" \\ there', ['say \\"hi\\" \\\\ there']],
    ["é", ["é", "É"]],
    ["🙂", ["🙂", "\\ud83d\\ude42"]],
  ];
  for (const [word, texts] of spellings)
    for (const text of texts) expect([word, text, fits(word, text)]).toEqual([word, text, true]);
});

test("marked ranges are those of the text itself, also where folding changes its length", () => {
  const text = "Die STRASSE und die Straße, Größe und GRO\u0308ẞE; İstanbul";
  const cut = (word: string): string[] =>
    ranges([literalWord(word)], text).map(({ start, end }) => text.slice(start, end));
  expect(cut("straße")).toEqual(["STRASSE", "Straße"]);
  expect(cut("größe")).toEqual(["Größe", "GRO\u0308ẞE"]);
  expect(cut("istanbul")).toEqual(["İstanbul"]);
  expect(cut("; i")).toEqual(["; İ"]);
});

test("marked ranges do not overlap or end within a character", () => {
  expect(ranges([literalWord("aa"), literalWord("a")], "aaaa").map(({ start, end }) => [start, end])).toEqual(
    [
      [0, 2],
      [2, 4],
    ],
  );
  expect(ranges([regexWord("x*")], "axxb").map(({ start, end }) => [start, end])).toEqual([[1, 3]]);
});

test.each([
  ["gateway", "gateway"],
  ["pay.*gateway", "gateway"],
  ["colou?r", "colo"],
  ["(retry|again) now", ""],
  ["(retry )+now", "now"],
  ["^fix: [a-z]+ done$", "fix: "],
  ["x{2,3}yz", "yz"],
  ["a\\.b\\d+cdef", "cdef"],
  ["\\bword\\b", "word"],
  ["\\u0061bc", ""],
  ['say "hi', "say "],
])("a regular expression /%s/ only matches text with '%s'", (source, sure) => {
  expect(requiredText(source)).toBe(sure);
});
