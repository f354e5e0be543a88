// After the tmux server was killed: all sessions are back and wait; only the one that Enter is pressed in starts Claude.

import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { execa } from "execa";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { startOf } from "../../helpers/system/process.ts";
import { type Claude, claudeCli, installClaude } from "../support/claude-cli.ts";
import { root } from "../support/home.ts";
import { type LimitedHome, limitedHome } from "../support/limited-home.ts";
import { type MockApi, mockApi, say } from "../support/mock-api.ts";
import { ccr } from "../support/program.ts";
import { openTerminal, type Terminal } from "../support/tmux.ts";

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });
/** For a condition on a loaded machine. */
const SOON = { timeout: 60_000, interval: 100 };

let home: LimitedHome;
let api: MockApi;
let claude: Claude | undefined;
beforeEach(async () => {
  claude = undefined;
  home = limitedHome();
  api = await mockApi();
  // The real CLI in directories named real…; elsewhere a shell that does what it is told. All starts are written down.
  writeFileSync(
    join(home.around, "bin/claude"),
    `#!/bin/sh
echo "$PWD $*" >>"$HOME/started.log"
case $PWD in */real*) exec "${await claudeCli()}" "$@" ;; esac
echo "stand-in $*"
while read -r line; do
  case $line in
    die) kill -9 $$ ;;
    fail) exit 3 ;;
    bye) exit 0 ;;
    eat) { head -c 150000000 /dev/zero; sleep 900; } | tail -c 150000000 >/dev/null & echo eating ;;
  esac
done
`,
  );
  chmodSync(join(home.around, "bin/claude"), 0o755);
});
const terminals: Terminal[] = [];
afterEach(async () => {
  for (const terminal of terminals.splice(0)) await terminal.end();
  await run("stop", "--all", "--force");
  await home.remove();
  await api.close();
});

const env = () => claude?.env ?? home.env;
const run = (...words: string[]) => ccr(home, words, { env: env() });
async function start(name: string, ...words: string[]): Promise<string> {
  const { out, err, status } = await run("start", home.project(name), ...words);
  expect(status, err).toBe(0);
  return out.trim();
}
async function tmux(...words: string[]): Promise<string> {
  const { stdout } = await execa("tmux", ["-u", ...words], {
    env: home.env,
    extendEnv: false,
    reject: false,
  });
  return stdout;
}
const type = (name: string, ...keys: string[]) => tmux("send-keys", "-t", `=${name}:claude`, ...keys);
const screen = (name: string) => tmux("capture-pane", "-p", "-t", `=${name}:claude`);
const names = async () => (await tmux("list-sessions", "-F", "#{session_name}")).split("\n").filter(Boolean);
const windows = async (name: string) =>
  (await tmux("list-windows", "-t", `=${name}:`, "-F", "#{window_name} #{pane_current_path}")).split("\n");
const started = () =>
  existsSync(join(home.path, "started.log"))
    ? readFileSync(join(home.path, "started.log"), "utf8").trim().split("\n")
    : [];

type Row = { id: string; name: string; doing: string };
async function ps(): Promise<Row[]> {
  return JSON.parse((await run("ps", "--json")).out).sessions;
}
const ajv = new Ajv2020({ allowUnionTypes: true, formats: { "date-time": true } });
for (const name of ["common", "restore", "supervise"])
  ajv.addSchema(JSON.parse(readFileSync(join(root, `docs/schemas/${name}.json`), "utf8")));
/** What a command prints with --json, as its schema says. */
async function printed(command: string) {
  const { out, err } = await run(command, "--json");
  expect(out, err).not.toBe("");
  const validate = ajv.getSchema(`${command}.json`)!;
  validate(JSON.parse(out));
  expect(validate.errors ?? []).toEqual([]);
  return JSON.parse(out);
}
async function supervised() {
  const { restored, health, warnings } = await printed("supervise");
  expect(warnings).toEqual([]);
  return { restored, health };
}

/** Ends the tmux server as a crash does, and waits for what it takes along. */
async function killServer(): Promise<void> {
  const pid = Number(await tmux("display-message", "-p", "#{pid}"));
  const panes = (await tmux("list-panes", "-a", "-F", "#{pane_pid}")).split("\n").map(Number);
  process.kill(pid, "SIGKILL");
  await expect.poll(() => [pid, ...panes].filter((one) => startOf(one) !== null), SOON).toEqual([]);
}

