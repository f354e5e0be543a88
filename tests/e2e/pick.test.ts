// The picker on real terminals: what it shows, how it is left, and that the terminal is as it was.

import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type Home, makeHome } from "../support/home.ts";
import { bundle, ccr, install } from "../support/program.ts";
import { slug } from "../support/sample-sessions.ts";
import {
  descendants,
  openTerminal,
  processes,
  type Terminal,
  type TerminalOptions,
} from "../support/tmux.ts";
import { waitFor } from "../support/wait-for.ts";

let home: Home;
let shop: string;
let infra: string;
const open: Terminal[] = [];
const id = (n: number): string => `${String(n).repeat(8)}-0000-4000-8000-000000000000`;

beforeAll(async () => {
  home = makeHome();
  shop = home.project("shop");
  infra = home.project("infra");
  writeFileSync(join(home.path, ".bashrc"), "PS1='ready> '\n");
  await install(home);
  const claude = join(home.around, "bin/claude");
  writeFileSync(
    claude,
    '#!/bin/sh\necho "claude $* in $PWD"; echo $(stty -a | grep -oE -- "-?(icanon|echo)\\b" | head -2)\nread line\n',
  );
  chmodSync(claude, 0o755);

  session(1, shop, "Checkout: retry on 502", "2024-11-17T18:37:00Z", [
    ["you", "Give the checkout a retry on 502."],
    ["claude", "Done: three calls retry now."],
  ]);
  session(2, infra, "Größe der 日本語 Tabellen", "2024-11-16T10:00:00Z", [
    ["you", "e\u0301tat"],
    ["claude", "Voilà."],
  ]);
  session(3, infra, "\u001b]0;PWNED\u0007\u001b[31m#(touch pwned)`id`", "2024-11-15T10:00:00Z", [
    ["you", "hostile \u001b[2J\u001b]52;c;eA==\u0007 text\u202e"],
    ["claude", "\u001b[?1049l\u009b31mred"],
  ]);
  session(4, join(home.path, "projects/gone"), "Its directory is gone", "2024-11-14T10:00:00Z", [
    ["you", "hello"],
  ]);
  for (let n = 10; n < 60; n++)
    session(n, shop, `Session number ${n}`, `2024-10-01T10:${n}:00Z`, [["you", `prompt ${n}`]]);
});

afterEach(async () => {
  rmSync(join(home.path, ".claude/sessions"), { recursive: true, force: true });
  for (const terminal of open.splice(0)) await terminal.end();
});
afterAll(() => home.remove());

function session(n: number, project: string, title: string, at: string, said: [string, string][]): void {
  const sessionId = n < 10 ? id(n) : `${n}000000-0000-4000-8000-000000000000`;
  const folder = join(home.path, ".claude/projects", slug(project));
  mkdirSync(folder, { recursive: true });
  const rows: object[] = said.map(([by, text]) => ({
    type: by === "you" ? "user" : "assistant",
    message: { role: by === "you" ? "user" : "assistant", content: [{ type: "text", text }] },
    cwd: project,
    gitBranch: "main",
    sessionId,
    timestamp: at,
  }));
  rows.push({ type: "custom-title", customTitle: title, sessionId });
  writeFileSync(join(folder, `${sessionId}.jsonl`), `${rows.map((row) => JSON.stringify(row)).join("\n")}\n`);
}

type Pane = Terminal & { tmux(...words: string[]): Promise<string>; line(text: string): Promise<void> };

/** A shell in a terminal of its own, and its tmux. */
async function shell(options: TerminalOptions = {}): Promise<Pane> {
  const sockets = () => readdirSync(join(home.around, "tmux")).filter((name) => name.startsWith("terminal-"));
  const before = sockets();
  const terminal = await openTerminal(home, { cwd: infra, columns: 80, rows: 24, ...options });
  open.push(terminal);
  const socket = join(home.around, "tmux", sockets().find((name) => !before.includes(name))!);
  const tmux = async (...words: string[]) =>
    (
      await execa("tmux", ["-u", "-S", socket, ...words], {
        env: home.env,
        extendEnv: false,
        timeout: 60_000,
      })
    ).stdout;
  await terminal.shows("ready>");
  const line = async (text: string): Promise<void> => {
    await terminal.type(text);
    await terminal.press("Enter");
  };
  return { ...terminal, tmux, line };
}

