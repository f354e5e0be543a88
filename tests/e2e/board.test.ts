// The board on a real terminal: what stands where, that it follows what happens by itself, and what its keys do.

import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { type BoardHome, boardHome } from "../support/board-home.ts";
import {
  descendants,
  openTerminal,
  processes,
  type Terminal,
  type TerminalOptions,
} from "../support/tmux.ts";
import { waitFor } from "../support/wait-for.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 180_000 });
const WAIT = 60;

let home: BoardHome;
const open: Terminal[] = [];
const id = (n: number): string => `${String(n).repeat(8)}-0000-4000-8000-000000000000`;
const DAY = 86_400_000;

beforeAll(async () => {
  home = await boardHome();
});
beforeEach(() => {
  for (let n = 4; n < 9; n++) {
    home.session(id(n), "shop", `Old one ${n}`, Date.parse("2024-10-01T10:00:00Z") - n * DAY);
  }
});
afterEach(async () => {
  for (const terminal of open.splice(0)) await terminal.end();
  const ended = await home.run(["ccr", "stop", "--all", "--force"]);
  for (const folder of ["projects", "sessions"]) {
    rmSync(join(home.path, ".claude", folder), { recursive: true, force: true });
    mkdirSync(join(home.path, ".claude", folder));
  }
  expect(ended).toMatchObject({ status: 0, out: "" });
});
afterAll(() => home.remove());

async function board(options: TerminalOptions = {}, line = "ccr"): Promise<Terminal> {
  const terminal = await openTerminal(home, { cwd: home.path, columns: 80, rows: 24, ...options });
  open.push(terminal);
  await terminal.shows("ready>", WAIT);
  await terminal.type(line);
  await terminal.press("Enter");
  await terminal.shows(/ \d+ sessions$/m, WAIT);
  return terminal;
}

/** The names of the sections and the titles below each, as they stand on the screen. */
function sections(screen: string): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  // Where all of them have ended there is no need for headings.
  let at = /^ ?(?:Needs you|Working|Idle|Limited|Recent) *(?:│|$)/m.test(screen) ? "" : "Recent";
  for (const line of screen.split("\n").slice(1, -1)) {
    const left = line.split("│")[0]!.trim();
    if (/^(?:Needs you|Working|Idle|Limited|Recent)$/.test(left)) found[(at = left)] = [];
    else if (left !== "" && at !== "") (found[at] ??= []).push(left.replace(/^▌ /, ""));
  }
  return found;
}
const has = (screen: string, section: string, title: string): boolean =>
  (sections(screen)[section] ?? []).some((line) => line.includes(title));

/** Waits until a session stands in a section. */
async function stands(terminal: Terminal, section: string, title: string, seconds = WAIT): Promise<string> {
  let screen = "";
  const listed = async () => has((screen = await terminal.screen()), section, title);
  await waitFor(listed, () => `"${title}" stands below ${section}:\n${screen}`, { seconds, interval: 100 });
  return screen;
}

const isAlive = (pid: number): boolean => existsSync(`/proc/${pid}`);

