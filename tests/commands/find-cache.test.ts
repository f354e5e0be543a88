import { spawn } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { readCounts } from "../../helpers/claude/lines.ts";
import { find } from "../../helpers/search/find.ts";
import { TextCache } from "../../helpers/search/text-cache.ts";
import {
  answer,
  fileOf,
  generate,
  home,
  idOf,
  prompt,
  session,
  UNBOUND,
  useHome,
  wanted,
} from "../search/home.ts";
import { bundle } from "../support/program.ts";

useHome();

const cacheOf = (): string => join(home, "cache/ccr");
const filesOf = (): string[] =>
  existsSync(cacheOf())
    ? readdirSync(cacheOf(), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && entry.parentPath.includes("find-"))
        .map((entry) => join(entry.parentPath, entry.name))
    : [];

/** Everything that a search answers, but for how it came to it. */
async function answerOf(words: string[], more: Parameters<typeof wanted>[1] = {}) {
  const { hits } = await find(wanted(words, more), UNBOUND);
  return hits
    .map((one) => one())
    .map(({ entry, hits, matches }) => ({
      id: entry.id,
      title: entry.facts?.customTitle ?? entry.facts?.firstPrompt,
      at: entry.facts?.updatedAt,
      hits: more.complete ? hits : null,
      matches: matches.map(({ at, role, snippet, count }) => ({ at, role, snippet, count })),
    }));
}

async function withoutCache<T>(run: () => Promise<T>): Promise<T> {
  vi.stubEnv("XDG_CACHE_HOME", "/dev/null");
  try {
    return await run();
  } finally {
    vi.stubEnv("XDG_CACHE_HOME", join(home, "cache"));
  }
}

/** Searches until every text that can be kept is; a search keeps only as many as it has time for. */
async function warm(): Promise<void> {
  for (let size = -1, same = 0; same < 3; ) {
    await find(wanted(["nothing of this kind"]), UNBOUND);
    const now = filesOf().reduce((sum, path) => sum + statSync(path).size, 0);
    same = now === size ? same + 1 : 0;
    size = now;
  }
}

const QUESTIONS: [string[], Parameters<typeof wanted>[1]][] = [
  [["needle"], {}],
  [["needle"], { complete: true }],
  [["red", "needle"], { complete: true }],
  [["RED", "green"], {}],
  [["straße"], { complete: true }],
  [["日本"], {}],
  [["title"], {}],
  [["app", "needle"], {}],
  [["n[aeiou]+dle", "r.d"], { regex: true, complete: true }],
  [["^[^n]*$"], { regex: true }],
  [["e"], { complete: true }],
];

async function sameAnswers(): Promise<void> {
  for (const [words, more] of QUESTIONS) {
    const raw = await withoutCache(() => answerOf(words, more));
    expect([words, await answerOf(words, more)]).toEqual([words, raw]);
  }
}

const WORDS = [
  "needle",
  "red",
  "green",
  "STRASSE",
  "日本語",
  "title",
  'say "x\\y"',
  "line\nbreak",
  "<b>",
  "plain",
  "\u001b[1m",
  " ",
];
const words = fc.array(fc.constantFrom(...WORDS), { minLength: 1, maxLength: 6 }).map((all) => all.join(" "));
const row = fc.oneof(
  words.map((text) => prompt(text)),
  words.map((text) => answer(text)),
  words.map((text) =>
    prompt([
      { type: "text", text },
      { type: "text", text: "more" },
    ]),
  ),
  words.map((text) =>
    answer([
      { type: "text", text: "one" },
      { type: "text", text },
    ]),
  ),
  words.map((text) => answer([{ type: "thinking", thinking: text, signature: "s" }])),
  words.map((text) => prompt([{ type: "tool_result", tool_use_id: "t", content: text }])),
  words.map((text) => prompt(text, { isSidechain: true })),
  words.map((text) => prompt(text, { isMeta: true })),
  words.map((text) => prompt(text, { origin: { kind: "human" } })),
  words.map((customTitle) => ({ type: "custom-title", customTitle })),
  words.map((text) => JSON.stringify(answer(text)).slice(0, -20)),
  words.map((text) => JSON.stringify(answer(text)).replace("message", "\u0000")),
  words.map((text) => ({ type: "user", timestamp: 5, message: { role: "user", content: text } })),
  words.map((text) => ({ type: "assistant", message: { content: [{ text, type: "text" }] } })),
);
type Lines = (string | Record<string, unknown>)[];
const lines: fc.Arbitrary<Lines> = fc.array(row, { maxLength: 6 });
const step = fc.oneof(
  fc.record({ kind: fc.constant("append" as const), n: fc.nat(7), lines }),
  fc.record({ kind: fc.constant("write" as const), n: fc.nat(7), lines }),
  fc.record({
    kind: fc.constant("truncate" as const),
    n: fc.nat(7),
    part: fc.double({ min: 0, max: 1, noNaN: true }),
  }),
  fc.record({ kind: fc.constant("remove" as const), n: fc.nat(7) }),
  fc.record({ kind: fc.constant("torn" as const), n: fc.nat(7), lines }),
  fc.record({ kind: fc.constant("lose" as const), n: fc.nat(9) }),
  fc.record({
    kind: fc.constant("damage" as const),
    n: fc.nat(9),
    part: fc.double({ min: 0, max: 1, noNaN: true }),
  }),
);

