import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { readCounts } from "../../helpers/claude/lines.ts";
import { lastMessages } from "../../helpers/claude/recent.ts";
import type { Live } from "../../helpers/claude/registry.ts";
import { SessionReader } from "../../helpers/sessions/session-reader.ts";

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "ccr-reading-"));
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
const pathOf = (n: number, folder: string): string =>
  join(home, ".claude/projects", folder, `${idOf(n)}.jsonl`);

/** A session that ended `minute` minutes after the start of November; an older one than its number says has no prompt in the history. */
function session(n: number, minute: number, folder = "-work-app"): void {
  const path = pathOf(n, folder);
  mkdirSync(join(path, ".."), { recursive: true });
  const timestamp = new Date(START + minute * 60_000).toISOString();
  writeFileSync(
    path,
    `${JSON.stringify({ type: "user", message: { content: `prompt ${n}` }, cwd: "/work/app", timestamp })}\n`,
  );
  utimesSync(path, START / 1000 + minute * 60, START / 1000 + minute * 60);
}

function prompt(n: number, project = "/work/app"): void {
  const row = { display: `prompt ${n}`, timestamp: START, project, sessionId: idOf(n) };
  appendFileSync(join(home, ".claude/history.jsonl"), `${JSON.stringify(row)}\n`);
}

function run(
  first: number,
  live = new Map<string, Live>(),
): { ids: string[]; reading: SessionReader; beforeListing: string[] } {
  const reading = new SessionReader();
  const ids: string[] = [];
  const beforeListing: string[] = [];
  for (const entry of reading.steps(first, live)) {
    if (!entry) continue;
    ids.push(entry.id);
    if (reading.ids === null) beforeListing.push(entry.id);
  }
  return { ids, reading, beforeListing };
}

describe("reading all sessions in steps", () => {
  it("begins with the newest prompts' sessions, without listing the folders, and reads each file once", () => {
    for (let n = 1; n <= 40; n++) {
      session(n, n, n % 2 ? "-work-app" : "-work-other");
      if (n % 2) prompt(n);
    }
    const opens = readCounts.opens;
    const { ids, reading, beforeListing } = run(5);
    expect(beforeListing).toEqual([39, 37, 35, 33, 31].map(idOf));
    expect(ids).toHaveLength(40);
    expect(new Set(ids).size).toBe(40);
    expect(ids.slice(5, 9)).toEqual([40, 38, 36, 34].map(idOf));
    expect(reading.ids).toHaveLength(40);
    // the history is one more
    expect(readCounts.opens - opens).toBe(41);
  });

  it("reads an unchanged transcript only once, and notices a changed one", () => {
    for (let n = 1; n <= 30; n++) session(n, n);
    run(5);
    session(7, 99);
    const opens = readCounts.opens;
    const { ids } = run(5);
    expect([...new Set(ids)].sort()).toEqual(Array.from({ length: 30 }, (_, i) => idOf(i + 1)));
    expect(readCounts.opens - opens).toBe(1);
  });

  it("begins with running sessions", () => {
    session(1, 1);
    session(2, 2, "-work-web");
    const live = new Map([[idOf(2), { session: idOf(2), cwd: "/work/web" } as Live]]);
    expect(run(1, live).beforeListing).toEqual([idOf(2)]);
  });

  it("reads nothing through a prompt of a deleted session, or one with a strange directory", () => {
    session(1, 1);
    for (const project of ["/work/app", "../../..", "", "/"]) prompt(2, project);
    expect(run(5).ids).toEqual([idOf(1)]);
  });

  it("finds nothing in an empty home", () => expect(run(5)).toMatchObject({ ids: [], reading: { ids: [] } }));

  it("lists unreadable sessions, and counts them", () => {
    session(1, 1);
    session(2, 2);
    symlinkSync("/nowhere", pathOf(3, "-work-app"));
    mkdirSync(pathOf(4, "-work-app"));
    if (process.getuid?.() !== 0) chmodSync(pathOf(2, "-work-app"), 0);
    expect(run(5).ids.sort()).toEqual([idOf(1), idOf(2)]);
  });
});

describe("the last messages of a session", () => {
  const write = (rows: (object | string)[]): string => {
    const path = join(home, "t.jsonl");
    writeFileSync(path, rows.map((row) => (typeof row === "string" ? row : JSON.stringify(row))).join("\n"));
    return path;
  };
  const user = (content: unknown, more = {}) => ({
    type: "user",
    message: { role: "user", content },
    ...more,
  });
  const claude = (content: unknown, more = {}) => ({
    type: "assistant",
    message: { role: "assistant", content },
    ...more,
  });
  const text = (words: string) => [{ type: "text", text: words }];

  it("are what a person and Claude said, and Claude's calls in short", () => {
    const path = write([
      user("first"),
      claude(text("one")),
      claude([{ type: "thinking", thinking: "hm" }]),
      claude([{ type: "tool_use", name: "Bash", input: { command: "ls\nrm", description: "x" } }]),
      user([{ type: "tool_result", content: "file" }]),
      claude(text("of a subagent"), { isSidechain: true }),
      user("<command-name>/clear</command-name>"),
      { type: "system", content: "note" },
      "{torn",
      claude([{ type: "tool_use", name: "TodoWrite", input: { todos: [] } }]),
      claude(text("two")),
    ]);
    const all = [
      { by: "you", text: "first" },
      { by: "claude", text: "one" },
      { by: "tool", text: "Bash(ls)" },
      { by: "tool", text: "TodoWrite" },
      { by: "claude", text: "two" },
    ];
    expect(lastMessages(path, 10)).toEqual(all);
    expect(lastMessages(path, 2)).toEqual(all.slice(-2));
  });

  it("are found before a long snapshot, without reading a large file", () => {
    const path = write([
      ...Array.from({ length: 4000 }, (_, n) => user("x".repeat(5000) + n)),
      claude(text("the answer")),
      { type: "attachment", attachment: { type: "prompt_snapshot", text: "y".repeat(80_000) } },
    ]);
    const bytes = readCounts.bytes;
    expect(lastMessages(path, 2).at(-1)).toEqual({ by: "claude", text: "the answer" });
    expect(readCounts.bytes - bytes).toBeLessThan(600_000);
  });

  it("are none in an empty or broken file", () => {
    expect(lastMessages(write([]), 5)).toEqual([]);
    expect(
      lastMessages(write(["\0\0\0", "{]", '{"type":"user"}', '{"type":"assistant","message":7}']), 5),
    ).toEqual([]);
  });
});