describe("the board", () => {
  it("lists sessions that need you first, then working, limited and recent ones", async () => {
    const asks = await home.live(id(1), "infra", "State move");
    const works = await home.live(id(2), "space", "Move the setup script");
    await home.live(id(3), "web", "Checkout");
    home.status(asks, "waiting", "permission prompt");
    home.status(works, "busy");
    const limited = home.limited({ resetsAt: Date.now() + 7_900_000, project: "portfolio" });
    const terminal = await board({ columns: 120 });
    const text = await stands(terminal, "Recent", "Old one 4");
    expect(Object.keys(sections(text))).toEqual(["Needs you", "Working", "Idle", "Limited", "Recent"]);
    expect(sections(text)["Needs you"]).toEqual([
      expect.stringMatching(/infra .*◐ .*permission prompt\? +State move/),
    ]);
    expect(has(text, "Working", "Move the setup script")).toBe(true);
    expect(has(text, "Idle", "Checkout")).toBe(true);
    expect(sections(text).Limited).toEqual([expect.stringMatching(/portfolio .*◷ .* 2 h 1\d m$/)]);
    expect(text.split("\n")[0]).toMatch(/3 live · 1 limited · \d+ sessions$/);
    expect(text).toMatch(/^ enter open {3}tab here {3}s stop {3}l logs {3}\/ search {3}\? keys {3}q quit$/m);

    const { out } = await home.run(["ccr", "board", "--json"]);
    const { sessions } = JSON.parse(out);
    const section = (wanted: string) =>
      sessions
        .filter((one: { section: string }) => one.section === wanted)
        .map((one: { id: string }) => one.id);
    expect([section("Needs you"), section("Working"), section("Idle"), section("Limited")]).toEqual([
      [id(1)],
      [id(2)],
      [id(3)],
      [limited],
    ]);
    expect(sessions[0].live).toMatchObject({ tmux: "claude-infra", waitingFor: "permission prompt" });
    const printed = await home.run(["ccr", "board", "2", "--once"]);
    expect(printed.out.split("\n").filter((line) => /^\w[\w ]+$/.test(line))).toEqual([
      "Needs you",
      "Working",
      "Idle",
      "Limited",
      "Recent",
    ]);
    expect(printed.out.split("Recent\n")[1]!.trim().split("\n")).toHaveLength(2);
  });

  it("updates itself without a key", async () => {
    const pid = await home.live(id(1), "infra", "State move");
    const terminal = await board();
    await stands(terminal, "Idle", "State move");
    home.status(pid, "busy");
    await stands(terminal, "Working", "State move");
    home.status(pid, "waiting", "input needed");
    await stands(terminal, "Needs you", "input needed?");
    const other = await home.live(id(2), "brand-new", "Begun meanwhile");
    await stands(terminal, "Idle", "Begun meanwhile");
    const file = home.session(id(9), "brand-new", "Written meanwhile", Date.now());
    await stands(terminal, "Recent", "Written meanwhile");
    home.session(id(9), "brand-new", "Written again", Date.now());
    await stands(terminal, "Recent", "Written again");
    rmSync(file);
    await vi.waitFor(async () => expect(await terminal.screen()).not.toContain("Written again"), {
      timeout: WAIT * 1000,
      interval: 100,
    });
    process.kill(other, "SIGTERM");
    await stands(terminal, "Recent", "Begun meanwhile");
    // Nobody tells of this one: its entry stays.
    process.kill(pid, "SIGKILL");
    await stands(terminal, "Recent", "State move");
    rmSync(join(home.path, `.claude/sessions/${pid}.json`), { force: true });
  });

  it("lists sessions that were restored after a restart, and Enter starts them", async () => {
    const pid = await home.live(id(1), "infra", "State move");
    const { stdout } = await execa("tmux", ["display-message", "-p", "#{pid}"], {
      env: home.env,
      extendEnv: false,
    });
    process.kill(Number(stdout), "SIGKILL");
    await vi.waitFor(() => expect(isAlive(pid)).toBe(false), { timeout: WAIT * 1000 });
    expect((await home.run(["ccr", "restore"])).status).toBe(0);
    const terminal = await board();
    await stands(terminal, "Idle", "State move");
    await terminal.press("Enter");
    await terminal.shows(/State move[\s\S]*Enter/, WAIT);
    await terminal.press("Enter");
    await terminal.shows(`claude ${id(1)}`, WAIT);
  });

  it("counts down to the reset of a limit, and then shows the session as ready", async () => {
    const terminal = await board();
    home.limited({ resetsAt: Date.now() + 20_000, project: "counted" });
    const left = (screen: string): number => Number(/counted .* (\d+) s(?: |$)/m.exec(screen)?.[1]);
    const first = left(await stands(terminal, "Limited", "counted"));
    expect(first).toBeGreaterThan(0);
    await expect
      .poll(async () => left(await terminal.screen()), { timeout: WAIT * 1000 })
      .toBeLessThan(first);
    expect(await stands(terminal, "Recent", "counted")).toMatch(/counted +▸/);
  });

  it("takes at most 1 % of a processor while nothing changes", async () => {
    await home.live(id(1), "infra", "State move");
    home.limited({ resetsAt: Date.now() + 3_600_000, project: "counted" });
    const terminal = await board();
    await stands(terminal, "Idle", "State move");
    await stands(terminal, "Limited", "counted");
    const below = await descendants(terminal.pid);
    const { pid } = (await processes()).find(
      (one) => below.includes(one.pid) && /node .*ccr\.cjs/.test(one.command),
    )!;
    const ticks = (): number => {
      const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ");
      return Number(fields[11]) + Number(fields[12]);
    };
    // Once it has started: how long that takes is the machine's matter. A tick is 10 ms.
    const used = async (): Promise<number> => {
      const before = ticks();
      // The time in which it may use next to nothing.
      await sleep(12_000);
      return ticks() - before;
    };
    await expect.poll(used, { timeout: 60_000 }).toBeLessThanOrEqual(12);
  });
});

