import { describe, expect, it } from "vitest";
import { parseDuration, parseTime } from "../../helpers/cli/parse-time.ts";

const MINUTE = 60_000;
const now = new Date(2026, 10, 20, 12, 0).getTime();

describe("parseTime", () => {
  it.each<[string, Date]>([
    ["18:00", new Date(2026, 10, 20, 18, 0)],
    ["9:30", new Date(2026, 10, 21, 9, 30)],
    ["2h", new Date(2026, 10, 20, 14, 0)],
    ["+2h", new Date(2026, 10, 20, 14, 0)],
    ["90m", new Date(2026, 10, 20, 13, 30)],
    ["3d", new Date(2026, 10, 23, 12, 0)],
    ["2w", new Date(2026, 11, 4, 12, 0)],
    ["2026-12-01", new Date(2026, 11, 1)],
    ["2026-11-21 09:00", new Date(2026, 10, 21, 9, 0)],
    ["2026-11-21T09:00:00Z", new Date("2026-11-21T09:00:00Z")],
  ])("reads %s as a time in the future", (words, date) => {
    expect(parseTime(words, { now, direction: "future" })).toBe(date.getTime());
  });

  it.each<[string, Date]>([
    ["18:00", new Date(2026, 10, 19, 18, 0)],
    ["9:30", new Date(2026, 10, 20, 9, 30)],
    ["2h", new Date(2026, 10, 20, 10, 0)],
    ["0m", new Date(now)],
    ["2w", new Date(2026, 10, 6, 12, 0)],
    ["2026-01-31", new Date(2026, 0, 31)],
    ["2026-01", new Date(2026, 0, 1)],
    ["2026-01-31 09:00", new Date(2026, 0, 31, 9, 0)],
  ])("reads %s as a time in the past", (words, date) => {
    expect(parseTime(words, { now, direction: "past" })).toBe(date.getTime());
  });

  it.each(["", "soon", "25:00", "7", "12:60", "tomorrow", "2026-02-30", "2026-13", "99999999999999w"])(
    "refuses %j",
    (words) => {
      expect(parseTime(words, { now, direction: "future" })).toBeNull();
      expect(parseTime(words, { now, direction: "past" })).toBeNull();
    },
  );
});

describe("parseDuration", () => {
  it.each([
    ["500ms", 500],
    ["90s", 1.5 * MINUTE],
    ["1.5h", 90 * MINUTE],
    ["36 h", 36 * 60 * MINUTE],
    ["7d", 7 * 24 * 60 * MINUTE],
    ["2w", 14 * 24 * 60 * MINUTE],
  ])("reads %s", (words, ms) => {
    expect(parseDuration(words)).toBe(ms);
  });

  it("reads a number without a unit only with a default unit", () => {
    expect(parseDuration("30", "s")).toBe(30_000);
    expect(parseDuration("30", "d")).toBe(30 * 24 * 60 * MINUTE);
    expect(parseDuration("30")).toBeNull();
  });

  it.each(["", "soon", "-1d", "1y", "1h30m"])("refuses %j", (words) => {
    expect(parseDuration(words, "s")).toBeNull();
  });
});
