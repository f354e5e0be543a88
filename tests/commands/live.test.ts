// Live sessions in real tmux, with a stand-in for claude that only waits, so that its state is ours to write.

import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join, relative } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { slug } from "../../helpers/claude/places.ts";
import { type Home, makeHome, root } from "../support/home.ts";
import { bundle, type Options, type Ran, ccr as runIn } from "../support/program.ts";
import { processes as everyProcess, openTerminal, type Terminal } from "../support/tmux.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 180_000 });

/** A loaded machine takes its time. */
const PATIENT = { timeout: 60_000, interval: 100 };

let home: Home;
const open: Terminal[] = [];
beforeEach(() => {
  home = makeHome("ccr-live-");
  stand("exec sleep 600000");
});
afterEach(async () => {
  for (const terminal of open.splice(0)) await terminal.end();
  await ccr("stop", "--all", "--force");
  await home.remove();
});

/** What claude does here. */
const stand = (script: string): void =>
  writeFileSync(join(home.around, "bin/claude"), `#!/bin/sh\n${script}\n`, { mode: 0o755 });

const run = (words: readonly string[], options?: Options): Promise<Ran> => runIn(home, words, options);
const ccr = (...words: string[]): Promise<Ran> => run(words);
const rows = async () => JSON.parse((await ccr("ps", "--json")).out).sessions;
const tmux = async (...words: string[]): Promise<string> =>
  (await execa("tmux", ["-u", ...words], { env: home.env, extendEnv: false, reject: false, stdin: "ignore" }))
    .stdout;
const processes = async () => (await everyProcess()).filter(({ command }) => !command.includes("<defunct>"));

/** The files that processes have as their file 3, as the recorder has its pane's terminal. */
function heldTerminals(): Set<string> {
  const held = new Set<string>();
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      held.add(readlinkSync(`/proc/${pid}/fd/3`));
    } catch {
      // gone meanwhile, or without a file 3
    }
  }
  return held;
}

/** Makes a transcript, so that a session has a title. */
function transcript(id: string, project: string, title: string, more: object[] = []): void {
  const at = join(home.path, ".claude/projects", slug(project));
  mkdirSync(at, { recursive: true });
  const row = (fields: object, i: number): string =>
    JSON.stringify({
      uuid: `${id.slice(0, -1)}${i}`,
      timestamp: "2026-01-05T10:00:00.000Z",
      sessionId: id,
      cwd: project,
      version: "2.1.329",
      ...fields,
    });
  const all = [{ type: "user", message: { role: "user", content: title } }, ...more];
  writeFileSync(join(at, `${id}.jsonl`), `${all.map(row).join("\n")}\n`);
}

/** Writes what the CLI would have said of itself. */
function register(pid: number, sessionId: string, cwd: string, more: object = {}): void {
  const at = join(home.path, ".claude/sessions");
  mkdirSync(at, { recursive: true });
  writeFileSync(
    join(at, `${pid}.json`),
    JSON.stringify({
      pid,
      sessionId,
      cwd,
      kind: "interactive",
      entrypoint: "cli",
      status: "idle",
      startedAt: Date.now(),
      ...more,
    }),
  );
}

const paneOf = async (name: string): Promise<number> =>
  Number(await tmux("display-message", "-p", "-t", `=${name}:claude`, "#{pane_pid}"));

