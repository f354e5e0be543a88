import type { Step } from "../resume/plan.ts";
import { type ResumeOptions, startHeadless, toJob } from "../resume/resume-jobs.ts";
import { type ResumeResult, type RunOptions, run } from "../resume/run.ts";
import type { Session } from "../sessions/session.ts";
import { startInTmux } from "./start-resume.ts";

/** Resumes the sessions of all steps that are due, in tmux or headless. Returns how each one went. */
export async function resumeSessions(
  steps: readonly Step[],
  sessions: ReadonlyMap<string, Session>,
  how: ResumeOptions,
  options: Omit<RunOptions, "start">,
): Promise<ResumeResult[]> {
  const due = steps.filter(({ action }) => action === "resume");
  if (due.length === 0) return [];
  return run(
    due.map((step) => toJob(step, sessions.get(step.id)!, how)),
    { ...options, start: how.mode === "tmux" ? startInTmux : startHeadless },
  );
}
