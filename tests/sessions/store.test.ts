import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { readCounts } from "../../helpers/claude/lines.ts";
import { newest, newestOfAll, transcripts } from "../../helpers/sessions/store.ts";

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "ccr-store-"));
  vi.stubEnv("HOME", home);
  vi.stubEnv("CLAUDE_CONFIG_DIR", undefined);
  vi.stubEnv("XDG_CACHE_HOME", join(home, "cache"));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(home, { recursive: true, force: true });
});

const START = Date.UTC(2026, 10, 1);
const idOf = (n: number): string => `${String(n).padStart(8, "0")}-0000-4000-8000-000000000000`;
const pathOf = (n: number, folder = "-work-app"): string =>
  join(home, ".claude/projects", folder, `${idOf(n)}.jsonl`);

/** A session whose last record is `minute` minutes after the start of November. */
function session(
  n: number,
  minute: number,
  options: { folder?: string; mtime?: number; title?: string } = {},
): string {
  const path = pathOf(n, options.folder);
  mkdirSync(join(path, ".."), { recursive: true });
  const timestamp = new Date(START + minute * 60_000).toISOString();
  const row = { type: "user", message: { content: `prompt ${n}` }, cwd: "/work/app", timestamp };
  writeFileSync(
    path,
    `${JSON.stringify(row)}\n${options.title ? `${JSON.stringify({ type: "custom-title", customTitle: options.title })}\n` : ""}`,
  );
  const time = (options.mtime ?? START + minute * 60_000) / 1000;
  utimesSync(path, time, time);
  return path;
}

/** Folder times that are too fresh to trust are never taken as unchanged: make them old. */
function age(): void {
  for (const [folder] of [["-work-app"], ["-work-other"]]) {
    try {
      utimesSync(join(home, ".claude/projects", folder!), START / 1000, START / 1000);
    } catch {
      // not every test has both
    }
  }
  utimesSync(join(home, ".claude/projects"), START / 1000, START / 1000);
}

const numbers = (limit: number): number[] =>
  newestOfAll(limit).entries.map(({ id }) => Number(id.slice(0, 8)));

test("the list of sessions is ordered by the last records, not by the files", () => {
  session(1, 10, { mtime: START + 99 * 60_000 });
  session(2, 20, { mtime: START - 99 * 60_000 });
  session(3, 5);
  expect(numbers(3)).toEqual([2, 1, 3]);
});

test("the list of sessions opens no transcript the second time, and finds the same", () => {
  for (let n = 0; n < 40; n++) session(n, n);
  age();
  const first = newestOfAll(20);
  const opens = readCounts.opens;
  const second = newestOfAll(20);
  expect(readCounts.opens).toBe(opens);
  expect(second).toEqual(first);
  expect(second.total).toBe(40);
});

test("the list of sessions notices an append, a new session, a deleted one and a renamed folder", () => {
  for (let n = 0; n < 30; n++) session(n, n);
  age();
  expect(numbers(3)).toEqual([29, 28, 27]);
  appendFileSync(
    pathOf(4),
    `${JSON.stringify({ type: "user", message: { content: "more" }, timestamp: new Date(START + 1e9).toISOString() })}\n`,
  );
  expect(numbers(3)).toEqual([4, 29, 28]);
  session(50, 100_000);
  expect(numbers(3)).toEqual([50, 4, 29]);
  rmSync(pathOf(29));
  expect(numbers(3)).toEqual([50, 4, 28]);
  renameSync(join(home, ".claude/projects/-work-app"), join(home, ".claude/projects/-work-moved"));
  expect(newestOfAll(1).entries[0]?.path).toBe(pathOf(50, "-work-moved"));
});

test("the list of sessions ignores a damaged catalogue", () => {
  for (let n = 0; n < 30; n++) session(n, n, { title: `title ${n}` });
  age();
  const truth = newestOfAll(30);
  const [name] = readdirSync(join(home, "cache/ccr"));
  const file = join(home, "cache/ccr", name!);
  const whole = readFileSync(file);
  for (const damage of [
    whole.subarray(0, whole.length / 2),
    Buffer.from("{}\n"),
    Buffer.alloc(5000),
    Buffer.concat([whole, whole]),
  ]) {
    writeFileSync(file, damage);
    expect(newestOfAll(30)).toEqual(truth);
  }
});

test("the list of sessions has one id in two folders once, as written last", () => {
  session(1, 10);
  session(1, 20, { folder: "-work-other" });
  const { entries, twins } = newestOfAll(5);
  expect(entries.map(({ path }) => path)).toEqual([pathOf(1, "-work-other")]);
  expect(twins.get(idOf(1))).toBe(2);
});

test("the list of sessions has a linked project folder once", () => {
  session(1, 10);
  symlinkSync(join(home, ".claude/projects/-work-app"), join(home, ".claude/projects/-container-app"));
  symlinkSync(join(home, "nowhere"), join(home, ".claude/projects/-dangling"));
  expect(transcripts()).toHaveLength(1);
});

test("the list of sessions leaves out subagents, folders, other files and strange names", () => {
  session(1, 10);
  const folder = join(home, ".claude/projects/-work-app");
  writeFileSync(join(folder, "agent-1234abcd.jsonl"), "{}\n");
  writeFileSync(join(folder, `${idOf(2)}.jsonl.bak`), "{}\n");
  writeFileSync(join(home, ".claude/projects/notes.txt"), "x");
  mkdirSync(join(folder, `${idOf(3)}.jsonl`));
  mkdirSync(join(folder, idOf(1), "subagents"), { recursive: true });
  expect(transcripts().map(({ id }) => id)).toEqual([idOf(1)]);
});

test("the list of sessions is empty without a projects directory", () => {
  expect(transcripts()).toEqual([]);
  expect(newest([], 5)).toEqual([]);
});

test("the list of sessions finds the newest of 300 files without reading them all", () => {
  for (let n = 0; n < 300; n++) session(n, n);
  const opens = readCounts.opens;
  expect(numbers(5)).toEqual([299, 298, 297, 296, 295]);
  expect(readCounts.opens - opens).toBeLessThan(20);
});