describe("names of live sessions", () => {
  it("are safe, and differ for one folder name in two places and for two sessions of a project", async () => {
    const names: string[] = [];
    await ccr("config", "set", "maxSessions", "20");
    const places = ["a/shop", "b/shop", "-dash", "dots.and:colons", "#{pid}", "%1", "日本 語", "cafe\u0301"];
    places.push("\u202eमेरी\u200dदुकान\n½", "❤\ufe0f", "\u3164\u0301", "új\u{10ffff}", "\u{31bd0}a");
    for (const place of places) {
      const { out, err, status } = await ccr("start", home.project(place));
      expect([place, err, status]).toEqual([place, "", 0]);
      names.push(out.trim());
    }
    expect(names).toEqual([
      "claude-shop",
      expect.stringMatching(/^claude-shop-[0-9a-f]{4}$/),
      "claude-dash",
      "claude-dots-and-colons",
      "claude-pid",
      "claude-1",
      "claude-日本-語",
      "claude-caf\u00e9",
      "claude-मेरीदुकान-½",
      "claude-project",
      expect.stringMatching(/^claude-project-[0-9a-f]{4}$/),
      "claude-új",
      // A letter of a younger Unicode than the C library's, where it is that.
      expect.stringMatching(/^claude-(?:\u{31bd0}a|a-[0-9a-f]{4})$/u),
    ]);
    expect((await tmux("ls", "-F", "#S")).split("\n").sort()).toEqual([...names].sort());
    expect((await ccr("start", home.project("a/shop"), "--name", "My review: #1")).out).toBe(
      "claude-My-review-1\n",
    );
  });

  it("hold letters of any script, which all commands reach exactly, in the C locale too", async () => {
    const env = { LC_ALL: "C", LANG: "" };
    const place = home.project("日本 語");
    const name = "claude-日本-語";
    const said = async (...words: string[]) => {
      const { out, err, status } = await run(words, { env, cwd: place });
      return [status, out, err];
    };
    expect(await said("open")).toEqual([0, `${name}\n`, ""]);
    for (const word of ["日本-語", name, "日本 語", "."])
      expect([word, ...(await said("open", word))]).toEqual([word, 0, `${name}\n`, ""]);
    const { out } = await run(["ps", "--json"], { env });
    expect(JSON.parse(out).sessions).toMatchObject([{ name, project: place, windows: 3 }]);
    const terminal = await openTerminal(home, {
      env,
      command: ["sh", "-c", `'${process.execPath}' '${bundle}' attach '日本-語'; exec sleep 600000`],
    });
    open.push(terminal);
    await expect.poll(() => tmux("list-clients", "-F", "#S"), PATIENT).toBe(name);
    for (const word of ["日本", "claude-日", "日本-語*"])
      expect((await said("stop", "--force", word))[0]).toBe(1);
    expect(await said("stop", "--force", "日本-語")).toEqual([0, "", `ended ${name}\n`]);
    expect(await tmux("ls", "-F", "#S")).toBe("");
  });

  it("are matched as a whole: a beginning of one, or a pattern, reaches nothing", async () => {
    const place = home.project("shop");
    await ccr("start", place);
    await tmux("new-session", "-d", "-s", "mine", "sleep 600000");
    for (const word of ["claude-sho", "claude-*", "mine", "", "*", "=claude-shop", "$0", "%0"]) {
      const { status, err } = await ccr("stop", "--force", word);
      expect([word, status, err]).toEqual([word, 1, expect.stringContaining("no live session")]);
    }
    expect((await tmux("ls", "-F", "#S")).split("\n")).toEqual(["claude-shop", "mine"]);
    expect((await ccr("stop", "--all", "--force")).err).toBe("ended claude-shop\n");
    expect(await tmux("ls", "-F", "#S")).toBe("mine");
  });
});

