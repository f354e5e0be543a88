// What a pane printed, from its recording: the same screen, cell by cell, whatever was killed.

import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { fixRecorders } from "../../helpers/live/fix-recorders.ts";
import type { Live } from "../../helpers/live/live-sessions.ts";
import { startOf } from "../../helpers/system/process.ts";
import { installClaude } from "../support/claude-cli.ts";
import { type Home, makeHome } from "../support/home.ts";
import { type MockApi, mockApi, say } from "../support/mock-api.ts";
import { bundle, ccr as ccrIn } from "../support/program.ts";
import { type Pane, playedCells, recordedPane, recorders, withHome } from "../support/recorded.ts";
import { descendants } from "../support/tmux.ts";
import { waitFor } from "../support/wait-for.ts";

// Machines can be slow.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const ID = "4bb63347-9c0d-4e1f-a2b3-c4d5e6f70819";

let home: Home;
let api: MockApi;
const homes: Home[] = [];

beforeAll(async () => {
  api = await mockApi();
});
afterEach(async () => {
  for (const one of homes.splice(0)) await one.remove();
});
afterAll(async () => {
  await api.close();
});

function newHome(): Home {
  home = makeHome();
  homes.push(home);
  return home;
}

/** A program that draws a whole screen: another tmux, with panes, colours and a status line. */
async function nestedTmux(path?: string): Promise<Pane> {
  newHome();
  // Without the clock, which would change while we look.
  writeFileSync(join(home.path, "inner.conf"), 'set -g status-right "" \n');
  const pane = await recordedPane(home, {
    id: ID,
    command: ["tmux", "-u", "-L", "inner", "-f", "inner.conf", "new-session", "-x", "100", "-y", "29", "sh"],
    ...(path === undefined ? {} : { path }),
  });
  await until(async () => /^[$#]/m.test(await text(pane)));
  await pane.tmux("send-keys", "-t", "=r:claude", "C-b", "%");
  await until(async () => (await text(pane)).includes("│"));
  const line =
    "i=0; while [ $i -lt 60 ]; do i=$((i+1)); printf '\\033[1;3%dmline %d \\033[4;48;5;%dmwörld 日本\\033[0m\\n' $((i % 8)) $i $i; done";
  await typed(pane, line);
  await until(async () => (await text(pane)).includes("line 60"));
  return pane;
}

const text = (pane: Pane, window = "claude"): Promise<string> => {
  looked = [pane, window];
  return pane.tmux("capture-pane", "-p", "-t", `=r:${window}`);
};

async function typed(pane: Pane, line: string): Promise<void> {
  await pane.tmux("send-keys", "-t", "=r:claude", "-l", "--", line);
  await pane.tmux("send-keys", "-t", "=r:claude", "Enter");
}

let looked: [pane: Pane, window: string] | undefined;
const screens = async (): Promise<string> => (looked ? text(...looked).catch((error) => error.message) : "");

const until = async (condition: () => boolean | Promise<boolean>): Promise<void> => {
  await waitFor(condition, async () => `${condition}\n${await screens()}`);
};

/** The screen, once neither it nor the recording changes any more: as tmux has it, and as the recording has it. */
async function settled(pane: Pane): Promise<{ shown: string[]; played: string[] }> {
  let shown: string[] = [];
  let played: string[] = [];
  for (const end = Date.now() + 60_000; Date.now() < end; await sleep(200)) {
    const before = shown.join("\n");
    shown = await pane.cells();
    played = await playedCells(pane.files().at(-1)!);
    if (before === shown.join("\n") && played.join("\n") === before) break;
  }
  return { shown, played };
}

const lastNumber = (pane: Pane): number => Number(/\.(\d+)\.cast$/.exec(pane.files().at(-1)!)![1]);

const isRunning = (pid: number): boolean => startOf(pid) !== null;

describe("a recorded pane", () => {
  it.each(recorders)("replays to the screen of a full-screen program, sizes and all (%s)", async (by) => {
    const pane = await nestedTmux(by === "perl" ? undefined : `${tmpdir()}/nothing-here`);
    // Each size is recorded with what is printed at it; a recorder that is late sees the last one alone.
    await settled(pane);
    await pane.tmux("resize-window", "-t", "=r:", "-x", "120", "-y", "36");
    await typed(pane, "echo grown");
    await until(async () => (await text(pane)).includes("grown"));
    await until(() => pane.events().some(([, kind, data]) => kind === "r" && data === "120x36"));
    await pane.tmux("resize-window", "-t", "=r:", "-x", "90", "-y", "25");
    await typed(pane, "echo shrunk");
    await until(async () => (await text(pane)).includes("shrunk"));
    const { shown, played } = await settled(pane);
    expect(shown.join("\n")).toContain("日本");
    expect(shown.join("\n")).toMatch(/<f\d+:\d/);
    expect(played).toEqual(shown);
    const sizes = pane.events().filter(([, kind]) => kind === "r");
    expect(sizes.map(([, , data]) => data)).toEqual(["120x36", "90x25"]);
    expect(readFileSync(`/proc/${pane.recorder()}/cmdline`, "latin1")).toContain(
      by === "perl" ? "perl" : "node",
    );
    const [file] = pane.files();
    expect(statSync(file!).mode & 0o777).toBe(0o600);
    expect(statSync(dirname(file!)).mode & 0o777).toBe(0o700);
  });

  it("is kept in parts that each play alone, and the oldest are deleted", async () => {
    newHome();
    mkdirSync(join(home.path, ".config/ccr"), { recursive: true });
    writeFileSync(join(home.path, ".config/ccr/config.json"), '{"recording": {"megabytes": 1}}');
    const pane = await recordedPane(home, { id: ID, command: ["bash", "--norc", "-i"], env: { PS1: "$ " } });
    await until(async () => /^[$]/m.test(await text(pane)));
    // Colours and a scroll region survive only as far as a picture of the screen has them.
    for (let round = 0; round < 6; round++) {
      await typed(
        pane,
        `clear; for i in $(seq 5000); do printf '\\033[1;3%dmround ${round} line %d of many words\\033[0m\\n' $((i % 8)) $i; done; echo done-$((${round}))`,
      );
      await until(async () => (await text(pane)).includes(`done-${round}`));
      const { length } = pane.files();
      await until(() => pane.files().length !== length || lastNumber(pane) > round);
    }
    await typed(pane, "echo the end");
    await until(async () => /^the end/m.test(await text(pane)));
    const { shown, played } = await settled(pane);
    expect(played).toEqual(shown);
    expect(pane.files().length).toBeLessThanOrEqual(4);
    expect(lastNumber(pane)).toBeGreaterThan(4);
    expect(played.join("\n")).toContain("round 5 line 5000");
    for (const file of pane.files()) expect(statSync(file).size).toBeLessThan(3 * 256 * 1024);
  });

  it("has every byte up to the moment when its recorder is killed, and gets a new recorder", async () => {
    const pane = await nestedTmux();
    await typed(pane, "echo before");
    await until(async () => (await text(pane)).includes("│before"));
    const { played } = await settled(pane);
    const recorder = pane.recorder();
    process.kill(recorder, "SIGKILL");
    await until(() => !isRunning(recorder));
    await typed(pane, "echo after");
    await until(async () => (await text(pane)).includes("after"));
    expect(await playedCells(pane.files()[0]!)).toEqual(played);

    const live = { ours: true, name: "r", key: ID, pane: "%0", state: "idle" } as Live;
    await withHome(home, () => fixRecorders([live]));
    await until(() => pane.files().length === 2 && pane.recorder() !== recorder);
    await typed(pane, "echo again");
    await until(async () => (await text(pane)).includes("again"));
    const now = await settled(pane);
    expect(now.played).toEqual(now.shown);
    expect(await withHome(home, () => fixRecorders([live]))).toEqual([]);
  });

  it.each(["pane", "server"])("can be played when the %s is killed", async (which) => {
    const pane = await nestedTmux();
    const { shown } = await settled(pane);
    process.kill(which === "pane" ? pane.pid : pane.server, "SIGKILL");
    await until(() => !isRunning(pane.recorder()));
    const events = pane.events();
    // What a dying program prints may follow; up to there all is as it was on the screen.
    const file = pane.files()[0]!;
    const counts = Array.from({ length: 8 }, (_, i) => events.length - i);
    const played = await Promise.all(counts.map((count) => playedCells(file, count)));
    expect(played).toContainEqual(shown);
  });
});

describe("a recording of the real CLI", () => {
  it("starts with the first screen, and goes on through an answer and a new size", async () => {
    newHome();
    const project = home.project("shop");
    const claude = await installClaude(home, api.url, [project]);
    const pane = await recordedPane(home, {
      id: ID,
      command: [claude.file, "--session-id", ID],
      env: claude.env,
      cwd: project,
    });
    await until(async () => (await text(pane)).includes("❯"));
    api.answers.push(
      say(
        `A **table** of words:\n\n| a | b |\n|---|---|\n| wörld | 日本 |\n\n\`\`\`js\nconst x = 1;\n\`\`\`\n\nThe end of it.`,
        { pace: 20 },
      ),
    );
    await typed(pane, "tell me of the world");
    await until(async () => (await text(pane)).includes("The end of it."));
    await pane.tmux("resize-window", "-t", "=r:", "-x", "80", "-y", "24");
    const { shown, played } = await settled(pane);
    expect(shown.join("\n")).toContain("The end of it.");
    expect(played).toEqual(shown);
  });
});

describe("ccr replay", () => {
  /** A shell in another window of the same server, at the recording's size. */
  async function shell(pane: Pane): Promise<(words: string) => Promise<void>> {
    const env = Object.entries({ ...home.env, PS1: "$ " }).flatMap(([name, value]) => [
      "-e",
      `${name}=${value}`,
    ]);
    await pane.tmux(
      "new-window",
      "-d",
      "-t",
      "=r:",
      "-n",
      "play",
      ...env,
      "--",
      "env",
      "-u",
      "TMUX",
      "bash",
      "--norc",
      "-i",
    );
    await until(async () => /^[$]/m.test(await played(pane)));
    return async (words) => {
      await pane.tmux("send-keys", "-t", "=r:play", "-l", "--", words);
      await pane.tmux("send-keys", "-t", "=r:play", "Enter");
    };
  }
  const played = (pane: Pane): Promise<string> => text(pane, "play");
  const ccr = `${process.execPath} ${bundle}`;

  it("shows the same screen on a terminal, and leaves it at a key", async () => {
    const pane = await nestedTmux();
    const { shown } = await settled(pane);
    process.kill(pane.recorder(), "SIGKILL");
    const type = await shell(pane);
    await type("echo what stood here");
    await type(`${ccr} replay 4bb6 --speed 20 --idle 50ms; echo status=$?`);
    await until(async () => (await pane.cells("play")).join("\n") === shown.join("\n"));
    await pane.tmux("send-keys", "-t", "=r:play", "x");
    await until(async () => /^status=0/m.test(await played(pane)));
    await isInOrder(pane, type);
  });

  it.each([
    ["ctrl-c", 130],
    ["q", 0],
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ])("restores the terminal after %s", async (how, status) => {
    const pane = await nestedTmux();
    process.kill(pane.recorder(), "SIGKILL");
    const type = await shell(pane);
    await type(`${ccr} replay ${ID} --speed 0.1 --idle 1h; echo status=$?`);
    await until(
      async () => (await pane.tmux("display-message", "-p", "-t", "=r:play", "#{alternate_on}")) === "1",
    );
    if (how.startsWith("SIG")) {
      const shellPid = Number(await pane.tmux("display-message", "-p", "-t", "=r:play", "#{pane_pid}"));
      const [, child] = await descendants(shellPid);
      process.kill(child!, how as NodeJS.Signals);
    } else await pane.tmux("send-keys", "-t", "=r:play", how === "q" ? "q" : "C-c");
    await until(async () => new RegExp(`^status=${status}`, "m").test(await played(pane)));
    await isInOrder(pane, type);
  });

  async function isInOrder(pane: Pane, type: (words: string) => Promise<void>): Promise<void> {
    const format =
      "#{alternate_on} #{cursor_flag} #{scroll_region_upper} #{scroll_region_lower} #{origin_flag} #{insert_flag} #{wrap_flag} #{mouse_any_flag} #{keypad_cursor_flag}";
    expect(await pane.tmux("display-message", "-p", "-t", "=r:play", format)).toBe("0 1 0 29 0 0 1 0 0");
    await type("stty -a | tr ';' '\\n' | grep -Eo -- '-?(icanon|echo|isig) ' | tr -d '\\n'; echo .");
    await until(async () => /^isig icanon echo \.$/m.test(await played(pane)));
  }

  it("plays on a terminal only, and lists the files elsewhere", async () => {
    const pane = await nestedTmux();
    const piped = await ccrIn(home, ["replay", ID]);
    expect(piped.out).toBe("");
    expect(piped.err).toMatch(/can only be played on a terminal/);
    expect(piped.status).toBe(1);
    const listed = JSON.parse((await ccrIn(home, ["replay", "4bb6", "--json"])).out);
    expect(listed).toMatchObject({
      schema: "ccr/replay@1",
      recordings: [{ session: ID, recording: true, files: pane.files() }],
    });
  });
});