describe("twelve sessions whose tmux server was killed", () => {
  it("are restored under their names and wait; Enter resumes the same session, and nothing else starts", async () => {
    const real = home.project("real");
    claude = await installClaude(home, api.url, [real]);
    api.answers.push(say("Because of the gateway."));
    const name = await start("real", "--prompt", "why does it fail?");
    const others = [];
    for (let n = 1; n < 12; n++) others.push(await start(`app${n}`));
    const all = [name, ...others].sort();
    expect((await names()).sort()).toEqual(all);
    await expect.poll(() => screen(name), SOON).toContain("Because of the gateway.");
    await expect.poll(async () => (await ps()).find((row) => row.name === name)?.doing, SOON).toBe("idle");
    const before = await ps();
    const id = before.find((row) => row.name === name)!.id;
    expect(claude!.ids()).toEqual([id]);

    for (let n = 0; n < 2; n++)
      terminals.push(
        await openTerminal(home, {
          command: ["tmux", "-u", "-L", "default", "attach-session", "-t", `=${name}:`],
        }),
      );
    for (const terminal of terminals) await terminal.shows("Because of the gateway.", 60);
    const clients = () => tmux("display-message", "-p", "-t", `=${name}:`, "#{session_attached}");
    expect(await clients()).toBe("2");
    // tmux's own answer to the keys a person types
    for (const terminal of terminals) await terminal.press("C-b", "d");
    await expect.poll(clients, SOON).toBe("0");
    const places = await Promise.all(all.map(windows));
    await killServer();
    expect(await names()).toEqual([]);

    // The start-up pass, and another one at the same moment.
    const passes = await Promise.all([supervised(), supervised()]);
    const restored = passes.flatMap((pass) => pass.restored);
    expect(restored.map((row) => row.name).sort()).toEqual(all);
    expect(new Set(restored.map(({ outcome }) => outcome))).toEqual(new Set(["restored"]));
    expect((await names()).sort()).toEqual(all);
    expect(await Promise.all(all.map(windows))).toEqual(places);
    const after = await ps();
    expect(new Set(after.map(({ doing }) => doing))).toEqual(new Set(["lazy"]));
    expect(after.map((row) => [row.name, row.id]).sort()).toEqual(
      before.map((row) => [row.name, row.id]).sort(),
    );
    expect(started()).toHaveLength(12);

    const waiting = await screen(name);
    expect(waiting).toContain("why does it fail?");
    expect(waiting).toContain("Because of the gateway.");
    expect(waiting).toContain("Press Enter to resume.");
    // Neither a Claude nor a Node waits in any window.
    const programs = (await tmux("list-panes", "-a", "-F", "#{pane_current_command}")).split("\n");
    expect([...new Set(programs)].filter((program) => !/^(ba|da)?sh$/.test(program))).toEqual([]);
    const pid = Number(await tmux("display-message", "-p", "-t", `=${name}:claude`, "#{pane_pid}"));
    const memory = /^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))![1];
    expect(Number(memory)).toBeLessThan(1500);
    // No other key starts it.
    await type(name, "C-c", "C-d", "C-z", "q", "C-u");
    expect(await supervised()).toEqual({ restored: [], health: [] });
    expect(started()).toHaveLength(12);

    const turns = api.turns().length;
    await type(name, "Enter");
    await expect.poll(() => started().length, SOON).toBe(13);
    expect(started()[12]).toMatch(new RegExp(`^${real} (--permission-mode \\w+ )?--resume ${id}$`));
    expect(await tmux("display-message", "-p", "-t", `=${name}:claude`, "#{pane_pid}")).toBe(String(pid));
    await expect.poll(async () => (await ps()).find((row) => row.name === name)?.doing, SOON).toBe("idle");
    expect(await screen(name)).toContain("Because of the gateway.");
    // It waits for a prompt: nothing was asked of the service.
    expect(api.turns()).toHaveLength(turns);
    api.answers.push(say("The same one."));
    await type(name, "-l", "and now?");
    await type(name, "Enter");
    await expect.poll(() => screen(name), SOON).toContain("The same one.");
    expect(claude!.ids()).toEqual([id]);
    expect(started()).toHaveLength(13);
    expect((await ps()).filter(({ doing }) => doing === "lazy")).toHaveLength(11);
  });
});

