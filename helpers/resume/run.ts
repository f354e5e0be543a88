// Resumes sessions: claim, start, watch, record. The caller says how a program is started.

import { closeSync, openSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { liveSessions, withoutStale } from "../claude/registry.ts";
import { type Row, string, textsOf } from "../claude/rows.ts";
import { readFacts } from "../claude/transcript.ts";
import { verdictOfFile } from "../limits/tail.ts";
import { type Verdict, verdictOf } from "../limits/verdict.ts";
import { startOf } from "../system/process.ts";
import { updateBreaker } from "./circuit-breaker.ts";
import {
  ABANDONED_STATUS,
  abandon,
  attemptState,
  attemptsOf,
  type Claim,
  claim,
  isOwned,
  type Outcome,
  type Result,
  resultOf,
  startCommand,
  writeResult,
} from "./claims.ts";
import type { Step } from "./plan.ts";
import { appendLog, type Entry } from "./resume-log.ts";

/** A session to resume now. */
export type Job = {
  step: Step;
  transcript: string;
  /** start directory */
  project: string;
  /** the program and its arguments */
  argv: readonly string[];
};

/** A started program. `ended` settles with its exit status; null where that cannot be observed (tmux). */
export type Running = {
  pid: number | null;
  tmux: string | null;
  log: string | null;
  ended: Promise<number | null> | null;
  /** the last text that the program printed */
  lastOutput(): Promise<string>;
  /** stops watching: the program runs on by itself */
  release(): void;
  /** removes what a start without success has left */
  discard(): Promise<void>;
};

export type Start = (argv: readonly string[], job: Job) => Promise<Running>;

export type ResumeResult = {
  id: string;
  outcome: Outcome;
  detail: string | null;
  log: string | null;
  tmux: string | null;
};

export type RunOptions = {
  by: "person" | "supervise";
  start: Start;
  /** ms between two starts */
  interval: number;
  /** how many at once */
  concurrency: number;
  /** ms to watch a program that stays (tmux); a headless one is watched to its end */
  watchTime: number;
  /** ms after which a headless program is ended; null: never */
  timeLimit: number | null;
  /** waits for headless programs to end; else only `patience` */
  waitForEnd: boolean;
  /** called with each result */
  onDone(done: ResumeResult): void;
  /** once true, nothing more is started */
  isCancelled(): boolean;
};

/** Resumes sessions and returns the result of each. Sessions that another process has claimed are left out. */
export async function run(jobs: readonly Job[], options: RunOptions): Promise<ResumeResult[]> {
  const done: ResumeResult[] = [];
  const working = new Set<Promise<void>>();
  let first = true;
  for (const job of jobs) {
    while (working.size >= options.concurrency) await Promise.race(working);
    if (options.isCancelled()) break;
    const taken = claimFor(job, options);
    if (!taken) continue;
    if (!first && options.interval > 0) await sleep(options.interval);
    first = false;
    if (options.isCancelled()) {
      abandon(taken.session, taken.try.n);
      break;
    }
    const one: Promise<void> = execute(job, taken, options).then((result) => {
      working.delete(one);
      if (!result) return;
      done.push(result);
      options.onDone(result);
    });
    working.add(one);
  }
  await Promise.all(working);
  return done;
}

/** Claims the session, then checks again that it is still limited: now nobody else can be starting it. */
function claimFor(job: Job, { by }: RunOptions): Claim | null {
  const { id, row, window, resetsAt, after } = job.step;
  const taken = claim(id, { row, window, resetsAt, by }, after);
  if (!taken) return null;
  if (isStillSo(job)) return taken;
  abandon(id, taken.try.n);
  return null;
}

function isStillSo({ step, transcript }: Job): boolean {
  if (withoutStale(liveSessions()).has(step.id)) return false;
  if (step.row.startsWith("plan-")) return true;
  const verdict = verdictOfFile(transcript);
  return verdict.state === "limited" && (verdict.rowUuid ?? `at-${verdict.at}`) === step.row;
}

async function execute(job: Job, taken: Claim, options: RunOptions): Promise<ResumeResult | null> {
  const { session, try: one } = taken;
  const before = lastRow(job.transcript);
  const base = { id: session, log: null, tmux: null };
  appendLog({ event: "start", session, by: options.by, why: whyOf(job.step) });
  let running: Running;
  try {
    running = await options.start([...startCommand(taken), ...job.argv], job);
  } catch (error) {
    abandon(session, one.n);
    const detail = error instanceof Error ? error.message : String(error);
    recordResult(session, one.n, { outcome: "failed", detail, at: Date.now() }, options.by);
    return { ...base, outcome: "failed", detail };
  }
  const seen = await watch(job, running, before, options);
  running.release();
  // Another process abandoned the attempt before the program could start: the session is now that process's.
  if (seen === null || attemptState(session, one).is === "abandoned") {
    await running.discard();
    return null;
  }
  const { outcome, detail, resetsAt } = seen;
  const { log, tmux } = running;
  if (outcome !== "started") {
    recordResult(session, one.n, { outcome, detail, at: Date.now(), resetsAt: resetsAt ?? null }, options.by);
  }
  return { id: session, outcome, detail, log, tmux };
}

const whyOf = ({ row, window, resetsAt }: Step): string =>
  row.startsWith("plan-")
    ? "scheduled with ccr resume-later"
    : `${window} limit${resetsAt === null ? "" : `, reset ${new Date(resetsAt).toISOString()}`}`;

function lastRow(transcript: string): Row | undefined {
  try {
    return readFacts(transcript).last;
  } catch {
    return undefined;
  }
}

type Seen = { outcome: Outcome; detail: string | null; resetsAt?: number | null };

const STARTED: Seen = { outcome: "started", detail: null };
const WITHOUT_ANSWER: Seen = { outcome: "failed", detail: "it ended before it answered" };

const STEP = 250;
/** How long (ms) after its first row a turn may still ask the person something. */
const SETTLES = 6000;
/** A Claude that has not registered after this time (ms) shows a dialog. */
const START_UP = 6000;

/** Watches a started program until its outcome is known. Null: the attempt was abandoned before the program started. */
async function watch(
  job: Job,
  running: Running,
  before: Row | undefined,
  options: RunOptions,
): Promise<Seen | null> {
  const headless = running.ended !== null;
  const begun = Date.now();
  let movedAt: number | undefined;
  let exit: number | null | undefined;
  running.ended?.then((status) => {
    exit = status;
  });
  for (;;) {
    // First the process, then the transcript: what was written before the end is not missed.
    const ended = headless ? exit !== undefined : running.pid === null || startOf(running.pid) === null;
    const seen = outcomeSince(before, job.transcript);
    if (ended) return outcomeAtEnd(seen, exit, running);
    if (seen) movedAt ??= Date.now();
    const passed = Date.now() - begun;
    const moment: Moment = { headless, seen, passed, sinceMove: Date.now() - (movedAt ?? begun) };
    const outcome = await outcomeNow(job, running, moment, options);
    if (outcome) return outcome;
    await sleep(passed < 5000 ? STEP : STEP * 4);
  }
}

/** What the transcript says since the row `before`. Null while it has no new row. */
function outcomeSince(before: Row | undefined, transcript: string): Seen | null {
  const last = lastRow(transcript);
  const moved = last !== undefined && (last.uuid !== before?.uuid || last.timestamp !== before?.timestamp);
  return moved ? outcomeOf(verdictOf(last), last) : null;
}

async function outcomeAtEnd(
  seen: Seen | null,
  exit: number | null | undefined,
  running: Running,
): Promise<Seen | null> {
  if (seen) return finished(seen, await running.lastOutput());
  if (exit === ABANDONED_STATUS) return null;
  return failureOf(await running.lastOutput(), exit ?? null);
}

/** A running program: what its transcript says, and how long (ms) it has run, and run since its first new row. */
type Moment = { headless: boolean; seen: Seen | null; passed: number; sinceMove: number };

/** The outcome of a program that still runs. Null: watch it longer. */
async function outcomeNow(
  job: Job,
  running: Running,
  { headless, seen, passed, sinceMove }: Moment,
  options: RunOptions,
): Promise<Seen | null> {
  const live = liveSessions().get(job.step.id);
  if (live?.status === "waiting")
    return { outcome: "waiting-for-permission", detail: live.waitingFor ?? "a question" };
  const toTheEnd = headless && options.waitForEnd;
  // While it works a question may still come: an answer alone is not the end of the turn.
  const settled = live?.status !== "busy" || sinceMove > SETTLES;
  if (seen && seen.outcome !== "started" && settled && !toTheEnd) return seen;
  if (!headless && !live && !seen && passed > START_UP) {
    const dialog = dialogIn(await running.lastOutput());
    if (dialog) return dialog;
  }
  if (headless && options.timeLimit !== null && passed > options.timeLimit) end(running.pid);
  if (passed > options.watchTime && !toTheEnd)
    return seen && live ? { outcome: "continued", detail: "still working" } : STARTED;
  return options.isCancelled() && headless ? { ...STARTED, detail: "still working" } : null;
}

/** Ends a program that we started, with all of its process group. */
function end(pid: number | null): void {
  if (pid === null || pid <= 1) return;
  try {
    process.kill(-pid, "SIGTERM");
  } catch {
    // it has ended by itself
  }
}

/** What a new last row says. A prompt alone means that Claude works on it. */
function outcomeOf(verdict: Verdict, last: Row): Seen {
  if (last.type === "user") return STARTED;
  if (verdict.state === "none") return { outcome: "continued", detail: null };
  if (verdict.state === "limited") {
    return { outcome: "limited-again", detail: null, resetsAt: verdict.resetsAt };
  }
  const words = textsOf(last)[0]?.slice(0, 200) ?? null;
  return { outcome: verdict.by === "login" ? "needs-login" : "failed", detail: words };
}

/** The outcome of a run that has ended, with the tools that it was not allowed to use. */
function finished(seen: Seen, words: string): Seen {
  if (seen.outcome === "started") return WITHOUT_ANSWER;
  if (seen.outcome !== "continued") return seen;
  const denied = deniedIn(words);
  return denied === null ? seen : { ...seen, detail: `not allowed: ${denied}` };
}

/** Names of the tools in the `permission_denials` of claude's JSON. */
function deniedIn(words: string): string | null {
  for (const line of words.split("\n").reverse()) {
    if (!line.startsWith("{")) continue;
    try {
      const { permission_denials: list } = JSON.parse(line);
      if (!Array.isArray(list) || list.length === 0) return null;
      const names = new Map<string, number>();
      for (const one of list) {
        const name = string(one?.tool_name) ?? "a tool";
        names.set(name, (names.get(name) ?? 0) + 1);
      }
      return [...names].map(([name, count]) => (count > 1 ? `${name} ×${count}` : name)).join(", ");
    } catch {
      // the next line up
    }
  }
  return null;
}

const LOGIN = /please run \/login|not logged in|login expired|select login method|invalid api key/i;

function dialogIn(words: string): Seen | null {
  if (/do you trust|trust (?:this|the files)/i.test(words)) {
    return { outcome: "trust-dialog", detail: "it asks whether to trust the directory" };
  }
  return LOGIN.test(words) ? { outcome: "needs-login", detail: lastLine(words) } : null;
}

function failureOf(words: string, exit: number | null): Seen {
  if (LOGIN.test(words)) return { outcome: "needs-login", detail: lastLine(words) };
  const said = lastLine(words);
  return {
    outcome: "failed",
    detail: said ?? (exit === null ? "it ended immediately" : `exit status ${exit}`),
  };
}

const lastLine = (words: string): string | null =>
  words
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !/^Pane is dead/.test(line))
    .at(-1)
    ?.slice(0, 200) ?? null;

