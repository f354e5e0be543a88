// The one door to tmux: exact targets, and nothing that it could expand or take for a command.
// Source: facts/tmux.md §0-§2.

import { execFile } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { config } from "../system/config.ts";
import { Problem } from "../system/problem.ts";

/** Whether there is a tmux program. */
export function hasTmux(): boolean {
  for (const directory of (process.env.PATH ?? "").split(delimiter)) {
    try {
      accessSync(join(directory || ".", "tmux"), constants.X_OK);
      return true;
    } catch {
      // not here
    }
  }
  return false;
}

/** An argument that tmux expands (`-s`, `-n`, `-c`, formats): `#` doubled, so that nothing in it is run. */
export const literal = (text: string): string => text.replaceAll("#", "##");

/** Words that separate commands of one call. */
export const AND = "\u0000;";

/** A trailing `;` would end the command. */
const word = (text: string): string => text.replace(/;$/, "\\;");

export type Answer = { ok: boolean; out: string; err: string };

/** Runs tmux on the person's server, or on ccr's own where `tmux.socket` is set. */
export function tmux(
  words: readonly string[],
  options: { env?: NodeJS.ProcessEnv; directory?: string; input?: string } = {},
): Promise<Answer> {
  const socket = config()["tmux.socket"];
  const args = [
    "-u",
    ...(socket === "" ? [] : ["-L", socket]),
    ...words.map((one) => (one === AND ? ";" : word(one))),
  ];
  return new Promise((resolve) => {
    const child = execFile(
      "tmux",
      args,
      {
        timeout: 10_000,
        maxBuffer: 16 * 1024 * 1024,
        env: { ...(options.env ?? process.env) },
        ...(options.directory === undefined ? {} : { cwd: options.directory }),
      },
      (error, out, err) => resolve({ ok: error === null, out, err: err.trim() }),
    );
    child.stdin?.on("error", () => {});
    child.stdin?.end(options.input ?? "");
  });
}

const LONGEST_NAME = 48;

/** The session's name for a project: `claude-<folder>` in characters that tmux neither changes nor expands. */
export function nameFor(project: string): string {
  const base = project.split("/").filter(Boolean).at(-1) ?? "root";
  const safe = base.replace(/[^A-Za-z0-9_-]+/g, "-").replace(/^-+|-+$/g, "");
  return `claude-${safe.slice(0, LONGEST_NAME) || "project"}`;
}

/** Target of a session or of one of its windows: `=name:` is exact everywhere, a bare name is not. */
export const target = (name: string, window = ""): string => `=${name}:${window}`;

/** Names of environment variables that a pane gets from us; secrets go by inheritance only, never through argv. */
const PASSED =
  /^(?:HOME|PATH|LANG|LC_[A-Z]+|TZ|COLORTERM|CLAUDE_CONFIG_DIR|NODE_EXTRA_CA_CERTS|NODE_OPTIONS|[A-Za-z]+_PROXY|(?:ANTHROPIC|CLAUDE_CODE|DISABLE|BASH|XDG)_\w+)$/i;
const SECRET = /TOKEN|KEY|SECRET|PASS|AUTH|CREDENTIAL|HEADER/i;

export type Started = { name: string; pane: string; pid: number };

/**
 * Makes a detached session with the windows claude, shell and logs, as `cct` shows it. `command` runs without a
 * shell in the first one. A name that is taken gets a suffix. Throws a Problem when tmux says no.
 */
export async function createSession(options: {
  project: string;
  /** the Claude session's id */
  id: string;
  command: readonly string[];
  /** what the logs window runs; default: an interactive shell */
  logs?: readonly string[];
  env: NodeJS.ProcessEnv;
}): Promise<Started> {
  const { project, id, command, logs = [], env } = options;
  const wanted = nameFor(project);
  const passed = Object.entries(env).flatMap(([name, value]) =>
    value !== undefined && PASSED.test(name) && !SECRET.test(name) ? ["-e", `${name}=${value}`] : [],
  );
  const at = ["-c", literal(project)];
  for (const name of [
    wanted,
    `${wanted}-${id.slice(0, 4)}`,
    `${wanted}-${id.slice(0, 8)}`,
    `${wanted}-${id}`,
  ]) {
    const words: string[] = [
      ...["new-session", "-d", "-P", "-F", "#{pane_id} #{pane_pid}", "-s", name, "-n", "claude"],
      ...["-x", "200", "-y", "50", ...at, ...passed, "--", ...command],
      ...[AND, "set-option", "-t", target(name), "@ccr_session", id],
      ...[AND, "set-option", "-t", target(name), "history-limit", "50000"],
      ...[AND, "set-option", "-w", "-t", target(name, "claude"), "automatic-rename", "off"],
      ...[AND, "set-option", "-w", "-t", target(name, "claude"), "remain-on-exit", "failed"],
      ...[AND, "new-window", "-d", "-t", target(name), "-n", "shell", ...at, ...passed],
      ...[
        AND,
        "new-window",
        "-d",
        "-t",
        target(name),
        "-n",
        "logs",
        ...at,
        ...passed,
        ...(logs.length ? ["--", ...logs] : []),
      ],
    ];
    let answer = await tmux(words, { env, directory: project });
    // Right after a server has ended a new one can fail to come up.
    if (!answer.ok && /server exited|lost server/.test(answer.err))
      answer = await tmux(words, { env, directory: project });
    const [, pane, pid] = /^(%\d+) (\d+)$/m.exec(answer.out) ?? [];
    if (pane && pid) return { name, pane, pid: Number(pid) };
    if (!/duplicate session/.test(answer.err)) {
      throw new Problem("tmux", `tmux could not start a session: ${answer.err || "no reason given"}.`, {
        hint: "without tmux: ccra --headless",
      });
    }
  }
  throw new Problem("tmux", `all tmux names for this session are taken: ${wanted}.`, { hint: "tmux ls" });
}

/** The visible text of a pane; null when it is gone. */
export async function screenOf(pane: string): Promise<string | null> {
  const answer = await tmux(["capture-pane", "-p", "-t", pane]);
  return answer.ok ? answer.out.trimEnd() : null;
}

/** Whether a pane is there and its program ended. */
export async function isDead(pane: string): Promise<boolean> {
  const answer = await tmux(["display-message", "-p", "-t", pane, "#{pane_dead}"]);
  return !answer.ok || answer.out.trim() !== "0";
}

/** Ends a session that we made. */
export async function endSession(name: string): Promise<void> {
  await tmux(["kill-session", "-t", `=${name}`]);
}
