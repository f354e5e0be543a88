// Which sessions are resumed, and why all others are not. Pure: sessions and the time in, a plan out.

import { stateOf, type Verdict } from "../limits/verdict.ts";
import { HOUR, MINUTE } from "../system/units.ts";
import type { Attempt, AttemptState, Result } from "./claims.ts";

/** What a person decided about a session. Times are epoch ms. `until` null: until further notice. `at` null: at its reset. */
export type Pause = { until: number | null };
export type Scheduled = { id: string; at: number | null };

export type Candidate = {
  id: string;
  verdict: Verdict;
  live: boolean;
  /** start directory, and whether it is there */
  project: string | null;
  exists: boolean;
  /** its limit is that of the session it was forked from, where the work continues */
  copy: boolean;
  updatedAt: number | null;
  attempts: readonly { try: Attempt; stage: AttemptState; result: Result | null }[];
  pause: Pause | null;
  scheduled: Scheduled | null;
};

export type Reason =
  | "live"
  | "claimed"
  | "not-limited"
  | "copy"
  | "blocked"
  | "waiting"
  | "unknown-reset"
  | "too-soon"
  | "tried"
  | "too-many-tries"
  | "too-old"
  | "directory-gone"
  | "paused"
  | "planned"
  | "auto-resume-off"
  | "stopped"
  | "daily-cap"
  | "max";

export type Step = {
  id: string;
  action: "resume" | "skip";
  reason: Reason | null;
  /** epoch ms of the next attempt, where only time is missing */
  notBefore: number | null;
  /** what a claim needs: the limit row, and the number of the last attempt that was seen */
  row: string;
  window: string | null;
  resetsAt: number | null;
  after: number;
};

export type Rules = {
  now: number;
  by: "person" | "supervise";
  /** ms; a session whose reset or last row is older is left alone */
  since: number;
  /** leave out the margin after the reset; for named sessions also the wait for the reset */
  atOnce: boolean;
  /** ids that the person named; null: all */
  named: ReadonlySet<string> | null;
  order: "newest" | "oldest" | "reset";
  /** for supervise only */
  autoResume: boolean;
  stopped: boolean;
  left: number;
  max: number;
};

/** The attempts for one limit, and how long (ms) after the previous one each may come: the server may be ten minutes late. */
const GAPS = [0, 5 * MINUTE, 15 * MINUTE];
/** How much (ms) the reset times of one limit may differ. */
const SAME = 10 * MINUTE;
/** A limit without a reset time is retried after the length of its window. */
const LENGTH_UNKNOWN = 5 * HOUR;
const WEEK = 7 * 24 * HOUR;

/** 60 to 90 s (in ms) after the reset, always the same for a session, so that not all sessions start at once. */
export function margin(id: string): number {
  let hash = 0;
  for (let i = 0; i < id.length; i++) hash = (hash * 31 + id.charCodeAt(i)) >>> 0;
  return MINUTE + (hash % 30_001);
}

/** What an attempt for a limit is bound to. */
const rowOf = (verdict: Verdict): string =>
  verdict.state === "limited" ? (verdict.rowUuid ?? `at-${verdict.at}`) : "";

/** Decides for each session whether to resume it. Beyond the caps the last ones in the order are skipped. */
export function plan(candidates: readonly Candidate[], rules: Rules): Step[] {
  const sorted = [...candidates].sort(ORDERS[rules.order]);
  let left = rules.by === "supervise" ? Math.min(rules.left, rules.max) : Number.POSITIVE_INFINITY;
  return sorted.map((candidate) => {
    const step = stepOf(candidate, rules);
    if (step.action === "skip" || left-- > 0) return step;
    return { ...step, action: "skip", reason: rules.left < rules.max ? "daily-cap" : "max" };
  });
}

const ORDERS: Record<Rules["order"], (a: Candidate, b: Candidate) => number> = {
  newest: (a, b) => (b.updatedAt ?? 0) - (a.updatedAt ?? 0),
  oldest: (a, b) => (a.updatedAt ?? 0) - (b.updatedAt ?? 0),
  reset: (a, b) => resetOf(a) - resetOf(b),
};
const resetOf = ({ verdict }: Candidate): number =>
  verdict.state === "limited" ? (verdict.resetsAt ?? Number.MAX_SAFE_INTEGER) : Number.MAX_SAFE_INTEGER;

/** Why a session is skipped, and the time (epoch ms) after which it no longer is. */
type Skip = [reason: Reason, notBefore: number | null];