/** Keeps what became of an attempt: beside its claim, in the log, and for the circuit breaker. */
function recordResult(session: string, n: number, result: Result, by: Entry["by"]): void {
  writeResult(session, n, result);
  appendLog({ event: "outcome", session, by, outcome: result.outcome, why: result.detail });
  updateBreaker(session, result, by);
}

/** Records the results of attempts whose own process ended before it could. */
export function recordUnfinished(sessions: Iterable<[id: string, transcript: string]>): void {
  for (const [id, transcript] of sessions) {
    const one = attemptsOf(id).at(-1);
    if (!one || resultOf(id, one.n)) continue;
    const stage = attemptState(id, one);
    if (stage.is !== "started" || stage.alive || isOwned(one)) continue;
    const last = lastRow(transcript);
    if (!last) continue;
    const same = string(last.uuid) === one.row;
    const seen = same ? WITHOUT_ANSWER : outcomeOf(verdictOf(last), last);
    const outcome = seen.outcome === "started" ? "failed" : seen.outcome;
    recordResult(
      id,
      one.n,
      { outcome, detail: seen.detail, at: Date.now(), resetsAt: seen.resetsAt ?? null },
      one.by,
    );
  }
}

/** Whether a program can be started in a directory. */
export function isUsable(directory: string): boolean {
  try {
    closeSync(openSync(directory, "r"));
    return true;
  } catch {
    return false;
  }
}
