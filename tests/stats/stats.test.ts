import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { readCounts } from "../../helpers/claude/lines.ts";
import { dayOf } from "../../helpers/stats/days.ts";
import { countTranscripts, type TranscriptStats } from "../../helpers/stats/stats.ts";
import { GROUPINGS, type Grouping, summarize } from "../../helpers/stats/sums.ts";

let home: string;
let projects: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "ccr-stats-"));
  projects = join(home, ".claude/projects");
  mkdirSync(projects, { recursive: true });
  vi.stubEnv("HOME", home);
  vi.stubEnv("CLAUDE_CONFIG_DIR", undefined);
  vi.stubEnv("XDG_CACHE_HOME", join(home, "cache"));
  vi.stubEnv("TZ", "UTC");
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(home, { recursive: true, force: true });
});

const NOW = Date.UTC(2026, 10, 20);
const APP = "-work-app";
const id = (n: number): string => `${String(n).padStart(8, "0")}-0000-4000-8000-000000000000`;
const fileOf = (n: number, folder = APP): string => join(projects, folder, `${id(n)}.jsonl`);

type Options = {
  at?: string;
  out?: number;
  side?: boolean;
  model?: string;
  cwd?: string;
  request?: string;
  usage?: Record<string, unknown>;
};
const answer = (message: string | undefined, o: Options = {}): string =>
  `${JSON.stringify({
    parentUuid: null,
    isSidechain: o.side ?? false,
    message: {
      id: message,
      type: "message",
      role: "assistant",
      model: o.model ?? "opus",
      content: [{ type: "text", text: `said "${message}"` }],
      usage: {
        input_tokens: 1,
        cache_creation_input_tokens: 20,
        cache_read_input_tokens: 300,
        output_tokens: o.out ?? 4000,
        ...o.usage,
      },
    },
    requestId: o.request ?? `req ${message}`,
    type: "assistant",
    uuid: `row of ${message}`,
    timestamp: o.at ?? "2026-11-17T10:00:00.000Z",
    cwd: o.cwd ?? "/work/app",
    sessionId: id(1),
  })}\n`;
const prompt = (uuid: string, o: Options = {}): string =>
  `${JSON.stringify({
    isSidechain: false,
    type: "user",
    message: { role: "user", content: `please ${uuid}` },
    uuid,
    timestamp: o.at ?? "2026-11-17T09:59:00.000Z",
    cwd: o.cwd ?? "/work/app",
    sessionId: id(1),
  })}\n`;
function write(path: string, ...lines: string[]): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, lines.join(""));
}

const sums = async (
  corpus: TranscriptStats | Promise<TranscriptStats>,
  grouping: Grouping = "day",
  since: number | null = null,
) => {
  const all = await corpus;
  const index = await all.index();
  // What is kept ready is what its parts add up to.
  expect(all.summary).toEqual(summarize(index, GROUPINGS, null));
  const { totals, by } = summarize(index, [grouping], since);
  return { totals, by: by[grouping]! };
};
const now = () => countTranscripts(NOW);
const output = async () => (await sums(now())).totals.tokens.output;

