// Live sessions with the real CLI: made, listed, talked to, attached and ended.

import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type Claude, installClaude } from "../support/claude-cli.ts";
import { type Home, makeHome } from "../support/home.ts";
import { type MockApi, mockApi, say, use } from "../support/mock-api.ts";
import { type Installed, install } from "../support/program.ts";
import { processes as everyProcess, openTerminal, type Process, type Terminal } from "../support/tmux.ts";

const HOSTILE = ["#(touch pwned)", "a.b:c", "-x", "日本 語", "two\nlines"];

let home: Home;
let api: MockApi;
let claude: Claude;
let ccr: Installed;
const places: Record<string, string> = {};
const open: Terminal[] = [];

type Row = {
  id: string;
  name: string | null;
  project: string;
  doing: string;
  windows: number;
  clients: number;
  memoryBytes: number | null;
  live: { pid: number; status: string; waitingFor: string | null; tmux: string | null } | null;
};

beforeAll(async () => {
  home = makeHome();
  api = await mockApi();
  for (const name of ["shop", "web", "tools", "talk", ...HOSTILE]) places[name] = home.project(name);
  const many = Array.from({ length: 12 }, (_, i) => home.project(`many-${i}`));
  claude = await installClaude(home, api.url, [...Object.values(places), ...many], "api-key");
  mkdirSync(join(home.path, ".claude"), { recursive: true });
  writeFileSync(
    join(home.path, ".claude/settings.json"),
    JSON.stringify({ permissions: { allow: ["Bash"] } }),
  );
  ccr = await install(home, { env: claude.env });
}, 180_000);

afterEach(async () => {
  for (const terminal of open.splice(0)) await terminal.end();
  await ccr(["cct-kill", "--all", "--force"]);
  api.answers.length = 0;
}, 60_000);

afterAll(async () => {
  await home.remove();
  await api.close();
});

const tmux = async (...words: string[]): Promise<string> =>
  (await execa("tmux", words, { env: home.env, extendEnv: false, reject: false, stdin: "ignore" })).stdout;

async function rows(): Promise<Row[]> {
  const { out, err } = await ccr(["cct-list", "--json"]);
  expect(err).toBe("");
  return JSON.parse(out).sessions;
}

const rowOf = async (name: string): Promise<Row | undefined> =>
  (await rows()).find((row) => row.name === name);

/** Waits until a session is in a state. */
const is = (name: string, doing: string) =>
  expect.poll(async () => (await rowOf(name))?.doing, { timeout: 60_000, interval: 300 }).toBe(doing);

/** What has ended, and waits for its parent to look, is no process. */
const processes = async (): Promise<Process[]> =>
  (await everyProcess()).filter(({ command }) => !command.includes("<defunct>"));

/** Command lines with a word in them. */
async function carrying(word: string): Promise<string[]> {
  return (await processes()).filter(({ command }) => command.includes(word)).map(({ command }) => command);
}

describe("cct", () => {
  it("makes a session of three windows, and prints its name without a terminal", async () => {
    const { out, status, err } = await ccr(["cct"], { cwd: places.shop! });
    expect([out, status, err]).toEqual(["claude-shop\n", 0, ""]);
    expect(await tmux("list-windows", "-t", "=claude-shop:", "-F", "#W")).toBe("claude\nshell\nlogs");
    await is("claude-shop", "idle");
    const row = (await rowOf("claude-shop"))!;
    expect(row).toMatchObject({
      project: places.shop,
      windows: 3,
      clients: 0,
      live: { tmux: "claude-shop" },
    });
    expect(row.memoryBytes).toBeGreaterThan(20e6);
    // A second call makes nothing.
    expect((await ccr(["cct"], { cwd: places.shop! })).out).toBe("claude-shop\n");
    expect(await rows()).toHaveLength(1);
  }, 120_000);
});

/** The CLI's automatic mode asks a service that is not there. */
const MANUAL = ["--", "--permission-mode", "manual"];

/** Starts a session and waits until it takes text. */
async function started(place: string, words: string[] = []): Promise<string> {
  const { out, err, status } = await ccr(["ccr", "start", place, ...words, ...MANUAL], { cwd: home.path });
  expect([status, err]).toEqual([0, ""]);
  const name = out.trimEnd();
  if (!words.includes("--prompt")) await is(name, "idle");
  return name;
}

