// ccr devcontainer open, with the real `devcontainer` program over an engine of namespaces, and the real CLI.

import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type Claude, installClaude, type Row } from "../support/claude-cli.ts";
import { namespaces } from "../support/container.ts";
import { type Home, makeHome, root } from "../support/home.ts";
import { type MockApi, mockApi } from "../support/mock-api.ts";
import { install } from "../support/program.ts";
import { openTerminal } from "../support/tmux.ts";
import { lacks } from "../support/tools.ts";

vi.setConfig({ testTimeout: 300_000, hookTimeout: 600_000 });
const made = await namespaces();
const able = "argv" in made && !lacks("nsenter");

let home: Home;
let api: MockApi;
let claude: Claude;
let project: string;
let file: string;
let engine: string;

beforeEach(async () => {
  home = makeHome("ccr-open-");
  api = await mockApi();
  project = home.project("app");
  claude = await installClaude(home, api.url, [project]);
  await install(home, { flags: ["--dev-open"] });
  engine = join(home.around, "engine");
  mkdirSync(engine);
  file = join(project, ".devcontainer/devcontainer.json");
  mkdirSync(join(project, ".devcontainer"));
  configure();
  const { argv } = made as { argv: string[] };
  const binds = [claude.file, process.execPath].flatMap((path, i) => [
    "ro",
    realpathSync(path),
    `/opt/bin/${["claude", "node"][i]}`,
  ]);
  writeFileSync(
    join(engine, "engine.json"),
    JSON.stringify({
      unshare: argv,
      enter: argv.includes("--user") ? ["--user", "--preserve-credentials"] : [],
      binds,
      path: "/opt/bin:/usr/local/bin:/usr/bin:/bin",
      root: join(engine, "root"),
    }),
  );
  const docker = `#!/bin/sh\nexec '${process.execPath}' '${join(root, "tests/support/engine.mjs")}' '${engine}' "$@"\n`;
  writeFileSync(join(home.around, "bin/docker"), docker, { mode: 0o755 });
  symlinkSync(
    join(root, "node_modules/@devcontainers/cli/devcontainer.js"),
    join(home.around, "bin/devcontainer"),
  );
});
afterEach(async () => {
  const state = join(engine, "container.json");
  if (existsSync(state)) process.kill(JSON.parse(readFileSync(state, "utf8")).parent, "SIGKILL");
  await api.close();
  await home.remove();
});

/** Without workspaceFolder: the program is asked for it. */
function configure(more: object = {}): void {
  const keys = [
    "ANTHROPIC_BASE_URL",
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC",
    "DISABLE_AUTOUPDATER",
    "HTTPS_PROXY",
    "NO_PROXY",
  ];
  const containerEnv = Object.fromEntries([
    ...keys.map((key) => [key, claude.env[key]]),
    ["IS_SANDBOX", "1"],
  ]);
  writeFileSync(file, JSON.stringify({ image: "image", remoteUser: "root", containerEnv, ...more }));
}

const ccr = (...words: string[]) =>
  execa(join(home.path, ".local/bin/ccr"), words, {
    cwd: project,
    env: claude.env,
    extendEnv: false,
    stdin: "ignore",
    reject: false,
    timeout: 120_000,
  });
const prompts = (rows: Row[]): string[] =>
  rows.flatMap(({ type, isMeta, message }) =>
    type === "user" && !isMeta && typeof message?.content === "string" ? [message.content] : [],
  );

test("this machine has nsenter and namespaces", { skip: !able && process.env.CI !== "true" }, () => {
  expect("reason" in made ? made.reason : "").toBe("");
  expect(lacks("nsenter") ? "nsenter is missing: apt-get install util-linux" : "").toBe("");
});

