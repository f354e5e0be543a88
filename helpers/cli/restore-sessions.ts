import { userInfo } from "node:os";
import { basename } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { findClaude, requireClaude, resumeArguments } from "../claude/cli.ts";
import { claudeEnvironment } from "../claude/environment.ts";
import { lastMessages } from "../claude/recent.ts";
import { createCapped } from "../live/cap.ts";
import { deleteEntry, type Entry } from "../live/journal.ts";
import { type Plan, restorePlan, settleJournal, takeTurn } from "../live/restore.ts";
import { permissionModeFor } from "../resume/resume-jobs.ts";
import { readContext } from "../sessions/context.ts";
import { type Session, sessionOf } from "../sessions/session.ts";
import { newest, transcripts } from "../sessions/store.ts";
import { Problem } from "../system/problem.ts";
import { clean } from "../terminal/clean.ts";
import { unicode } from "../terminal/output.ts";
import { pad } from "../terminal/text.ts";
import { wrap } from "../terminal/wrap.ts";
import { stateCell } from "./session-format.ts";

export type RestoreMode = "eager" | "lazy";

/** The result for one session; `name` is its present tmux session. */
export type Restored = Plan & {
  name: string;
  outcome: "restored" | "planned" | "skipped" | "failed";
  detail: string | null;
};

/** Returns the result of a plan that was only made. */
export const notExecuted = (plan: Plan): Restored => ({
  ...plan,
  name: plan.entry.name,
  outcome: plan.reason === null ? "planned" : "skipped",
  detail: null,
});

/** Returns results in the form of `ccr restore --json`. */
export const restoredJson = (done: readonly Restored[]) =>
  done.map(({ entry, name, outcome, reason, detail }) => ({
    id: entry.current,
    name,
    project: entry.project,
    outcome,
    reason,
    detail: detail && clean(detail),
  }));

/** How long (ms) to wait for a Claude that is about to exit. */
const EXIT_WAIT = 3000;

/** How long (ms) after its launch a session may still be missing in tmux. */
const REGISTER_WAIT = 5000;

/**
 * Restores lost sessions. Waits for sessions whose Claude is about to exit and for those that another process has just
 * started. Only one process at a time restores.
 */
export async function restoreAll(mode: RestoreMode, named: readonly string[] = []): Promise<Restored[]> {
  const end = Date.now() + EXIT_WAIT;
  const unsettled = ({ entry, reason }: Plan): boolean =>
    reason === "ending"
      ? Date.now() < end
      : (reason === null || reason === "closed") && Math.abs(Date.now() - entry.launchedAt) < REGISTER_WAIT;
  let plans = await restorePlan(named);
  if (plans.every((plan) => plan.reason !== null && !unsettled(plan))) return execute(plans, mode);
  const release = await takeTurn();
  try {
    for (;;) {
      plans = await restorePlan(named);
      if (!plans.some(unsettled)) return await execute(plans, mode);
      await sleep(250);
    }
  } finally {
    release();
  }
}

async function execute(plans: readonly Plan[], mode: RestoreMode): Promise<Restored[]> {
  settleJournal(plans, Date.now());
  if (plans.every(({ reason }) => reason !== null)) return plans.map(notExecuted);
  const sessions = sessionsOf(plans.map(({ entry }) => entry));
  const done: Restored[] = [];
  for (const plan of plans) {
    if (plan.reason !== null) done.push(notExecuted(plan));
    else done.push({ ...plan, ...(await restoreOne(plan.entry, sessions.get(plan.entry.current), mode)) });
  }
  return done;
}

/** Returns sessions by id; those without a transcript are left out. */
function sessionsOf(entries: readonly Entry[]): Map<string, Session> {
  const context = readContext();
  const ids = new Set(entries.map(({ current }) => current));
  const found = newest(
    transcripts((id) => ids.has(id.toLowerCase())),
    ids.size,
  );
  return new Map(found.map((entry) => [entry.id, sessionOf(entry, context)]));
}

