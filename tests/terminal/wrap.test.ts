import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { width } from "../../helpers/terminal/text.ts";
import { wrap } from "../../helpers/terminal/wrap.ts";

describe("wrapping a line", () => {
  it.each<[string, number, string[]]>([
    ["one two three", 7, ["one two", "three"]],
    ["one two", 80, ["one two"]],
    ["", 5, [""]],
    ["abcdefgh", 3, ["abc", "def", "gh"]],
    ["a abcdefgh", 3, ["a", "abc", "def", "gh"]],
    ["日本語", 4, ["日本", "語"]],
    ["日本語", 3, ["日", "本", "語"]],
    ["  indented", 20, ["  indented"]],
    ["e\u0301e\u0301e\u0301", 2, ["e\u0301e\u0301", "e\u0301"]],
  ])("%j in %i cells", (text, room, lines) => expect(wrap(text, room)).toEqual(lines));

  it("stops after so many lines", () => expect(wrap("a b c d e", 1, 2)).toEqual(["a", "b"]));

  it("never makes a line wider than the room, nor loses a character but blanks", () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom("a", "bc", " ", "日", "é", "😀", "   ")),
        fc.integer({ min: 2, max: 12 }),
        (parts, room) => {
          const text = parts.join("");
          const lines = wrap(text, room);
          for (const line of lines) expect(width(line)).toBeLessThanOrEqual(room);
          expect(lines.join("").replace(/ /g, "")).toBe(text.replace(/ /g, ""));
        },
      ),
    );
  });
});
