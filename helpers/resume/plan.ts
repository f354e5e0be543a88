// What is to be continued, and why everything else is not. Pure: sessions and the clock in, a plan out.

import { stateOf, type Verdict } from "../limits/verdict.ts";
import { HOUR, MINUTE } from "../system/units.ts";
import type { Attempt, AttemptState, Result } from "./claims.ts";

/** A person's word about one session. Times are epoch ms; `until` null: until further notice; `at` null: at its reset. */
export type Pause = { until: number | null };
export type Scheduled = { id: string; at: number | null };

export type Candidate = {
  id: string;
  verdict: Verdict;
  live: boolean;
  /** start directory, and whether it is there */
  project: string | null;
  exists: boolean;
  /** its limit is that of the session it was forked from: one piece of work, which goes on there */
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
  /** epoch ms of the next try, where time alone can bring it */
  notBefore: number | null;
  /** what a claim needs: the row it is for, and the tries that were seen */
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

/** Tries of one limit, and how long after the try before each may come: the server may be late by ten minutes. */
const GAPS = [0, 5 * MINUTE, 15 * MINUTE];
/** Resets of one limit may be told with this difference. */
const SAME = 10 * MINUTE;
/** A limit without a reset time is tried after the length of its window. */
const LENGTH_UNKNOWN = 5 * HOUR;
const WEEK = 7 * 24 * HOUR;

/** 60 to 90 s after the reset, the same for a session each time: many sessions do not start in one moment. */
export function margin(id: string): number {
  let hash = 0;
  for (let i = 0; i < id.length; i++) hash = (hash * 31 + id.charCodeAt(i)) >>> 0;
  return MINUTE + (hash % 30_001);
}

/** What a limit's try is bound to. */
const rowOf = (verdict: Verdict): string =>
  verdict.state === "limited" ? (verdict.rowUuid ?? `at-${verdict.at}`) : "";

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

function stepOf(candidate: Candidate, rules: Rules): Step {
  const { id, verdict, attempts, scheduled } = candidate;
  const { now } = rules;
  const limited = verdict.state === "limited";
  const resetsAt = limited ? verdict.resetsAt : null;
  const base = {
    id,
    row: rowOf(verdict),
    window: limited ? verdict.window : null,
    resetsAt,
    after: attempts.at(-1)?.try.n ?? 0,
  };
  const skip = (reason: Reason, notBefore: number | null = null): Step => ({
    ...base,
    action: "skip",
    reason,
    notBefore,
  });

  if (candidate.live) return skip("live");
  const last = attempts.at(-1);
  if (last && last.stage.is !== "abandoned" && last.stage.alive) return skip("claimed");

  const named = rules.named?.has(id) ?? false;
  // A person's plan that was not carried out yet.
  const wanted =
    scheduled && !attempts.some((one) => one.try.row === scheduled.id && one.stage.is === "started")
      ? scheduled
      : null;
  if (!limited && !wanted) return skip(verdict.state === "blocked" ? "blocked" : "not-limited");
  if (candidate.copy && !named && !wanted) return skip("copy");
  if (candidate.project === null || !candidate.exists) return skip("directory-gone");

  const { pause } = candidate;
  if (pause && (pause.until === null || pause.until > now) && !named) return skip("paused", pause.until);
  if (wanted?.at && wanted.at > now && !named) return skip("planned", wanted.at);

  if (limited && !(named && rules.atOnce)) {
    const wait = waitOf(candidate, verdict, rules);
    if (wait) return skip(...wait);
  }
  if (rules.by === "supervise") {
    if (!rules.autoResume && !wanted) return skip("auto-resume-off");
    if (rules.stopped) return skip("stopped");
  }
  return { ...base, row: wanted ? wanted.id : base.row, action: "resume", reason: null, notBefore: null };
}

/** Why a limited session has to wait, or null. */
function waitOf(
  { id, updatedAt, attempts }: Candidate,
  verdict: Extract<Verdict, { state: "limited" }>,
  { now, since, atOnce }: Rules,
): [Reason, number | null] | null {
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

  // Tries that a clock set forward has dated into the future say nothing about this one.
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

/** The next instant (epoch ms) at which time alone brings a session that a plan skips; null: none. */
export function nextStart(steps: readonly Step[]): { id: string; at: number } | null {
  let next: { id: string; at: number } | null = null;
  for (const { id, action, notBefore } of steps) {
    if (action === "skip" && notBefore !== null && (next === null || notBefore < next.at))
      next = { id, at: notBefore };
  }
  return next;
}