const ended = (name: string) =>
  expect.poll(() => tmux("display-message", "-p", "-t", `=${name}:claude`, "#{pane_dead}"), SOON).toBe("1");

describe("ccr restore", () => {
  const set = (key: string, value: string) => run("config", "set", key, value);

  it("skips a session that a person stopped or closed, unless it is named", async () => {
    const [kept, stopped, closed] = [await start("kept"), await start("stopped"), await start("closed")];
    await run("stop", stopped, "--force");
    await tmux("kill-session", "-t", `=${closed}:`);
    expect(await supervised()).toEqual({ restored: [], health: [] });
    await killServer();
    expect((await supervised()).restored.map(({ name }: Row) => name)).toEqual([kept]);
    expect(await names()).toEqual([kept]);
    const { out, status } = await run("restore", stopped);
    expect([out, status]).toEqual([expect.stringContaining("restored: starts on Enter"), 0]);
    expect((await names()).sort()).toEqual([kept, stopped].sort());
    expect((await run("restore", "nonsense")).err).toContain('no session "nonsense"');
  });

  it("follows the configuration: all at once, or nothing", async () => {
    const name = await start("app");
    await killServer();
    await set("restore", "off");
    expect((await supervised()).restored).toEqual([]);
    expect(await names()).toEqual([]);
    await set("restore", "eager");
    expect((await supervised()).restored).toHaveLength(1);
    await expect.poll(() => screen(name), SOON).toContain("stand-in --session-id");
    expect(started()).toHaveLength(2);
  });

  it("shows until when a limit holds, and what was said last", async () => {
    const resetsAt = Math.floor(Date.now() / 60_000) * 60_000 + 3 * 3_600_000;
    const id = home.limited({ resetsAt, at: Date.now() - 60_000 });
    const name = (await run("open", id)).out.trim();
    await killServer();
    await run("restore");
    const waiting = await screen(name);
    expect(waiting).toContain(`limited → ${new Date(resetsAt).toISOString().slice(11, 16)}`);
    expect(waiting).toMatch(/^you {5}\S/m);
    expect(waiting).toContain(id.slice(0, 8));
    await type(name, "Enter");
    await expect.poll(() => started().at(-1), SOON).toContain(`--resume ${id}`);
  });

  it("restores the windows as a person left them, and a template's commands", async () => {
    const folder = join(home.path, ".config/ccr/templates");
    mkdirSync(folder, { recursive: true });
    writeFileSync(
      join(folder, "web.json"),
      JSON.stringify({
        windows: [{ name: "dev", command: "echo serving; cat" }, { name: "logs" }],
        model: "sonnet",
        permissionMode: "acceptEdits",
        environment: ["FLAVOUR"],
      }),
    );
    const project = home.project("#(touch pwned) a.b:c;");
    const made = await ccr(home, ["start", project, "--template", "web"], {
      env: { ...home.env, FLAVOUR: "plain" },
    });
    const name = made.out.trim();
    await tmux("new-window", "-d", "-t", `=${name}:`, "-n", "mine", "-c", home.project("else where"));
    await tmux("new-window", "-d", "-t", `=${name}:`, "-n", "lines", "-c", home.project("two\nlines"));
    await run("supervise", "--journal");
    await killServer();
    await ccr(home, ["supervise"], { env: { ...home.env, FLAVOUR: "sweet" } });
    expect(await windows(name)).toEqual([
      `claude ${project}`,
      `dev ${project}`,
      `logs ${project}`,
      `mine ${home.project("else where")}`,
      ...`lines ${home.project("two\nlines")}`.split("\n"),
    ]);
    await expect.poll(() => tmux("capture-pane", "-p", "-t", `=${name}:dev`), SOON).toContain("serving");
    expect(await tmux("show-environment", "-t", `=${name}:`, "FLAVOUR")).toBe("FLAVOUR=sweet");
    await type(name, "Enter");
    await expect.poll(() => started().length, SOON).toBe(2);
    expect(started()[1]).toMatch(/ --model sonnet --permission-mode acceptEdits --session-id [0-9a-f-]{36}$/);
    expect(readdirSync(project)).toEqual([]);
    expect(readdirSync(home.path)).not.toContain("pwned");
  });

  it("lets cct follow the project's template, once a person has allowed it", async () => {
    const project = home.project("app");
    mkdirSync(join(project, ".ccr"));
    writeFileSync(
      join(project, ".ccr/template.json"),
      JSON.stringify({
        windows: [{ name: "dev", command: "echo >>started; cat" }],
        model: "opus",
        prompt: "hi",
      }),
    );
    const refused = await run("open", `${project}/.`);
    expect(refused.err).toContain("it has not been allowed yet");
    expect(existsSync(join(project, "started"))).toBe(false);
    expect(started()).toEqual([expect.stringMatching(/--session-id [0-9a-f-]{36}$/)]);
    expect((await run("template", "allow", project)).status).toBe(0);
    const name = (await run("open", "--new", project)).out.trim();
    await expect.poll(() => existsSync(join(project, "started")), SOON).toBe(true);
    expect(await windows(name)).toEqual([`claude ${project}`, `dev ${project}`]);
    await expect.poll(() => started().length, SOON).toBe(2);
    expect(started()[1]).toMatch(/--model opus -- hi$/);
  });

  it("starts Claude as in a new terminal, also where it was restored without the person's shell", async () => {
    // As npm in a version manager has it: only the shell's own files know where.
    mkdirSync(join(home.around, "managed"));
    renameSync(join(home.around, "bin/claude"), join(home.around, "managed/claude"));
    writeFileSync(
      join(home.path, ".bash_profile"),
      `PATH="${home.around}/managed:$PATH"; export FLAVOUR=sweet; echo hello\n`,
    );
    const name = (
      await ccr(home, ["start", home.project("app")], {
        env: { ...home.env, PATH: `${home.around}/managed:${home.env.PATH}` },
      })
    ).out.trim();
    await killServer();
    expect((await supervised()).restored).toMatchObject([{ outcome: "restored" }]);
    const pid = await tmux("display-message", "-p", "-t", `=${name}:claude`, "#{pane_pid}");
    await type(name, "Enter");
    await expect.poll(() => started().length, SOON).toBe(2);
    expect(readFileSync(`/proc/${pid}/environ`, "utf8").split("\0")).toContain("FLAVOUR=sweet");
    // A key that an interactive shell would keep for itself ends it.
    await type(name, "C-c");
    await ended(name);
    expect(startOf(Number(pid))).toBeNull();
  });

  it("finds the tmux server of the person's shell from cron, which knows nothing of it", async () => {
    const name = await start("app");
    const cron = () => ccr(home, ["supervise", "--json"], { env: { ...home.env, TMUX_TMPDIR: undefined } });
    expect(JSON.parse((await cron()).out).restored).toEqual([]);
    await killServer();
    expect(JSON.parse((await cron()).out).restored).toMatchObject([{ name, outcome: "restored" }]);
    expect(await names()).toEqual([name]);
  });

  it("does not mistake a session that is just being started for a lost or closed one", async () => {
    const [name] = await Promise.all([start("app"), run("supervise"), run("supervise"), run("supervise")]);
    expect(await names()).toEqual([name]);
    expect(started()).toHaveLength(1);
    await killServer();
    expect((await supervised()).restored.map((row: Row) => row.name)).toEqual([name]);
  });

  it("starts no second Claude on Enter while the session runs at another place", async () => {
    const name = await start("app");
    const [{ id }] = (await ps()) as [Row];
    await killServer();
    await supervised();
    // As Claude Code writes it: this very process is the other Claude.
    const sessions = join(home.path, ".claude/sessions");
    mkdirSync(sessions, { recursive: true });
    const entry = (pid: number, procStart: string) =>
      writeFileSync(
        join(sessions, `${pid}.json`),
        JSON.stringify({ pid, sessionId: id, procStart, cwd: "/" }),
      );
    entry(process.pid, startOf(process.pid)!);
    await type(name, "Enter");
    await expect
      .poll(() => screen(name), SOON)
      .toContain(`This session is already running: pid ${process.pid}.`);
    expect(started()).toHaveLength(1);
    // One that has ended, and one whose number another process has now.
    entry(process.pid, "1");
    entry(2 ** 22 - 1, "1");
    await type(name, "Enter");
    await expect.poll(() => started().length, SOON).toBe(2);
  });

  it("gives way to a session that is resumed after its limit: one tmux session, with its windows", async () => {
    const id = home.limited({ resetsAt: Date.now() - 600_000 });
    const name = (await run("open", id)).out.trim();
    await tmux("new-window", "-d", "-t", `=${name}:`, "-n", "mine", "-c", home.path);
    await run("supervise", "--journal");
    await killServer();
    await supervised();
    const before = started().length;
    const continued = run("resume-all", id, "--now", "--tmux");
    await expect.poll(() => started().length, SOON).toBe(before + 1);
    expect(started().at(-1)).toContain(`--resume ${id} continue`);
    expect(await names()).toEqual([name]);
    expect(await windows(name)).toContain(`mine ${home.path}`);
    await type(name, "fail", "Enter");
    await continued;
  });

  it("never adds or repeats a bypass of permissions", async () => {
    const name = await start(
      "app",
      "--",
      ...["--add-dir", "/tmp", "--permission-mode", "bypassPermissions", "--dangerously-skip-permissions"],
    );
    await killServer();
    await supervised();
    await type(name, "Enter");
    await expect.poll(() => started().length, SOON).toBe(2);
    expect(started()[1]).toMatch(/ --add-dir \/tmp --session-id [0-9a-f-]{36}$/);
  });

  it("skips entries of other machines, of missing directories, and damaged ones, and deletes none", async () => {
    await start("app");
    await killServer();
    const folder = join(home.path, ".local/state/ccr/live");
    const [file = ""] = readdirSync(folder);
    const entry = JSON.parse(readFileSync(join(folder, file), "utf8"));
    const put = (id: string, more: object) =>
      writeFileSync(
        join(folder, `${id}.json`),
        JSON.stringify({ ...entry, id, current: id, name: `x-${id[0]}`, ...more }),
      );
    put("aaaaaaaa-1111-4111-8111-111111111111", { domain: "b pid:[1]", host: "another" });
    put("bbbbbbbb-1111-4111-8111-111111111111", { domain: "b pid:[1]" });
    put("cccccccc-1111-4111-8111-111111111111", { domain: "b pid:[1]", changedAt: 1000 });
    put("dddddddd-1111-4111-8111-111111111111", { project: "/gone" });
    writeFileSync(join(folder, "eeeeeeee-1111-4111-8111-111111111111.json"), '{"id":"eee');
    const rows: { name: string; outcome: string; reason: string | null }[] = (await printed("restore"))
      .sessions;
    expect(Object.fromEntries(rows.map(({ name, outcome, reason }) => [name, reason ?? outcome]))).toEqual({
      "claude-app": "restored",
      "x-a": "other-machine",
      "x-b": "other-machine",
      "x-c": "restored",
      "x-d": "directory-gone",
    });
    expect(readdirSync(folder)).toHaveLength(6);
    expect((await names()).sort()).toEqual(["claude-app", "x-c"]);
  });

  it("deletes nothing, and says so, where tmux cannot be asked", async () => {
    const name = await start("app");
    const folder = join(home.path, ".local/state/ccr/live");
    const before = readdirSync(folder).map((file) => readFileSync(join(folder, file), "utf8"));
    // A server that does not answer.
    writeFileSync(
      join(home.around, "bin/tmux"),
      "#!/bin/sh\necho 'server version is too old' >&2; exit 1\n",
      {
        mode: 0o755,
      },
    );
    const { err, status } = await run("restore");
    expect([err, status]).toEqual([expect.stringContaining("tmux does not answer"), 1]);
    expect((await run("supervise")).err).toContain("tmux does not answer");
    expect(readdirSync(folder).map((file) => readFileSync(join(folder, file), "utf8"))).toEqual(before);
    writeFileSync(
      join(home.around, "bin/tmux"),
      `#!/bin/sh\nexec /usr/bin/env PATH=/usr/local/bin:/usr/bin:/bin tmux "$@"\n`,
    );
    expect(await names()).toEqual([name]);
  });
});

