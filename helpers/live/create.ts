// Makes a live session: windows, recorder, journal and marks, in one call of tmux.

import { createHash } from "node:crypto";
import { watchCommand } from "../recording/recorder-command.ts";
import { config } from "../system/config.ts";
import { Problem } from "../system/problem.ts";
import { deleteEntry, type Entry, entryOf, updateEntry, type Window, writeEntry } from "./journal.ts";
import { isPending, startOnEnter } from "./start-on-enter.ts";
import { type Answer, literal, SEPARATOR, target, tmux } from "./tmux.ts";

const LONGEST_NAME = 48;

/** A tmux name: `claude-` and letters and digits of any script, none of which tmux changes or expands, or hides. */
export function safeName(wanted: string): string {
  const safe = wanted
    .normalize()
    .replace(/^claude-|\p{DI}+/gu, "")
    .replace(/[^\p{L}\p{N}\p{M}_-]+/gu, "-")
    .replace(/^[-\p{M}]+/u, "");
  return `claude-${[...safe].slice(0, LONGEST_NAME).join("").replace(/-+$/, "") || "project"}`;
}

/** The session's name for a project: its folder's. */
export const nameFor = (project: string): string =>
  safeName(project.split("/").filter(Boolean).at(-1) ?? "root");
/** Names of environment variables that a pane gets from us; secrets go by inheritance only, never through argv. */
const PASSED =
  /^(?:HOME|PATH|LANG|LC_[A-Z]+|TZ|COLORTERM|CLAUDE_CONFIG_DIR|NODE_EXTRA_CA_CERTS|NODE_OPTIONS|[A-Za-z]+_PROXY|(?:ANTHROPIC|CLAUDE_CODE|DISABLE|BASH|XDG)_\w+)$/i;
const SECRET = /TOKEN|KEY|SECRET|PASS|AUTH|CREDENTIAL|HEADER/i;

/** Every process of a session has it, with the id that the session was launched with: stop finds strays by it. */
export const MARK = "CCR_MARK";

export type Started = { name: string; pane: string; pid: number };

