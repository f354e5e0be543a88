// `npm run try` as its reader runs it.

import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { fixtures, type Home, makeHome, root } from "../support/home.ts";
import { openTerminal } from "../support/tmux.ts";

/** The reader: a home without Claude sessions, and a place where throwaway homes are made. */
let reader: Home;
let places: string;

beforeAll(() => {
  reader = makeHome();
});
beforeEach(() => {
  places = mkdtempSync(join(tmpdir(), "ccr-places-"));
});
afterEach(() => rmSync(places, { recursive: true, force: true }));
afterAll(() => reader.remove());

const env = (more: Record<string, string> = {}) => ({ ...reader.env, TMPDIR: places, ...more });

function tried(words: string[], more: Record<string, string> = {}) {
  return execa("npm", ["run", "--silent", "try", "--", ...words], {
    cwd: root,
    env: env(more),
    extendEnv: false,
    stdin: "ignore",
    reject: false,
    timeout: 50_000,
  });
}

describe("npm run try", () => {
  it("gives one command the functions and sample sessions, and removes the home", async () => {
    const result = await tried(["type ccr ccr-list ccr-find ccr-current && ccr-list 5"]);
    expect(result.stdout.match(/^ccr(-list|-find|-current)? is a function$/gm)).toHaveLength(4);
    expect(result.stdout).toMatch(/4bb63347 +portfolio-com/);
    expect(result.stdout).toContain("Move the setup script into its own file");
    expect(result.exitCode).toBe(0);
    expect(result.stderr).toContain("with 7 sample sessions.");
    expect(homes()).toEqual([]);
  });

  it("passes the command's status and both its streams on", async () => {
    const result = await tried(["echo out; echo wrong >&2; (exit 7)"]);
    expect(result.exitCode).toBe(7);
    expect(result.stdout).toBe("out");
    expect(result.stderr.split("\n").at(-1)).toBe("wrong");
    expect(result.stderr).not.toContain("job control");
  });

  it("starts from an empty home with a clean environment", async () => {
    const result = await tried(["env"], { CODER_AGENT_TOKEN: "secret", CLAUDE_CODE_OAUTH_TOKEN: "secret" });
    expect(result.stdout).not.toContain("secret");
    expect(result.stdout).toMatch(new RegExp(`^HOME=${places}/ccr-try-\\w+/home$`, "m"));
  });

  it("copies the reader's own sessions with their times where there are some", async () => {
    const own = join(fixtures, "claude/home/.claude");
    const file = "projects/-home-coder-projects-gone/44444444-4444-4444-8444-444444444444.jsonl";
    const result = await tried([`stat -c %Y ~/.claude/${file}; ls ~/.claude`], { CLAUDE_CONFIG_DIR: own });
    expect(result.stderr).toContain("with a copy of your 53 sessions.");
    expect(result.stdout.split("\n")).toEqual([
      String(Math.floor(statSync(join(own, file)).mtimeMs / 1000)),
      "history.jsonl",
      "projects",
    ]);
  });

  it("keeps the home with --keep, and says where", async () => {
    const result = await tried(["--keep", "true"]);
    const kept = /The home stays in (\S+);/.exec(result.stderr)?.[1] ?? "";
    expect(existsSync(join(kept, ".local/lib/ccr/ccr.cjs"))).toBe(true);
  });

  it("refuses an unknown flag", async () => {
    const result = await tried(["--kep", "true"]);
    expect(result.exitCode).toBe(2);
    expect(result.stderr).toContain("unknown flag: --kep");
  });

  it.each(["SIGTERM", "SIGINT", "SIGHUP"] as const)("leaves nothing behind after %s", async (signal) => {
    const run = execa(process.execPath, ["tests/support/setup.mjs", "tests/try.ts", "sleep 86399"], {
      cwd: root,
      env: env(),
      extendEnv: false,
      reject: false,
      stdin: "ignore",
    });
    await expect.poll(sleeping, { timeout: 30_000, interval: 100 }).toBe(true);
    expect(homes()).toHaveLength(1);
    process.kill(run.pid!, signal);
    expect((await run).signal).toBe(signal);
    expect(homes()).toEqual([]);
    expect(await sleeping()).toBe(false);
  });

  it("opens a shell on a terminal; Ctrl-D ends it and leaves nothing behind", async () => {
    const terminal = await openTerminal(reader, {
      cwd: root,
      env: env(),
      command: ["sh", "-c", "npm run --silent try; echo status $?; sleep 60"],
    });
    await terminal.shows("Type ccr-list first", 30);
    await terminal.type("ccr-list 3");
    await terminal.press("Enter");
    // The shell asks again: a Ctrl-D that comes while a command runs is nobody's.
    await terminal.shows(/ccr-find WORDS\n.*[#$]\s*$/);
    await terminal.press("C-d");
    await terminal.shows("status 0");
    expect(homes()).toEqual([]);
    await terminal.end();
  });
});

/** The TypeScript loader keeps its cache in the same place. */
const homes = () => readdirSync(places).filter((name) => !name.startsWith("tsx-"));

async function sleeping(): Promise<boolean> {
  const { stdout } = await execa("ps", ["-A", "-o", "args="]);
  return stdout.split("\n").includes("sleep 86399");
}
