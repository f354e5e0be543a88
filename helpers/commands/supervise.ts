import { type Call, type Command, isSet } from "../cli/command.ts";
import { describeStep } from "../cli/plan-format.ts";
import { type Restored, restartCommandOf, restoreAll, restoredJson } from "../cli/restore-sessions.ts";
import { checkSessions, type Finding } from "../live/health.ts";
import { resumeSessions } from "../live/resume-sessions.ts";
import { chooseMode } from "../live/start-resume.ts";
import { type BackgroundPass, planBackgroundPass } from "../resume/background-pass.ts";
import { closeBreaker, readBreaker } from "../resume/circuit-breaker.ts";
import { writeDashboardRows } from "../resume/dashboard-rows.ts";
import { nextStart, type Step } from "../resume/plan.ts";
import { isBad } from "../resume/resume-jobs.ts";
import { appendLog } from "../resume/resume-log.ts";
import type { ResumeResult } from "../resume/run.ts";
import { unschedule } from "../resume/schedule.ts";
import { config } from "../system/config.ts";
import { problemOf } from "../system/problem.ts";
import { SECOND } from "../system/units.ts";
import { plural } from "../terminal/amount.ts";
import { clean } from "../terminal/clean.ts";
import { iso, json } from "../terminal/json.ts";
import { writeStderr, writeStdout } from "../terminal/output.ts";
import { duration, time } from "../terminal/time.ts";

/** Milliseconds to watch a session that was started in tmux. */
const WATCH_TIME = 20 * SECOND;
const MAX_LISTED = 20;

export const supervise: Command = {
  usage: "supervise [flags]",
  description:
    "Runs one background pass, for cron and for the start of a workspace. It restores tmux sessions after a restart, restarts failed sessions whose policy says so, and checks their memory. It resumes sessions that are scheduled with ccr resume-later and, if autoResume is on (off by default), limited sessions whose reset has passed. It prints nothing when all is well. After an expired login or three failures in a row it stops resuming until ccr supervise --go.",
  flags: {
    journal: {
      type: "boolean",
      description: "only record the windows of live sessions, for the stop of a workspace",
    },
    status: { type: "boolean", description: "only show what would be resumed next, and when" },
    go: { type: "boolean", description: "start resuming again after it has stopped" },
  },
  maxArgs: 0,
  json: true,
  examples: [
    ["ccr config set autoResume on", "have it resume limited sessions"],
    ["ccr supervise --status", "show what comes next"],
    ["*/5 * * * * ccr supervise", "run it every five minutes with cron"],
  ],
  async run(call) {
    if (isSet(call, "journal")) {
      await checkSessions(null, restartCommandOf);
      return 0;
    }
    if (isSet(call, "go") && closeBreaker())
      appendLog({ event: "go", session: null, by: "person", why: "ccr supervise --go" });
    const now = Date.now();
    const onlyStatus = isSet(call, "status");
    const pass = planBackgroundPass(now, { record: !onlyStatus });
    if (onlyStatus) {
      if (call.json) printJson(call, pass.steps, []);
      else printStatus(pass);
      return 0;
    }
    writeDashboardRows(pass.candidates, now);
    const maintained = await maintain(call, now);
    const done = await resumeDue(pass);
    if (call.json) printJson(call, pass.steps, done, maintained);
    for (const { id, outcome, detail } of done.filter(isBad)) {
      const why = detail === null ? "" : `: ${clean(detail)}`;
      writeStderr(`ccr: ${id.slice(0, 8)}: ${outcome.replaceAll("-", " ")}${why}\n`);
    }
    return done.some(isBad) || maintained.bad ? 1 : 0;
  },
};

type Maintained = { restored: Restored[]; findings: Finding[]; bad: boolean };

/** Restores and restarts tmux sessions, and prints problems. An error here is a warning: resuming goes on. */
async function maintain(call: Call, now: number): Promise<Maintained> {
  const result: Maintained = { restored: [], findings: [], bad: false };
  try {
    const mode = config().restore as "lazy" | "eager" | "off";
    if (mode !== "off") result.restored = await restoreAll(mode);
    result.findings = await checkSessions(now, restartCommandOf);
  } catch (error) {
    call.warn(problemOf(error));
  }
  const restored = result.restored.filter(({ outcome }) => outcome === "restored");
  const failed = result.restored.filter(({ outcome }) => outcome === "failed");
  const findings = result.findings.flatMap((finding) => describeFinding(finding) ?? []);
  result.bad = failed.length > 0 || findings.some(({ bad }) => bad);
  if (call.json) return result;
  if (restored.length > 0)
    writeStderr(`ccr: ${plural(restored.length, "session")} restored; list them: cct-list\n`);
  for (const { name, detail } of failed) writeStderr(`ccr: ${clean(`${name}: ${detail}`)}\n`);
  for (const { text } of findings) writeStderr(`ccr: ${clean(text)}\n`);
  return result;
}