export type CreateOptions = {
  project: string;
  /** the Claude session's id */
  id: string;
  /** Claude's words, run without a shell */
  command: readonly string[];
  env: NodeJS.ProcessEnv;
  /** tmux name to try first; default: the project's */
  name?: string | undefined;
  /** any session that the project has got meanwhile will do */
  onePerProject?: boolean;
  /** shown in Claude's window, which starts on Enter; the logs window waits too */
  waitText?: string;
  /** windows beside Claude's; default: shell and logs */
  windows?: readonly Window[];
  size?: readonly [columns: number, rows: number];
  /** what the journal is to know beside what is here */
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

const server = async (words: string[], env: NodeJS.ProcessEnv, directory: string): Promise<Answer> => {
  const answer = await tmux(words, { env, directory });
  // Right after a server has ended a new one can fail to come up.
  return !answer.ok && /server exited|lost server/.test(answer.err)
    ? tmux(words, { env, directory })
    : answer;
};

type Standing = Started & { runs: boolean };

/** The tmux session that was made for a Claude session, or is `also`; its pane is empty where Claude's window is gone. */
async function standing(id: string, also = ""): Promise<Standing | null> {
  const fields = "@ccr_session @ccr_claude pane_dead pane_id pane_pid session_name @ccr_project".split(" ");
  const { out } = await tmux(["list-panes", "-a", "-F", fields.map((name) => `#{${name}}`).join("\t")]);
  let found: Standing | null = null;
  for (const line of out.split("\n")) {
    const [session, claude, dead, pane = "", number, name = "", project] = line.split("\t");
    if (session !== id && `${name} ${project}` !== also) continue;
    const pid = Number(number);
    if (claude === "1") return { name, pane, pid, runs: dead === "0" && !isPending(pid) };
    found = { name, pane: "", pid: 0, runs: false };
  }
  return found;
}

/** What marks Claude's own window, and keeps it when it fails. */
const ofClaude = (pane: string): string[] => [
  ...[SEPARATOR, "set-option", "-p", "-t", pane, "@ccr_claude", "1"],
  ...[SEPARATOR, "set-option", "-w", "-t", pane, "automatic-rename", "off"],
  ...[SEPARATOR, "set-option", "-w", "-t", pane, "remain-on-exit", "failed"],
];

/** Starts Claude anew where its windows still are: what runs in the others is the person's. */
async function revive(
  { name, pane }: Standing,
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
  const now = await standing(id);
  if (ok && now?.pane) return now;
  throw new Problem("tmux", `tmux could not start Claude again in ${name}: ${err}.`, {
    hint: `cct-kill ${name}`,
  });
}

/**
 * Makes a detached session with Claude's window and the others, recorded, and in the journal before it is there. A
 * name that is taken gets a suffix; one that runs already is given back, one that has ended starts anew. Throws a Problem when tmux says no.
 */
export async function createSession(making: CreateOptions): Promise<Started> {
  const { project, id, command, waitText, size = [200, 50], launch = {} } = making;
  const there = await standing(id);
  if (there) return there.runs ? there : revive(there, making);
  // Programs of another session's shell start this one: it is no part of that.
  const { [MARK]: _, ...env } = making.env;
  const named = new Set(launch.environment);
  const passed = Object.entries(env).flatMap(([name, value]) =>
    value !== undefined && (named.has(name) || (PASSED.test(name) && !SECRET.test(name)))
      ? ["-e", `${name}=${value}`]
      : [],
  );
  passed.push("-e", `${MARK}=${id}`);
  const windows = making.windows ?? [
    { name: "shell", directory: project, command: [] },
    { name: "logs", directory: project, command: [] },
  ];
  let wanted = making.name ?? nameFor(project);
  const before = entryOf(id);
  let problem = new Problem("tmux", `all tmux names for this session are taken: ${wanted}.`, {
    hint: "tmux ls",
  });
  // Several that want the same session have to want the same names, too.
  const suffix = making.onePerProject ? createHash("sha256").update(project).digest("hex") : id;
  for (const length of [0, 4, 8, 36]) {
    const name = length === 0 ? wanted : `${wanted}-${suffix.slice(0, length)}`;
    writeEntry({
      ...launch,
      name,
      id,
      project,
      socket: config()["tmux.socket"],
      windows: making.windows ?? [],
    });
    const session = target(name);
    const main = target(name, "claude");
    const watch = watchCommand(id, main);
    const set = (...words: string[]): string[] => [SEPARATOR, "set-option", ...words];
    const words: string[] = [
      ...["new-session", "-d", "-P", "-F", "#{pane_id} #{pane_pid} #{session_name}"],
      ...["-s", name, "-n", "claude"],
      ...["-x", String(size[0]), "-y", String(size[1]), "-c", literal(project), ...passed],
      ...(waitText === undefined
        ? ["--", ...command]
        : ["-e", `CCR_TEXT=${waitText}`, "--", ...startOnEnter(command, id)]),
      SEPARATOR,
      ...watch,
      ...set("-t", session, "@ccr_session", id),
      ...set("-t", session, "@ccr_project", encodeURIComponent(project)),
      ...set("-t", session, "history-limit", "50000"),
      // Where a person has that on for all of theirs: this one is to live on.
      ...set("-t", session, "destroy-unattached", "off"),
      ...set("-t", session, "set-titles", "on"),
      ...set("-t", session, "status-left-length", "60"),
      ...ofClaude(main),
    ];
    // What a session is made with, its later windows get too.
    if (waitText !== undefined) words.push(SEPARATOR, "set-environment", "-t", session, "-u", "CCR_TEXT");
    for (const { name, directory, command } of windows) {
      const logs = waitText === undefined ? logsWindow(id) : startOnEnter(logsWindow(id));
      const own = command.length > 0 || name !== "logs" ? command : logs;
      words.push(
        ...[SEPARATOR, "new-window", "-d", "-t", session, "-n", literal(name)],
        ...["-c", literal(directory || project)],
        ...(own.length > 0 ? ["--", ...own] : []),
      );
    }
    const answer = await server(words, env, project);
    const [, pane, pid, given] = /^(%\d+) (\d+) (.+)$/m.exec(answer.out) ?? [];
    if (given === name) return { name, pane: pane!, pid: Number(pid) };
    if (pane) {
      // Its C library does not know all of these letters: nothing has reached the session by that name.
      await tmux(["kill-session", "-t", pane]);
      wanted = safeName(wanted.replace(/[^ -~]/g, "-"));
      continue;
    }
    if (/duplicate session/.test(answer.err)) {
      // Two at once want the same session: it must not have two writers.
      const other = await standing(id, making.onePerProject ? `${name} ${encodeURIComponent(project)}` : "");
      if (!other?.runs) continue;
      if (making.onePerProject) deleteEntry(id);
      return other;
    }
    problem = new Problem("tmux", `tmux could not start a session: ${answer.err || "no reason given"}.`, {
      hint: "without tmux: ccra --headless",
    });
    break;
  }
  if (before) updateEntry(id, before);
  else deleteEntry(id);
  throw problem;
}
