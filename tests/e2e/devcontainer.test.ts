// One session on both sides of a dev container: the real CLI on the host and in namespaces that bind what ccr wrote.

import {
  appendFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { slug } from "../../helpers/claude/places.ts";
import { type Claude, installClaude, type Row } from "../support/claude-cli.ts";
import { type Container, namespaces, startContainer } from "../support/container.ts";
import { type Home, makeHome } from "../support/home.ts";
import { type MockApi, mockApi, say } from "../support/mock-api.ts";
import { install } from "../support/program.ts";
import { openTerminal } from "../support/tmux.ts";

const WORKSPACE = "/workspaces/app";
const USER_HOME = "/home/vscode";
const CONFIG = `{
  // the app's container
  "name": "app",
  "image": "mcr.microsoft.com/devcontainers/base:debian",
  "remoteUser": "vscode", // who works there
  "workspaceFolder": "${WORKSPACE}",
}
`;

const made = await namespaces();
if ("reason" in made && process.env.CI !== "true") console.warn(`not run: ${made.reason}`);

vi.setConfig({ testTimeout: 300_000, hookTimeout: 600_000 });

/** A host with a project, the real CLI and an installed ccr. */
class Host {
  readonly home: Home = makeHome("ccr-container-");
  readonly project = this.home.project("app");
  readonly file = join(this.project, ".devcontainer/devcontainer.json");
  readonly store = join(this.home.path, ".claude/projects");
  claude!: Claude;

  async prepare(api: MockApi): Promise<void> {
    this.claude = await installClaude(this.home, api.url, [this.project, this.home.path]);
    await install(this.home);
    mkdirSync(join(this.project, ".devcontainer"));
    writeFileSync(this.file, CONFIG);
    mkdirSync(join(this.home.path, ".claude/agents"), { recursive: true });
    writeFileSync(
      join(this.home.path, ".claude/agents/reviewer.md"),
      "---\nname: reviewer\ndescription: reviews\n---\n",
    );
    writeFileSync(join(this.home.path, ".claude/CLAUDE.md"), "Be brief.\n");
    writeFileSync(join(this.home.path, ".claude/settings.json"), '{"cleanupPeriodDays": 365}\n');
  }

  /** ccr on the host. */
  async ccr(...words: string[]) {
    return execa(join(this.home.path, ".local/bin/ccr"), words, {
      cwd: this.project,
      env: this.claude.env,
      extendEnv: false,
      stdin: "ignore",
      reject: false,
      timeout: 60_000,
    });
  }

  async start(): Promise<Container> {
    const { HOME: _, PATH: __, TMUX_TMPDIR: ___, CLAUDE_CODE_OAUTH_TOKEN: ____, ...more } = this.claude.env;
    return startContainer(this.home, {
      argv: (made as { argv: string[] }).argv,
      file: this.file,
      project: this.project,
      workspace: WORKSPACE,
      userHome: USER_HOME,
      env: this.claude.env,
      more: { ...more, SHELL: "/bin/sh" },
      programs: { claude: this.claude.file, node: process.execPath },
    });
  }
}

/** `claude -p` in there; the id of its session. */
async function print(container: Container, words: string[]): Promise<string> {
  const { stdout, stderr, exitCode } = await container.run([
    "claude",
    "-p",
    "--output-format",
    "json",
    ...words,
  ]);
  expect(exitCode, `${stdout}\n${stderr}`).toBe(0);
  return JSON.parse(stdout).session_id;
}

const prompts = (rows: Row[]): string[] =>
  rows.flatMap(({ type, isMeta, message }) =>
    type === "user" && !isMeta && typeof message?.content === "string" ? [message.content] : [],
  );

async function inside(container: Container, ...words: string[]) {
  const { stdout, stderr } = await container.run(["ccr", ...words, "--json"]);
  expect(stdout, stderr).not.toBe("");
  return JSON.parse(stdout);
}

const todo = (content: string, status = "pending") => ({ content, status, activeForm: content });

test("this machine can create namespaces", { skip: "reason" in made && process.env.CI !== "true" }, () => {
  expect("reason" in made ? made.reason : "").toBe("");
});

describe.skipIf("reason" in made)("a shared dev container", () => {
  const host = new Host();
  let api: MockApi;
  let container: Container;
  let id: string;

  beforeAll(async () => {
    api = await mockApi();
    await host.prepare(api);
    id = (await host.claude.print(host.project, ["one, on the host"])).json.session_id;
    const { exitCode, stderr } = await host.ccr("devcontainer", "add", "--env", "CLAUDE_CODE_OAUTH_TOKEN");
    expect(exitCode, stderr).toBe(0);
    container = await host.start();
  });
  afterAll(async () => {
    await api?.close();
    await host.home.remove();
  });

  test("resumes one session on host, container and host, by id and as the newest of the directory", async () => {
    api.asked.length = 0;
    expect(await print(container, ["--resume", id, "two, in the container"])).toBe(id);
    expect(await print(container, ["--continue", "three, in the container"])).toBe(id);
    expect((await host.claude.print(host.project, ["--continue", "four, on the host"])).json.session_id).toBe(
      id,
    );
    const said = [
      "one, on the host",
      "two, in the container",
      "three, in the container",
      "four, on the host",
    ];
    expect(prompts(host.claude.rows(id))).toEqual(said);
    // Each turn carried all that was said before.
    const sent = api.turns().map(({ messages }) => messages);
    expect(sent).toEqual([...sent].sort((a, b) => a - b));
    expect(sent.at(-1)).toBeGreaterThan(sent[0]!);
    expect(api.turns().every(({ credential }) => credential === "bearer")).toBe(true);
    expect(lstatSync(join(host.store, slug(WORKSPACE))).isSymbolicLink()).toBe(true);
    expect(readdirSync(join(host.store, slug(host.project)))).toContain(`${id}.jsonl`);
    const places = new Set(host.claude.rows(id).flatMap(({ cwd }) => cwd ?? []));
    expect([...places].sort()).toEqual([host.project, WORKSPACE].sort());
  });

  test("asks no first question on a terminal, and puts what is typed into both histories", async () => {
    const terminal = await openTerminal(host.home, { command: container.argv(["claude", "--resume", id]) });
    try {
      await terminal.shows(/four, on the host[\s\S]*❯/, 60);
      api.answers.push(say("Typed and answered."));
      await terminal.type("five, typed in the container");
      await terminal.shows("five, typed in the container");
      await terminal.press("Enter");
      await terminal.shows("Typed and answered.", 60);
      await expect
        .poll(() => prompts(host.claude.rows(id)).at(-1), { timeout: 30_000 })
        .toBe("five, typed in the container");
      await expect
        .poll(() => readFileSync(join(host.home.path, ".claude/history.jsonl"), "utf8"), { timeout: 30_000 })
        .toContain("five, typed in the container");
    } finally {
      await terminal.end();
    }
    const found = JSON.parse((await host.ccr("find", "typed", "--prompts", "--json")).stdout);
    expect(found.sessions.map((one: { id: string }) => one.id)).toEqual([id]);
    const same = await inside(container, "find", "typed", "--prompts");
    expect(same.sessions.map((one: { id: string }) => one.id)).toEqual([id]);
  });

  test("lists the same sessions as the host", async () => {
    const ours = JSON.parse((await host.ccr("list", "--json")).stdout).sessions;
    const theirs = (await inside(container, "list")).sessions;
    expect(theirs.map((one: { id: string }) => one.id)).toEqual(ours.map((one: { id: string }) => one.id));
    expect(theirs[0]).toMatchObject({ id, state: "idle" });
  });

  test("lists the tasks of both sides on both", async () => {
    const write = `mkdir -p "$CLAUDE_CONFIG_DIR/tasks/${id}" && echo '{"id":"1","subject":"Made inside","status":"in_progress","activeForm":"x"}' >"$CLAUDE_CONFIG_DIR/tasks/${id}/1.json"`;
    expect((await container.run(["sh", "-c", write])).exitCode).toBe(0);
    const file = join(host.home.path, `.claude/todos/${id}-agent-${id}.json`);
    writeFileSync(file, JSON.stringify([todo("Made outside"), todo("Done outside", "completed")]));
    const texts = (todos: { text: string }[]) => todos.map(({ text }) => text).sort();
    const ours = JSON.parse((await host.ccr("todos", "--open", "--json")).stdout).todos;
    const theirs = (await inside(container, "todos", "--open")).todos;
    expect(texts(ours)).toEqual(["Made inside", "Made outside"]);
    expect(texts(theirs)).toEqual(texts(ours));
    expect(ours[0]).toMatchObject({ session: id, project: host.project, isolated: false });
  });

  test("reads the host's configuration, and cannot write it", async () => {
    const read = await container.run([
      "sh",
      "-c",
      'cd "$CLAUDE_CONFIG_DIR" && cat agents/reviewer.md CLAUDE.md settings.json',
    ]);
    expect(read.stdout).toContain("name: reviewer");
    expect(read.stdout).toContain("Be brief.");
    expect(read.stdout).toContain('"cleanupPeriodDays": 365');
    const before = readFileSync(join(host.home.path, ".claude/settings.json"), "utf8");
    for (const line of [
      "echo x >agents/new.md",
      "echo x >>agents/reviewer.md",
      "rm agents/reviewer.md",
      "echo x >commands/new.md",
      "mkdir skills/new",
      "mkdir plugins/new",
      "echo '{}' >settings.json",
      "echo x >>CLAUDE.md",
      "echo x >host/ccr.json",
      "echo x >ccr/ccr.cjs",
    ]) {
      const { exitCode, stderr } = await container.run(["sh", "-c", `cd "$CLAUDE_CONFIG_DIR" && ${line}`]);
      expect(exitCode, line).not.toBe(0);
      expect(stderr, line).toMatch(/Read-only file system/i);
    }
    expect(readFileSync(join(host.home.path, ".claude/settings.json"), "utf8")).toBe(before);
    expect(readdirSync(join(host.home.path, ".claude/agents"))).toEqual(["reviewer.md"]);
  });

  test("does not let the CLI change the host's settings", async () => {
    const added = await container.run(["claude", "mcp", "add", "--scope", "user", "mine", "true"]);
    expect(added.exitCode, added.stderr).toBe(0);
    expect(readFileSync(join(host.home.path, ".claude.json"), "utf8")).not.toContain('"mine"');
    expect(readFileSync(join(host.home.path, ".claude/settings.json"), "utf8")).toBe(
      '{"cleanupPeriodDays": 365}\n',
    );
    // The container's own state outlives it.
    expect((await container.run(["claude", "mcp", "list"])).stdout).toContain("mine");
  });

  test("has settings that the host saves at the next start, and check asks for one only then", async () => {
    const settings = join(host.home.path, ".claude/settings.json");
    writeFileSync(`${settings}.tmp`, '{"cleanupPeriodDays": 99}\n');
    await execa("mv", [`${settings}.tmp`, settings]);
    const report = JSON.parse((await host.ccr("devcontainer", "check", "--json")).stdout);
    expect(report.findings).toContainEqual(
      expect.objectContaining({ what: "copies", state: "wrong", fix: "ccr devcontainer add --refresh" }),
    );
    container = await host.start();
    const { stdout } = await container.run(["sh", "-c", 'cat "$CLAUDE_CONFIG_DIR/settings.json"']);
    expect(JSON.parse(stdout)).toEqual({ cleanupPeriodDays: 99 });
    writeFileSync(settings, '{"cleanupPeriodDays": 365}\n');
    container = await host.start();
  });

  test("does not share sessions/: a running session of the host is not running in the container", async () => {
    const registry = join(host.home.path, ".claude/sessions");
    mkdirSync(registry, { recursive: true });
    const entry = { pid: 777, sessionId: id, cwd: host.project, kind: "interactive", status: "idle" };
    writeFileSync(join(registry, "777.json"), JSON.stringify(entry));
    const { stdout } = await container.run(["claude", "agents", "--json"]);
    expect(JSON.parse(stdout)).toEqual([]);
    const listed = await container.run(["sh", "-c", 'ls "$CLAUDE_CONFIG_DIR/sessions" 2>/dev/null']);
    expect(listed.stdout).not.toContain("777");
    rmSync(join(registry, "777.json"));
  });

  test("has a check that finds nothing wrong, on both sides", async () => {
    for (const report of [
      JSON.parse((await host.ccr("devcontainer", "check", "--json")).stdout),
      await inside(container, "devcontainer", "check"),
    ])
      expect(report.findings.filter(({ state }: { state: string }) => state !== "ok")).toEqual([]);
    expect((await inside(container, "devcontainer", "check")).inside).toBe(true);
  });

  test("has a check that names what is wrong, with the command that fixes it", async () => {
    const link = join(host.store, slug(WORKSPACE));
    await execa("rm", [link]);
    const report = await inside(container, "devcontainer", "check");
    const { fix } = report.findings.find(({ what }: { what: string }) => what === "history");
    expect((await container.run(["sh", "-c", fix])).exitCode).toBe(0);
    expect(await print(container, ["--continue", "six, after the link"])).toBe(id);
  });

  test("is removed with devcontainer.json restored byte for byte, and the sessions kept", async () => {
    expect((await host.ccr("devcontainer", "remove")).exitCode).toBe(0);
    expect(readFileSync(host.file, "utf8")).toBe(CONFIG);
    expect(existsSync(join(host.store, slug(WORKSPACE)))).toBe(false);
    expect(prompts(host.claude.rows(id)).at(-1)).toBe("six, after the link");
  });
});

describe.skipIf("reason" in made)("an isolated dev container", () => {
  const host = new Host();
  let api: MockApi;
  let container: Container;
  let secret: string;

  beforeAll(async () => {
    api = await mockApi();
    await host.prepare(api);
    secret = (await host.claude.print(host.project, ["a secret of the host"])).json.session_id;
    mkdirSync(join(host.home.path, ".claude/todos"), { recursive: true });
    writeFileSync(
      join(host.home.path, `.claude/todos/${secret}-agent-${secret}.json`),
      JSON.stringify([todo("Of the host")]),
    );
    appendFileSync(
      join(host.home.path, ".claude/history.jsonl"),
      `${JSON.stringify({ display: "typed on the host", timestamp: Date.now(), project: host.project, sessionId: secret, pastedContents: {} })}\n`,
    );
    const { exitCode, stderr } = await host.ccr(
      "devcontainer",
      "add",
      "--isolate",
      "--env",
      "CLAUDE_CODE_OAUTH_TOKEN",
    );
    expect(exitCode, stderr).toBe(0);
    container = await host.start();
  });
  afterAll(async () => {
    await api?.close();
    await host.home.remove();
  });

  test("sees nothing of the host: no session, no task, no history, no configuration", async () => {
    expect((await inside(container, "list", "--all")).sessions).toEqual([]);
    expect((await inside(container, "todos")).todos).toEqual([]);
    const { stdout } = await container.run([
      "sh",
      "-c",
      `cd / && grep -rlE "a secret of the host|typed on the host|Of the host|Be brief|reviews" "$HOME" /tmp /run 2>/dev/null; find "$HOME" -name "*${secret}*"`,
    ]);
    expect(stdout).toBe("");
    const { stderr } = await container.run(["claude", "-p", "--resume", secret, "hello"]);
    expect(stderr).toContain("No conversation found");
  });

  test("has sessions of its own, which outlive it and which the host's list does not show", async () => {
    const own = await print(container, ["of the container"]);
    expect(await print(container, ["--continue", "goes on"])).toBe(own);
    const ours = JSON.parse((await host.ccr("list", "--json")).stdout).sessions;
    expect(ours.map(({ id }: { id: string }) => id)).toEqual([secret]);
    expect((await inside(container, "list")).sessions.map(({ id }: { id: string }) => id)).toEqual([own]);
  });

  test("has its tasks marked in the host's list, and not the host's in its own", async () => {
    const write =
      'mkdir -p "$CLAUDE_CONFIG_DIR/tasks/plan" && echo \'{"id":"1","subject":"Alone","status":"pending"}\' >"$CLAUDE_CONFIG_DIR/tasks/plan/1.json"';
    expect((await container.run(["sh", "-c", write])).exitCode).toBe(0);
    const { todos } = JSON.parse((await host.ccr("todos", "--json")).stdout);
    expect(
      todos.map(({ text, isolated }: { text: string; isolated: boolean }) => [text, isolated]).sort(),
    ).toEqual([
      ["Alone", true],
      ["Of the host", false],
    ]);
    expect((await inside(container, "todos")).todos.map(({ text }: { text: string }) => text)).toEqual([
      "Alone",
    ]);
  });

  test("has a check that finds nothing wrong", async () => {
    const { findings } = await inside(container, "devcontainer", "check");
    expect(findings.filter(({ state }: { state: string }) => state !== "ok")).toEqual([]);
  });
});
