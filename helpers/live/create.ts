// Creates a live session: windows, recorder, journal and marks, in one call of tmux.

import { createHash } from "node:crypto";
import { watchCommand } from "../recording/recorder-command.ts";
import { config } from "../system/config.ts";
import { Problem } from "../system/problem.ts";
import { deleteEntry, type Entry, entryOf, updateEntry, type Window, writeEntry } from "./journal.ts";
import { isPending, startOnEnter } from "./start-on-enter.ts";
import { type Answer, literal, SEPARATOR, target, tmux } from "./tmux.ts";

const LONGEST_NAME = 48;

/** A tmux name: `claude-` and letters and digits of any script. tmux neither changes nor expands any of them. */
export function safeName(wanted: string): string {
  const safe = wanted
    .normalize()
    .replace(/^claude-|\p{DI}+/gu, "")
    .replace(/[^\p{L}\p{N}\p{M}_-]+/gu, "-")
    .replace(/^[-\p{M}]+/u, "");
  return `claude-${[...safe].slice(0, LONGEST_NAME).join("").replace(/-+$/, "") || "project"}`;
}

/** The session's name for a project: its folder's. */
const nameFor = (project: string): string => safeName(project.split("/").filter(Boolean).at(-1) ?? "root");

/** Names of the environment variables that a pane gets from us. Secrets are only inherited, never passed in arguments. */
const PASSED =
  /^(?:HOME|PATH|LANG|LC_[A-Z]+|TZ|COLORTERM|CLAUDE_CONFIG_DIR|NODE_EXTRA_CA_CERTS|NODE_OPTIONS|[A-Za-z]+_PROXY|(?:ANTHROPIC|CLAUDE_CODE|DISABLE|BASH|XDG)_\w+)$/i;
const SECRET = /TOKEN|KEY|SECRET|PASS|AUTH|CREDENTIAL|HEADER/i;

/** Every process of a session has it in its environment, with the id of the launch: ccr stop finds strays by it. */
export const MARK = "CCR_MARK";

export type Started = { name: string; pane: string; pid: number };

export type CreateOptions = {
  project: string;
  /** the Claude session's id */
  id: string;
  /** Claude's command, run without a shell */
  command: readonly string[];
  env: NodeJS.ProcessEnv;
  /** tmux name to try first; default: made from the project's folder */
  name?: string | undefined;
  /** if another process creates a session of this project at the same time, that one is returned */
  onePerProject?: boolean;
  /** shown in Claude's window, which then starts on Enter, as does the logs window */
  waitText?: string;
  /** windows other than Claude's; default: shell and logs */
  windows?: readonly Window[];
  size?: readonly [columns: number, rows: number];
  /** further fields for the journal */
  launch?: Partial<Entry>;
};

/** Shows what the session does: our own logs command, then a shell, so that the window stays. */
const logsWindow = (id: string): string[] => [
  "/bin/sh",
  "-c",
  `NODE_OPTIONS= NODE_EXTRA_CA_CERTS= "$0" "$1" logs -f "$2"; exec "\${SHELL:-/bin/sh}"`,
  process.execPath,
  process.argv[1] ?? "",
  id,
];

const runWithRetry = async (words: string[], env: NodeJS.ProcessEnv, directory: string): Promise<Answer> => {
  const answer = await tmux(words, { env, directory });
  // Right after a server has ended, a new one can fail to start.
  return !answer.ok && /server exited|lost server/.test(answer.err)
    ? tmux(words, { env, directory })
    : answer;
};

type Existing = Started & { runs: boolean };

/**
 * The tmux session that was created for a Claude session, or that is `also` (name and project). Its pane is empty if
 * Claude's window was closed.
 */
async function findExisting(id: string, also = ""): Promise<Existing | null> {
  const fields = "@ccr_session @ccr_claude pane_dead pane_id pane_pid session_name @ccr_project".split(" ");
  const { out } = await tmux(["list-panes", "-a", "-F", fields.map((name) => `#{${name}}`).join("\t")]);
  let found: Existing | null = null;
  for (const line of out.split("\n")) {
    const [session, claude, dead, pane = "", number, name = "", project] = line.split("\t");
    if (session !== id && `${name} ${project}` !== also) continue;
    const pid = Number(number);
    if (claude === "1") return { name, pane, pid, runs: dead === "0" && !isPending(pid) };
    found = { name, pane: "", pid: 0, runs: false };
  }
  return found;
}

/** Marks Claude's own window, and keeps it open when Claude fails. */
const ofClaude = (pane: string): string[] => [
  ...[SEPARATOR, "set-option", "-p", "-t", pane, "@ccr_claude", "1"],
  ...[SEPARATOR, "set-option", "-w", "-t", pane, "automatic-rename", "off"],
  ...[SEPARATOR, "set-option", "-w", "-t", pane, "remain-on-exit", "failed"],
];

/** Starts Claude again in a session that still exists; its other windows are left alone. */
async function restartClaude(
  { name, pane }: Existing,
  { project, id, command, env, launch }: CreateOptions,
): Promise<Started> {
  const main = pane || target(name, "claude");
  writeEntry({
    windows: [],
    ...entryOf(id),
    ...launch,
    stoppedAt: null,
    name,
    id,
    project,
    socket: config()["tmux.socket"],
  });
  const watch = watchCommand(id, main);
  const { ok, err } = await tmux(
    [
      ...(pane
        ? ["respawn-pane", "-k", "-t", pane]
        : ["new-window", "-b", "-t", target(name, "^"), "-n", "claude"]),
      ...["-c", literal(project), "--", ...command],
      SEPARATOR,
      ...watch,
      ...ofClaude(main),
    ],
    { env, directory: project },
  );
  const now = await findExisting(id);
  if (ok && now?.pane) return now;
  throw new Problem("tmux", `tmux could not start Claude again in ${name}: ${err}`, {
    hint: `end it first: cct-kill ${name}`,
  });
}

