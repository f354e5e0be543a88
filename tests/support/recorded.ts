// A pane with a recorder, and screens as cells: what a terminal emulator makes of the bytes.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import xterm from "@xterm/headless";
import { execa } from "execa";
import { vi } from "vitest";
import { recorderCommand } from "../../helpers/recording/recorder-command.ts";
import type { Home } from "./home.ts";
import { lacks } from "./tools.ts";

/** What there is to record with; the run says when there is no perl. */
export const recorders = lacks("perl") ? (["node"] as const) : (["perl", "node"] as const);

export interface Pane {
  tmux(...words: string[]): Promise<string>;
  /** Pids of the server, and of the pane's program. */
  server: number;
  pid: number;
  /** The recording's files, in order. */
  files(): string[];
  /** What was printed, as the files have it: a line that is no JSON fails, unless it is the last one. */
  events(): [seconds: number, kind: string, data: string][];
  /** The recorder, as the newest file names it. */
  recorder(): number;
  /** The screen as tmux has it. */
  cells(window?: string): Promise<string[]>;
}

/** Runs a program in a pane of an own tmux server in the home, recorded from its first byte. */
export async function recordedPane(
  home: Home,
  options: {
    id: string;
    command: string[];
    env?: Record<string, string>;
    cwd?: string;
    columns?: number;
    rows?: number;
    /** of the helper: without perl on it the recorder is Node's */
    path?: string;
  },
): Promise<Pane> {
  const { id, command, columns = 100, rows = 30, cwd = home.path } = options;
  // A shell that writes its history while the home is removed makes that slow.
  const env = { ...home.env, HISTFILE: "/dev/null", ...options.env };
  const tmux = async (...words: string[]): Promise<string> => {
    const { stdout } = await execa("tmux", ["-u", "-f", "/dev/null", ...words], {
      cwd,
      env,
      extendEnv: false,
      stdin: "ignore",
      timeout: 20_000,
    });
    return stdout;
  };
  const words = await withHome(
    home,
    () => recorderCommand(id, "=r:claude"),
    options.path === undefined ? {} : { PATH: options.path },
  );
  if (words.length === 0) throw new Error("nothing is going to be recorded");
  const made = await tmux(
    ...["new-session", "-d", "-P", "-F", "#{pid} #{pane_pid}", "-s", "r", "-n", "claude"],
    ...["-x", String(columns), "-y", String(rows), "--", "env", "-u", "TMUX", "-u", "TMUX_PANE", ...command],
    ...[
      ";",
      ...words,
      ";",
      "set-option",
      "-g",
      "status",
      "off",
      ";",
      "resize-window",
      "-x",
      String(columns),
      "-y",
      String(rows),
    ],
  );
  const [server = 0, pid = 0] = made.split(" ").map(Number);
  const folder = join(home.path, ".local/state/ccr/recordings", id);
  const files = (): string[] =>
    readdirSync(folder)
      .sort((a, b) => numberOf(a) - numberOf(b))
      .map((name) => join(folder, name))
      .filter(hasLine);
  return {
    tmux,
    server,
    pid,
    files,
    events: () => files().flatMap((file) => eventsOf(file)),
    recorder: () => JSON.parse(readFileSync(files().at(-1)!, "utf8").split("\n", 1)[0]!).ccr.pid,
    async cells(window = "claude") {
      const text = await tmux("capture-pane", "-e", "-p", "-N", "-t", `=r:${window}`);
      const size = await tmux("display-message", "-p", "-t", `=r:${window}`, "#{pane_width} #{pane_height}");
      const [width = 0, height = 0] = size.split(" ").map(Number);
      const lines = text.split("\n").map((line, y) => `\x1b[${y + 1};1H${line}`);
      return cellsOf(width, height, [lines.join("")]);
    },
  };
}

/** Runs the helper's own functions in the home; `more` may hide programs. */
export async function withHome<T>(
  home: Home,
  work: () => T | Promise<T>,
  more: Record<string, string | undefined> = {},
): Promise<T> {
  const none = ["XDG_STATE_HOME", "XDG_CONFIG_HOME", "CLAUDE_CONFIG_DIR", "TMUX"];
  const env = { ...Object.fromEntries(none.map((name) => [name, undefined])), ...home.env, ...more };
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  try {
    return await work();
  } finally {
    vi.unstubAllEnvs();
  }
}

/** A file that was made just now may have none yet; an old one may go while we look. */
function hasLine(file: string): boolean {
  try {
    return readFileSync(file).includes("\n");
  } catch {
    return false;
  }
}

const numberOf = (name: string): number => Number(/\.(\d+)\.cast$/.exec(name)?.[1]);

function eventsOf(file: string): [number, string, string][] {
  const lines = readFileSync(file, "utf8").split("\n");
  const last = lines.pop();
  const events = lines.slice(1).map((line) => JSON.parse(line));
  if (last) events.push(...parsed(last));
  return events;
}

function parsed(line: string): [number, string, string][] {
  try {
    return [JSON.parse(line)];
  } catch {
    return [];
  }
}

/** The screen after the first events of a part of a recording, at the size that it has by then. */
export async function playedCells(file: string, most = Number.POSITIVE_INFINITY): Promise<string[]> {
  const { width, height } = JSON.parse(readFileSync(file, "utf8").split("\n", 1)[0]!);
  return cellsOf(
    width,
    height,
    eventsOf(file)
      .slice(0, most)
      .map(([, kind, data]) => (kind === "r" ? (data.split("x").map(Number) as [number, number]) : data)),
  );
}

/** Each row of a screen with the looks of each cell; `input` is text, or a new size. */
async function cellsOf(
  columns: number,
  rows: number,
  input: readonly (string | [columns: number, rows: number])[],
): Promise<string[]> {
  const terminal = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true, scrollback: 0 });
  // It underlines links; tmux shows none.
  terminal.parser.registerOscHandler(8, () => true);
  for (const piece of input) {
    if (typeof piece === "string") await new Promise<void>((done) => terminal.write(piece, done));
    else terminal.resize(...piece);
  }
  const buffer = terminal.buffer.active;
  const screen = Array.from({ length: terminal.rows }, (_, y) => {
    const line = buffer.getLine(buffer.baseY + y)!;
    let before = "";
    return Array.from({ length: terminal.cols }, (_, x) => {
      const cell = line.getCell(x)!;
      const looks = [
        cell.isFgDefault() ? "" : `f${cell.getFgColorMode()}:${cell.getFgColor()}`,
        cell.isBgDefault() ? "" : `b${cell.getBgColorMode()}:${cell.getBgColor()}`,
        cell.isBold() ? "B" : "",
        cell.isDim() ? "D" : "",
        cell.isItalic() ? "I" : "",
        cell.isUnderline() ? "U" : "",
        cell.isInverse() ? "R" : "",
      ].join("");
      const changed = looks !== before;
      before = looks;
      return `${changed ? `<${looks}>` : ""}${cell.getWidth() === 0 ? "" : cell.getChars() || " "}`;
    }).join("");
  });
  terminal.dispose();
  return screen;
}