/** Returns the command line that restarts one session. */
export const restartCommandOf = (entry: Entry): string[] =>
  resumeCommandOf(entry, sessionsOf([entry]).get(entry.current));

async function restoreOne(
  entry: Entry,
  session: Session | undefined,
  mode: RestoreMode,
): Promise<Pick<Restored, "name" | "outcome" | "detail">> {
  try {
    const argv = resumeCommandOf(entry, session);
    const { windows, current, project } = entry;
    const { name } = await createCapped({
      name: entry.name,
      id: current,
      project,
      command: argv,
      env: claudeEnvironment(),
      ...(windows.length > 0 ? { windows } : {}),
      ...(mode === "lazy" ? { waitText: previewOf(entry, session) } : {}),
      launch: { ...entry, stoppedAt: null, restarts: [], warnedAt: null },
    });
    if (current !== entry.id) deleteEntry(entry.id);
    return { name, outcome: "restored", detail: mode === "lazy" ? "starts on Enter" : null };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return { name: entry.name, outcome: "failed", detail: error.message };
  }
}

/** Returns the flags that the person gave to claude, without the permission mode (set separately) and without any bypass of permissions. */
const keptFlags = (flags: readonly string[]): string[] =>
  flags.filter(
    (flag, i) =>
      !/^--(?:permission-mode|(?:allow-)?dangerously)/.test(flag) && flags[i - 1] !== "--permission-mode",
  );

/** The line by which a shell replaces itself with a program and its arguments. */
const EXEC_IN_SHELL: Record<string, string> = {
  bash: 'exec "$0" "$@"',
  zsh: 'exec "$0" "$@"',
  fish: "exec $argv",
};

/**
 * Returns the command line that resumes a session with the same id, model and flags, never with a bypass of permissions.
 * It runs in an interactive login shell, because cron and the start of a workspace have not read the person's shell
 * files.
 */
function resumeCommandOf(entry: Entry, session: Session | undefined): string[] {
  const shell = personsShell();
  const claude = shell ? (findClaude() ?? "claude") : requireClaude();
  const mode = permissionModeFor(session ?? entry, null);
  return [
    ...(shell ? [shell, "-lic", EXEC_IN_SHELL[basename(shell)]!] : []),
    claude,
    ...keptFlags(entry.flags),
    ...(entry.model === null ? [] : ["--model", entry.model]),
    ...(mode === null ? [] : ["--permission-mode", mode]),
    // Before the first prompt there is no transcript to resume.
    ...(session ? resumeArguments(entry.current) : ["--session-id", entry.current]),
  ];
}

/** Returns the person's shell if {@link EXEC_IN_SHELL} knows it. Cron sets SHELL to sh for everybody. */
function personsShell(): string | undefined {
  const known = (shell: string | null | undefined): shell is string =>
    Boolean(shell && EXEC_IN_SHELL[basename(shell)]);
  if (known(process.env.SHELL)) return process.env.SHELL;
  try {
    const { shell } = userInfo();
    return known(shell) ? shell : undefined;
  } catch {
    // a user without an entry in the password file
    return undefined;
  }
}

/** Width of the preview in cells. */
const ROOM = 76;

/** Returns what the window of a session that starts on Enter shows: title, state and last exchange. */
function previewOf({ project, current }: Entry, session: Session | undefined): string {
  const now = Date.now();
  const state = session ? stateCell(session, now, !unicode()) : [];
  const said = session?.transcript ? lastMessages(session.transcript, 40) : [];
  const lines = (by: "you" | "claude", most: number): string[] => {
    const text = said.filter((one) => one.by === by).at(-1)?.text;
    if (text === undefined) return [];
    return wrap(clean(text), ROOM - 8, most).map((line, i) => pad(i === 0 ? by : "", 8) + line);
  };
  return [
    clean(session?.title ?? "") || "(no title)",
    [clean(project), current.slice(0, 8), state.map(({ text }) => text).join("")].filter(Boolean).join("   "),
    "",
    ...lines("you", 4),
    ...lines("claude", 8),
    "",
    "Press Enter to resume.",
  ].join("\n");
}