describe("what ccr stats counts", () => {
  test("prompts and answers, each message once though an answer has a row for every block", async () => {
    write(
      fileOf(1),
      prompt("p1"),
      answer("a"),
      answer("a"),
      answer("a", { out: 4444 }),
      prompt("p2"),
      answer("b"),
    );
    expect((await sums(now())).totals).toEqual({
      sessions: 1,
      messages: 4,
      tokens: { input: 2, output: 8444, cacheCreation: 40, cacheRead: 600 },
      bytes: statSync(fileOf(1)).size,
      activeDays: 1,
      subagents: { messages: 0, tokens: { input: 0, output: 0, cacheCreation: 0, cacheRead: 0 } },
    });
  });

  test("a fork's copies count for the first file only, whatever request they carry", async () => {
    write(fileOf(1), prompt("p"), answer("a"), answer("b", { request: "x" }));
    write(fileOf(2), prompt("p"), answer("a"), answer("b", { request: "y" }), answer("c"));
    const { totals, by } = await sums(now(), "project");
    expect(totals).toMatchObject({ sessions: 2, messages: 4, tokens: { output: 12_000 } });
    expect(by).toHaveLength(1);
  });

  test("of two copies the one that tells more tokens, and a main conversation's before a subagent's", async () => {
    write(fileOf(1), answer("a", { out: 10 }), answer("s", { out: 99, side: true }));
    write(
      fileOf(2, "-work-other"),
      answer("a", { out: 50, cwd: "/work/other" }),
      answer("s", { out: 7, cwd: "/work/other" }),
    );
    const { totals, by } = await sums(now(), "project");
    expect(totals.tokens.output).toBe(57);
    expect(totals.subagents.messages).toBe(0);
    expect(by.map(({ key, tokens }) => [key, tokens.output])).toEqual([
      ["/work/other", 57],
      ["/work/app", 0],
    ]);
  });

  test("subagents are included and shown apart: in their session's folder, beside it, and in its own file", async () => {
    write(fileOf(1), answer("a"), answer("own", { side: true }));
    write(join(projects, APP, id(1), "subagents/agent-1.jsonl"), answer("b", { cwd: "/elsewhere" }));
    write(join(projects, APP, id(1), "subagents/workflows/w1/agent-2.jsonl"), answer("c"));
    write(join(projects, APP, "agent-abc.jsonl"), answer("d"), prompt("the task"));
    write(join(projects, APP, "notes.jsonl"), answer("not Claude's"));
    const { totals, by } = await sums(now(), "project");
    expect(totals).toMatchObject({
      sessions: 1,
      messages: 5,
      subagents: { messages: 4, tokens: { output: 16_000 } },
    });
    expect(by.map(({ key }) => key)).toEqual(["/work/app"]);
  });

  test("answers without an id count each, and errors that the program worded itself do not", async () => {
    write(
      fileOf(1),
      answer(undefined, { usage: {} }).replace('"uuid":"row of undefined",', ""),
      answer("e", {
        model: "<synthetic>",
        out: 0,
        usage: { input_tokens: 0, cache_creation_input_tokens: 0, cache_read_input_tokens: 0 },
      }),
    );
    appendFileSync(fileOf(1), readFileSync(fileOf(1), "utf8").split("\n")[0]!);
    expect((await sums(now())).totals.messages).toBe(2);
    expect((await sums(now())).totals.messages).toBe(2);
  });

  test("damaged lines cost nothing but themselves", async () => {
    write(
      fileOf(1),
      "\ufeff",
      answer("a").replace("\n", "\r\n"),
      "\u0000\u0000",
      answer("b"),
      answer("c").trimEnd(),
      answer("d"),
      answer("torn").slice(0, 200),
      "\n",
      "not json\n",
      answer("e").trimEnd(),
    );
    expect(await output()).toBe(5 * 4000);
  });

  test("groups by project, model and day; days and numbers of a filter agree", async () => {
    write(
      fileOf(1),
      prompt("p"),
      answer("a", { at: "2026-11-15T23:59:59.000Z" }),
      answer("b", { model: "haiku" }),
    );
    write(fileOf(2, "-b"), answer("c", { cwd: "/b", out: 9000 }));
    const all = await now();
    expect(
      (await sums(all, "day")).by.map(({ key, messages, sessions }) => [key, messages, sessions]),
    ).toEqual([
      ["2026-11-15", 1, 1],
      ["2026-11-17", 3, 2],
    ]);
    expect((await sums(all, "model")).by.map(({ key, messages, bytes }) => [key, messages, bytes])).toEqual([
      ["opus", 2, null],
      ["haiku", 1, null],
    ]);
    expect((await sums(all, "project")).by.map(({ key, bytes }) => [key, bytes])).toEqual([
      ["/b", statSync(fileOf(2, "-b")).size],
      ["/work/app", statSync(fileOf(1)).size],
    ]);
    const since = await sums(all, "day", dayOf(Date.UTC(2026, 10, 16)));
    expect(since.totals).toMatchObject({ sessions: 2, messages: 3, activeDays: 1 });
    expect(since.by).toHaveLength(1);
  });

  test("a session that /cd moved belongs to the directory that it was moved to", async () => {
    const moved = `${JSON.stringify({ type: "relocated", relocatedCwd: "/new/place", sessionId: id(1) })}\n`;
    write(fileOf(1, "-new-place"), answer("a", { cwd: "/old" }), moved, answer("b", { cwd: "/new/place" }));
    expect((await sums(now(), "project")).by.map(({ key }) => key)).toEqual(["/new/place"]);
  });

  test("the same session in two folders is one session", async () => {
    write(fileOf(1), answer("a"));
    write(fileOf(1, "-copy"), answer("a"));
    expect((await sums(now())).totals).toMatchObject({ sessions: 1, messages: 1 });
  });

  test("no projects: nothing", async () => {
    rmSync(projects, { recursive: true });
    expect((await sums(now())).totals).toMatchObject({ sessions: 0, messages: 0, bytes: 0 });
  });
});

describe("the days of ccr stats", () => {
  const at = async (zone: string, time: string): Promise<string[]> => {
    vi.stubEnv("TZ", zone);
    write(fileOf(1), answer("a", { at: time }));
    return (await sums(now())).by.map(({ key }) => key!);
  };
  test("are those of this machine's zone, also where it is half an hour off or changes its clocks", async () => {
    expect(await at("UTC", "2026-11-17T23:50:00.000Z")).toEqual(["2026-11-17"]);
    expect(await at("Asia/Kolkata", "2026-11-17T18:29:59.000Z")).toEqual(["2026-11-17"]);
    expect(await at("Asia/Kolkata", "2026-11-17T18:30:00.000Z")).toEqual(["2026-11-18"]);
    expect(await at("America/New_York", "2026-03-08T04:59:00.000Z")).toEqual(["2026-03-07"]);
    expect(await at("America/New_York", "2026-03-09T03:59:00.000Z")).toEqual(["2026-03-08"]);
    expect(await at("Asia/Kathmandu", "2026-11-17T18:15:00.000Z")).toEqual(["2026-11-18"]);
  });
  test("move with the zone, and no transcript is read again for it", async () => {
    write(fileOf(1), answer("a", { at: "2026-11-17T23:50:00.000Z" }));
    expect((await sums(now())).by[0]!.key).toBe("2026-11-17");
    vi.stubEnv("TZ", "Asia/Tokyo");
    const opens = readCounts.opens;
    expect((await sums(now())).by[0]!.key).toBe("2026-11-18");
    expect(readCounts.opens).toBe(opens);
  });
});

