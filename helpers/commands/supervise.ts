import { type Call, type Command, isSet } from "../cli/command.ts";
import { describeStep } from "../cli/plan-format.ts";
import { type Restored, restartCommandOf, restoreAll, restoredJson } from "../cli/restore-sessions.ts";
import { care, type Finding } from "../live/health.ts";
import { chooseMode, startInTmux } from "../live/start-resume.ts";
import { writeDashboardRows } from "../resume/dashboard-rows.ts";
import { nextOf, plan, type Step } from "../resume/plan.ts";
import { type Candidates, collectCandidates, isBad, startHeadless, toJob } from "../resume/resume-jobs.ts";
import { breaker, closeBreaker, note, startedToday } from "../resume/resume-log.ts";
import { type Done, run, settle } from "../resume/run.ts";
import { unschedule } from "../resume/schedule.ts";
import { config } from "../system/config.ts";
import { problemOf } from "../system/problem.ts";
import { DAY, SECOND } from "../system/units.ts";
import { plural } from "../terminal/amount.ts";
import { clean } from "../terminal/clean.ts";
import { iso, json } from "../terminal/json.ts";
import { writeStderr, writeStdout } from "../terminal/output.ts";
import { duration, time } from "../terminal/time.ts";

export const supervise: Command = {
  usage: "supervise [flags]",
  description:
    "One pass of upkeep, for cron and for a workspace's start: brings back the tmux sessions that a restart has taken, restarts what failed where its policy says so, watches memory; continues limited sessions that are due, when autoResume is on (off by default), and what a person has planned with ccr resume-later. Says nothing when all is well. After an expired login or three failures in a row it resumes nothing more until ccr supervise --go.",
  flags: {
    journal: {
      type: "boolean",
      description: "only write down the live sessions' windows: for a workspace's stop",
    },
    status: { type: "boolean", description: "only tell what would come next, and when" },
    go: { type: "boolean", description: "start again after it has stopped itself" },
  },
  maxArgs: 0,
  json: true,
  examples: [
    ["ccr config set autoResume on", "let it continue limited sessions"],
    ["ccr supervise --status", "what comes next"],
    ["*/5 * * * * ccr supervise", "every five minutes, by cron"],
  ],
  async run(call) {
    if (isSet(call, "journal")) {
      await care(null, restartCommandOf);
      return 0;
    }
    if (isSet(call, "go") && closeBreaker())
      note({ event: "go", session: null, by: "person", why: "a person said so" });
    const now = Date.now();
    const set = config();
    const found = collectCandidates(now, set["resume.since"] * DAY);
    if (!isSet(call, "status")) {
      settle([...found.sessions].flatMap(([id, { transcript }]) => (transcript ? [[id, transcript]] : [])));
    }
    const stopped = breaker();
    const left = Math.max(0, set["resume.perDay"] - startedToday(now));
    const steps = plan(found.candidates, {
      now,
      by: "supervise",
      since: set["resume.since"] * DAY,
      atOnce: false,
      named: null,
      order: "newest",
      autoResume: set.autoResume,
      stopped: stopped.open,
      left,
      max: set["resume.max"],
    });
    if (isSet(call, "status")) {
      status(call, steps, left);
      return 0;
    }
    writeDashboardRows(found, now);
    const kept = await keep(call, now);
    const done = await work(steps, found);
    if (call.json) print(call, steps, done, kept);
    for (const { id, outcome, detail } of done.filter(isBad)) {
      writeStderr(
        `ccr: ${id.slice(0, 8)}: ${outcome.replaceAll("-", " ")}${detail === null ? "" : `: ${clean(detail)}`}\n`,
      );
    }
    return done.some(isBad) || kept.bad ? 1 : 0;
  },
};

type Kept = { restored: Restored[]; findings: Finding[]; bad: boolean };