const COMPLETE = /54 sessions$/m;

async function picker(options: TerminalOptions = {}, command = "ccr"): Promise<Pane> {
  const pane = await shell(options);
  await pane.line(command);
  await pane.shows(COMPLETE);
  return pane;
}

/** The picker's own process. */
async function pickerPid(pane: Pane): Promise<number> {
  const below = await descendants(pane.pid);
  const found = (await processes()).find(
    ({ pid, command }) => below.includes(pid) && /node .*ccr\.cjs/.test(command),
  );
  if (!found) throw new Error("no picker runs below the shell");
  return found.pid;
}

/** The screen, with the random part of the home's name left out. */
const screen = async (pane: Pane): Promise<string> =>
  `\n${(await pane.screen())
    .replaceAll(home.around, "/tmp/ccr-home-RANDOM")
    .replaceAll(home.around.slice(-6), "RANDOM")
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n")}`;

describe("the picker is drawn", () => {
  it("on 80x24", async () => {
    const pane = await picker();
    await pane.shows("three calls");
    expect(await screen(pane)).toMatchInlineSnapshot(`
      "
       search ▏                                                           54 sessions
       ▌ shop   Checkout: retry on 502     2024-11-17  │ Checkout: retry on 502
         infra  Größe der 日本語 Tabellen  2024-11-16  │ …me-RANDOM/home/projects/shop
         infra  ]0;PWNED [31m#(touch pwn…  2024-11-15  │ 11111111 · main · 2024-11-17
         gone   Its directory is gone      2024-11-14  │
         shop   Session number 59          2024-10-01  │ you     Give the checkout a
         shop   Session number 58          2024-10-01  │         retry on 502.
         shop   Session number 57          2024-10-01  │ claude  Done: three calls
         shop   Session number 56          2024-10-01  │         retry now.
         shop   Session number 55          2024-10-01  │
         shop   Session number 54          2024-10-01  │
         shop   Session number 53          2024-10-01  │
         shop   Session number 52          2024-10-01  │
         shop   Session number 51          2024-10-01  │
         shop   Session number 50          2024-10-01  │
         shop   Session number 49          2024-10-01  │
         shop   Session number 48          2024-10-01  │
         shop   Session number 47          2024-10-01  │
         shop   Session number 46          2024-10-01  │
         shop   Session number 45          2024-10-01  │
         shop   Session number 44          2024-10-01  │
         shop   Session number 43          2024-10-01  │
         shop   Session number 42          2024-10-01  │
       enter resume   tab here   l logs   / search   ? keys   q quit"
    `);
  });

  it("on 40x10", async () => {
    expect(await screen(await picker({ columns: 40, rows: 10 }))).toMatchInlineSnapshot(`
      "
       search ▏                   54 sessions
       ▌ shop   Checkout: retry…   2024-11-17
         infra  Größe der 日本語…  2024-11-16
         infra  ]0;PWNED [31m#(t…  2024-11-15
         gone   Its directory is…  2024-11-14
         shop   Session number 59  2024-10-01
         shop   Session number 58  2024-10-01
         shop   Session number 57  2024-10-01
         shop   Session number 56  2024-10-01
       enter resume   tab here   q quit"
    `);
  });

  it("on 200x50", async () => {
    const pane = await picker({ columns: 200, rows: 50 });
    await pane.press("Down");
    await pane.shows("Voilà");
    expect((await screen(pane)).split("\n").slice(0, 16).join("\n")).toMatchInlineSnapshot(`
      "
       search ▏                                                                                                                                                                                   54 sessions
         11111111  shop   Checkout: retry on 502                                                                   2024-11-17  │ Größe der 日本語 Tabellen
       ▌ 22222222  infra  Größe der 日本語 Tabellen                                                                2024-11-16  │ /tmp/ccr-home-RANDOM/home/projects/infra
         33333333  infra  ]0;PWNED [31m#(touch pwned)\`id\`                                                          2024-11-15  │ 22222222 · main · 2024-11-16
         44444444  gone   Its directory is gone                                                                    2024-11-14  │
         59000000  shop   Session number 59                                                                        2024-10-01  │ you     état
         58000000  shop   Session number 58                                                                        2024-10-01  │ claude  Voilà.
         57000000  shop   Session number 57                                                                        2024-10-01  │
         56000000  shop   Session number 56                                                                        2024-10-01  │
         55000000  shop   Session number 55                                                                        2024-10-01  │
         54000000  shop   Session number 54                                                                        2024-10-01  │
         53000000  shop   Session number 53                                                                        2024-10-01  │
         52000000  shop   Session number 52                                                                        2024-10-01  │
         51000000  shop   Session number 51                                                                        2024-10-01  │
         50000000  shop   Session number 50                                                                        2024-10-01  │"
    `);
  });

  it("on 20x5, and in an ASCII locale without colours", async () => {
    const pane = await picker({ columns: 20, rows: 5, env: { LC_ALL: "C", NO_COLOR: "1" } });
    const text = await pane.tmux("capture-pane", "-p", "-e", "-t", "=t:");
    expect(text).toContain("> Checkout: retr...");
    expect(text).not.toMatch(/[▌▏│…◷●▸·\x1b]/);
  });

  it("anew when the window changes its size", async () => {
    const pane = await picker();
    await pane.tmux("resize-window", "-t", "=t:", "-x", "40", "-y", "8");
    await pane.shows(/^ enter resume {3}tab here {3}q quit$/m);
    await pane.tmux("resize-window", "-t", "=t:", "-x", "100", "-y", "30");
    const text = await pane.shows(/l logs {3}\/ search/);
    expect(text.split("\n")[0]).toMatch(/54 sessions$/);
  });

  it("without letting a title or a message act on the terminal", async () => {
    const pane = await picker();
    const title = await pane.tmux("display-message", "-p", "-t", "=t:", "#{pane_title}");
    await pane.press("Down", "Down");
    const text = await pane.shows("red");
    expect(text).toContain("]0;PWNED");
    expect(text).toContain("hostile");
    expect(await pane.tmux("display-message", "-p", "-t", "=t:", "#{pane_title} #{alternate_on}")).toBe(
      `${title} 1`,
    );
    expect(await pane.tmux("list-buffers")).toBe("");
    expect(existsSync(join(infra, "pwned"))).toBe(false);
  });

  it("and takes no processor time while nobody does anything", async () => {
    const pane = await picker();
    await pane.shows("three calls");
    const pid = await pickerPid(pane);
    const ticks = (): number => {
      const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ");
      return Number(fields[11]) + Number(fields[12]);
    };
    // Once it has started: how long that takes is the machine's matter.
    const used = async (): Promise<number> => {
      const before = ticks();
      // The time in which it may use nothing.
      await sleep(2000);
      return ticks() - before;
    };
    await expect.poll(used, { timeout: 60_000 }).toBeLessThanOrEqual(1);
  });
});

