// What every command does when the world is not as it should be: right answers, or one line and a hint; never a stack.

import { execFileSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { build } from "esbuild";
import { execa } from "execa";
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { COMMANDS } from "../../helpers/command-table.ts";
import { width } from "../../helpers/terminal/text.ts";
import { fixtures, type Home, makeHome, root } from "../support/home.ts";
import { bundle, ccr, type Ran } from "../support/program.ts";
import { lacks } from "../support/tools.ts";

const LIVELY = "11111111-1111-4111-8111-111111111111";

/** A harmless call of every command. A command that is missing here fails the first test. */
const CALLS: Record<string, string[]> = {
  resume: ["resume", LIVELY, "--print-command"],
  pick: ["pick", "--help"],
  board: ["board"],
  list: ["list"],
  find: ["find", "mock"],
  current: ["current"],
  stats: ["stats"],
  "check-limits": ["check-limits", "--all"],
  export: ["export", LIVELY, "./session.tar.gz", "--force"],
  import: ["import", join(fixtures, "archive/session-1.tar.gz"), "--missing-ok", "--dry-run"],
  archive: ["archive", LIVELY, "--to", "./archives"],
  keep: ["keep", LIVELY],
  "resume-all": ["resume-all", "--dry-run"],
  open: ["open", "nobody-is-called-so"],
  ps: ["ps"],
  stop: ["stop", "nobody-is-called-so"],
  start: ["start", "--restart", "sometimes"],
  attach: ["attach", "nobody-is-called-so"],
  send: ["send", "nobody-is-called-so", "hello"],
  wait: ["wait", "nobody-is-called-so"],
  "resume-later": ["resume-later", "--help"],
  pause: ["pause", "--help"],
  restore: ["restore", "--dry-run"],
  template: ["template", "list"],
  supervise: ["supervise", "--status"],
  fork: ["fork", LIVELY],
  remote: ["remote", "list"],
  snapshot: ["snapshot", LIVELY],
  snapshots: ["snapshots"],
  rollback: ["rollback", LIVELY, "none"],
  devcontainer: ["devcontainer", "check"],
  logs: ["logs", "99999999"],
  replay: ["replay", "99999999"],
  rerun: ["rerun", "99999999", "--dry-run"],
  todos: ["todos"],
  clean: ["clean"],
  doctor: ["doctor"],
  sync: ["sync", "/nonexistent"],
  config: ["config", "list"],
  statusline: ["statusline"],
  hook: ["hook", "--help"],
  install: ["install", "--dry-run"],
  uninstall: ["uninstall", "--dry-run"],
  completion: ["completion", "bash"],
  version: ["version"],
};
const READING = ["list", "find", "current", "stats", "check-limits", "resume-all", "supervise"].map(
  (name) => CALLS[name]!,
);
const all = Object.values(CALLS);

const STATUSES = [0, 1, 2, 3];
/** Ended by itself, with a status of the contract and without a stack. */
function expectCalm({ out, err, status, signal }: Ran, words: readonly string[]): void {
  const what = `${words.join(" ")}\n${err}`;
  expect(signal, what).toBeUndefined();
  expect(STATUSES, what).toContain(status);
  expect(out + err, what).not.toMatch(
    /^\s+at .+:\d+:\d+|node:internal|unexpected error:|this is a bug in ccr/m,
  );
  if (status !== 0 && status !== 3) expect(`${out}${err}`.trim(), what).not.toBe("");
}

let home: Home;
vi.setConfig({ testTimeout: 120_000 });
beforeEach(() => {
  home = makeHome("ccr-habits-");
  cpSync(join(fixtures, "claude/home/.claude"), join(home.path, ".claude"), { recursive: true });
  writeFileSync(join(home.around, "bin/claude"), "#!/bin/sh\n", { mode: 0o755 });
});
afterEach(() => home.remove());
const projects = () => join(home.path, ".claude/projects");
const app = () => join(projects(), "-home-coder-projects-app");

test("the tests of habits call every command", () => {
  expect(Object.keys(CALLS).sort()).toEqual(COMMANDS.map(({ name }) => name).sort());
});

test("the bundle is pure ASCII, which Node reads and keeps as one byte for each character", async () => {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: ["helpers/bin.ts"],
    bundle: true,
    minify: true,
    platform: "node",
    write: false,
  });
  // Texts are escaped by esbuild, regular expressions are not.
  expect(outputFiles[0]!.text.match(/.{0,40}[^\u0000-\u007f].{0,20}/)?.[0] ?? "").toBe("");
});

