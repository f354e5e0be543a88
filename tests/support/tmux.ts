// A person at a terminal: a real tmux on an own socket.

import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import type { Home } from "./home.ts";

export interface Terminal {
  /** Types the words as they are; `press` sends keys by tmux's names: Enter, C-c, Escape, Down. */
  type(words: string): Promise<void>;
  press(...keys: string[]): Promise<void>;
  /** The visible text, right-trimmed. */
  screen(): Promise<string>;
  /** All its cells, with the escape sequences of their looks. */
  drawn(): Promise<string>;
  /** Waits until the screen shows it; gives the screen. Fails with the last screen in the message. */
  shows(what: string | RegExp, seconds?: number): Promise<string>;
  /** Pid of the program the terminal was started with. */
  pid: number;
  end(): Promise<void>;
}

export interface TerminalOptions {
  cwd?: string;
  /** The program, as argv; default: an interactive bash. */
  command?: string[];
  env?: Record<string, string>;
  columns?: number;
  rows?: number;
}

let serial = 0;

export async function openTerminal(home: Home, options: TerminalOptions = {}): Promise<Terminal> {
  const { cwd = home.path, command = ["bash", "-i"], columns = 120, rows = 40 } = options;
  const env = { ...home.env, ...options.env };
  const socket = join(home.env.TMUX_TMPDIR!, `terminal-${process.pid}-${++serial}`);
  const tmux = async (...words: string[]) => {
    const result = await execa("tmux", ["-u", "-S", socket, "-f", "/dev/null", ...words], {
      cwd,
      env,
      extendEnv: false,
      stdin: "ignore",
      timeout: 60_000,
    });
    return result.stdout;
  };

  const made = await tmux(
    ...[
      "new-session",
      "-d",
      "-P",
      "-F",
      "#{pid} #{pane_pid}",
      "-s",
      "t",
      "-x",
      String(columns),
      "-y",
      String(rows),
    ],
    // The program must not take our tmux for its own.
    ...["env", "-u", "TMUX", "-u", "TMUX_PANE", ...command],
    ...[";", "set-option", "-g", "status", "off"],
    ...[";", "set-option", "-g", "history-limit", "5000"],
  );
  const [server, pid] = made.split(" ").map(Number) as [number, number];

  const terminal: Terminal = {
    pid,
    async type(words) {
      await tmux(
        "send-keys",
        "-t",
        "=t:",
        "-l",
        "--",
        words.endsWith(";") ? `${words.slice(0, -1)}\\;` : words,
      );
    },
    async press(...keys) {
      await tmux("send-keys", "-t", "=t:", ...keys);
    },
    screen: () => tmux("capture-pane", "-p", "-t", "=t:"),
    drawn: () => tmux("capture-pane", "-e", "-p", "-N", "-t", "=t:"),
    async shows(what, seconds = 60) {
      const end = Date.now() + seconds * 1000;
      let screen = "";
      for (;;) {
        screen = await terminal.screen().catch((error) => `(no screen: ${error.shortMessage})\n${screen}`);
        if (typeof what === "string" ? screen.includes(what) : what.test(screen)) return screen;
        if (Date.now() > end)
          throw new Error(`the screen does not show ${what} after ${seconds} s:\n${screen.trimEnd()}`);
        await sleep(50);
      }
    },
    async end() {
      const tree = await descendants(pid);
      signal([server], "SIGTERM");
      await gone([server, ...tree], 4000);
      signal(await gone([server, ...tree], 0), "SIGKILL");
    },
  };
  return terminal;
}

export interface Process {
  pid: number;
  parent: number;
  command: string;
}

export async function processes(): Promise<Process[]> {
  const { stdout } = await execa("ps", ["-A", "-o", "pid=,ppid=,args="], { timeout: 60_000 });
  return stdout.split("\n").map((line) => {
    const [, pid, parent, command] = line.match(/^\s*(\d+)\s+(\d+)\s+(.*)$/) ?? [];
    return { pid: Number(pid), parent: Number(parent), command: command ?? "" };
  });
}

/** `pid` and all below it, parents first. */
export async function descendants(pid: number): Promise<number[]> {
  const all = await processes();
  const tree = [pid];
  for (const parent of tree)
    tree.push(...all.filter((process) => process.parent === parent).map((child) => child.pid));
  return tree;
}

function signal(pids: number[], name: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, name);
    } catch {}
  }
}

/** Waits until none of them lives; gives those that still do. */
async function gone(pids: number[], milliseconds: number): Promise<number[]> {
  const end = Date.now() + milliseconds;
  for (;;) {
    const alive = (await processes()).filter(
      ({ pid, command }) => pids.includes(pid) && !command.includes("<defunct>"),
    );
    if (alive.length === 0 || Date.now() >= end) return alive.map(({ pid }) => pid);
    await sleep(100);
  }
}