/** A command that leaves processes behind in every way that a shell knows. */
const awkward = (seconds: number): string =>
  `sh -c 'sleep ${seconds} & nohup sleep ${seconds} >/dev/null 2>&1 & setsid sleep ${seconds} & (setsid sh -c "trap : HUP TERM; sleep ${seconds}; sleep ${seconds}" &) ; sleep ${seconds}'`;

describe("cct-list", () => {
  it("agrees with claude agents --json on state and id, for twelve sessions at once and others; all end when told", async () => {
    const names = await Promise.all(
      Array.from({ length: 12 }, async (_, i) =>
        (await ccr(["ccr", "start", join(home.path, `projects/many-${i}`), ...MANUAL])).out.trim(),
      ),
    );
    expect(names.sort()).toEqual(Array.from({ length: 12 }, (_, i) => `claude-many-${i}`).sort());
    const refused = await ccr(["ccr", "start", places.web!]);
    expect(refused.status).toBe(1);
    expect(refused.err).toContain("at most 12 are allowed");
    for (const name of names) await is(name, "idle");

    // One works, one waits for a permission, one is in the background, one in a terminal of its own.
    api.answers.push(say("Slowly.", { wait: 60_000 }));
    expect((await ccr(["ccr", "send", "many-0", "think long"])).err).toBe(
      "claude-many-0: sent, it is working\n",
    );
    api.answers.push(use("Write", { file_path: join(home.path, "projects/many-1/x"), content: "x" }));
    await ccr(["ccr", "send", "many-1", "write it"]);
    await is("claude-many-1", "waiting");
    const terminal = await openTerminal(home, { cwd: places.web!, env: claude.env });
    open.push(terminal);
    await terminal.type("claude");
    await terminal.press("Enter");
    await terminal.shows("❯", 60);
    await expect.poll(async () => (await rows()).length, { timeout: 30_000 }).toBe(13);

    const theirs: { sessionId: string; pid: number; status: string; waitingFor?: string }[] = JSON.parse(
      (await execa(claude.file, ["agents", "--json"], { env: claude.env, extendEnv: false, stdin: "ignore" }))
        .stdout,
    );
    const ours = await rows();
    const told = (list: [string, number, string, string | null][]) => list.sort((a, b) => a[1] - b[1]);
    expect(told(ours.map(({ id, live }) => [id, live!.pid, live!.status, live!.waitingFor]))).toEqual(
      told(
        theirs.map(({ sessionId, pid, status, waitingFor }) => [sessionId, pid, status, waitingFor ?? null]),
      ),
    );
    expect(ours.filter(({ doing }) => doing === "idle")).toHaveLength(11);

    const pids = ours.flatMap(({ name, live }) => (name ? live!.pid : []));
    const killed = await ccr(["cct-kill", "--all", "--force"]);
    expect(killed.status).toBe(0);
    const left = (await processes()).filter(({ pid }) => pids.includes(pid));
    expect(left).toEqual([]);
    expect((await rows()).map(({ name }) => name)).toEqual([null]);
  }, 240_000);
});

describe("a project's directory with an awkward name", () => {
  it.each(HOSTILE)(
    "%j works with every command, and nothing in it is run",
    async (name) => {
      const project = places[name]!;
      const first = await ccr(["cct"], { cwd: project });
      expect([first.status, first.err]).toEqual([0, ""]);
      const session = first.out.trimEnd();
      expect(session).toMatch(/^claude-[\p{L}\p{N}_-]+$/u);
      expect((await ccr(["cct"], { cwd: project })).out).toBe(first.out);
      await is(session, "idle");
      const row = (await rowOf(session))!;
      expect(row.project).toBe(project);
      api.answers.push(say("Understood."));
      expect(
        (await ccr(["ccr", "send", session, "#(touch pwned) $(touch pwned) `touch pwned`;"])).status,
      ).toBe(0);
      expect((await ccr(["ccr", "wait", session, "--timeout", "60"])).status).toBe(0);
      expect(api.turns().at(-1)!.prompt).toBe("#(touch pwned) $(touch pwned) `touch pwned`;");
      const killed = await ccr(["cct-kill", ".", "--force"], { cwd: project });
      expect([killed.status, killed.err]).toEqual([0, `ended ${session}\n`]);

      // The same conversation again, in its own directory, and a second one beside it.
      const again = await ccr(["cct"], { cwd: project });
      expect(again.out).toBe(first.out);
      await is(session, "idle");
      expect((await rowOf(session))!.id).toBe(row.id);
      const other = (await ccr(["cct", "--new", "."], { cwd: project })).out.trimEnd();
      expect(other).toMatch(new RegExp(`^${session}-[0-9a-f]{4}$`));
      await is(other, "idle");
      const panes = await tmux("list-panes", "-a", "-F", "#{pane_pid}");
      for (const pid of panes.split("\n")) {
        const { stdout } = await execa("readlink", ["-n", `/proc/${pid}/cwd`], { stripFinalNewline: false });
        expect(stdout).toBe(project);
      }
      for (const at of [project, home.path, join(home.path, "projects"), "/tmp"])
        expect(existsSync(join(at, "pwned"))).toBe(false);
    },
    120_000,
  );
});

