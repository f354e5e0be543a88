import { expect, test } from "vitest";
import { clean, cleanLines } from "../../helpers/terminal/clean.ts";
import { table } from "../../helpers/terminal/table.ts";
import { cut, width } from "../../helpers/terminal/text.ts";
import { dayAndTime, duration, time } from "../../helpers/terminal/time.ts";

test.each([
  ["a plain line", "a plain line"],
  ["  two\n lines\tand a tab ", "two lines and a tab"],
  ["\u001b[31mred\u001b[0m", "[31mred [0m"],
  ["\u001b]52;c;aGk=\u0007", "]52;c;aGk="],
  ["abc\u202edef", "abc def"],
  ["\u009b2J", "2J"],
  ["zero\u200bwidth", "zero width"],
  ["日本 語", "日本 語"],
])("text %j is shown as %j", (text, shown) => {
  expect(clean(text)).toBe(shown);
});

test("text of several lines keeps its lines and indentation", () => {
  expect(cleanLines("a\r\n\tb\u001b[2J\n  c")).toBe("a\n    b[2J\n  c");
});

test.each([
  ["abc", 3],
  ["日本", 4],
  ["ä", 1],
  ["a\u0308", 1],
  ["🎉", 2],
  ["", 0],
])("the width of %j is %i cells", (text, cells) => {
  expect(width(text)).toBe(cells);
});

test.each([
  ["short", 10, "short"],
  ["exactly ten", 11, "exactly ten"],
  ["a longer text", 8, "a longe…"],
  ["日本語", 5, "日本…"],
  ["日本語", 4, "日…"],
  ["x", 0, ""],
])("cutting %j to %i cells gives %j", (text, room, shown) => {
  expect(cut(text, room)).toBe(shown);
});

const NOW = new Date(2026, 10, 20, 18, 40).getTime();
test("a short time is today's clock, this year's day, else the date", () => {
  expect(time(new Date(2026, 10, 20, 8, 5).getTime(), "short", NOW)).toBe("08:05");
  expect(time(new Date(2026, 10, 17).getTime(), "short", NOW)).toBe("Nov 17");
  expect(time(new Date(2025, 10, 17).getTime(), "short", NOW)).toBe("2025-11-17");
  expect(time(new Date(2026, 10, 21, 0, 43).getTime(), "short", NOW)).toBe("00:43");
  expect(time(new Date(2026, 10, 23, 13, 0).getTime(), "short", NOW)).toBe("Mon 13:00");
  expect(time(new Date(2027, 0, 19, 13, 0).getTime(), "short", NOW)).toBe("2027-01-19");
  expect(time(Date.UTC(2026, 0, 2, 3, 4, 5, 6), "iso", NOW)).toBe("2026-01-02T03:04:05.006Z");
  expect(time(NOW - 131 * 60_000, "relative", NOW)).toBe("2 h 11 m");
  expect(time(null, "short", NOW)).toBe("-");
  expect(time(Number.NaN, "iso", NOW)).toBe("-");
  expect(time(9e18, "iso", NOW)).toBe("-");
  expect(dayAndTime(new Date(2026, 10, 16, 22, 10).getTime(), NOW)).toBe("Nov 16 22:10");
});

test.each([
  [0, "0 s"],
  [59_400, "59 s"],
  [60_000, "1 m"],
  [7_200_000, "2 h"],
  [100_000_000, "1 d 3 h"],
  [1_000_000_000, "11 d"],
  [-5, "0 s"],
])("a duration of %i ms is shown as %s", (ms, text) => {
  expect(duration(ms)).toBe(text);
});

test("a table fits its room, the last flexible column first, and data cannot act", () => {
  const columns = [{ title: "ID" }, { title: "PROJECT", flexible: true }, { title: "TITLE", flexible: true }];
  const rows = [
    ["1", "app", "\u001b[2Ja title that is far too long for this"],
    ["22", "日本語", [{ text: "x" }, { text: "  kept apart" }]],
  ];
  const lines = table(columns, rows, { room: 30, header: true });
  expect(lines).toEqual([
    "ID  PROJECT  TITLE",
    "1   app      [2Ja title that…",
    "22  日本語   x  kept apart",
  ]);
  for (const line of lines) expect(width(line)).toBeLessThanOrEqual(30);
});

test("a table in a pipe is not cut", () => {
  const title = "t".repeat(500);
  expect(
    table([{ title: "A" }, { title: "B" }], [["a", title]], {
      room: Number.POSITIVE_INFINITY,
      header: false,
    }),
  ).toEqual([`a  ${title}`]);
});