/** Returns the line that reports a finding, and whether the person has to act; null if it needs no report. */
function describeFinding({ entry, what, action }: Finding): { text: string; bad: boolean } | null {
  if (action === "left" || action === "waits") return null;
  if (action === "memory") return { text: what, bad: true };
  return { text: `${entry.name}: Claude ${what}, ${CARE[action]}`, bad: action !== "restarted" };
}

const CARE = {
  restarted: "restarted",
  "gave-up": "failed too often to restart it again",
  failed: "tmux could not restart it",
};

async function resumeDue({ steps, candidates }: BackgroundPass): Promise<ResumeResult[]> {
  const due = steps.filter(({ action }) => action === "resume");
  if (due.length === 0) return [];
  const settings = config();
  const permissionMode = settings["resume.permissionMode"];
  const how = {
    mode: chooseMode({ tmux: false, headless: false }),
    prompt: settings["resume.prompt"],
    permissionMode: permissionMode === "own" ? null : permissionMode,
  };
  const done = await resumeSessions(due, candidates.sessions, how, {
    by: "supervise",
    interval: settings["resume.interval"] * SECOND,
    concurrency: settings["resume.max"],
    watchTime: WATCH_TIME,
    timeLimit: null,
    waitForEnd: false,
    onDone: () => {},
    isCancelled: () => readBreaker().open,
  });
  const scheduled = due.filter(({ row }) => row.startsWith("plan-"));
  for (const { id } of done) if (scheduled.some((step) => step.id === id)) unschedule(id);
  return done;
}

function printJson(
  call: Call,
  steps: readonly Step[],
  done: readonly ResumeResult[],
  maintained: Pick<Maintained, "restored" | "findings"> = { restored: [], findings: [] },
): void {
  const next = nextStart(steps);
  const stopped = readBreaker();
  json(
    "supervise",
    {
      plan: steps.map(({ id, action, reason, notBefore }) => ({
        id,
        action,
        reason,
        notBefore: iso(notBefore),
      })),
      results: done.map(({ id, outcome, detail, log, tmux }) => ({
        id,
        outcome,
        detail: detail && clean(detail),
        log,
        tmux,
      })),
      next: next && { id: next.id, at: iso(next.at) },
      restored: restoredJson(maintained.restored.filter(({ outcome }) => outcome !== "skipped")),
      health: maintained.findings.map(({ entry, what, action }) => ({
        id: entry.current,
        name: entry.name,
        what,
        action,
      })),
      stopped: stopped.open ? { why: stopped.why, at: iso(stopped.at) } : null,
    },
    call.warnings,
  );
}

function printStatus({ steps, left }: BackgroundPass): void {
  const now = Date.now();
  const settings = config();
  const stopped = readBreaker();
  const due = steps.filter(({ action }) => action === "resume");
  const next = nextStart(steps);
  const perDay = settings["resume.perDay"];
  const lines = [`autoResume  ${settings.autoResume ? "on" : "off (turn on: ccr config set autoResume on)"}`];
  if (stopped.open) {
    const why = `${clean(stopped.why ?? "")}, ${duration(now - stopped.at)} ago`;
    lines.push(`stopped     ${why} (resume again: ccr supervise --go)`);
  }
  lines.push(`today       ${perDay - left} of ${perDay} resumes`);
  if (due.length > 0) lines.push(`now         ${due.map(({ id }) => id.slice(0, 8)).join(", ")}`);
  const when = next && `${time(next.at, "short", now)}, in ${duration(next.at - now)}`;
  lines.push(`next        ${next ? `${next.id.slice(0, 8)} at ${when}` : "nothing scheduled"}`);
  const listed = steps.filter(
    ({ reason }) => reason !== null && reason !== "not-limited" && reason !== "blocked",
  );
  for (const step of listed.slice(0, MAX_LISTED))
    lines.push(`  ${step.id.slice(0, 8)}  ${describeStep(step, now)}`);
  writeStdout(`${lines.join("\n")}\n`);
}