/** The tmux sessions: back after a restart, restarted after a failure. Trouble here does not hold up the rest. */
async function keep(call: Call, now: number): Promise<Kept> {
  const kept: Kept = { restored: [], findings: [], bad: false };
  try {
    const mode = config().restore as "lazy" | "eager" | "off";
    if (mode !== "off") kept.restored = await restoreAll(mode);
    kept.findings = await care(now, restartCommandOf);
  } catch (error) {
    call.warn(problemOf(error));
  }
  const back = kept.restored.filter(({ outcome }) => outcome === "restored");
  if (back.length > 0 && !call.json)
    writeStderr(`ccr: ${plural(back.length, "session")} restored: cct-list\n`);
  for (const { name, outcome, detail } of kept.restored)
    if (outcome === "failed") trouble(`${name}: ${detail}`);
  for (const { entry, what, care } of kept.findings) {
    if (care === "memory") trouble(what);
    else if (care !== "left" && care !== "waits")
      trouble(`${entry.name}: Claude ${what}, ${CARE[care]}`, care !== "restarted");
  }
  return kept;

  function trouble(text: string, bad = true): void {
    kept.bad ||= bad;
    if (!call.json) writeStderr(`ccr: ${clean(text)}\n`);
  }
}

const CARE = {
  restarted: "restarted",
  "gave-up": "not restarted any more",
  failed: "tmux did not restart it",
};

async function work(steps: readonly Step[], { sessions }: Candidates): Promise<Done[]> {
  const set = config();
  const wanted = steps.filter(({ action }) => action === "resume");
  if (wanted.length === 0) return [];
  const mode = chooseMode({ tmux: false, headless: false });
  const own = set["resume.permissionMode"];
  const how = { mode, prompt: set["resume.prompt"], permissionMode: own === "own" ? null : own };
  const done = await run(
    wanted.map((step) => toJob(step, sessions.get(step.id)!, how)),
    {
      by: "supervise",
      start: mode === "tmux" ? startInTmux : startHeadless,
      interval: set["resume.interval"] * SECOND,
      most: set["resume.max"],
      patience: 20 * SECOND,
      limit: null,
      toTheEnd: false,
      told: () => {},
      stopped: () => breaker().open,
    },
  );
  for (const { id } of done)
    if (wanted.some((step) => step.id === id && step.row.startsWith("plan-"))) unschedule(id);
  return done;
}

function print(call: Call, steps: readonly Step[], done: readonly Done[], kept?: Kept): void {
  const next = nextOf(steps);
  const stopped = breaker();
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
      restored: restoredJson((kept?.restored ?? []).filter(({ outcome }) => outcome !== "skipped")),
      health: (kept?.findings ?? []).map(({ entry, what, care }) => ({
        id: entry.current,
        name: entry.name,
        what,
        action: care,
      })),
      stopped: stopped.open ? { why: stopped.why, at: iso(stopped.at) } : null,
    },
    call.warnings,
  );
}

function status(call: Call, steps: readonly Step[], left: number): void {
  if (call.json) {
    print(call, steps, []);
    return;
  }
  const now = Date.now();
  const set = config();
  const stopped = breaker();
  const due = steps.filter(({ action }) => action === "resume");
  const next = nextOf(steps);
  writeStdout(`autoResume  ${set.autoResume ? "on" : "off (ccr config set autoResume on)"}\n`);
  if (stopped.open)
    writeStdout(
      `stopped     ${clean(stopped.why ?? "")}, ${duration(now - stopped.at)} ago (ccr supervise --go)\n`,
    );
  writeStdout(`today       ${set["resume.perDay"] - left} of ${set["resume.perDay"]} resumes\n`);
  if (due.length > 0) writeStdout(`now         ${due.map(({ id }) => id.slice(0, 8)).join(", ")}\n`);
  writeStdout(
    next
      ? `next        ${next.id.slice(0, 8)} at ${time(next.at, "short", now)}, in ${duration(next.at - now)}\n`
      : "next        nothing planned\n",
  );
  for (const step of steps
    .filter(({ reason }) => reason !== null && reason !== "not-limited" && reason !== "blocked")
    .slice(0, 20)) {
    writeStdout(`  ${step.id.slice(0, 8)}  ${describeStep(step, now)}\n`);
  }
}