const cacheFiles = () => readdirSync(join(home, "cache/ccr")).map((name) => join(home, "cache/ccr", name));

describe("the cache of ccr stats", () => {
  test("nothing changed: no transcript is opened", async () => {
    write(fileOf(1), answer("a"));
    write(fileOf(2), answer("b"));
    expect(await output()).toBe(8000);
    const { opens, bytes } = readCounts;
    expect(await output()).toBe(8000);
    expect([readCounts.opens, readCounts.bytes]).toEqual([opens, bytes]);
  });

  test("each byte of a file is read once, and of a grown one only what is new", async () => {
    write(fileOf(1), ...Array.from({ length: 3000 }, (_, i) => answer(`a${i}`)));
    const size = statSync(fileOf(1)).size;
    let before = readCounts.bytes;
    expect(await output()).toBe(3000 * 4000);
    expect(readCounts.bytes - before).toBeLessThan(size * 1.01);
    before = readCounts.bytes;
    appendFileSync(fileOf(1), answer("new"));
    expect(await output()).toBe(3001 * 4000);
    expect(readCounts.bytes - before).toBeLessThan(2000);
  });

  test("a last line that is still being written is counted when it is whole, and once", async () => {
    const last = answer("late");
    write(fileOf(1), answer("a"), last.slice(0, 100));
    expect(await output()).toBe(4000);
    appendFileSync(fileOf(1), last.slice(100, -1));
    expect(await output()).toBe(8000);
    appendFileSync(fileOf(1), `\n${answer("after")}`);
    expect(await output()).toBe(12_000);
  });

  test("a file that was rewritten is read anew, even to the same size", async () => {
    write(fileOf(1), answer("a"), answer("b"));
    expect(await output()).toBe(8000);
    write(fileOf(1), answer("a"), answer("b", { out: 5000 }));
    expect(await output()).toBe(9000);
    write(fileOf(1), answer("c"), answer("d"), answer("e", { out: 1 }));
    expect(await output()).toBe(8001);
    truncateSync(fileOf(1), answer("c").length);
    expect(await output()).toBe(4000);
    const { atime, mtime } = statSync(fileOf(1));
    const other = `${fileOf(1)}.new`;
    writeFileSync(other, answer("c", { out: 7777 }));
    utimesSync(other, atime, mtime);
    renameSync(other, fileOf(1));
    expect(await output()).toBe(7777);
  });

  test("what a deleted file alone had is gone; what its copy has too stays", async () => {
    write(fileOf(1), answer("a"), answer("b"));
    write(fileOf(2), answer("b"));
    expect(await output()).toBe(8000);
    unlinkSync(fileOf(1));
    expect(await output()).toBe(4000);
  });

  test("where none can be kept the answer is the same", async () => {
    write(fileOf(1), answer("a"), answer("a"), answer("b"));
    writeFileSync(join(home, "cache"), "a file in the way");
    expect(await output()).toBe(8000);
    expect(await output()).toBe(8000);
  });

  test("files of the cache are for their owner only, and there are two of them", async () => {
    write(fileOf(1), answer("a"));
    for (let i = 0; i < 3; i++) {
      await now();
      for (const path of cacheFiles()) if (path.endsWith(".bin")) utimesSync(path, 1, 1);
      appendFileSync(fileOf(1), answer(`b${i}`));
    }
    await now();
    expect(cacheFiles()).toHaveLength(2);
    for (const path of cacheFiles()) expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(join(home, "cache/ccr")).mode & 0o777).toBe(0o700);
  });

  test("a file without permission is named, and counted as soon as it may be read", async () => {
    write(fileOf(1), answer("a"));
    write(fileOf(2), answer("b"));
    chmodSync(fileOf(1), 0);
    for (const path of [home, join(home, ".claude"), projects, dirname(fileOf(1))]) chmodSync(path, 0o777);
    chmodSync(fileOf(2), 0o644);
    // Nothing is forbidden to root.
    if (process.getuid?.() === 0) process.seteuid!(65_534);
    try {
      for (let i = 0; i < 2; i++) {
        const all = await now();
        expect(all.unreadable).toEqual([fileOf(1)]);
        expect((await sums(all)).totals).toMatchObject({ sessions: 2, messages: 1 });
      }
    } finally {
      if (process.getuid?.() === 0) process.seteuid!(0);
    }
    chmodSync(fileOf(1), 0o644);
    expect(await output()).toBe(8000);
  });
});
