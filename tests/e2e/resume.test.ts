// The main job with the real CLI: what it started is listed, found and resumed, by the installed helper.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Claude, installClaude, type Row } from "../support/claude-cli.ts";
import { type Home, makeHome } from "../support/home.ts";
import { type MockApi, mockApi, say } from "../support/mock-api.ts";
import { installHelper } from "../support/setup-script.ts";
import { descendants, openTerminal, processes, type Terminal } from "../support/tmux.ts";

interface Listed {
  id: string;
  title: string | null;
  titleFrom: string;
  project: string | null;
  state: string;
  entrypoint: string | null;
}

let home: Home;
let api: MockApi;
let claude: Claude;
/** Where sessions are started, and where nothing is. */
let shop: string;
let elsewhere: string;
const open: Terminal[] = [];

beforeAll(async () => {
  home = makeHome();
  api = await mockApi();
  shop = home.project("shop");
  elsewhere = home.project("elsewhere");
  claude = await installClaude(home, api.url, [shop, elsewhere, home.path]);
  await installHelper(home);
});

beforeEach(() => {
  api.answers.length = 0;
});

afterEach(async () => {
  for (const terminal of open.splice(0)) await terminal.end();
});

afterAll(async () => {
  await api.close();
  await home.remove();
});

/** A shell in tmux, in a directory where no session was started. */
async function shell(more: Record<string, string> = {}, cwd = elsewhere): Promise<Terminal> {
  const terminal = await openTerminal(home, { cwd, env: { ...claude.env, ...more } });
  open.push(terminal);
  await terminal.shows(shellPrompt);
  return terminal;
}