describe("cct-list", () => {
  const ids = Array.from(
    { length: 7 },
    (_, i) => `${i}${"abcdef01"[i]}3f5a7c-1111-4111-8111-11111111111${i}`,
  );
  const DAY = 86_400_000;

  /** One of each state. */
  async function everything(): Promise<void> {
    const limit = {
      type: "assistant",
      isApiErrorMessage: true,
      error: "rate_limit",
      apiError: "usage_limit_reached",
      apiErrorParams: {
        rate_limit_info: { status: "rejected", rateLimitType: "five_hour", resetsAt: 4_102_444_800 },
      },
      message: {
        model: "<synthetic>",
        role: "assistant",
        content: [{ type: "text", text: "You've hit your 5-hour limit" }],
      },
    };
    const list: [place: string, title: string, registered: object, rows?: object[]][] = [
      ["claude-coder-space", "Move the setup script into its own file", { status: "busy" }],
      [
        "infra",
        "Terraform state move: keep what is there, and say what would go",
        { status: "waiting", waitingFor: "permission prompt" },
      ],
      ["portfolio-com", "Create a fresh vanilla Next.js app", { status: "idle" }, [limit]],
      ["shop/web", "結帳：502 時重試，並告訴使用者下一步該做什麼", { status: "idle" }],
    ];
    for (const [i, [place, title, registered, more]] of list.entries()) {
      const project = home.project(place);
      transcript(ids[i]!, project, title, more);
      const { out } = await run(["open", ids[i]!]);
      register(await paneOf(out.trim()), ids[i]!, project, {
        ...registered,
        startedAt: Date.now() - (12 - i) * DAY - DAY / 2,
      });
    }
    // One whose program failed, and one in a terminal of its own.
    const failed = home.project("api/web");
    transcript(ids[4]!, failed, "Rate limits in the gateway");
    stand("exit 3");
    await run(["open", ids[4]!]);
    await expect
      .poll(async () => (await rows()).find(({ id }: { id: string }) => id === ids[4]).doing, PATIENT)
      .toBe("exited");
    const terminal = await openTerminal(home, { command: ["sleep", "600000"] });
    open.push(terminal);
    register(terminal.pid, ids[5]!, home.project("notes"), { startedAt: Date.now() - 20 * DAY });
  }

  it.each([
    [80, 24],
    [200, 50],
  ])("prints a table that fits a terminal of %d×%d", async (columns, lines) => {
    await everything();
    const terminal = await openTerminal(home, {
      columns,
      rows: lines,
      command: ["sh", "-c", `'${process.execPath}' '${bundle}' ps; echo status $?; exec sleep 600000`],
    });
    open.push(terminal);
    const screen = await terminal.shows("status 0", 60);
    // What differs from run to run, without the room that it takes.
    const steady = `${screen
      .replace(/\b\d+(\.\d)? [kM]B *(?= )/g, "MEM ")
      .replace(/\b\d+ [sm] *(?= )/g, "AGE ")
      .trimEnd()}\n`;
    const file = join(root, `tests/commands/ps-${columns}x${lines}.txt`);
    if (process.env.CCR_WRITE_SCREENS) writeFileSync(file, steady);
    expect(steady).toBe(readFileSync(file, "utf8"));
  });

  it("prints names, projects, states and directories as JSON", async () => {
    await everything();
    const found = await rows();
    expect(found.map(({ name, doing, restart }: Record<string, unknown>) => [name, doing, restart])).toEqual([
      ["claude-web-4e3f", "exited", "no"],
      ["claude-web", "idle", "no"],
      ["claude-portfolio-com", "idle", "no"],
      ["claude-infra", "waiting", "no"],
      ["claude-coder-space", "busy", "no"],
      [null, "idle", null],
    ]);
    expect(
      found.map(({ project }: { project: string }) => relative(join(home.path, "projects"), project)),
    ).toEqual(["api/web", "shop/web", "portfolio-com", "infra", "claude-coder-space", "notes"]);
    expect(found[2]).toMatchObject({
      limit: { window: "five_hour" },
      live: { tmux: "claude-portfolio-com" },
    });
    expect(found[0]).toMatchObject({ live: null, memoryBytes: 0 });
  });

  it("shows the name that a session was started with, before its first prompt; so does the board", async () => {
    const shop = home.project("shop");
    const name = (await ccr("start", shop)).out.trim();
    const [{ id }] = await rows();
    register(await paneOf(name), id, shop, { name: "State move" });
    expect(await rows()).toMatchObject([{ id, title: "State move" }]);
    expect(JSON.parse((await ccr("board", "--json")).out).sessions).toMatchObject([
      { id, title: "State move" },
    ]);
    expect((await ccr("board", "--once")).out).toContain("State move");
  });

  it("says so when nothing is live, also without tmux", async () => {
    expect(await ccr("ps")).toEqual({ out: "", err: expect.stringContaining("no live session"), status: 0 });
    const bare = { PATH: join(home.around, "bin") };
    expect((await run(["ps"], { env: bare })).err).toContain("no live session");
    const { status, err } = await run(["open"], { env: bare });
    expect([status, err]).toEqual([1, expect.stringContaining("tmux is not installed")]);
  });
});

