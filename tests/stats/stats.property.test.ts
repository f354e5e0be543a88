import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Row } from "../../helpers/claude/rows.ts";
import { countRow } from "../../helpers/claude/usage.ts";
import { countOnce, type FileShare } from "../../helpers/stats/count-once.ts";
import { shortened } from "../../helpers/stats/record-reader.ts";
import { Hash, Records, SIDE } from "../../helpers/stats/records.ts";
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
  test("one line of 20 MB does not hide its neighbours, and is said to be missing", async () => {
    write(fileOf(1), answer("a"), `{"type":"user","x":"${"y".repeat(20_000_000)}"}\n`, answer("b"));
    const all = await now();
    expect((await sums(all)).totals.messages).toBe(2);
    expect(all.summary.skipped).toBe(1);
  });

  test("a line of 12 MB is read", async () => {
    write(fileOf(1), answer("a", { usage: { note: "x".repeat(12_000_000) } }), answer("b"));
    expect(await output()).toBe(8000);
  });

  test("rows of which only the beginnings are parsed are counted as whole ones", async () => {
    const texts = [
      "x".repeat(300_000),
      ..."abcdef".split("").map((_, i) => "x".repeat(i) + "\u0001".repeat(50_000)),
      `${'\\"\n'.repeat(100_000)}`,
      "\u{1f600}ä".repeat(60_000),
      `"${"\\".repeat(300_001)}`,
    ];
    for (const text of texts) {
      const rows: Row[] = [
        {
          type: "user",
          uuid: "u",
          timestamp: "2026-11-17T10:00:00Z",
          message: { role: "user", content: text },
          isMeta: false,
        },
        {
          type: "user",
          uuid: "v",
          isMeta: true,
          timestamp: "2026-11-17T10:00:00Z",
          message: { role: "user", content: text },
        },
        { ...JSON.parse(answer("a")), toolUseResult: { usage: { output_tokens: 3 }, text } },
      ];
      for (const row of rows) {
        const line = Buffer.from(JSON.stringify(row));
        const short = shortened(line, 0, line.length);
        expect(short.length).toBeLessThan(10_000);
        expect(countRow(JSON.parse(short))).toEqual(countRow(row));
      }
    }
    expect(shortened(Buffer.from('{"a":"torn'), 0, 10)).toBe('{"a":"torn');
    expect(shortened(Buffer.from(`{"a":"${"\\".repeat(9999)}`), 0, 9999)).toMatch(/^\{"a":"\\+$/);
  });
});

const cacheFiles = () => readdirSync(join(home, "cache/ccr")).map((name) => join(home, "cache/ccr", name));

describe("the cache of ccr stats", () => {
  test("whatever happens to its files, the answer is the same", async () => {
    write(fileOf(1), ...Array.from({ length: 40 }, (_, i) => answer(`a${i}`)));
    write(fileOf(2), answer("a1"), prompt("p"));
    const right = await sums(now());
    const damage: [string, (path: string) => void][] = [
      ["deleted", (path) => unlinkSync(path)],
      ["emptied", (path) => truncateSync(path, 0)],
      ["cut", (path) => truncateSync(path, statSync(path).size - 7)],
      ["longer", (path) => appendFileSync(path, "x")],
      ["garbage", (path) => writeFileSync(path, Buffer.alloc(5000, 0xe9))],
      [
        "one bit",
        (path) => {
          const bytes = readFileSync(path);
          bytes[bytes.length - 30]! ^= 4;
          writeFileSync(path, bytes);
        },
      ],
      [
        "a directory",
        (path) => {
          unlinkSync(path);
          mkdirSync(path);
        },
      ],
    ];
    for (const [name, harm] of damage) {
      for (const ending of [".idx", ".bin"]) {
        rmSync(join(home, "cache"), { recursive: true, force: true });
        await now();
        const victim = cacheFiles().find((path) => path.endsWith(ending));
        expect(victim, ending).toBeDefined();
        // A single bit among the records cannot be seen without reading them: they only serve when something changed.
        if (name === "one bit" && ending === ".bin") continue;
        harm(victim!);
        expect(await sums(now()), `${name} ${ending}`).toEqual(right);
        appendFileSync(fileOf(2), answer(`more ${name} ${ending}`, { out: 0 }));
        expect((await sums(now())).totals.tokens.output, `${name} ${ending}, then grown`).toBe(
          right.totals.tokens.output,
        );
        write(fileOf(2), answer("a1"), prompt("p"));
      }
    }
  });
});

/** Small and good enough for tests; the same seed gives the same numbers. */
function generator(seed: number): (n: number) => number {
  let state = seed;
  return (n) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % n;
  };
}

test("ccr stats counts the same with its cache as without, after any changes to the files", async () => {
  for (let seed = 1; seed <= 12; seed++) {
    const random = generator(seed);
    rmSync(projects, { recursive: true, force: true });
    rmSync(join(home, "cache"), { recursive: true, force: true });
    mkdirSync(projects);
    const message = () =>
      answer(`m${random(60)}`, {
        out: random(5),
        side: random(4) === 0,
        at: `2026-11-1${random(9)}T1${random(9)}:00:00.000Z`,
      });
    for (let step = 0; step < 25; step++) {
      const path = fileOf(random(5), `-p${random(2)}`);
      const lines = Array.from({ length: 1 + random(30) }, () =>
        random(5) === 0 ? prompt(`u${random(40)}`) : message(),
      );
      const action = random(7);
      if (action <= 2) write(path, ...lines);
      else if (action === 6) rmSync(path, { force: true });
      else {
        mkdirSync(dirname(path), { recursive: true });
        const text = lines.join("");
        appendFileSync(path, action === 3 ? text : text.slice(0, text.length - random(80)));
      }
      if (random(3) > 0) continue;
      const warm = await sums(now());
      vi.stubEnv("XDG_CACHE_HOME", join(home, `cold-${seed}-${step}`));
      expect(warm, `seed ${seed}, step ${step}`).toEqual(await sums(now()));
      vi.stubEnv("XDG_CACHE_HOME", join(home, "cache"));
    }
  }
});

test("ccr stats compares messages in as many parts as memory allows, with the same answer", async () => {
  const random = generator(7);
  const records = new Records(null, new Uint32Array(8));
  const hash = new Hash();
  const shares: FileShare[] = [];
  for (let file = 0; file < 20; file++) {
    const first = records.count;
    records.beginFile();
    for (let i = random(2000); i > 0; i--) {
      const name = Buffer.from(`m${random(9000)}`);
      hash.of(name, 0, name.length, 0);
      const counts = { at: NOW, input: 1, output: random(50), cacheCreation: 0, cacheRead: 0 };
      records.add(hash, 1, random(5) === 0 ? SIDE : 0, counts);
    }
    shares.push({ first, count: records.count - first, rows: [] });
  }
  records.finish();
  const countIn = (most: number) => {
    countOnce(records, shares, most);
    return shares.map(({ rows }) => [...rows].join());
  };
  const total = (rows: string[]) =>
    rows
      .join()
      .split(",")
      .filter((_, i) => i % 8 === 3)
      .reduce((sum, n) => sum + Number(n), 0);
  const whole = countIn(1e6);
  expect(total(whole)).toBeGreaterThan(5000);
  for (const most of [5000, 700]) expect(total(countIn(most))).toBe(total(whole));
});
