// Continuing sessions: claim, start, watch, record. How a program is started is given from outside.

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

/** A session that is to be continued now. */
export type Job = {
  step: Step;
  transcript: string;
  /** start directory */
  project: string;
  /** the program and its words */
  argv: readonly string[];
};

/** What a starter gives back: `ended` settles when the program ends, if that can be seen from here. */
export type Running = {
  pid: number | null;
  tmux: string | null;
  log: string | null;
  ended: Promise<number | null> | null;
  /** the program's last visible words */
  lastOutput(): Promise<string>;
  /** lets go of it: it runs on by itself */
  release(): void;
  /** clears away what a start that came to nothing has left */
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
  /** so many at once */
  concurrency: number;
  /** ms to watch a program that stays (tmux); a headless one is watched to its end */
  watchTime: number;
  /** ms after which a headless program is ended; null: never */
  timeLimit: number | null;
  /** waits for headless programs to end; else only `patience` */
  waitForEnd: boolean;
  /** called when something is known */
  onDone(done: ResumeResult): void;
  /** no further start once it says so */
  isCancelled(): boolean;
};

/** Continues sessions, `most` at once, and gives what became of each. Those that another process took are left out. */
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

/** Takes the session and looks at it once more: only now nobody else can be about to start it. */
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
  // Another process gave the try up before the program could start: the session is that one's.
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
    ? "a person planned it"
    : `${window} limit${resetsAt === null ? "" : `, reset ${new Date(resetsAt).toISOString()}`}`;

function lastRow(transcript: string): Row | undefined {
  try {
    return readFacts(transcript).last;
  } catch {
    return undefined;
  }
}

type Seen = { outcome: Outcome; detail: string | null; resetsAt?: number | null };

const STEP = 250;
/** So long a turn is watched after its first row for a question to the person. */
const SETTLES = 6000;
/** A Claude that has not registered by then waits in a dialog of its start. */
const START_UP = 6000;

async function watch(
  job: Job,
  running: Running,
  before: Row | undefined,
  options: RunOptions,
): Promise<Seen | null> {
  const begun = Date.now();
  let movedAt: number | undefined;
  let exit: number | null | undefined;
  running.ended?.then((status) => {
    exit = status;
  });
  for (;;) {
    const headless = running.ended !== null;
    const ended = headless ? exit !== undefined : running.pid === null || startOf(running.pid) === null;
    const last = lastRow(job.transcript);
    const moved = last !== undefined && (last.uuid !== before?.uuid || last.timestamp !== before?.timestamp);
    const seen = moved ? outcomeOf(verdictOf(last), last) : null;
    if (moved) movedAt ??= Date.now();
    if (ended) {
      if (exit === ABANDONED_STATUS && !moved) return null;
      if (seen && (seen.outcome !== "started" || headless)) return finished(seen, await running.lastOutput());
      if (seen) return { outcome: "failed", detail: "it ended before an answer" };
      return failureOf(await running.lastOutput(), exit ?? null);
    }
    const live = liveSessions().get(job.step.id);
    if (live?.status === "waiting") {
      return { outcome: "waiting-for-permission", detail: live.waitingFor ?? "a question" };
    }
    // While it works a question may still come: an answer alone is not the end of the turn.
    const settled = live?.status !== "busy" || Date.now() - (movedAt ?? begun) > SETTLES;
    if (seen && seen.outcome !== "started" && settled && !(headless && options.waitForEnd)) return seen;
    const passed = Date.now() - begun;
    if (!headless && !live && !moved && passed > START_UP) {
      const dialog = dialogIn(await running.lastOutput());
      if (dialog) return dialog;
    }
    if (headless && options.timeLimit !== null && passed > options.timeLimit) end(running.pid);
    if (passed > options.watchTime && !(headless && options.waitForEnd)) {
      if (seen && live) return { outcome: "continued", detail: "still working" };
      return { outcome: "started", detail: null };
    }
    if (options.isCancelled() && headless) return { outcome: "started", detail: "still working" };
    await sleep(passed < 5000 ? STEP : STEP * 4);
  }
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

/** What a new last row says. A prompt alone: it was taken, and is being worked on. */
function outcomeOf(verdict: Verdict, last: Row): Seen {
  if (last.type === "user") return { outcome: "started", detail: null };
  if (verdict.state === "none") return { outcome: "continued", detail: null };
  if (verdict.state === "limited") {
    return { outcome: "limited-again", detail: null, resetsAt: verdict.resetsAt };
  }
  const words = textsOf(last)[0]?.slice(0, 200) ?? null;
  return { outcome: verdict.by === "login" ? "needs-login" : "failed", detail: words };
}

/** The outcome of a headless run that has ended: with the tools that it was not allowed. */
function finished(seen: Seen, words: string): Seen {
  if (seen.outcome === "started") return { outcome: "failed", detail: "it ended before an answer" };
  if (seen.outcome !== "continued") return seen;
  const denied = deniedIn(words);
  return denied === null ? seen : { ...seen, detail: `not allowed: ${denied}` };
}

/** Names of the tools in the `permission_denials` of claude's JSON. */
export function deniedIn(words: string): string | null {
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
  return { outcome: "failed", detail: said ?? (exit === null ? "it ended at once" : `exit status ${exit}`) };
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

/** Writes down what became of tries whose starter did not live to see it. */
export function recordUnfinished(sessions: Iterable<[id: string, transcript: string]>): void {
  for (const [id, transcript] of sessions) {
    const one = attemptsOf(id).at(-1);
    if (!one || resultOf(id, one.n)) continue;
    const stage = attemptState(id, one);
    if (stage.is !== "started" || stage.alive || isOwned(one)) continue;
    const last = lastRow(transcript);
    if (!last) continue;
    const same = string(last.uuid) === one.row;
    const seen: Seen = same
      ? { outcome: "failed", detail: "it ended before an answer" }
      : outcomeOf(verdictOf(last), last);
    const outcome = seen.outcome === "started" ? "failed" : seen.outcome;
    recordResult(
      id,
      one.n,
      { outcome, detail: seen.detail, at: Date.now(), resetsAt: seen.resetsAt ?? null },
      one.by,
    );
  }
}

/** Whether a directory can be used to start in. */
export function isUsable(directory: string): boolean {
  try {
    closeSync(openSync(directory, "r"));
    return true;
  } catch {
    return false;
  }
}