describe("searching in the picker", () => {
  it("narrows with every key, in any order and without accents", async () => {
    const pane = await picker();
    await pane.type("tabellen grosse");
    expect(await pane.shows(/1 of 54$/m)).toMatch(/▌ infra .*Größe/);
    await pane.press("C-w");
    await pane.shows(/search tabellen ▏/);
    await pane.press("Escape");
    await pane.shows(COMPLETE);
  });

  it("takes pasted text as text, line ends and all", async () => {
    const pane = await picker();
    await pane.tmux("set-buffer", "--", "number\n42\u001b[A q");
    await pane.tmux("paste-buffer", "-p", "-t", "=t:");
    await pane.shows(/search number 42 \[A q▏/);
  });

  it("begins with the words of the command line", async () => {
    const pane = await shell();
    await pane.line("ccr pick retry checkout");
    expect(await pane.shows(/1 of 54$/m)).toContain("search retry checkout");
  });

  it("goes from all to here to the marked one's project", async () => {
    const pane = await picker();
    await pane.press("Tab");
    expect(await pane.shows(/here infra · 2 of 54$/m)).toContain("tab project");
    await pane.press("Tab");
    await pane.shows(/in shop · 51 of 54$/m);
    await pane.press("Tab");
    await pane.shows(COMPLETE);
  });
});

/** Flags of the pane that a program may leave behind. */
const FLAGS = "#{alternate_on} #{cursor_flag} #{wrap_flag} #{mouse_any_flag}";

async function expectSane(pane: Pane, settings: string): Promise<void> {
  await pane.line("clear; stty -a | cksum; echo still $((6*7))");
  const text = await pane.shows("still 42");
  expect(text).toContain(settings);
  expect(await pane.tmux("display-message", "-p", "-t", "=t:", FLAGS)).toBe("0 1 1 0");
}

/** What `stty -a` says now, as a sum. */
async function terminalSettings(pane: Pane): Promise<string> {
  await pane.line("stty -a | cksum");
  return /^\d{5,} \d+$/m.exec(await pane.shows(/^\d{5,} \d+$/m))![0];
}

describe("leaving the picker", () => {
  it.each<[string, number, (pane: Pane) => Promise<unknown>]>([
    ["by Esc", 0, (pane) => pane.press("Escape")],
    ["by q", 0, (pane) => pane.type("q")],
    ["by ctrl-c", 130, (pane) => pane.press("C-c")],
    ["by ctrl-c in a search", 130, async (pane) => [await pane.type("retry"), await pane.press("C-c")]],
    ["by SIGINT", 130, async (pane) => process.kill(await pickerPid(pane), "SIGINT")],
    ["by SIGTERM", 143, async (pane) => process.kill(await pickerPid(pane), "SIGTERM")],
    ["by SIGHUP", 129, async (pane) => process.kill(await pickerPid(pane), "SIGHUP")],
  ])("%s ends with status %i, and the terminal as it was", async (_, status, leave) => {
    const pane = await shell();
    const settings = await terminalSettings(pane);
    await pane.line("ccr");
    await pane.shows(COMPLETE);
    await leave(pane);
    await pane.shows("ready>");
    await pane.line("echo status $?");
    await pane.shows(`status ${status}`);
    await expectSane(pane, settings);
  });

  it("on a fault ends with one line, and the terminal as it was", async () => {
    const fault = join(home.around, "fault.cjs");
    writeFileSync(fault, 'process.once("SIGUSR2", () => { throw new Error("a fault"); });');
    const pane = await shell();
    const settings = await terminalSettings(pane);
    await pane.line(`node -r ${fault} ${bundle} pick; echo status $?`);
    await pane.shows(COMPLETE);
    process.kill(await pickerPid(pane), "SIGUSR2");
    const text = await pane.shows("status 1");
    expect(text).toContain("ccr: unexpected error: a fault");
    expect(text).not.toContain("at process");
    await expectSane(pane, settings);
  });

  it("for a while by ctrl-z, and comes back as it was", async () => {
    const pane = await shell();
    const settings = await terminalSettings(pane);
    await pane.line("ccr");
    await pane.shows(COMPLETE);
    await pane.type("retry");
    await pane.shows(/1 of 54$/m);
    for (let round = 0; round < 2; round++) {
      await pane.press("C-z");
      await pane.shows("Stopped");
      await expectSane(pane, settings);
      await pane.line("fg");
      await pane.shows(/search retry▏ .*1 of 54$/m);
    }
    await pane.press("BSpace");
    await pane.shows(/search retr▏/);
    await pane.press("C-c");
    await expectSane(pane, settings);
  });

  it("is refused by ctrl-z where there is no shell to come back from", async () => {
    const pane = await picker({}, `exec node ${bundle} pick`);
    await pane.press("C-z");
    // Shows that it does not stop, which would leave no trace on the screen.
    await sleep(300);
    await pane.type("retry");
    await pane.shows(/search retry▏/);
  });

  it("for a while by SIGSTOP, and takes the terminal again", async () => {
    const pane = await picker();
    const pid = await pickerPid(pane);
    process.kill(pid, "SIGSTOP");
    await waitFor(() => / T /.test(readFileSync(`/proc/${pid}/stat`, "utf8")), "the picker has stopped");
    process.kill(pid, "SIGCONT");
    await pane.type("retry");
    await pane.shows(/1 of 54$/m);
  });
});

describe("choosing in the picker", () => {
  it("resumes in the session's own directory, on a sane terminal, and leaves no Node behind", async () => {
    const pane = await picker();
    await pane.type("checkout");
    await pane.shows(/1 of 54$/m);
    await pane.press("Enter");
    const text = await pane.shows(/\w echo/);
    expect(text.replaceAll("\n", "")).toContain(`claude --resume ${id(1)} in ${shop}`);
    expect(text).toMatch(/^icanon echo$/m);
    expect(text).not.toContain("search");
    const below = await descendants(pane.pid);
    const commands = (await processes())
      .filter(({ pid }) => below.includes(pid))
      .map(({ command }) => command);
    expect(commands.filter((command) => /\bnode\b/.test(command))).toEqual([]);
    expect(await pane.tmux("display-message", "-p", "-t", "=t:", FLAGS)).toBe("0 1 1 0");
  });

  it("says why a session cannot be resumed, and stays open", async () => {
    const pane = await picker();
    await pane.type("directory gone");
    await pane.shows(/1 of 54$/m);
    await pane.press("Enter");
    expect(await pane.shows("resume in another directory: ccr 4444")).toContain(
      "the session's directory is missing",
    );
    await pane.press("C-u");
    expect(await pane.shows(COMPLETE)).not.toContain("resume in another directory");
  });

  it("refuses a session that is running", async () => {
    const pane = await picker();
    const registry = join(home.path, ".claude/sessions");
    mkdirSync(registry, { recursive: true });
    const entry = { pid: process.pid, sessionId: id(1), cwd: shop, kind: "interactive", status: "busy" };
    writeFileSync(join(registry, `${process.pid}.json`), JSON.stringify(entry));
    await pane.type("checkout");
    await pane.shows(/1 of 54$/m);
    await pane.press("Enter");
    expect(await pane.shows("already running")).toContain("--fork");
    await pane.press("C-c");
    await pane.line("ccr");
    expect(await pane.shows(/1 live · 54 sessions$/m)).toMatch(/ Working.*Checkout.* Recent/s);
  });

  it("prints the id and nothing else with --print-id, drawing on the terminal", async () => {
    const pane = await shell();
    await pane.line('clear; found=$(echo | ccr pick --print-id 2>/dev/null); echo "[$found] $?"');
    await pane.shows(COMPLETE);
    await pane.press("Down", "Enter");
    await pane.shows(`[${id(2)}] 0`);
    await pane.line('clear; found=$(ccr pick --print-id); echo "[$found] $?"');
    await pane.shows(COMPLETE);
    await pane.press("Escape");
    await pane.shows("[] 1");
  });

  it("copies the id through the terminal", async () => {
    const pane = await shell();
    await pane.tmux("set-option", "-s", "set-clipboard", "on");
    await pane.line("ccr");
    await pane.shows(COMPLETE);
    await pane.press("C-y");
    await pane.shows(`copied ${id(1)}`);
    expect(await pane.tmux("show-buffer")).toBe(id(1));
  });
});

describe("ccr pick without a screen", () => {
  it("is a plain list with a hint where the terminal is dumb", async () => {
    const pane = await shell();
    await pane.line("clear; TERM=dumb ccr pick checkout; echo status $?");
    const text = await pane.shows("status 0");
    expect(text).toMatch(/11111111 +shop +Checkout: retry on 502/);
    expect(text).toContain("resume  ccr 1111");
    expect(await pane.tmux("display-message", "-p", "-t", "=t:", FLAGS)).toBe("0 1 1 0");
  });

  it("is a plain list where there is no terminal at all", async () => {
    const listed = await execa("setsid", ["-w", "node", bundle, "pick"], {
      env: home.env,
      extendEnv: false,
      stdin: "ignore",
      reject: false,
    });
    expect(listed.stdout.split("\n")).toHaveLength(20);
    expect(listed.stdout + listed.stderr).not.toContain("\u001b");
    expect(listed.stderr).toContain("resume  ccr 1111");
    const none = await execa("setsid", ["-w", "node", bundle, "pick", "--print-id"], {
      env: home.env,
      extendEnv: false,
      stdin: "ignore",
      reject: false,
    });
    expect([none.exitCode, none.stdout]).toEqual([1, ""]);
    expect(none.stderr).toContain("--print-id needs a terminal");
  });

  it("is help where ccr stands alone", async () => {
    const help = await ccr(home, []);
    expect(help.out).toContain("usage");
    expect(help.status).toBe(0);
  });
});