describe("cct-kill", () => {
  const rounds = Number(process.env.CCR_STOP_ROUNDS ?? 2);
  it(
    `leaves no process of the tree, ${rounds} times`,
    async () => {
      const times: number[] = [];
      for (let round = 0; round < rounds; round++) {
        const seconds = 1_000_000 + (process.pid % 9000) * 100 + round;
        api.answers.push(use("Bash", { command: awkward(seconds) }));
        const name = await started(places.tools!, ["--prompt", "run it"]);
        await expect
          .poll(() => carrying(`sleep ${seconds}`), { timeout: 60_000 })
          .toSatisfy((all: string[]) => all.length >= 5);
        const { live } = (await rowOf(name))!;
        if (round === 0) {
          const asked = await ccr(["cct-kill", name]);
          expect([asked.status, asked.err]).toEqual([1, expect.stringContaining(`${name} is working`)]);
        }
        const begun = Date.now();
        const killed = await ccr(["cct-kill", name, "--force"]);
        times.push(Date.now() - begun);
        expect([killed.status, killed.err]).toEqual([0, `ended ${name}\n`]);
        expect(await carrying(`sleep ${seconds}`)).toEqual([]);
        expect((await processes()).filter(({ pid }) => pid === live!.pid)).toEqual([]);
        expect(await marked(name, live!.pid)).toEqual([]);
      }
      times.sort((a, b) => a - b);
      if (rounds > 10)
        process.stderr.write(`cct-kill: median ${times[rounds >> 1]} ms, longest ${times.at(-1)} ms\n`);
      // The conversation is still there.
      expect(claude.ids().length).toBeGreaterThanOrEqual(rounds);
    },
    rounds * 40_000,
  );
});

/** Processes whose environment says that they belong to one of our sessions. */
async function marked(..._: unknown[]): Promise<string[]> {
  const { stdout } = await execa(
    "sh",
    [
      "-c",
      "grep -lazs '^CCR_MARK=' /proc/[0-9]*/environ | xargs -r grep -las -- \"$1\"",
      "sh",
      `HOME=${home.path}`,
    ],
    {
      reject: false,
    },
  );
  return stdout.split("\n").filter(Boolean);
}

describe("ccr send", () => {
  it("types text exactly, refuses a dialog and commands, and wait tells when the turn is over", async () => {
    const name = await started(places.talk!);
    api.answers.push(say("One."));
    const words = 'line one\n# two "quoted" $HOME; 日本語 🙂\nthree\\';
    const sent = await ccr(["ccr", "send", name, "-"], { input: words });
    expect([sent.status, sent.err]).toEqual([0, `${name}: sent, it is working\n`]);
    expect((await ccr(["ccr", "wait", name, "--timeout", "60"])).status).toBe(0);
    expect(api.turns().at(-1)!.prompt!.trimEnd()).toBe(words);

    for (const text of ["!touch x", "/exit", " /exit", "\u200b!touch x", "\n!touch x"]) {
      const { status, err } = await ccr(["ccr", "send", name, text]);
      expect([text, status, err]).toEqual([text, 2, expect.stringContaining("--raw")]);
    }
    api.answers.push(say("Slowly.", { wait: 4000 }), say("Then this."));
    await ccr(["ccr", "send", name, "take your time"]);
    expect((await ccr(["ccr", "send", name, "and then this"])).err).toBe(`${name}: sent, queued\n`);
    expect((await ccr(["ccr", "wait", name, "--timeout", "60"])).status).toBe(0);
    await expect.poll(() => api.turns().at(-1)!.prompt, { timeout: 60_000 }).toContain("and then this");
    expect((await ccr(["ccr", "wait", name, "--timeout", "60"])).status).toBe(0);

    const file = join(places.talk!, "written");
    api.answers.push(use("Write", { file_path: file, content: "x" }));
    await ccr(["ccr", "send", name, "write it"]);
    const waited = await ccr(["ccr", "wait", name, "--for", "waiting", "--timeout", "60"]);
    expect([waited.status, waited.err]).toEqual([0, ""]);
    const refused = await ccr(["ccr", "send", name, "go on"]);
    expect(refused.status).toBe(1);
    expect(refused.err).toContain("permission prompt");
    const idle = await ccr(["ccr", "wait", name]);
    expect([idle.status, idle.err]).toEqual([1, expect.stringContaining("waits for you")]);
    expect(existsSync(file)).toBe(false);
    expect((await ccr(["ccr", "wait", name, "--for", "exit", "--timeout", "1"])).err).toContain(
      "is still waiting after 1 s",
    );

    const exit = ccr(["ccr", "wait", name, "--for", "exit", "--timeout", "60"]);
    expect((await ccr(["cct-kill", name, "--force"])).status).toBe(0);
    expect((await exit).status).toBe(0);
  }, 180_000);
});