/**
 * Creates a detached session: Claude's window and the others, recorded, and in the journal before it exists. A name that
 * is taken gets a suffix. A session that already runs is returned; one that has ended is restarted. Throws a Problem when
 * tmux refuses.
 */
export async function createSession(options: CreateOptions): Promise<Started> {
  const { project, id } = options;
  const existing = await findExisting(id);
  if (existing) return existing.runs ? existing : restartClaude(existing, options);
  // The caller may be a program in another session's shell: the new session is no part of that one.
  const { [MARK]: _, ...env } = options.env;
  const before = entryOf(id);
  let wanted = options.name ?? nameFor(project);
  let problem = new Problem("tmux", `all tmux names for this session are taken: ${wanted}`, {
    hint: "list them: tmux ls",
  });
  // Whoever wants the same session must also try the same names.
  const suffix = options.onePerProject ? createHash("sha256").update(project).digest("hex") : id;
  for (const length of [0, 4, 8, 36]) {
    const name = length === 0 ? wanted : `${wanted}-${suffix.slice(0, length)}`;
    keepInJournal(name, options);
    const answer = await runWithRetry(sessionCommand(name, env, options), env, project);
    const [, pane, pid, given] = /^(%\d+) (\d+) (.+)$/m.exec(answer.out) ?? [];
    if (given === name) return { name, pane: pane!, pid: Number(pid) };
    if (pane) {
      // tmux has changed the name, because its C library does not know all of its letters. Nothing else was done yet.
      await tmux(["kill-session", "-t", pane]);
      wanted = safeName(wanted.replace(/[^ -~]/g, "-"));
    } else if (/duplicate session/.test(answer.err)) {
      const other = await createdMeanwhile(name, options);
      if (other) return other;
    } else {
      problem = new Problem("tmux", `tmux could not start a session: ${answer.err || "no reason given"}`, {
        hint: "resume without tmux: ccra --headless",
      });
      break;
    }
  }
  if (before) updateEntry(id, before);
  else deleteEntry(id);
  throw problem;
}

function keepInJournal(name: string, { launch = {}, id, project, windows = [] }: CreateOptions): void {
  writeEntry({ ...launch, name, id, project, socket: config()["tmux.socket"], windows });
}

/** Another process may have created the same session at the same time: it must not run twice. */
async function createdMeanwhile(
  name: string,
  { id, project, onePerProject }: CreateOptions,
): Promise<Started | null> {
  const other = await findExisting(id, onePerProject ? `${name} ${encodeURIComponent(project)}` : "");
  if (!other?.runs) return null;
  if (onePerProject) deleteEntry(id);
  return other;
}

/** The command that creates the session with all its windows. It prints the pane, its process and the session's name. */
function sessionCommand(name: string, env: NodeJS.ProcessEnv, options: CreateOptions): string[] {
  const { project, id, command, waitText, size = [200, 50] } = options;
  const session = target(name);
  const main = target(name, "claude");
  const set = (...words: string[]): string[] => [SEPARATOR, "set-option", "-t", session, ...words];
  return [
    ...["new-session", "-d", "-P", "-F", "#{pane_id} #{pane_pid} #{session_name}"],
    ...["-s", name, "-n", "claude"],
    ...["-x", String(size[0]), "-y", String(size[1]), "-c", literal(project)],
    ...environmentFlags(env, options),
    ...(waitText === undefined
      ? ["--", ...command]
      : ["-e", `CCR_TEXT=${waitText}`, "--", ...startOnEnter(command, id)]),
    SEPARATOR,
    ...watchCommand(id, main),
    ...set("@ccr_session", id),
    ...set("@ccr_project", encodeURIComponent(project)),
    ...set("history-limit", "50000"),
    // Some people turn this on for all sessions; this one has to live on.
    ...set("destroy-unattached", "off"),
    ...set("set-titles", "on"),
    ...set("status-left-length", "60"),
    ...ofClaude(main),
    // Later windows would inherit it.
    ...(waitText === undefined ? [] : [SEPARATOR, "set-environment", "-t", session, "-u", "CCR_TEXT"]),
    ...otherWindows(session, options),
  ];
}

/** The variables that a session gets through tmux's command line. */
function environmentFlags(env: NodeJS.ProcessEnv, { id, launch }: CreateOptions): string[] {
  const named = new Set(launch?.environment);
  const passed = Object.entries(env).flatMap(([name, value]) =>
    value !== undefined && (named.has(name) || (PASSED.test(name) && !SECRET.test(name)))
      ? ["-e", `${name}=${value}`]
      : [],
  );
  return [...passed, "-e", `${MARK}=${id}`];
}

/** Commands for the windows other than Claude's. */
function otherWindows(session: string, { project, id, waitText, windows }: CreateOptions): string[] {
  const usual = ["shell", "logs"].map((name): Window => ({ name, directory: project, command: [] }));
  const logs = waitText === undefined ? logsWindow(id) : startOnEnter(logsWindow(id));
  return (windows ?? usual).flatMap(({ name, directory, command }) => {
    const own = command.length > 0 || name !== "logs" ? command : logs;
    return [
      ...[SEPARATOR, "new-window", "-d", "-t", session, "-n", literal(name)],
      ...["-c", literal(directory || project)],
      ...(own.length > 0 ? ["--", ...own] : []),
    ];
  });
}