test("ccr find answers the same with its cache, without it and with half of it, whatever happens to the files", async () => {
  const clean = () => {
    rmSync(join(home, ".claude"), { recursive: true, force: true });
    rmSync(join(home, "cache"), { recursive: true, force: true });
  };
  await fc.assert(
    fc.asyncProperty(
      fc.array(lines, { minLength: 3, maxLength: 8 }),
      fc.array(step, { maxLength: 8 }),
      async (first, steps) => {
        clean();
        first.forEach((all, n) => {
          session(n, all);
        });
        await find(wanted(["needle"]), UNBOUND);
        await sameAnswers();
        let time = 1;
        for (const change of steps) {
          const path = fileOf(change.n);
          if (change.kind === "lose" || change.kind === "damage") {
            const file = filesOf()[change.n];
            if (file && change.kind === "lose") rmSync(file);
            else if (file && "part" in change)
              truncateSync(file, Math.floor(statSync(file).size * change.part));
          } else if (change.kind === "write") session(change.n, change.lines);
          else if (!existsSync(path)) continue;
          else if (change.kind === "remove") rmSync(path);
          else if (change.kind === "truncate")
            truncateSync(path, Math.floor(statSync(path).size * change.part));
          else {
            const text = change.lines
              .map((line) => (typeof line === "string" ? line : JSON.stringify(line)))
              .join("\n");
            appendFileSync(path, change.kind === "torn" ? text : `${text}\n`);
          }
          if (existsSync(path)) utimesSync(path, 1_700_000_000 + time, 1_700_000_000 + time++);
          await sameAnswers();
        }
      },
    ),
    { numRuns: process.env.CCR_FUZZ ? 500 : 25, seed: 11 },
  );
}, 120_000);