/** The shell waits for a line: nothing stands after its prompt. */
const shellPrompt = /[$#]\s*$/;

async function typed(terminal: Terminal, line: string): Promise<void> {
  await terminal.type(line);
  await terminal.press("Enter");
}

/** An executable of the helper, as a script would call it. */
async function helper(words: string[], cwd = elsewhere) {
  const [name, ...rest] = words as [string, ...string[]];
  return execa(join(home.path, ".local/bin", name), rest, {
    cwd,
    env: claude.env,
    extendEnv: false,
    stdin: "ignore",
    reject: false,
    timeout: 60_000,
  });
}

async function listed(): Promise<Listed[]> {
  return JSON.parse((await helper(["ccr-list", "--json"])).stdout).sessions;
}

/** Words of the conversation, "who: text", oldest first. */
function conversation(rows: Row[]): string[] {
  return rows.flatMap((row) => {
    if ((row.type !== "user" && row.type !== "assistant") || row.isMeta) return [];
    const content = row.message!.content;
    const blocks =
      typeof content === "string" ? [{ type: "text", text: content }] : (content as { text?: string }[]);
    return blocks.flatMap((block) => (block.text ? [`${row.type}: ${block.text}`] : []));
  });
}

/** The transcript says just this; rows are written a little after the screen. */
async function said(id: string, words: string[]): Promise<void> {
  await expect.poll(() => conversation(claude.rows(id)), { timeout: 30_000 }).toEqual(words);
}

async function startedInTerminal(title: string, prompt: string, answer: string): Promise<string> {
  const before = new Set(claude.ids());
  const terminal = await shell({}, shop);
  await typed(terminal, `claude -n '${title}'`);
  await terminal.shows("❯");
  api.answers.push(say(answer));
  await typed(terminal, prompt);
  await terminal.shows(answer);
  await typed(terminal, "/exit");
  await terminal.shows(shellPrompt);
  return claude.ids().find((id) => !before.has(id))!;
}

/** The claude below a terminal, and all that runs there, by command line. */
async function below(terminal: Terminal) {
  const tree = await descendants(terminal.pid);
  const all = (await processes()).filter(({ pid }) => tree.includes(pid));
  return { all, claude: all.find(({ command }) => /(^|\/)claude( |$)/.test(command)) };
}

describe("a session that `claude -p` started", () => {
  it("is listed with its title and directory", async () => {
    api.answers.push(say("Looked at it."));
    const { json } = await claude.print(shop, ["look at the checkout"]);
    expect(await listed()).toContainEqual(
      expect.objectContaining({
        id: json.session_id,
        title: "look at the checkout",
        titleFrom: "prompt",
        project: shop,
        state: "idle",
        entrypoint: "sdk-cli",
      }),
    );
    const screen = (await helper(["ccr-list"])).stdout;
    expect(screen).toMatch(new RegExp(`${json.session_id.slice(0, 8)} +shop +.*look at the checkout`));
  });

  it("is resumed in a terminal by its first eight characters, from another directory", async () => {
    api.answers.push(say("Answer 1."));
    const { json } = await claude.print(shop, ["start headless"]);
    const id = json.session_id;
    const before = claude.rows(id);
    const terminal = await shell();
    api.answers.push(say("It goes on here."));
    await typed(terminal, `ccr ${id.slice(0, 8)} "go on"`);
    await terminal.shows("It goes on here.");
    await said(id, [
      "user: start headless",
      "assistant: Answer 1.",
      "user: go on",
      "assistant: It goes on here.",
    ]);
    expect(claude.rows(id).slice(0, before.length)).toEqual(before);
    const grown = claude.rows(id).slice(before.length);
    expect(grown.filter((row) => row.cwd).every((row) => row.cwd === shop)).toBe(true);
  });
});

describe("a session that was started in a terminal", () => {
  it("is listed with its name and directory, and found by it", async () => {
    const id = await startedInTerminal("Retry on 502", "why does it fail?", "Because of the gateway.");
    expect(await listed()).toContainEqual(
      expect.objectContaining({
        id,
        title: "Retry on 502",
        titleFrom: "custom",
        project: shop,
        entrypoint: "cli",
      }),
    );
    const found = JSON.parse((await helper(["ccr-find", "gateway", "because", "--json"])).stdout);
    expect(found.sessions).toMatchObject([{ id, hits: 1 }]);

    const terminal = await shell();
    api.answers.push(say("By its name."));
    await typed(terminal, 'ccr "Retry on 502" "and now?"');
    await terminal.shows("By its name.");
    await said(id, [
      "user: why does it fail?",
      "assistant: Because of the gateway.",
      "user: and now?",
      "assistant: By its name.",
    ]);
  });

  it("is resumed in its own directory by eight characters, and the shell stays where it was", async () => {
    const id = await startedInTerminal("Prefix", "hello there", "Hello.");
    const terminal = await shell();
    api.answers.push(say("Gone on."));
    await typed(terminal, `ccr ${id.slice(0, 8)} "go on"`);
    await terminal.shows("Gone on.");
    await said(id, ["user: hello there", "assistant: Hello.", "user: go on", "assistant: Gone on."]);
    await typed(terminal, "/exit");
    // What is typed while the CLI puts the terminal in order is lost.
    await terminal.shows(shellPrompt);
    await typed(terminal, 'clear; echo "left $? in ${PWD##*/}"');
    await terminal.shows("left 0 in elsewhere");
  });

  it("is the newest of its directory for `ccr .`", async () => {
    const id = await startedInTerminal("Dot", "newest here", "Yes.");
    const terminal = await shell({}, shop);
    api.answers.push(say("The dot works."));
    await typed(terminal, 'ccr . "still here?"');
    await terminal.shows("The dot works.");
    await said(id, [
      "user: newest here",
      "assistant: Yes.",
      "user: still here?",
      "assistant: The dot works.",
    ]);
  });

  it("continues in a copy with --fork, and stays as it is", async () => {
    const id = await startedInTerminal("Fork", "the root", "Rooted.");
    const before = claude.rows(id);
    const ids = new Set(claude.ids());
    const terminal = await shell();
    api.answers.push(say("In the copy."));
    await typed(terminal, `ccr ${id.slice(0, 8)} --fork "try it"`);
    await terminal.shows("In the copy.");
    expect(claude.rows(id)).toEqual(before);
    const copies = claude.ids().filter((one) => !ids.has(one));
    expect(copies).toHaveLength(1);
    await said(copies[0]!, [
      "user: the root",
      "assistant: Rooted.",
      "user: try it",
      "assistant: In the copy.",
    ]);
  });
});

describe("a resumed session that runs", () => {
  it("leaves no Node process behind the CLI", async () => {
    const { json } = await claude.print(shop, ["for the tree"]);
    const terminal = await shell();
    api.answers.push(say("Running."));
    await typed(terminal, `ccr ${json.session_id.slice(0, 8)} "run"`);
    await terminal.shows("Running.");
    const tree = await below(terminal);
    expect(tree.claude).toBeDefined();
    expect(tree.all.filter(({ command }) => /(^|\/)node( |$)|ccr\.cjs/.test(command))).toEqual([]);
  });

  it.each([
    [
      "untouched when they are set",
      {
        NODE_OPTIONS: "--max-old-space-size=3000 --title='a b'",
        NODE_EXTRA_CA_CERTS: "/etc/a certificate's.pem",
      },
    ],
    ["unset when they are not", {}],
  ])("gets NODE_OPTIONS and NODE_EXTRA_CA_CERTS %s", async (_, variables: Record<string, string>) => {
    const { json } = await claude.print(shop, ["for the variables"]);
    const terminal = await shell(variables);
    api.answers.push(say("Started."));
    await typed(terminal, `ccr ${json.session_id.slice(0, 8)} "start"`);
    await terminal.shows("Started.");
    const { claude: cli } = await below(terminal);
    const environment = Object.fromEntries(
      readFileSync(`/proc/${cli!.pid}/environ`, "utf8")
        .split("\0")
        .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
    );
    for (const name of ["NODE_OPTIONS", "NODE_EXTRA_CA_CERTS"])
      expect(environment[name]).toBe(variables[name]);
    expect(Object.keys(environment).filter((name) => name.startsWith("CCR_"))).toEqual([]);
  });

  it("is not started a second time: a second `ccr` says where it runs", async () => {
    const { json } = await claude.print(shop, ["only one writer"]);
    const first = await shell();
    api.answers.push(say("I am here."));
    await typed(first, `ccr ${json.session_id.slice(0, 8)} "first"`);
    await first.shows("I am here.");
    const { claude: cli } = await below(first);
    expect((await listed()).find(({ id }) => id === json.session_id)!.state).toBe("live");

    const before = claude.rows(json.session_id).length;
    const second = await helper(["ccr", json.session_id.slice(0, 8), "second"]);
    expect(second.exitCode).toBe(1);
    expect(second.stderr).toContain(`pid ${cli!.pid}`);
    expect(second.stderr).toContain("--fork");
    expect(conversation(claude.rows(json.session_id).slice(before))).toEqual([]);
  });
});

describe("ccr-current", () => {
  it("is the session that runs the shell it is asked in", async () => {
    const { json } = await claude.print(shop, ["older one"]);
    await claude.print(shop, ["newer one"]);
    const inside = await execa(join(home.path, ".local/bin/ccr-current"), ["--json"], {
      cwd: shop,
      env: { ...claude.env, CLAUDECODE: "1", CLAUDE_CODE_SESSION_ID: json.session_id },
      extendEnv: false,
      stdin: "ignore",
    });
    expect(JSON.parse(inside.stdout)).toMatchObject({
      rule: "environment",
      session: { id: json.session_id },
    });
  });

  it("is the newest session of the directory where none runs", async () => {
    const { json } = await claude.print(shop, ["the newest of shop"]);
    const { stdout } = await helper(["ccr-current", "--json"], shop);
    expect(JSON.parse(stdout)).toMatchObject({ rule: "directory", session: { id: json.session_id } });
  });
});