describe("the keys of the board:", () => {
  it("s asks, turns into a search with another letter, and stops with Enter", async () => {
    const pid = await home.live(id(1), "infra", "State move");
    const terminal = await board();
    await stands(terminal, "Idle", "State move");
    await terminal.press("s");
    await terminal.shows("stop 11111111 State move?", WAIT);
    await terminal.press("t");
    await terminal.shows(/search st▏.* \d of /, WAIT);
    await terminal.press("Escape");
    await stands(terminal, "Idle", "State move");
    await terminal.press("s");
    await terminal.shows("stop 11111111 State move?", WAIT);
    await terminal.press("Escape");
    await vi.waitFor(async () => expect(await terminal.screen()).not.toContain("stop 11111111 State"), {
      timeout: WAIT * 1000,
    });
    expect(isAlive(pid)).toBe(true);
    await terminal.press("s");
    await terminal.shows("stop 11111111 State move?", WAIT);
    await terminal.press("Enter");
    await terminal.shows("stopped 11111111", WAIT);
    await stands(terminal, "Recent", "State move");
    expect(isAlive(pid)).toBe(false);
  });

  it("Enter goes to a live session where it runs, and no Node stays behind", async () => {
    await home.live(id(1), "infra", "State move");
    const terminal = await board();
    await stands(terminal, "Idle", "State move");
    await terminal.press("Enter");
    await terminal.shows(`claude ${id(1)}`, WAIT);
    await terminal.type("hello there");
    await terminal.press("Enter");
    await vi.waitFor(
      () => expect(readFileSync(join(home.path, "typed.log"), "utf8")).toContain("hello there"),
      {
        timeout: WAIT * 1000,
      },
    );
    const below = await descendants(terminal.pid);
    const left = (await processes()).filter(
      ({ pid, command }) => below.includes(pid) && /ccr\.cjs/.test(command),
    );
    expect(left).toEqual([]);
  });

  it("r resumes a limited session now, and it is seen live", async () => {
    const limited = home.limited({ resetsAt: Date.now() + 3_600_000, project: "limited-one" });
    const terminal = await board();
    await stands(terminal, "Limited", "limited-one");
    await terminal.press("r");
    await terminal.shows(`resume ${limited.slice(0, 8)}`, WAIT);
    await terminal.press("Enter");
    await terminal.shows(/1 live · 1 limited/, WAIT);
  });

  it("r and s say why they do nothing to a session that has ended", async () => {
    const terminal = await board();
    await terminal.press("r");
    await terminal.shows(/is not limited/, WAIT);
    await terminal.press("e");
    await terminal.shows(/search re▏/, WAIT);
    await terminal.press("Escape");
    await terminal.shows(/ \d+ sessions$/m, WAIT);
    await terminal.press("s");
    await terminal.shows(/is not running/, WAIT);
    await terminal.press("Enter");
    await terminal.type("/s");
    await terminal.shows(/search s▏/, WAIT);
  });

  it("l shows the log, as it grows where the session runs, and comes back", async () => {
    await home.live(id(1), "infra", "State move");
    const terminal = await board();
    await stands(terminal, "Idle", "State move");
    await terminal.press("l");
    await vi.waitFor(async () => expect(await terminal.screen()).not.toContain("search"), {
      timeout: WAIT * 1000,
    });
    await terminal.shows("assistant of State move", WAIT);
    const file = home.session(id(1), "infra", "State move");
    const more = readFileSync(file, "utf8").split("\n")[1]!.replace("assistant of", "and then");
    appendFileSync(file, `${more}\n`);
    await terminal.shows("and then State move", WAIT);
    await terminal.press("C-c");
    await stands(terminal, "Idle", "State move");
    await terminal.press("Down", "l");
    await terminal.shows(/user of Old one 4.*enter returns/s, WAIT);
    await terminal.press("Enter");
    await stands(terminal, "Idle", "State move");
    await terminal.press("q");
    await terminal.shows("ready>", WAIT);
  });
});

describe("the board without a terminal", () => {
  it("is printed, and refuses wrong arguments", async () => {
    writeFileSync(join(home.path, "typed.log"), "");
    const plain = await home.run(["ccr", "board"]);
    expect(plain.status).toBe(0);
    expect(plain.out).toContain("Recent\n");
    expect(plain.out).not.toContain("\u001b");
    expect(await home.run(["ccr", "board", "x"])).toMatchObject({ status: 2, out: "" });
    expect(await home.run(["ccr", "board", "--on", "-oProxyCommand=x"])).toMatchObject({
      status: 2,
      out: "",
    });
  });
});
