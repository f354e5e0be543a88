import { describe, expect, it } from "vitest";
import { filter, fold, matchRanges, rank, searchWords } from "../../helpers/board/filter.ts";

describe("the picker's search", () => {
  it.each([
    ["Größe", "grosse"],
    ["naïve Café", "naive cafe"],
    ["ΟΔΟΣ", "οδοσ"],
    ["οδος", "οδοσ"],
    ["İstanbul", "istanbul"],
    ["Ｆｕｌｌ", "full"],
    ["ﬁn…", "fin..."],
    ["e\u0301", "e"],
    ["Ёлка", "елка"],
  ])("compares %s as %s", (text, folded) => expect(fold(text)).toBe(folded));

  it("takes words in any order, with any blanks between them, each once", () => {
    expect(searchWords("  Retry\tgateway retry ")).toEqual(["retry", "gateway"]);
    expect(searchWords("   ")).toEqual([]);
  });

  it.each<[string, 0 | 1 | 2]>([
    ["gateway retry", 2],
    ["retry gate", 2],
    ["retry payments", 1],
    ["payments", 1],
    ["retry nothing", 0],
    ["", 2],
  ])('ranks "%s"', (query, wanted) => {
    const item = { head: fold("a1b2c3d4 Retry in the Gateway"), body: fold("the payments fail") };
    expect(rank(item, searchWords(query))).toBe(wanted);
  });

  it("puts what the row shows before what only a prompt says, and keeps the order otherwise", () => {
    const items = ["1 x", "2 y", "3 x", "4 y"].map((head) => ({ head, body: "x" }));
    expect(filter(items, ["x"]).map(({ head }) => head[0])).toEqual(["1", "3", "2", "4"]);
    expect(filter(items, [])).toEqual(items);
  });

  it.each<[string, string, string[]]>([
    ["Retry the retry", "retry", ["Retry", "retry"]],
    ["Größe und Große", "gros", ["Größ", "Groß"]],
    ["cafe\u0301 x", "cafe", ["cafe\u0301"]],
    ["ﬁne", "i", ["ﬁ"]],
    ["日本語 x", "本", ["本"]],
    ["abcabc", "bc ca", ["bcabc"]],
    ["nothing", "z", []],
  ])("marks in %j the words %j", (text, query, found) => {
    expect(matchRanges(text, searchWords(query)).map(([from, to]) => text.slice(from, to))).toEqual(found);
  });
});