describe("cct", () => {
  it("resumes the newest session of the directory, else starts one under an id that the journal knows", async () => {
    const [shop, web] = [home.project("shop"), home.project("web")];
    stand('printf "%s\\n" "$*" >>"$HOME/started.log"; exec sleep 600000');
    const id = "0abc1234-1111-4111-8111-111111111111";
    transcript(id, shop, "An older task");
    expect((await run(["open"], { cwd: shop })).out).toBe("claude-shop\n");
    expect((await run(["open"], { cwd: web })).out).toBe("claude-web\n");
    const started = () => readFileSync(join(home.path, "started.log"), "utf8").trim().split("\n");
    await expect.poll(() => existsSync(join(home.path, "started.log")) && started().length, PATIENT).toBe(2);
    const fresh = started()
      .map((line) => /--session-id ([0-9a-f-]{36})/.exec(line)?.[1])
      .find(Boolean)!;
    expect(started().sort()).toEqual([`--resume ${id}`, `--session-id ${fresh}`].sort());
    expect(readdirSync(join(home.path, ".local/state/ccr/live")).sort()).toEqual(
      [`${id}.json`, `${fresh}.json`].sort(),
    );
    // By id, title, name, folder, and as a directory: always the same one.
    for (const word of ["0abc", "An older task", "older", "claude-shop", "shop", shop, "."])
      expect([word, (await run(["open", word], { cwd: shop })).out]).toEqual([word, "claude-shop\n"]);
    expect((await run(["open", "."], { cwd: home.path })).status).toBe(1);
    expect((await run(["open", "/nowhere/at/all"], { cwd: shop })).status).toBe(1);
  });

  it("restarts a session whose Claude has failed, under the same name", async () => {
    const shop = home.project("shop");
    const id = "0abc1234-1111-4111-8111-111111111111";
    transcript(id, shop, "A task");
    stand("exit 1");
    await run(["open", "0abc"]);
    await expect.poll(async () => (await rows())[0]?.doing, PATIENT).toBe("exited");
    stand("exec sleep 600000");
    expect((await run(["open", "0abc"])).out).toBe("claude-shop\n");
    expect((await rows()).map(({ doing }: { doing: string }) => doing)).toEqual(["starting"]);
  });

  it("starts a session again that ended before its first prompt, and types nothing into a startup dialog", async () => {
    const shop = home.project("shop");
    stand("exit 1");
    await ccr("start", shop);
    await expect.poll(async () => (await rows())[0]?.doing, PATIENT).toBe("exited");
    const [{ id }] = await rows();
    stand("exec sleep 600000");
    for (const [words, cwd] of [
      [["open"], shop],
      [["open", "claude-shop"], home.path],
    ] as const)
      expect((await run(words, { cwd })).out).toBe("claude-shop\n");
    expect((await rows()).map((row: { id: string }) => row.id)).toEqual([id]);
    // Nothing is registered, as while the CLI asks whether to trust the directory.
    await expect.poll(async () => (await rows())[0].doing, PATIENT).toBe("waiting");
    const { status, err } = await ccr("send", "shop", "hello");
    expect([status, err]).toEqual([1, expect.stringContaining("start-up dialog")]);
  });

  it("switches to Claude's window from within tmux, of another session and of the same one", async () => {
    for (const place of ["web", "shop"]) await ccr("start", home.project(place));
    const terminal = await openTerminal(home, { command: ["tmux", "attach", "-t", "=claude-web:shell"] });
    open.push(terminal);
    const shown = () => tmux("list-clients", "-F", "#S #W");
    await expect.poll(shown, PATIENT).toBe("claude-web shell");
    for (const [from, to] of [
      ["web", "shop"],
      ["shop", "shop"],
    ]) {
      await tmux("select-window", "-t", `=claude-${from}:shell`);
      await tmux(
        "send-keys",
        "-t",
        `=claude-${from}:shell`,
        `'${process.execPath}' '${bundle}' open ${to}`,
        "Enter",
      );
      await expect.poll(shown, PATIENT).toBe(`claude-${to} claude`);
    }
  });

  it("finds a session by its tmux name after its end", async () => {
    transcript("0abc1234-1111-4111-8111-111111111111", home.project("shop"), "A task");
    await run(["open", "0abc"]);
    await ccr("stop", "--all", "--force");
    expect(await ccr("rerun", "claude-shop", "--dry-run")).toEqual({
      out: "  1  A task\n",
      err: "",
      status: 0,
    });
    expect(await ccr("open", "claude-shop")).toEqual({ out: "claude-shop\n", err: "", status: 0 });
    // Before its first prompt there is only the name.
    await ccr("start", home.project("web"));
    const web = async () => (await rows()).find(({ name }: { name: string }) => name === "claude-web");
    const { id } = await web();
    await ccr("stop", "claude-web", "--force");
    expect((await ccr("open", "web")).out).toBe("claude-web\n");
    expect(await web()).toMatchObject({ id, doing: "starting" });
    await ccr("stop", "claude-web", "--force");
    rmSync(home.project("web"), { recursive: true });
    const { status, err } = await ccr("open", "web");
    expect([status, err]).toEqual([2, expect.stringContaining("no such directory")]);
  });

  it("refuses text for a session that waits for Enter after a restart, and says so", async () => {
    const name = (await ccr("start", home.project("shop"))).out.trim();
    const server = Number(await tmux("display-message", "-p", "-t", `=${name}:`, "#{pid}"));
    expect(server).toBeGreaterThan(1);
    process.kill(server, "SIGKILL");
    // The server's end, and Claude's with it, can take a moment.
    await expect.poll(() => tmux("ls"), PATIENT).toBe("");
    await expect.poll(async () => (await ccr("restore")).out, PATIENT).toContain("starts on Enter");
    const { status, err } = await ccr("send", name, "hello");
    expect([status, err]).toEqual([
      1,
      expect.stringContaining("cannot take a prompt now: it starts on Enter"),
    ]);
  });

  it("passes the prompt also when the transcript cannot be read", async () => {
    const shop = home.project("shop");
    const id = "0abc1234-1111-4111-8111-111111111111";
    transcript(id, shop, "A task");
    stand(`read -r line; sed -i s/idle/busy/ "$HOME/.claude/sessions/$$.json"; exec sleep 600000`);
    await run(["open", "0abc"]);
    register(await paneOf("claude-shop"), id, shop);
    const file = join(home.path, ".claude/projects", slug(shop), `${id}.jsonl`);
    rmSync(file);
    symlinkSync(file, file);
    expect(await ccr("send", "shop", "hello")).toEqual({
      out: "",
      err: "claude-shop: sent, it is working\n",
      status: 0,
    });
  });

  it("restores Claude's window beside the others, and leaves alone what runs in them", async () => {
    const shop = home.project("shop");
    transcript("0abc1234-1111-4111-8111-111111111111", shop, "A task");
    stand('[ ! -e "$HOME/leave" ] || exit 0; sleep 0.2; exec "$0" "$@"');
    await run(["open", "0abc"]);
    const shell = await tmux("display-message", "-p", "-t", "=claude-shop:shell", "#{pane_pid}");
    writeFileSync(join(home.path, "leave"), "");
    await expect
      .poll(() => tmux("list-windows", "-t", "=claude-shop:", "-F", "#W"), { timeout: 30_000 })
      .toBe("shell\nlogs");
    expect((await rows()).map(({ name, doing }: Record<string, unknown>) => [name, doing])).toEqual([
      ["claude-shop", "exited"],
    ]);
    stand("exec sleep 600000");
    expect((await run(["open"], { cwd: shop })).out).toBe("claude-shop\n");
    expect(await tmux("list-windows", "-t", "=claude-shop:", "-F", "#W")).toBe("claude\nshell\nlogs");
    expect(await tmux("display-message", "-p", "-t", "=claude-shop:shell", "#{pane_pid}")).toBe(shell);
    expect((await rows()).map(({ doing }: { doing: string }) => doing)).toEqual(["starting"]);
  });

  it.each([
    ["recorded", "true"],
    ["with recording off", "false"],
  ])("leaves no window of a Claude that ended (%s)", async (_, on) => {
    await ccr("config", "set", "recording.on", on);
    const ROUNDS = 8;
    const AT_ONCE = 3;
    for (let round = 0; round < ROUNDS; round++) {
      const leave = join(home.path, `leave-${round}`);
      stand(`until [ -e ${leave} ]; do sleep 0.1; done`);
      const started = Array.from({ length: AT_ONCE }, (_, i) =>
        ccr("start", home.project(`p${i}`), "--name", `r${round}-${i}`),
      );
      for (const { err, status } of await Promise.all(started)) expect([err, status]).toEqual(["", 0]);
      // Its program's end has to find it there: the watcher starts beside it.
      await expect
        .poll(async () => {
          const panes = (await tmux("list-panes", "-a", "-F", "#W #{pane_tty}")).split("\n");
          const held = heldTerminals();
          return panes.filter((line) => line.startsWith("claude ")).every((line) => held.has(line.slice(7)));
        }, PATIENT)
        .toBe(true);
      writeFileSync(leave, "");
      await expect
        .poll(() => tmux("list-windows", "-a", "-F", "#W"), { timeout: 10_000 })
        .not.toContain("claude");
      await ccr("stop", "--all", "--force");
    }
  });

  it("gives several callers at once one and the same session", async () => {
    const shop = home.project("shop");
    transcript("0abc1234-1111-4111-8111-111111111111", shop, "A task");
    const all = await Promise.all(Array.from({ length: 4 }, () => run(["open", "0abc"])));
    expect(all.map(({ out, err }) => [out, err])).toEqual(
      Array.from({ length: 4 }, () => ["claude-shop\n", ""]),
    );
    expect(await tmux("ls", "-F", "#S")).toBe("claude-shop");
  });

  it("gives several callers at once one new session where there is none, beside a folder of the same name", async () => {
    await ccr("start", home.project("other/web"));
    stand('echo "$2" >>"$HOME/started.log"; exec sleep 600000');
    for (let round = 0; round < 5; round++) {
      const place = home.project(round < 3 ? `new-${round}` : `place-${round}/web`);
      const all = await Promise.all(Array.from({ length: 4 }, () => run(["open"], { cwd: place })));
      const name = all[0]!.out;
      expect(name).toMatch(round < 3 ? `claude-new-${round}\n` : /^claude-web-[0-9a-f]{4}\n$/);
      expect(all.map(({ out, err, status }) => [out, err, status])).toEqual(all.map(() => [name, "", 0]));
    }
    const live = await rows();
    expect(live).toHaveLength(6);
    await expect.poll(() => existsSync(join(home.path, "started.log")), PATIENT).toBe(true);
    // One Claude each, and nothing in the journal that never came to be.
    const started = () => readFileSync(join(home.path, "started.log"), "utf8").trim().split("\n").sort();
    const ids = live.map(({ id }: { id: string }) => id).sort();
    await expect.poll(() => started().length, PATIENT).toBe(5);
    expect(ids).toEqual(expect.arrayContaining(started()));
    expect(readdirSync(join(home.path, ".local/state/ccr/live")).sort()).toEqual(
      ids.map((id: string) => `${id}.json`),
    );
  });

  it("never starts a second writer of a session that runs elsewhere", async () => {
    const shop = home.project("shop");
    const id = "0abc1234-1111-4111-8111-111111111111";
    transcript(id, shop, "A task");
    const terminal = await openTerminal(home, { command: ["sleep", "600000"] });
    open.push(terminal);
    register(terminal.pid, id, shop);
    const { status, err } = await run(["open"], { cwd: shop });
    expect([status, err]).toEqual([1, expect.stringContaining("is already running")]);
    expect(await tmux("ls", "-F", "#S")).toBe("");
  });

  it("sets options only on our own tmux sessions", async () => {
    await tmux("new-session", "-d", "-s", "mine", "sleep 600000");
    const settings = async () => [
      await tmux("show-options", "-g"),
      await tmux("show-options", "-s"),
      await tmux("show-options", "-t", "=mine:"),
      await tmux("show-hooks", "-g"),
    ];
    const before = await settings();
    await ccr("start", home.project("shop"));
    expect(await settings()).toEqual(before);
    expect(await tmux("show-options", "-t", "=claude-shop:", "-v", "history-limit")).toBe("50000");
  });

  it("survives a tmux configuration that ends unattached sessions and counts windows from 1", async () => {
    writeFileSync(join(home.path, ".tmux.conf"), "set -g destroy-unattached on\nset -g base-index 1\n");
    const name = (await ccr("start", home.project("shop"))).out.trim();
    const windows = () => tmux("list-windows", "-a", "-F", "#S #I #W");
    const three = "claude-shop 1 claude\nclaude-shop 2 shell\nclaude-shop 3 logs";
    expect(await windows()).toBe(three);
    const terminal = await openTerminal(home, { command: ["tmux", "attach", "-t", `=${name}`] });
    open.push(terminal);
    const clients = () => tmux("list-clients", "-F", "#S");
    await expect.poll(clients, PATIENT).toBe(name);
    await tmux("detach-client", "-s", `=${name}`);
    await expect.poll(clients, PATIENT).toBe("");
    expect(await windows()).toBe(three);
  });

  it("uses a tmux server of its own when the configuration says so", async () => {
    await ccr("config", "set", "tmux.socket", "other");
    await ccr("start", home.project("shop"));
    expect(await tmux("ls", "-F", "#S")).toBe("");
    expect(await tmux("-L", "other", "ls", "-F", "#S")).toBe("claude-shop");
    expect((await rows()).map(({ name }: { name: string }) => name)).toEqual(["claude-shop"]);
  });

  it("refuses more sessions than the configuration allows, and says which to stop", async () => {
    await ccr("config", "set", "maxSessions", "1");
    await ccr("start", home.project("shop"));
    for (const words of [
      ["start", home.project("web")],
      ["open", home.project("web")],
    ]) {
      const { status, err } = await run(words);
      expect([status, err]).toEqual([1, expect.stringContaining("cct-kill claude-shop")]);
    }
  });
});