describe("every command, in locales and terminals,", () => {
  test("prints its own texts in ASCII with LC_ALL=C, help included", async () => {
    // Only plain data, so that everything else that is seen is ours.
    for (const folder of readdirSync(projects())) {
      for (const name of readdirSync(join(projects(), folder))) {
        const file = join(projects(), folder, name);
        if (name.endsWith(".jsonl"))
          writeFileSync(file, readFileSync(file, "utf8").replace(/[^\u0000-\u007f]/g, "-"));
      }
    }
    // Its title is cut where it is read, whatever the locale.
    rmSync(join(app(), "ffffffff-1111-4111-8111-111111111111.jsonl"));
    for (const words of [
      ...all,
      ...COMMANDS.map(({ name }) => [name, "--help"]),
      ["--help"],
      ["nonsense"],
      ["list", "--nonsense"],
    ]) {
      const ran = await ccr(home, words, { env: { LC_ALL: "C", LANG: "C" } });
      expectCalm(ran, words);
      expect((ran.out + ran.err).match(/.*[^\u0000-\u007f].*/)?.[0] ?? "", words.join(" ")).toBe("");
    }
  });

  /** Runs a command on a terminal of its own. */
  async function onTerminal(
    words: readonly string[],
    env: Record<string, string>,
    rest = "",
  ): Promise<string> {
    const line = [process.execPath, bundle, ...words].map((word) => `'${word}'`).join(" ") + rest;
    const { stdout } = await execa("script", ["-qec", line, "/dev/null"], {
      env: { ...home.env, ...env },
      extendEnv: false,
      cwd: home.path,
      reject: false,
      stdin: "ignore",
      timeout: 60_000,
    });
    return stdout;
  }
  const SHOWING = READING.filter(([name]) => name !== "supervise");

  test.skipIf(lacks("script"))(
    "a terminal gets colours; NO_COLOR, TERM=dumb and --no-color take them away",
    async () => {
      expect(await onTerminal(["list"], {})).toMatch(/\u001b\[\d+m/);
      for (const words of SHOWING) {
        for (const env of [{ NO_COLOR: "1" }, { TERM: "dumb" }] as Record<string, string>[])
          expect(await onTerminal(words, env), `${words} ${Object.keys(env)}`).not.toContain("\u001b");
        expect(await onTerminal([...words, "--no-color"], {}), words.join(" ")).not.toContain("\u001b");
      }
    },
  );

  test.skipIf(lacks("script"))("prints no line wider than a terminal of 40 columns", async () => {
    for (const words of SHOWING) {
      const said = await onTerminal(words, { COLUMNS: "40" }, " 2>/dev/null");
      for (const line of said.split(/\r?\n/)) {
        const plain = line.replace(/\u001b\[[\d;]*m/g, "");
        expect(width(plain), `${words.join(" ")}: ${plain}`).toBeLessThanOrEqual(40);
      }
    }
  });

  test("gives a pipe no colours and uncut lines", async () => {
    for (const words of all) expect((await ccr(home, words)).out, words.join(" ")).not.toContain("\u001b");
    const { out } = await ccr(home, ["list", "500"], { env: { COLUMNS: "40" } });
    expect(Math.max(...out.split("\n").map((line) => line.length))).toBeGreaterThan(60);
  });
});

describe("every command, with places that are missing or forbidden,", () => {
  const NO_HOMES: Record<string, string | undefined>[] = [
    { HOME: undefined },
    { HOME: "" },
    { HOME: "/nonexistent/home" },
    { HOME: "/dev/null" },
  ];

  test("answers or says what is wrong without HOME", async () => {
    const places = {
      CLAUDE_CONFIG_DIR: join(home.path, ".claude"),
      XDG_CACHE_HOME: join(home.path, "c"),
      XDG_STATE_HOME: join(home.path, "s"),
      XDG_CONFIG_HOME: join(home.path, "o"),
    };
    for (const nowhere of NO_HOMES) {
      for (const words of all) {
        // What is installed goes to a home; without HOME that is the real one of whoever runs this.
        if (nowhere.HOME === undefined && words[0]!.includes("install")) continue;
        const ran = await ccr(home, words, { env: { ...places, ...nowhere } });
        expectCalm(ran, words);
      }
      expect((await ccr(home, ["list"], { env: { ...places, ...nowhere } })).status).toBe(0);
    }
  });

  test("works without Claude's directory, with an empty one, and with files in place of folders", async () => {
    for (const words of all) {
      expectCalm(await ccr(home, words, { env: { CLAUDE_CONFIG_DIR: join(home.path, "nothing") } }), words);
      mkdirSync(join(home.path, "empty/projects"), { recursive: true });
      expectCalm(await ccr(home, words, { env: { CLAUDE_CONFIG_DIR: join(home.path, "empty") } }), words);
      writeFileSync(join(home.path, "file"), "x");
      expectCalm(await ccr(home, words, { env: { CLAUDE_CONFIG_DIR: join(home.path, "file") } }), words);
    }
    mkdirSync(join(home.path, "odd"));
    for (const name of ["projects", "sessions"]) writeFileSync(join(home.path, "odd", name), "x");
    mkdirSync(join(home.path, "odd/history.jsonl"));
    mkdirSync(join(home.path, "odd/settings.json"));
    for (const words of all)
      expectCalm(await ccr(home, words, { env: { CLAUDE_CONFIG_DIR: join(home.path, "odd") } }), words);
  });

  const OTHER = ["--reuid=65534", "--regid=65534", "--clear-groups"];
  /** Still root, for a TMPDIR that nobody else may enter. */
  const POWERLESS = ["--bounding-set", "--inh-caps"].map((set) => `${set}=-dac_override,-dac_read_search`);
  const isOpen = (path: string): boolean =>
    path === "/" || ((statSync(dirname(path)).mode & 0o001) !== 0 && isOpen(dirname(path)));

  /** As somebody to whom permissions matter: root has all of them. */
  async function asNobody(
    words: readonly string[],
    more: { env?: Record<string, string> } = {},
  ): Promise<Ran> {
    chmodSync(home.around, 0o755);
    chmodSync(home.path, 0o555);
    const privileged = process.getuid?.() === 0;
    const { stdout, stderr, exitCode, signal } = await execa(
      privileged ? "setpriv" : process.execPath,
      [
        ...(privileged
          ? [...(isOpen(bundle) && isOpen(home.around) ? OTHER : POWERLESS), process.execPath]
          : []),
        bundle,
        ...words,
      ],
      {
        env: { ...home.env, ...more.env },
        extendEnv: false,
        cwd: "/",
        reject: false,
        stdin: "ignore",
        timeout: 60_000,
        stripFinalNewline: false,
      },
    );
    return { out: stdout, err: stderr, status: exitCode, signal };
  }
  const open = (path: string): void => {
    chmodSync(path, 0o755);
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      if (entry.isDirectory()) open(join(path, entry.name));
      else if (entry.isFile()) chmodSync(join(path, entry.name), 0o644);
    }
  };
  beforeAll(() => {
    chmodSync(join(bundle, ".."), 0o755);
    chmodSync(bundle, 0o644);
    if (process.getuid?.() === 0 && lacks("setpriv"))
      throw new Error("setpriv is missing: apt-get install util-linux");
  });

  test("names an unreadable projects/ in one line, and prints no empty list", async () => {
    open(join(home.path, ".claude"));
    chmodSync(projects(), 0);
    try {
      for (const words of READING) {
        const ran = await asNobody(words);
        expectCalm(ran, words);
        expect(ran.status, words.join(" ")).toBe(1);
        expect(ran.err, words.join(" ")).toContain("projects: permission denied");
        expect(ran.err.trim().split("\n").length, ran.err).toBeLessThanOrEqual(3);
      }
      const { err } = await asNobody(["list", "--json"]);
      expect(JSON.parse(err).error.kind).toBe("eacces");
    } finally {
      chmodSync(projects(), 0o755);
    }
  });

  test("shows the other sessions when a project folder or a transcript is unreadable", async () => {
    open(join(home.path, ".claude"));
    const victim = join(app(), `${LIVELY}.jsonl`);
    chmodSync(victim, 0);
    chmodSync(join(projects(), "-home-coder-projects-other"), 0);
    try {
      for (const words of READING) expectCalm(await asNobody(words), words);
      const { sessions } = JSON.parse((await asNobody(["list", "500", "--json"])).out);
      expect(sessions.length).toBeGreaterThan(40);
      expect(sessions.find(({ id }: { id: string }) => id === LIVELY)).toMatchObject({
        damaged: true,
        title: null,
      });
      expect(JSON.parse((await asNobody(["stats", "--json"])).out).warnings[0].kind).toBe("unreadable");
      expect((await asNobody(["find", "mock"])).status).toBe(0);
    } finally {
      chmodSync(victim, 0o644);
      chmodSync(join(projects(), "-home-coder-projects-other"), 0o755);
    }
  });

  test("answers the same in a read-only home, without a word about it", async () => {
    open(join(home.path, ".claude"));
    chmodSync(home.path, 0o555);
    try {
      for (const words of READING) {
        const first = await asNobody(words);
        expectCalm(first, words);
        expect((await asNobody(words)).out, words.join(" ")).toBe(first.out);
        expect(first.err, words.join(" ")).not.toMatch(/permission|EACCES|EROFS/);
      }
      expect(readdirSync(home.path)).toEqual([".claude"]);
    } finally {
      chmodSync(home.path, 0o755);
    }
  });

  test("answers the same, only slower, when no cache can be written", async () => {
    for (const words of READING) {
      const { out, status } = await ccr(home, words);
      const without = await ccr(home, words, {
        env: { XDG_CACHE_HOME: "/dev/null" },
      });
      expect([without.out, without.status], words.join(" ")).toEqual([out, status]);
    }
  });
});

describe("every command, with pipes and disks,", () => {
  const shell = (line: string) =>
    execa("bash", ["-c", line], {
      env: { ...home.env, CCR: bundle },
      extendEnv: false,
      cwd: home.path,
      reject: false,
      stdin: "ignore",
      timeout: 60_000,
    });

  test("ends silently when the reader of its output leaves", async () => {
    // More than a pipe holds.
    for (let n = 0; n < 1500; n++)
      cpSync(
        join(app(), `${LIVELY}.jsonl`),
        join(app(), `${String(n).padStart(8, "0")}-0000-4000-8000-000000000000.jsonl`),
      );
    for (const words of [
      "list 5000",
      "list 5000 --json",
      "find first",
      "stats --by day --csv",
      "stats --json",
      "completion bash",
      "--help",
      "install --dry-run",
    ]) {
      const { stdout, stderr } = await shell(`node "$CCR" ${words} | head -1`);
      expect(stderr.replace(/^\d.* sessions? in .*$/m, ""), words).toBe("");
      expect(stdout.split("\n"), words).toHaveLength(1);
      expect(stdout, words).not.toBe("");
    }
  }, 300_000);

  test("reports a full disk under stdout, and a closed stdout", async () => {
    for (const words of ["list", "stats", "find mock", "--help", "list --json"]) {
      const { stderr, exitCode } = await shell(`node "$CCR" ${words} >/dev/full`);
      expect([words, exitCode, stderr.split("\n")[0]]).toEqual([
        words,
        1,
        expect.stringMatching(/disk is full/),
      ]);
      expect(stderr).not.toMatch(/^\s+at /m);
      expect((await shell(`node "$CCR" ${words} >&- 2>&-`)).stderr).toBe("");
    }
  });
});

describe("every command, with files that are none or vanish,", () => {
  const odd = (n: number): string =>
    join(app(), `${String(n).padStart(8, "0")}-0000-4000-8000-00000000000f.jsonl`);

  test("ignores dangling links, folders, pipes, names of sockets and empty files among the transcripts", async () => {
    symlinkSync(join(home.path, "nowhere"), odd(1));
    mkdirSync(odd(2));
    execFileSync("mkfifo", [odd(3)]);
    writeFileSync(odd(4), "");
    symlinkSync(odd(5), odd(5));
    symlinkSync("/dev/zero", odd(6));
    symlinkSync(app(), join(projects(), "-a-link"));
    symlinkSync(projects(), join(projects(), "-a-circle"));
    execFileSync("mkfifo", [join(home.path, ".claude/sessions.json")]);
    mkdirSync(join(home.path, ".claude/sessions"), { recursive: true });
    for (const words of READING) expectCalm(await ccr(home, words), words);
    const { sessions } = JSON.parse((await ccr(home, ["list", "500", "--json"])).out);
    const found = (n: number) =>
      sessions.some(({ transcript }: { transcript: string }) => transcript === odd(n));
    // What has a session's name and cannot be looked at is listed as damaged: 5 is a circle.
    expect([1, 2, 3, 4, 5, 6].filter(found)).toEqual([4, 5]);
  });

  test("does not wait for pipes and devices in place of Claude's files and ours", async () => {
    const pipe = (name: string): void => {
      const path = join(home.path, name);
      rmSync(path, { force: true });
      mkdirSync(join(path, ".."), { recursive: true });
      execFileSync("mkfifo", [path]);
    };
    for (const name of ["history.jsonl", "settings.json", "sessions/77.json"]) pipe(`.claude/${name}`);
    for (const name of ["windows.json", "breaker.json"]) pipe(`.local/state/ccr/${name}`);
    for (const name of ["scripts/claude-resume-helpers.sh", ".bashrc", ".cache/ccr/stopped.tsv"]) pipe(name);
    symlinkSync("/dev/zero", join(home.path, ".claude/settings.local.json"));
    for (const words of [...all, ["find", "--prompts", "mock"], ["install", "--statusline", "--dry-run"]])
      expectCalm(await ccr(home, words), words);
    expect((await ccr(home, ["list"])).out.trim().split("\n").length).toBeGreaterThan(10);

    pipe(".config/ccr/config.json");
    const { err, status } = await ccr(home, ["config", "list"]);
    expect([status, err.split("\n")[0]]).toEqual([
      1,
      expect.stringContaining("config.json: not a regular file"),
    ]);
  });

  test("copes with transcripts that vanish or shrink while they are read", async () => {
    const names = readdirSync(app()).filter((name) => name.endsWith(".jsonl"));
    const original = names.map((name): [string, Buffer] => [
      join(app(), name),
      readFileSync(join(app(), name)),
    ]);
    for (const words of READING) {
      let running = true;
      const worrying = (async () => {
        for (let n = 0; running; n++) {
          const [path, bytes] = original[n % original.length]!;
          rmSync(path, { force: true });
          await new Promise((done) => setTimeout(done, 1));
          writeFileSync(path, bytes);
          truncateSync(path, bytes.length >> 1);
          await new Promise((done) => setImmediate(done));
        }
      })();
      for (let n = 0; n < 4; n++) expectCalm(await ccr(home, words), words);
      running = false;
      await worrying;
      for (const [path, bytes] of original) writeFileSync(path, bytes);
    }
  }, 300_000);
});

test("every command only shows names and titles that would act on a shell or a terminal", async () => {
  const hostile = "\u001b]0;x\u0007#(touch ran)`touch ran`$(touch ran)\u009b31m\u202e'\";|&";
  const folder = join(projects(), "-#(touch ran)$(touch ran)");
  mkdirSync(folder);
  const row = {
    sessionId: "0000aaaa-0000-4000-8000-000000000001",
    cwd: `/work/${hostile}`,
    gitBranch: hostile,
    version: hostile,
    timestamp: "2026-11-19T10:00:00.000Z",
  };
  const lines = [
    { type: "custom-title", customTitle: hostile, sessionId: row.sessionId },
    { ...row, type: "user", uuid: "u", message: { role: "user", content: `mock ${hostile}` } },
    {
      ...row,
      type: "assistant",
      uuid: "a",
      message: {
        role: "assistant",
        model: hostile,
        id: "i",
        content: [{ type: "text", text: `mock ${hostile}` }],
        usage: { input_tokens: 1, output_tokens: 1 },
      },
    },
  ];
  writeFileSync(
    join(folder, `${row.sessionId}.jsonl`),
    lines.map((line) => `${JSON.stringify(line)}\n`).join(""),
  );
  for (const words of [
    ...READING,
    ["list", "--json"],
    ["stats", "--by", "model", "--csv"],
    ["stats", "--json", "--by", "project"],
    ["0000aaaa"],
    ["find", "mock", "--json"],
  ]) {
    const ran = await ccr(home, words);
    expectCalm(ran, words);
    expect(
      (ran.out + ran.err).match(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/)?.[0] ?? "",
      words.join(" "),
    ).toBe("");
  }
  expect(readdirSync(home.path)).not.toContain("ran");
});