describe.skipIf(!able)("ccr devcontainer open", () => {
  test("starts the container and resumes the same session in it", async () => {
    const id = (await claude.print(project, ["begun on the host"])).json.session_id;
    const added = await ccr("devcontainer", "add", "--env", "CLAUDE_CODE_OAUTH_TOKEN", "--json");
    expect(added.exitCode, added.stderr).toBe(0);
    // The program's own answer, not a guess.
    expect(JSON.parse(added.stdout)).toMatchObject({
      project: { container: "/workspaces/app" },
      warnings: [],
    });

    const env = { ...claude.env, PATH: `${home.path}/.local/bin:${home.env.PATH}` };
    const terminal = await openTerminal(home, {
      cwd: project,
      env,
      command: ["ccr", "devcontainer", "open"],
    });
    try {
      await terminal.shows(/begun on the host[\s\S]*❯/, 120);
      await terminal.shows("/workspaces/app");
    } finally {
      await terminal.end();
    }
    // The engine was asked for just the mounts that are written, read-only ones as such.
    const log = readFileSync(join(engine, "log"), "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    const run: string[] = log.find(([command]) => command === "run");
    const mounts = run.filter((_, i) => run[i - 1] === "--mount");
    expect(mounts).toContain(
      `source=${home.path}/.claude/agents,target=/root/.claude/agents,type=bind,readonly`,
    );
    expect(mounts).toContain(`source=${home.path}/.claude/projects,target=/root/.claude/projects,type=bind`);
    expect(JSON.stringify(run)).not.toContain(claude.env.CLAUDE_CODE_OAUTH_TOKEN);

    // In the running container ccr is on PATH, and finds nothing wrong.
    const inside = async (...words: string[]) =>
      JSON.parse(
        (
          await execa("devcontainer", ["exec", "--workspace-folder", project, ...words], {
            cwd: project,
            env: claude.env,
            extendEnv: false,
            stdin: "ignore",
            timeout: 120_000,
          })
        ).stdout,
      );
    const report = await inside("ccr", "devcontainer", "check", "--json");
    expect(report.inside).toBe(true);
    expect(report.findings.filter(({ state }: { state: string }) => state !== "ok")).toEqual([]);
    const said = await inside(
      "claude",
      "-p",
      "--resume",
      id,
      "--output-format",
      "json",
      "go on in the container",
    );
    expect(said.session_id).toBe(id);
    expect(prompts(claude.rows(id))).toEqual(["begun on the host", "go on in the container"]);
    expect(claude.rows(id).some(({ cwd }) => cwd === "/workspaces/app")).toBe(true);
    expect(readdirSync(join(home.path, ".claude/agents"))).toEqual([]);
  });

  test("starts the container without a terminal, and says what to type", async () => {
    const id = (await claude.print(project, ["begun"])).json.session_id;
    expect((await ccr("devcontainer", "open")).stderr).toContain("ccr devcontainer add");
    await ccr("devcontainer", "add");
    const { stdout, exitCode, stderr } = await ccr("devcontainer", "open", "--up");
    expect(exitCode, stderr).toBe(0);
    expect(stdout).toContain("devcontainer exec --workspace-folder");
    expect(stdout).toContain(`claude --resume ${id}`);
    const command = readFileSync(join(home.path, ".claude/commands/dev-open.md"), "utf8");
    expect(command).toContain("ccr devcontainer open --up");
    // Asked for the session that runs: that one has to end first.
    mkdirSync(join(home.path, ".claude/sessions"), { recursive: true });
    writeFileSync(
      join(home.path, ".claude/sessions/1.json"),
      JSON.stringify({ pid: process.pid, sessionId: id }),
    );
    expect((await ccr("devcontainer", "open", "--up")).stdout).toBe("/exit, then: ccr devcontainer open");
    await ccr("uninstall");
    expect(existsSync(join(home.path, ".claude/commands/dev-open.md"))).toBe(false);
  });

  test("notices another folder in the container before Claude starts there", async () => {
    await ccr("devcontainer", "add");
    const text = readFileSync(file, "utf8");
    writeFileSync(file, text.replace('"image":', '"workspaceFolder": "/workspaces", "image":'));
    const { exitCode, stderr } = await ccr("devcontainer", "open", "--up");
    expect(exitCode).toBe(1);
    expect(stderr).toContain("the project is in /workspaces, not in /workspaces/app");
  });

  test("says what to do about a container without claude, an engine that is down, and no devcontainer program", async () => {
    await ccr("devcontainer", "add");
    const config = join(engine, "engine.json");
    const value = JSON.parse(readFileSync(config, "utf8"));
    writeFileSync(config, JSON.stringify({ ...value, binds: value.binds.slice(3) }));
    expect((await ccr("devcontainer", "open", "--up")).stderr).toContain("devcontainer-features/claude-code");
    rmSync(join(home.around, "bin/docker"));
    writeFileSync(join(home.around, "bin/docker"), "#!/bin/sh\nexit 1\n", { mode: 0o755 });
    const down = await ccr("devcontainer", "open", "--up");
    expect(down.exitCode).toBe(1);
    expect(down.stderr).toContain("check that the container engine is running");
    rmSync(join(home.around, "bin/devcontainer"));
    expect((await ccr("devcontainer", "open", "--up")).stderr).toContain("npm install -g @devcontainers/cli");
  });
});
