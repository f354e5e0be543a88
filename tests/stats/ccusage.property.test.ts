// Token counts are compared with ccusage, which people trust; where ours must differ is told at the end.

import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { countTranscripts } from "../../helpers/stats/stats.ts";
import type { Group } from "../../helpers/stats/sums.ts";
import { ccusage, type Report, report } from "../support/ccusage.ts";
import { fixtures, root } from "../support/home.ts";

let home: string;
beforeAll(async () => {
  await ccusage();
}, 180_000);
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "ccr-ccusage-"));
  vi.stubEnv("HOME", home);
  vi.stubEnv("XDG_CACHE_HOME", join(home, "cache"));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(home, { recursive: true, force: true });
});
afterAll(() => vi.unstubAllEnvs());

const ours = ({ key, tokens }: Group) => [
  key,
  tokens.input,
  tokens.output,
  tokens.cacheCreation,
  tokens.cacheRead,
];
type Tokens = Omit<Report["daily"][number]["modelBreakdowns"][number], "modelName">;
const theirs = (key: string, t: Tokens) => [
  key,
  t.inputTokens,
  t.outputTokens,
  t.cacheCreationTokens,
  t.cacheReadTokens,
];

async function compare(config: string, zone: string): Promise<number> {
  vi.stubEnv("CLAUDE_CONFIG_DIR", config);
  vi.stubEnv("TZ", zone);
  const { totals, by } = (await countTranscripts(Date.now())).summary;
  const other = await report(config, home, zone);
  const days = by.day!.filter(({ tokens }) => Object.values(tokens).some((n) => n > 0));
  expect(days.map(ours)).toEqual(other.daily.map((day) => theirs(day.date, day)));
  const models = new Map<string, Tokens>();
  for (const { modelName, ...tokens } of other.daily.flatMap((day) => day.modelBreakdowns)) {
    const sum = models.get(modelName);
    models.set(modelName, {
      inputTokens: (sum?.inputTokens ?? 0) + tokens.inputTokens,
      outputTokens: (sum?.outputTokens ?? 0) + tokens.outputTokens,
      cacheCreationTokens: (sum?.cacheCreationTokens ?? 0) + tokens.cacheCreationTokens,
      cacheReadTokens: (sum?.cacheReadTokens ?? 0) + tokens.cacheReadTokens,
    });
  }
  expect(by.model!.map(ours).sort()).toEqual(
    [...models].map(([name, tokens]) => theirs(name, tokens)).sort(),
  );
  const { input, output } = totals.tokens;
  if (other.totals) expect([input, output]).toEqual([other.totals.inputTokens, other.totals.outputTokens]);
  return output;
}

test("ccr stats agrees with ccusage on generated sessions of three generations of the CLI", async () => {
  const config = join(home, "generated");
  const make = join(root, "tests/bench/gen-sessions.mjs");
  execFileSync(process.execPath, [
    make,
    "--out",
    config,
    "--sessions",
    "60",
    "--total",
    "25M",
    "--seed",
    "4",
  ]);
  for (const zone of ["UTC", "America/New_York", "Asia/Kolkata"])
    expect(await compare(config, zone)).toBeGreaterThan(100_000);
}, 60_000);

test("ccr stats agrees with ccusage on everything that the real CLI wrote", async () => {
  const config = join(home, "samples");
  cpSync(join(fixtures, "claude/home/.claude"), config, { recursive: true });
  const legacy = join(fixtures, "claude/legacy");
  for (const version of readdirSync(legacy)) {
    const folder = join(config, "projects", `-legacy-${version.replaceAll(".", "-")}`);
    mkdirSync(folder);
    for (const name of readdirSync(join(legacy, version)))
      cpSync(join(legacy, version, name), join(folder, name.replace(/^[a-z0-9_]+\./, "")));
  }
  expect(await compare(config, "UTC")).toBeGreaterThan(300);
}, 60_000);

test("ccr stats differs from ccusage, on purpose, where that loses rows or counts one twice", async () => {
  const row = (id: string, request: string, more: object = {}, usage: object = {}) =>
    `${JSON.stringify({
      isSidechain: false,
      message: {
        id,
        role: "assistant",
        model: "opus",
        content: [],
        usage: { input_tokens: 1, output_tokens: 10, ...usage },
      },
      requestId: request,
      type: "assistant",
      timestamp: "2026-01-05T10:00:00.000Z",
      ...more,
    })}\n`;
  const cases: [string, text: string, ours: number, theirs: number][] = [
    ["one message under two request ids", row("a", "r1") + row("a", "r2"), 10, 20],
    ["a field that is null", row("a", "r", {}, { speed: null }), 10, 0],
    ["a null within the arguments of a tool", row("a", "r", { x: { id: null } }), 10, 0],
    ["two rows in one line", row("a", "r").trimEnd() + row("b", "r"), 20, 0],
    ["a byte order mark", `\ufeff${row("a", "r")}`, 10, 0],
    ["no input tokens", row("a", "r", {}, { input_tokens: undefined }), 10, 0],
    ["a row of another type", row("a", "r", { type: "user" }), 0, 10],
  ];
  for (const [name, text, our, their] of cases) {
    const config = join(home, name);
    mkdirSync(join(config, "projects/-p"), { recursive: true });
    writeFileSync(join(config, "projects/-p/11111111-1111-4111-8111-111111111111.jsonl"), text);
    vi.stubEnv("CLAUDE_CONFIG_DIR", config);
    const { totals } = (await countTranscripts(Date.now())).summary;
    const other = await report(config, home);
    expect([name, totals.tokens.output, other.totals?.outputTokens ?? 0]).toEqual([name, our, their]);
  }
}, 60_000);