describe("ccr supervise", () => {
  it("restarts a Claude that was killed or failed, with its id, when its policy says so", async () => {
    const kept = await start("kept", "--restart", "on-failure");
    const left = await start("left");
    for (const name of [kept, left]) await type(name, "die", "Enter");
    await ended(kept);
    await ended(left);
    const { health } = await supervised();
    expect(
      health.map(({ name, what, action }: Record<string, string>) => [name, what, action]).sort(),
    ).toEqual([
      [kept, "was killed", "restarted"],
      [left, "was killed", "left"],
    ]);
    await expect.poll(() => started().length, SOON).toBe(3);
    const [first, , again] = started();
    expect(again).toBe(first);
    // After the fourth time there is a pause of 80 s: even a slow machine is not through by then.
    await type(kept, "fail", "Enter");
    await ended(kept);
    const folder = join(home.path, ".local/state/ccr/live");
    for (const file of readdirSync(folder)) {
      const entry = JSON.parse(readFileSync(join(folder, file), "utf8"));
      if (entry.name !== kept) continue;
      expect(entry.restarts).toHaveLength(1);
      const restarts = [400_000, 300_000, 200_000, 0].map((ago) => Date.now() - ago);
      writeFileSync(join(folder, file), JSON.stringify({ ...entry, restarts }));
    }
    expect((await supervised()).health).toContainEqual(
      expect.objectContaining({ name: kept, what: "ended with status 3", action: "waits" }),
    );
    expect(started()).toHaveLength(3);
  });

  it("never restarts one that a person has ended", async () => {
    const [bye, stopped] = [
      await start("bye", "--restart", "on-failure"),
      await start("stopped", "--restart", "on-failure"),
    ];
    await type(bye, "bye", "Enter");
    await expect.poll(() => windows(bye), SOON).toHaveLength(2);
    await run("stop", stopped, "--force");
    expect((await supervised()).health).toEqual([]);
    expect(started()).toHaveLength(2);
  });

  it("warns of a session over its memory, then stops its largest process and no other", async () => {
    const name = await start("app");
    // Set after the start, so that no kernel caps it before we see it.
    await run("config", "set", "memory", "64M");
    const pane = await tmux("display-message", "-p", "-t", `=${name}:claude`, "#{pane_pid}");
    expect((await supervised()).health).toEqual([]);
    await type(name, "eat", "Enter");
    await expect.poll(() => screen(name), SOON).toContain("eating");
    const tail = await eater(Number(pane));
    const [warned] = (await supervised()).health;
    expect(warned).toMatchObject({ name, action: "memory" });
    expect(warned.what).toMatch(/uses \d+ MB of 64 MB memory: the next check stops its largest process$/);
    expect(startOf(tail)).not.toBeNull();
    const [stopped] = (await supervised()).health;
    expect(stopped.what).toContain(`stopped tail (pid ${tail}, `);
    await expect.poll(() => startOf(tail), SOON).toBeNull();
    expect(await tmux("display-message", "-p", "-t", `=${name}:claude`, "#{pane_pid} #{pane_dead}")).toBe(
      `${pane} 0`,
    );
    expect((await supervised()).health).toEqual([]);
    expect(readFileSync(join(home.path, ".claude/resume-logs/resumes.jsonl"), "utf8")).toContain(
      "stopped tail",
    );
  });

  /** The process below a pane that has eaten its fill. */
  async function eater(pane: number): Promise<number> {
    let found: number | undefined;
    await expect
      .poll(async () => {
        const { stdout } = await execa("ps", ["-A", "-o", "pid=,ppid=,comm=,rss="]);
        const rows = stdout.split("\n").map((line) => line.trim().split(/\s+/));
        found = Number(
          rows.find(
            ([, parent, command, rss]) =>
              Number(parent) === pane && command === "tail" && Number(rss) > 140_000,
          )?.[0],
        );
        return found > 0;
      }, SOON)
      .toBe(true);
    return found!;
  }
});