function stepOf(candidate: Candidate, rules: Rules): Step {
  const { id, verdict, attempts, scheduled } = candidate;
  const limited = verdict.state === "limited";
  // A schedule is used up by the first attempt that has started.
  const isUsed = attempts.some((one) => one.try.row === scheduled?.id && one.stage.is === "started");
  const due = isUsed ? null : scheduled;
  const named = rules.named?.has(id) ?? false;
  const skip =
    whyImpossible(candidate, named || due !== null, due !== null) ??
    (named ? null : whyPostponed(candidate, due, rules.now)) ??
    (limited && !(named && rules.atOnce) ? waitOf(candidate, verdict, rules) : null) ??
    whyNotUnattended(rules, due !== null);
  const step: Omit<Step, "action" | "reason" | "notBefore"> = {
    id,
    row: rowOf(verdict),
    window: limited ? verdict.window : null,
    resetsAt: limited ? verdict.resetsAt : null,
    after: attempts.at(-1)?.try.n ?? 0,
  };
  if (skip) return { ...step, action: "skip", reason: skip[0], notBefore: skip[1] };
  return { ...step, row: due ? due.id : step.row, action: "resume", reason: null, notBefore: null };
}

/** Reasons that time alone does not remove. `wanted`: a person has named or scheduled this very session. */
function whyImpossible(candidate: Candidate, wanted: boolean, due: boolean): Skip | null {
  const { verdict, live, copy, project, exists } = candidate;
  const last = candidate.attempts.at(-1);
  if (live) return ["live", null];
  if (last && last.stage.is !== "abandoned" && last.stage.alive) return ["claimed", null];
  if (verdict.state !== "limited" && !due)
    return [verdict.state === "blocked" ? "blocked" : "not-limited", null];
  if (copy && !wanted) return ["copy", null];
  return project === null || !exists ? ["directory-gone", null] : null;
}

/** Whether a person has paused the session, or scheduled it for later. */
function whyPostponed({ pause }: Candidate, due: Scheduled | null, now: number): Skip | null {
  if (pause && (pause.until === null || pause.until > now)) return ["paused", pause.until];
  return due?.at && due.at > now ? ["planned", due.at] : null;
}

/** Whether `ccr supervise` may not start anything by itself. */
function whyNotUnattended({ by, autoResume, stopped }: Rules, due: boolean): Skip | null {
  if (by !== "supervise") return null;
  if (!autoResume && !due) return ["auto-resume-off", null];
  return stopped ? ["stopped", null] : null;
}

/** Why a limited session has to wait, or null. */
function waitOf(
  { id, updatedAt, attempts }: Candidate,
  verdict: Extract<Verdict, { state: "limited" }>,
  { now, since, atOnce }: Rules,
): Skip | null {
  const { at, window, resetsAt } = verdict;
  const length = window.startsWith("seven_day") ? WEEK : LENGTH_UNKNOWN;
  const reset = resetsAt ?? (at === null ? null : at + length);
  if (reset === null) return ["unknown-reset", null];
  const due = reset + (atOnce ? 0 : margin(id));
  if (stateOf({ ...verdict, resetsAt: reset }, now) === "waiting") {
    return [resetsAt === null ? "unknown-reset" : "waiting", due];
  }
  // A weekly limit's row is as old as its window when it resets: the younger of the two counts.
  if (Math.max(reset, updatedAt ?? 0, at ?? 0) < now - since) return ["too-old", null];
  if (due > now) return ["too-soon", due];

  // Attempts dated in the future, by a clock that was set forward, do not count.
  const before = attempts.filter(
    (one) => one.stage.is === "started" && one.try.at <= now + MINUTE && isSameLimit(one.try, verdict),
  );
  const latest = before.at(-1);
  if (!latest) return null;
  const gap = GAPS[before.length];
  if (gap === undefined) return ["too-many-tries", null];
  const next = latest.try.at + gap;
  return next > now ? ["tried", next] : null;
}

function isSameLimit(one: Attempt, verdict: Extract<Verdict, { state: "limited" }>): boolean {
  if (one.row === rowOf(verdict)) return true;
  if (one.window !== verdict.window) return false;
  if (one.resetsAt === null || verdict.resetsAt === null) {
    return verdict.at !== null && Math.abs(verdict.at - one.at) < LENGTH_UNKNOWN;
  }
  return Math.abs(one.resetsAt - verdict.resetsAt) <= SAME;
}

/** When (epoch ms) the next skipped session becomes due. Null: none will. */
export function nextStart(steps: readonly Step[]): { id: string; at: number } | null {
  let next: { id: string; at: number } | null = null;
  for (const { id, action, notBefore } of steps) {
    if (action === "skip" && notBefore !== null && (next === null || notBefore < next.at))
      next = { id, at: notBefore };
  }
  return next;
}
