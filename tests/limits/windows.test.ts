import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  currentBlock,
  exhaustedWindows,
  messageTimes,
  nameOfWindow,
  nearlyUsedUp,
  notYetWarned,
  reportedWindows,
  saveWindows,
  type Window,
  windowsIn,
} from "../../helpers/limits/windows.ts";
import { fixtures } from "../support/home.ts";

const NOW = Date.parse("2026-11-20T12:00:00Z");
const HOUR = 3_600_000;
let folder: string;
const before = process.env.XDG_STATE_HOME;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "ccr-windows-"));
  process.env.XDG_STATE_HOME = folder;
});
afterEach(() => {
  if (before === undefined) delete process.env.XDG_STATE_HOME;
  else process.env.XDG_STATE_HOME = before;
  rmSync(folder, { recursive: true });
});

const window = (more: Partial<Window> = {}): Window => ({
  window: "five_hour",
  usedPercent: 50,
  resetsAt: NOW + HOUR,
  source: "statusline",
  at: NOW,
  ...more,
});

describe("the usage windows in a status line's input", () => {
  it.each(["statusline.limited.json", "statusline.mid.json", "statusline.start.json"])(
    "%s of the real CLI",
    (name) => {
      const input = JSON.parse(readFileSync(join(fixtures, "claude/captured", name), "utf8"));
      const windows = windowsIn(input, NOW);
      expect(windows.map(({ window, usedPercent }) => [window, usedPercent])).toEqual(
        Object.entries(input.rate_limits ?? {}).map(([key, value]) => [
          key,
          (value as { used_percentage: number }).used_percentage,
        ]),
      );
      for (const { resetsAt } of windows) expect(resetsAt).toBeGreaterThan(Date.parse("2026-01-01"));
    },
  );

  it.each([
    null,
    1,
    "x",
    [],
    {},
    { rate_limits: null },
    { rate_limits: [1] },
    { rate_limits: { "a\u0000b": {}, five_hour: 7 } },
  ])("are unknown for another shape: %j", (input) => {
    expect(windowsIn(input, NOW)).toEqual([]);
  });

  it("are kept until their reset, and written again only after a change or a minute", () => {
    saveWindows([window(), window({ window: "seven_day", resetsAt: NOW + 48 * HOUR })], NOW);
    expect(reportedWindows(NOW).map(({ window }) => window)).toEqual(["five_hour", "seven_day"]);
    expect(reportedWindows(NOW + 2 * HOUR).map(({ window }) => window)).toEqual(["seven_day"]);
    const file = join(folder, "ccr/windows.json");
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const { ino } = statSync(file);
    saveWindows([window({ at: NOW + 30_000 })], NOW + 30_000);
    expect(statSync(file).ino).toBe(ino);
    saveWindows([window({ usedPercent: 51, at: NOW + 30_000 })], NOW + 30_000);
    expect(reportedWindows(NOW + 30_000).find(({ window }) => window === "five_hour")?.usedPercent).toBe(51);
    expect(reportedWindows(NOW + 30_000)).toHaveLength(2);
  });

  it("are unknown when the file is damaged", () => {
    saveWindows([window()], NOW);
    writeFileSync(join(folder, "ccr/windows.json"), '{"windows":[{"window":1},null,"x"');
    expect(reportedWindows(NOW)).toEqual([]);
    writeFileSync(join(folder, "ccr/windows.json"), '{"windows":[{"window":1},null,"x"]}');
    expect(reportedWindows(NOW)).toEqual([]);
  });
});

describe("the usage windows according to limit rows", () => {
  it("are used up by a limit whose reset is ahead; the newest row counts", () => {
    const verdict = (window: string, resetsAt: number, at: number) =>
      ({ state: "limited", window, resetsAt, resetFrom: "quotaLimits", rowUuid: null, at }) as const;
    expect(
      exhaustedWindows(
        [
          verdict("five_hour", NOW + 1, NOW - 2),
          verdict("five_hour", NOW + 5, NOW - 1),
          verdict("seven_day", NOW - 1, 1),
          verdict("unknown", NOW + 9, 1),
          { state: "none" },
        ],
        NOW,
      ),
    ).toEqual([
      { window: "five_hour", usedPercent: 100, resetsAt: NOW + 5, source: "estimate", at: NOW - 1 },
    ]);
  });
});

describe("the estimate of the running 5-hour block", () => {
  const at = (...hours: number[]) => hours.map((hour) => NOW + hour * HOUR);
  it.each<[string, number[], number | null]>([
    ["none without messages", [], null],
    ["none five hours after its beginning", at(-5.5, -5), null],
    ["from the full hour of the first message", at(-2.25, -1), NOW + 2 * HOUR],
    ["a new one begins after the one before it has run out", at(-7, -6.5, -3, -1.5, -1), NOW + 3 * HOUR],
    ["a new one begins after five hours of silence", at(-14, -8.5, -2.5), NOW + 2 * HOUR],
    ["messages of the future do not count", at(3), null],
  ])("%s", (_, times, resetsAt) => {
    expect(currentBlock(times, NOW)?.resetsAt ?? null).toBe(resetsAt);
  });

  it("is read from the ends of transcripts, and marked as an estimate", () => {
    const file = join(
      fixtures,
      "claude/home/.claude/projects/-home-coder-projects-app/dddddddd-1111-4111-8111-111111111111.jsonl",
    );
    const now = Date.parse("2026-11-20T15:00:00Z");
    const times = messageTimes(file, now);
    expect(times.length).toBeGreaterThan(0);
    expect(currentBlock(times, now)).toMatchObject({
      window: "five_hour",
      usedPercent: null,
      source: "estimate",
    });
    expect(messageTimes(file, now + 20 * HOUR)).toEqual([]);
  });
});

describe("a warning about a usage window", () => {
  it("comes at the percentage, or in the last half hour of an estimated block", () => {
    const near = (one: Window) => nearlyUsedUp([one], 80, NOW).length;
    expect(near(window({ usedPercent: 79.9 }))).toBe(0);
    expect(near(window({ usedPercent: 80 }))).toBe(1);
    expect(near(window({ usedPercent: null, resetsAt: NOW + 31 * 60_000 }))).toBe(0);
    expect(near(window({ usedPercent: null, resetsAt: NOW + 30 * 60_000 }))).toBe(1);
    expect(near(window({ usedPercent: null, window: "seven_day", resetsAt: NOW + 60_000 }))).toBe(0);
  });
  it("is given once a window", () => {
    const key = (one: Window) => nearlyUsedUp([one], 80, NOW).map(({ key }) => key);
    const first = key(window({ usedPercent: 85 }));
    expect(notYetWarned(first)).toEqual(first);
    expect(notYetWarned(key(window({ usedPercent: 95, resetsAt: NOW + HOUR + 1000 })))).toEqual([]);
    const next = key(window({ usedPercent: 85, resetsAt: NOW + 6 * HOUR }));
    expect(notYetWarned(next)).toEqual(next);
  });
});

it("windows have names that people use", () => {
  expect(
    ["five_hour", "seven_day", "seven_day_opus", "unknown", "some_new_window"].map(nameOfWindow),
  ).toEqual(["5-hour", "weekly", "weekly Opus", "usage", "some new window"]);
});