describe("attaching to a live session", () => {
  it("shows one session on two terminals, one of which only looks, and leaves no Node behind", async () => {
    const name = await started(places.shop!);
    const first = await openTerminal(home, { cwd: places.shop!, env: claude.env, columns: 100, rows: 30 });
    const second = await openTerminal(home, { cwd: home.path, env: claude.env, columns: 120, rows: 35 });
    open.push(first, second);
    const bin = join(home.path, ".local/bin");
    await first.type(`${bin}/cct`);
    await first.press("Enter");
    await first.shows("[claude-sho", 30);
    await second.type(`${bin}/ccr attach shop --read-only`);
    await second.press("Enter");
    await expect.poll(async () => (await rowOf(name))?.clients, { timeout: 30_000 }).toBe(2);
    expect(await tmux("display-message", "-p", "-t", `=${name}:`, "#{window_width}x#{window_height}")).toBe(
      "100x29",
    );
    await second.type("not for you");
    await first.type("typed by the first");
    await first.shows("typed by the first", 30);
    await second.shows("typed by the first", 30);
    expect(await first.screen()).not.toContain("not for you");
    expect(
      (await carrying(join(home.path, ".local/lib/ccr/ccr.cjs"))).filter(
        (command) => !command.includes("logs -f"),
      ),
    ).toEqual([]);
    await first.press("C-b", "d");
    await first.shows("detached", 30);
    await expect.poll(async () => (await rowOf(name))?.clients, { timeout: 30_000 }).toBe(1);
  }, 120_000);

  it("inside tmux it goes to the other session instead of nesting", async () => {
    const name = await started(places.shop!);
    await tmux("new-session", "-d", "-s", "mine", "-c", home.path, "bash", "--norc");
    const terminal = await openTerminal(home, { env: claude.env });
    open.push(terminal);
    await terminal.type("tmux attach -t mine");
    await terminal.press("Enter");
    await terminal.shows("[mine]", 30);
    await terminal.type(`${join(home.path, ".local/bin/cct")} shop`);
    await terminal.press("Enter");
    await terminal.shows("[claude-sho", 30);
    expect(await tmux("list-clients", "-F", "#{session_name}")).toBe(name);
    await tmux("kill-session", "-t", "=mine:");
  }, 120_000);
});

describe("a session of Claude Code's own background service", () => {
  it("is listed beside ours, and stopped by claude stop", async () => {
    api.answers.push(say("Done in the background."));
    const begun = await execa(claude.file, ["--bg", "do it"], {
      cwd: places.web!,
      env: claude.env,
      extendEnv: false,
      stdin: "ignore",
    });
    expect(begun.exitCode).toBe(0);
    try {
      await expect.poll(async () => (await rows()).length, { timeout: 60_000 }).toBe(1);
      const [row] = await rows();
      expect(row).toMatchObject({ name: null, project: places.web, live: { kind: "bg", tmux: null } });
      expect((await ccr(["cct-list"])).out).toMatch(/^\(background\)/m);
      const stopped = await ccr(["cct-kill", row!.id.slice(0, 8), "--force"]);
      expect([stopped.status, stopped.err]).toEqual([0, `ended ${row!.id.slice(0, 8)}\n`]);
      await expect.poll(rows, { timeout: 30_000 }).toEqual([]);
    } finally {
      await execa(claude.file, ["daemon", "stop", "--any"], {
        env: claude.env,
        extendEnv: false,
        reject: false,
        stdin: "ignore",
      });
    }
  }, 120_000);
});
