// What resume-all and supervise share: which sessions can be resumed, and how one is started.

import { closeSync, fstatSync, openSync, readSync, rmSync } from "node:fs";
import { join } from "node:path";
import { requireClaude, resumeArguments } from "../claude/cli.ts";
import { claudeEnvironment } from "../claude/environment.ts";
import { linesBackward } from "../claude/lines.ts";
import { uuidMark } from "../claude/row-marks.ts";
import { readContext } from "../sessions/context.ts";
import { limitedSessions } from "../sessions/limited.ts";
import { type Session, sessionOf } from "../sessions/session.ts";
import { readTranscript, transcripts } from "../sessions/store.ts";
import { startDetached } from "../system/detached.ts";
import { DAY } from "../system/units.ts";
import { attemptState, attemptsOf, resultOf } from "./claims.ts";
import type { Candidate, Step } from "./plan.ts";
import { logsDirectory } from "./resume-log.ts";
import { isUsable, type Job, type ResumeResult, type Start } from "./run.ts";
import { getPause, getScheduled, scheduledIds } from "./schedule.ts";

/** How much (ms) older than its reset a limit row can be. */
const LONGEST_WINDOW = 35 * DAY;

export type Candidates = { sessions: Map<string, Session>; candidates: Candidate[] };

/** Every session that ended with a limit or an error, and every one that a person has scheduled or named. */
export function collectCandidates(now: number, since: number, named: readonly Session[] = []): Candidates {
  const known = readContext(now);
  const sessions = new Map<string, Session>();
  for (const session of limitedSessions(known, now - since - LONGEST_WINDOW).sessions)
    sessions.set(session.id, session);
  const others = new Set([...scheduledIds(), ...named.map(({ id }) => id)].filter((id) => !sessions.has(id)));
  if (others.size > 0) {
    for (const transcript of transcripts((id) => others.has(id.toLowerCase()))) {
      const entry = readTranscript(transcript);
      if (entry) sessions.set(entry.id, sessionOf(entry, known));
    }
  }
  return { sessions, candidates: [...sessions.values()].map(candidateOf) };
}

function candidateOf(session: Session): Candidate {
  const { id, verdict, live, project, updatedAt } = session;
  return {
    id,
    verdict,
    live: live !== null,
    project,
    exists: project?.startsWith("/") === true && isUsable(project),
    copy: isCopy(id, verdict),
    updatedAt,
    attempts: attemptsOf(id).map((one) => ({
      try: one,
      stage: attemptState(id, one),
      result: resultOf(id, one.n),
    })),
    pause: getPause(id),
    scheduled: getScheduled(id),
  };
}

/** Whether the session that a limit row was copied from still exists and has that row. */
function isCopy(own: string, verdict: Session["verdict"]): boolean {
  if (verdict.state !== "limited") return false;
  const { copyOf, rowUuid } = verdict;
  if (!copyOf || copyOf === own || rowUuid === null) return false;
  return transcripts((id) => id.toLowerCase() === copyOf).some(({ path }) => {
    let fd: number | undefined;
    try {
      fd = openSync(path, "r");
      for (const { bytes } of linesBackward(fd, fstatSync(fd).size))
        if (bytes?.includes(uuidMark(rowUuid))) return true;
    } catch {
      // it was deleted
    } finally {
      if (fd !== undefined) closeSync(fd);
    }
    return false;
  });
}

export type ResumeOptions = {
  mode: "tmux" | "headless";
  prompt: string;
  /** null: the session's own */
  permissionMode: string | null;
};

/** Modes that the CLI accepts as flags. `default` and `manual` are what it does without one. */
const MODES = new Set(["acceptEdits", "auto", "plan", "dontAsk"]);

/** The permission mode for a resume. Never a bypass, unless the person typed it for this run. */
export function permissionModeFor(
  session: Pick<Session, "permissionMode">,
  asked: string | null,
): string | null {
  if (asked === "bypassPermissions") return asked;
  const mode = asked ?? session.permissionMode;
  if (mode === "bypassPermissions") return "acceptEdits";
  return mode !== null && MODES.has(mode) ? mode : null;
}

/** The command for a step of the plan. */
export function toJob(step: Step, session: Session, how: ResumeOptions): Job {
  const claude = requireClaude();
  const mode = permissionModeFor(session, how.permissionMode);
  const flags = how.mode === "headless" ? ["-p", "--output-format", "json"] : [];
  if (mode !== null) flags.push("--permission-mode", mode);
  return {
    step,
    transcript: session.transcript!,
    project: session.project!,
    argv: [claude, ...flags, ...resumeArguments(session.id, { prompt: how.prompt })],
  };
}

/** Starts a resumed session without tmux; its output goes to a log. */
export const startHeadless: Start = async (argv, { project, step }) => {
  const stamp = new Date().toISOString().slice(0, 19).replace(/[-:]/g, "").replace("T", "-");
  const log = join(logsDirectory(), `${stamp}-${step.id.slice(0, 8)}.log`);
  const { pid, ended, release } = startDetached(argv, { directory: project, env: withoutTmux(), log });
  const discard = async (): Promise<void> => rmSync(log, { force: true });
  return { pid, tmux: null, log, ended, release, discard, lastOutput: async () => endOf(log) };
};

function withoutTmux(): NodeJS.ProcessEnv {
  const { TMUX: _, TMUX_PANE: __, ...env } = claudeEnvironment();
  return env;
}

/** How many bytes of a log's end are read. */
const LAST = 64 * 1024;

/** The end of a log as text. Empty when it cannot be read. */
function endOf(path: string): string {
  try {
    const fd = openSync(path, "r");
    try {
      const { size } = fstatSync(fd);
      const bytes = Buffer.alloc(Math.min(LAST, size));
      return bytes.toString("utf8", 0, readSync(fd, bytes, 0, bytes.length, size - bytes.length));
    } finally {
      closeSync(fd);
    }
  } catch {
    return "";
  }
}

/** Whether a person has to look at a result. */
export const isBad = ({ outcome }: ResumeResult): boolean =>
  outcome === "failed" || outcome === "needs-login" || outcome === "trust-dialog";
