import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { progress } from "../../helpers/terminal/progress.ts";
import { width } from "../../helpers/terminal/text.ts";
import { type Home, makeHome } from "../support/home.ts";
import { bundle, ccrSync } from "../support/program.ts";
import { lacks } from "../support/tools.ts";

let home: Home;
beforeEach(() => {
  home = makeHome();
});
afterEach(() => home.remove());

const id = (n: number): string => `${String(n).padStart(8, "0")}-0000-4000-8000-000000000000`;
const DAY = 86_400_000;
const iso = (at: number) => new Date(at).toISOString();

/** A session of one prompt and `answers` answers of `out` tokens each, `ago` days old. */
function session(
  n: number,
  o: { project?: string; ago?: number; answers?: number; out?: number; model?: string } = {},
): string {
  const { project = "/work/app", ago = 0, answers = 2, out = 1000, model = "claude-opus-5" } = o;
  const at = Date.now() - ago * DAY;
  const rest = { sessionId: id(n), cwd: project, timestamp: iso(at), isSidechain: false };
  const rows: object[] = [
    { ...rest, type: "user", uuid: `p${n}`, message: { role: "user", content: "please" } },
  ];
  for (let i = 0; i < answers; i++) {
    const usage = {
      input_tokens: 3,
      cache_creation_input_tokens: 40,
      cache_read_input_tokens: 500,
      output_tokens: out,
    };
    rows.push({
      ...rest,
      type: "assistant",
      uuid: `a${n}-${i}`,
      message: { id: `m${n}-${i}`, role: "assistant", model, content: [], usage },
    });
  }
  const place = join(home.path, ".claude/projects", project.replace(/[^A-Za-z0-9]/g, "-"));
  mkdirSync(place, { recursive: true });
  const path = join(place, `${id(n)}.jsonl`);
  writeFileSync(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  utimesSync(path, at / 1000, at / 1000);
  return path;
}

function stats(words: string[] = [], more: { env?: Record<string, string>; cwd?: string } = {}) {
  const { out, err, status } = ccrSync(home, ["stats", ...words], more);
  return { out, err, status };
}
const json = (words: string[] = [], cwd?: string) =>
  JSON.parse(stats([...words, "--json"], cwd ? { cwd } : {}).out);

vi.setConfig({ testTimeout: 60_000 });
describe("ccr stats", () => {
  test("prints a summary: totals, the next deletion, projects, models and days", () => {
    session(1, { ago: 26, out: 900_000 });
    session(2, { project: "/work/web", model: "claude-haiku-5", answers: 1 });
    const { out, err, status } = stats();
    expect([err, status]).toEqual(["", 0]);
    const lines = out.split("\n").map((line) => line.trimEnd());
    expect(lines[0]).toMatch(/^all {5}2 sessions · 5 messages · 2 active days · \d/);
    expect(lines[1]).toBe("tokens  1.8 M: 9 input · 1.8 M output · 120 cache written · 1.5 k cache read");
    expect(lines[2]).toBe("oldest  deleted in 4 days · keep: cleanupPeriodDays · ~/.claude/settings.json");
    expect(out).toMatch(
      /^PROJECT +SESSIONS +MESSAGES +TOKENS +DISK\napp +1 +3 +1\.8 M +\S+ k?B\nweb +1 +2 +1\.5 k +\S+ k?B\n/m,
    );
    expect(out).toMatch(
      /^MODEL +SESSIONS +MESSAGES +TOKENS\nclaude-opus-5 +1 +2 +1\.8 M\nclaude-haiku-5 +1 +1 +1\.5 k\n/m,
    );
    expect(out).toMatch(
      /^DAY +SESSIONS +MESSAGES +TOKENS\n\d{4}-\d\d-\d\d +1 +3 +1\.8 M\n\d{4}-\d\d-\d\d +1 +2 +1\.5 k\n$/m,
    );
    expect(out).not.toContain("█");
  });

  test("counts the same with two threads as with one", () => {
    // Of zeros, so that there is much to read, and a second thread has time to begin.
    const large = session(99, { project: "/a", answers: 0 });
    truncateSync(large, 1024 ** 3);
    for (let n = 1; n <= 60; n++)
      session(n, { project: `/work/p${n % 7}`, ago: n % 20, answers: n % 5, model: `claude-${n % 3}-5` });
    const counted = () => {
      const { totals, by } = json(["--by", "model"]);
      return { messages: totals.messages, tokens: totals.tokens, by };
    };
    const two = counted();
    expect(two.messages).toBe(61 + 120);
    expect(counted()).toEqual(two);
    rmSync(home.env.XDG_CACHE_HOME ?? join(home.path, ".cache"), { recursive: true });
    truncateSync(large, 300);
    expect(counted()).toEqual(two);
  });

  test("prints one full table with --by, and filters with --since, --project and --here", () => {
    for (let n = 1; n <= 20; n++) session(n, { project: `/work/p${n}`, ago: n - 1 });
    const web = home.project("web");
    session(30, { project: web, ago: 1 });
    expect(stats().out).toContain("11 more     ccr-stats --by project");
    expect(stats(["--by", "project"]).out).not.toContain("more");
    expect(json(["--by", "project"]).by).toHaveLength(21);
    expect(json(["--since", "2d"])).toMatchObject({
      totals: { sessions: 4, activeDays: 3 },
      groupedBy: "day",
    });
    expect(json(["--since", iso(Date.now()).slice(0, 10)]).totals.sessions).toBe(1);
    expect(json(["--project", "P2"]).totals.sessions).toBe(2);
    expect(json(["--here"], web).totals).toMatchObject({ sessions: 1, messages: 3 });
    expect(json(["--here"]).totals.sessions).toBe(0);
    expect(stats(["--project", "nowhere"])).toEqual({
      out: "",
      err: "no matching sessions\n     count all: ccr-stats\n",
      status: 0,
    });
  });

  test("names as the oldest the session that Claude Code would delete first, also with --project", () => {
    session(1, { ago: 3 });
    session(2, { ago: 1, project: "/work/web" });
    const days = (words: string[]) =>
      Math.round((Date.parse(json(words).oldestDeletedAfter) - Date.now()) / DAY);
    expect(days([])).toBe(27);
    expect(days(["--project", "web"])).toBe(29);
    writeFileSync(join(home.path, ".claude/settings.json"), '{"cleanupPeriodDays":3650}');
    expect(days([])).toBe(3647);
    utimesSync(session(3), 1, 1);
    rmSync(join(home.path, ".claude/settings.json"));
    expect(stats().out).toContain("oldest  deleted at the next cleanup");
  });

  test("prints a line for each group with --csv, numbers in full and texts quoted", () => {
    session(1, { project: '/work/a "b", c' });
    const { out } = stats(["--by", "project", "--csv"]);
    expect(out).toBe(
      `project,sessions,messages,input_tokens,output_tokens,cache_creation_tokens,cache_read_tokens,bytes,active_days,subagent_messages,subagent_tokens
"/work/a ""b"", c",1,3,6,2000,80,1000,${json().totals.bytes},1,0,0\n`,
    );
    expect(stats(["--csv"]).out.split("\n")[1]).toMatch(/^\d{4}-\d\d-\d\d,1,3,6,2000,80,1000,,1,0,0$/);
  });

  test("refuses wrong arguments in one line each, with status 2", () => {
    for (const [words, said] of [
      [["--by", "hour"], 'invalid --by "hour": use day, project or model'],
      [["--since", "soon"], 'invalid --since "soon": use a duration such as 12h'],
      [["--since", "2026-02-30"], 'invalid --since "2026-02-30": use a duration such as 12h'],
      [["--json", "--csv"], "--json and --csv cannot be combined"],
      [["extra"], 'unexpected argument: "extra"'],
    ] as const) {
      const { out, err, status } = stats([...words]);
      expect([out, status]).toEqual(["", 2]);
      expect(err).toContain(said);
    }
  });

  test("says where it looked when there are no sessions", () => {
    expect(stats()).toEqual({
      out: "",
      err: `no Claude Code sessions in ${home.path}/.claude/projects\n     start one: claude\n`,
      status: 0,
    });
  });

  test.skipIf(lacks("script"))(
    "draws bars on a terminal, as wide as there is room, and with ASCII signs without Unicode",
    () => {
      session(1, { out: 8000 });
      session(2, { project: "/work/web", out: 4000 });
      const shown = (env: Record<string, string>) =>
        spawnSync(
          "script",
          ["-qec", `'${process.execPath}' '${bundle}' stats --by project --no-color`, "/dev/null"],
          { env: { ...home.env, ...env }, encoding: "utf8" },
        ).stdout.replaceAll("\r", "");
      const bars = (text: string) =>
        ["app", "web"].map(
          (name) => new RegExp(`^${name}.*?([\\u2580-\\u258f#]*)$`, "m").exec(text)![1]!.length,
        );
      const [full, half] = bars(shown({ COLUMNS: "100" }));
      expect(full).toBe(30);
      expect(half).toBeGreaterThan(13);
      expect(half).toBeLessThan(19);
      expect(bars(shown({ COLUMNS: "64" }))[0]).toBeLessThan(30);
      expect(bars(shown({ COLUMNS: "40" }))[0]).toBeLessThan(20);
      const ascii = shown({ COLUMNS: "100", LANG: "C", LC_ALL: "C" });
      expect(bars(ascii)[0]).toBe(30);
      expect(ascii).toMatch(/^[\u0000-\u007f]*$/);
      for (const line of shown({ COLUMNS: "20" }).split("\n").slice(0, 5))
        expect(width(line)).toBeLessThanOrEqual(30);
    },
  );
});

test("the progress of a long read is shown on a terminal, ten times a second at most, and erased at the end", () => {
  let now = 0;
  const drawn: string[] = [];
  const tell = progress(
    (text) => drawn.push(text),
    () => now,
    () => true,
  );
  for (; now < 2000; now += 10) tell(now * 1e6, 2e9);
  expect(drawn[0]).toBe("\rreading 1.0 GB of 2.0 GB");
  expect(drawn).toHaveLength(10);
  tell(2e9, 2e9);
  tell(2e9, 2e9);
  expect(drawn.slice(10)).toEqual([`\r${" ".repeat(24)}\r`]);

  const quiet: string[] = [];
  const quick = progress(
    (text) => quiet.push(text),
    () => now,
    () => true,
  );
  quick(1, 2);
  quick(2, 2);
  const piped = progress(
    (text) => quiet.push(text),
    () => now,
    () => false,
  );
  now += 5000;
  piped(1, 2);
  piped(2, 2);
  expect(quiet).toEqual([]);
});