describe("the cache of ccr find on generated sessions", () => {
  test("lets a second search open only the transcripts that it shows, and gives the manifest's answer", async () => {
    const { entries } = generate(join(home, "data"), "--sessions", "60", "--total", "8M", "--max", "1M");
    vi.stubEnv("CLAUDE_CONFIG_DIR", join(home, "data"));
    await warm();
    for (const needle of ["flümmox", "payment gateway", "KubernetesOperator", "zyzzyvaquartzes"]) {
      const expected = entries
        .filter(({ needles }) => needles.includes(needle))
        .map(({ sessionId }) => sessionId);
      Object.assign(readCounts, { opens: 0, bytes: 0 });
      const { hits } = await find(wanted([needle]), UNBOUND);
      expect(
        hits
          .map((one) => one())
          .map(({ entry }) => entry.id)
          .sort(),
      ).toEqual(expected.sort());
      expect(readCounts.opens).toBe(expected.length);
    }
    const sizes = filesOf().reduce((sum, path) => sum + statSync(path).size, 0);
    expect(sizes).toBeLessThan(8_000_000 * 0.15);
    for (const path of filesOf()) expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test("reads a session that has grown from its old end on", async () => {
    generate(join(home, "data"), "--sessions", "20", "--total", "8M", "--max", "1M");
    vi.stubEnv("CLAUDE_CONFIG_DIR", join(home, "data"));
    await warm();
    const projects = join(home, "data/projects");
    const names = readdirSync(projects, { recursive: true, encoding: "utf8" });
    const path = join(projects, names.find((name) => /\/[0-9a-f-]{36}\.jsonl$/.test(name))!);
    const name = path.split("/").at(-1);
    appendFileSync(path, `${JSON.stringify(prompt("a word like zyzzyvaquartzes"))}\n`);
    utimesSync(path, 1_780_000_000, 1_780_000_000);
    Object.assign(readCounts, { opens: 0, bytes: 0 });
    const { hits } = await find(wanted(["zyzzyvaquartzes"]), UNBOUND);
    expect(hits.map((one) => one()).map(({ entry }) => `${entry.id}.jsonl`)).toEqual([name]);
    expect(readCounts.opens).toBeLessThanOrEqual(2);
  });
});

test("ccr find answers the same when its cache is nonsense or cannot be written", async () => {
  session(1, [prompt("needle")]);
  for (const prepare of [
    () => writeFileSync(join(home, "cache"), ""),
    () => mkdirSync(join(cacheOf(), "x"), { recursive: true }),
    () => {
      mkdirSync(cacheOf(), { recursive: true });
      chmodSync(cacheOf(), 0o500);
    },
  ]) {
    prepare();
    await sameAnswers();
    if (existsSync(cacheOf())) chmodSync(cacheOf(), 0o700);
    rmSync(join(home, "cache"), { recursive: true, force: true });
  }
  await warm();
  for (const path of filesOf()) writeFileSync(path, "nonsense\n\u0000".repeat(100));
  await sameAnswers();
});

test("the cache of ccr find keeps few parts, however often a search adds one", async () => {
  for (let n = 0; n < 40; n++) {
    session(n, [prompt(`needle ${n}`), answer("red ".repeat(n * 10))]);
    await warm();
    const known = new TextCache().parts.length;
    expect(known).toBeLessThanOrEqual(9);
    expect(filesOf().length).toBe(known + 1);
  }
  await sameAnswers();
});

describe("the cache of ccr find with several processes", () => {
  const run = (file: string, args: string[], kill?: number): Promise<{ code: number | null; out: string }> =>
    new Promise((resolve) => {
      const env = {
        HOME: home,
        PATH: process.env.PATH,
        XDG_CACHE_HOME: join(home, "cache"),
        CLAUDE_CONFIG_DIR: join(home, "data"),
        TZ: "UTC",
      };
      const child = spawn(process.execPath, [file, "find", ...args], {
        env,
        stdio: ["ignore", "pipe", "ignore"],
      });
      let out = "";
      child.stdout.on("data", (data) => {
        out += data;
      });
      child.on("close", (code) => resolve({ code, out }));
      if (kill !== undefined) setTimeout(() => child.kill("SIGKILL"), kill);
    });

  test("gives right answers with several searches at once, some of them killed", async () => {
    const file = join(home, "ccr.cjs");
    copyFileSync(bundle, file);
    const { entries } = generate(join(home, "data"), "--sessions", "120", "--total", "30M", "--max", "3M");
    const right = (needle: string): string =>
      entries
        .filter(({ needles }) => needles.includes(needle))
        .map(({ sessionId }) => sessionId)
        .sort()
        .join();
    const check = ({ out }: { out: string }, needle: string): void => {
      const found: { sessions: { id: string }[] } = JSON.parse(out);
      expect(
        found.sessions
          .map(({ id }) => id)
          .sort()
          .join(),
      ).toBe(right(needle));
    };
    for (let round = 0; round < 4; round++) {
      await Promise.all([30, 60, 90, 120].map((after) => run(file, ["payment gateway"], after + round * 7)));
      const needles = ["payment gateway", "flümmox", "KubernetesOperator"];
      const all = await Promise.all(needles.map((needle) => run(file, ["--json", needle])));
      all.forEach((result, i) => {
        check(result, needles[i]!);
      });
    }
    expect(filesOf().length).toBeGreaterThan(1);
    const parts = filesOf().filter((path) => path.endsWith(".part"));
    // The texts of a killed search are nobody's: they are removed an hour later.
    for (const path of parts) utimesSync(path, 1_600_000_000, 1_600_000_000);
    appendFileSync(
      join(home, "data/projects", readdirSync(join(home, "data/projects"))[0]!, `${idOf(1)}.jsonl`),
      `${JSON.stringify(prompt("x"))}\n`,
    );
    utimesSync(
      join(home, "data/projects", readdirSync(join(home, "data/projects"))[0]!, `${idOf(1)}.jsonl`),
      1_700_000_000,
      1_700_000_000,
    );
    for (let i = 0; i < 10; i++) check(await run(file, ["--json", "flümmox"]), "flümmox");
    const index = readFileSync(filesOf().find((path) => path.endsWith("index"))!, "utf8");
    for (const path of filesOf().filter((name) => name.endsWith(".part")))
      expect(index).toContain(path.split("/").at(-1));
    renameSync(file, `${file}.gone`);
  }, 60_000);
});