describe("cct-kill", () => {
  it("asks while Claude works, and does nothing without an answer", async () => {
    const shop = home.project("shop");
    const name = (await ccr("start", shop)).out.trim();
    const [{ id }] = await rows();
    register(await paneOf(name), id, shop, { status: "busy" });
    const { status, err } = await ccr("stop", name);
    expect([status, err]).toEqual([1, expect.stringContaining(`${name} is working`)]);
    const terminal = await openTerminal(home, {
      command: ["sh", "-c", `'${process.execPath}' '${bundle}' stop shop; echo status $?; exec sleep 600000`],
    });
    open.push(terminal);
    await terminal.shows("End it? [y/N]", 60);
    await terminal.type("n");
    await terminal.press("Enter");
    await terminal.shows("status 1", 60);
    expect(await rows()).toHaveLength(1);
    expect((await ccr("stop", name, "--force")).status).toBe(0);
    expect(await rows()).toEqual([]);
    // What a person has ended is not brought back; what it printed stays.
    const entry = JSON.parse(readFileSync(join(home.path, `.local/state/ccr/live/${id}.json`), "utf8"));
    expect(entry.stoppedAt).toBeGreaterThan(0);
    expect(readdirSync(join(home.path, `.local/state/ccr/recordings/${id}`))).not.toEqual([]);
  });

  const rounds = Number(process.env.CCR_STOP_ROUNDS ?? 6);
  it(
    `ends processes that left group, session and parent, or ignore signals: ${rounds} times`,
    async () => {
      const shop = home.project("shop");
      for (let round = 0; round < rounds; round++) {
        const seconds = 2_000_000 + (process.pid % 9000) * 100 + round;
        const sleep = `sleep ${seconds}`;
        stand(`${sleep} & nohup ${sleep} >/dev/null 2>&1 & setsid ${sleep} & (setsid sh -c "trap '' HUP TERM; ${sleep}; ${sleep}" & )
        (trap '' TERM HUP INT; exec ${sleep}) & while :; do sleep 0.02 & sleep 0.02; done & wait`);
        const name = (await ccr("start", shop)).out.trim();
        await tmux("send-keys", "-t", `=${name}:shell`, `setsid ${sleep} & ${sleep}`, "Enter");
        const carrying = async () => (await processes()).filter(({ command }) => command.includes(sleep));
        await expect
          .poll(async () => (await carrying()).length, { timeout: 60_000 })
          .toBeGreaterThanOrEqual(7);
        const { status, err } = await ccr("stop", name, "--force");
        expect([status, err]).toEqual([0, `ended ${name}\n`]);
        expect(await carrying()).toEqual([]);
        const { stdout } = await execa(
          "sh",
          ["-c", `grep -las "HOME=${home.path}" $(grep -las CCR_MARK= /proc/[0-9]*/environ) /dev/null`],
          { reject: false },
        );
        expect(stdout).toBe("");
      }
    },
    60_000 + rounds * 10_000,
  );

  it("works from a window of the session that it stops", async () => {
    const name = (await ccr("start", home.project("shop"))).out.trim();
    const pid = await paneOf(name);
    // A program that no other test runs at the same time.
    const copy = join(home.around, "ccr.cjs");
    copyFileSync(bundle, copy);
    await tmux("send-keys", "-t", `=${name}:shell`, `'${process.execPath}' '${copy}' stop --force`, "Enter");
    await expect
      .poll(async () => (await processes()).some((one) => one.pid === pid), { timeout: 60_000 })
      .toBe(false);
    await expect.poll(() => rows(), { timeout: 60_000 }).toEqual([]);
    await expect
      .poll(async () => (await processes()).filter(({ command }) => command.includes(copy)), {
        timeout: 60_000,
      })
      .toEqual([]);
  });

  it("ends a Claude of another terminal, and nothing around it", async () => {
    const terminal = await openTerminal(home, { command: ["sh", "-c", "sleep 600001; exec sleep 600002"] });
    open.push(terminal);
    const below = async () => (await processes()).find(({ parent }) => parent === terminal.pid);
    await expect.poll(async () => (await below())?.command, PATIENT).toBe("sleep 600001");
    register((await below())!.pid, "0abc1234-1111-4111-8111-111111111111", home.path);
    expect((await ccr("stop", "0abc")).status).toBe(0);
    await expect
      .poll(async () => (await processes()).find(({ pid }) => pid === terminal.pid)?.command, PATIENT)
      .toBe("sleep 600002");
  });
});

describe("commands on live sessions with wrong arguments", () => {
  it.each([
    [["send", "shop"], 2],
    [["send", "nobody", "hello"], 1],
    [["send", "nobody", "\u0007"], 2],
    [["wait", "nobody", "--for", "ever"], 2],
    [["wait", "nobody", "--timeout", "soon"], 2],
    [["start", "/nowhere"], 2],
    [["start", ".", "a prompt"], 2],
    [["start", ".", "--memory", "much"], 2],
    [["attach"], 2],
    [["stop"], 2],
  ])("%j", async (words, status) => {
    const ran = await run(words);
    expect([ran.status, ran.out]).toEqual([status, ""]);
    expect(ran.err).toMatch(/^ccr: .+\n/);
    expect(ran.err).not.toMatch(/\bat .*\.(?:ts|cjs)/);
  });
});
