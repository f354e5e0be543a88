import { describe, expect, it } from "vitest";
import type { Verdict } from "../../helpers/limits/verdict.ts";
import type { Attempt } from "../../helpers/resume/claims.ts";
import { type Candidate, margin, nextStart, plan, type Rules } from "../../helpers/resume/plan.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const NOW = Date.parse("2026-11-20T12:00:00Z");

const limit = (more: Partial<Extract<Verdict, { state: "limited" }>> = {}): Verdict => ({
  state: "limited",
  window: "five_hour",
  resetsAt: NOW - HOUR,
  resetFrom: "apiErrorParams",
  rowUuid: "row-1",
  at: NOW - 3 * HOUR,
  ...more,
});

const session = (more: Partial<Candidate> = {}): Candidate => ({
  id: "aaaaaaaa-1111-4111-8111-111111111111",
  verdict: limit(),
  live: false,
  project: "/work/app",
  exists: true,
  copy: false,
  updatedAt: NOW - 3 * HOUR,
  attempts: [],
  pause: null,
  scheduled: null,
  ...more,
});

const rules = (more: Partial<Rules> = {}): Rules => ({
  now: NOW,
  by: "person",
  since: 7 * DAY,
  atOnce: false,
  named: null,
  order: "newest",
  autoResume: true,
  stopped: false,
  left: 40,
  max: 10,
  ...more,
});

const tried = (
  at: number,
  more: Partial<Attempt> = {},
  stage: Candidate["attempts"][number]["stage"] = { is: "started", pid: 1, alive: false },
) => ({
  try: {
    n: 1,
    row: "row-1",
    window: "five_hour",
    resetsAt: NOW - HOUR,
    at,
    pid: 1,
    start: "",
    domain: "",
    by: "person" as const,
    ...more,
  },
  stage,
  result: null,
});

const one = (candidate: Candidate, more: Partial<Rules> = {}) => plan([candidate], rules(more))[0]!;

describe("the plan of ccra", () => {
  it("resumes a limited session after its reset", () => {
    expect(one(session())).toMatchObject({ action: "resume", reason: null, row: "row-1", after: 0 });
  });

  it.each<[string, Partial<Candidate>, Partial<Rules>, string]>([
    ["a live one", { live: true }, {}, "live"],
    [
      "a live one, even when named with --now",
      { live: true },
      { named: new Set([session().id]), atOnce: true },
      "live",
    ],
    [
      "one that another process is starting",
      { attempts: [tried(NOW - 1000, {}, { is: "claimed", alive: true })] },
      {},
      "claimed",
    ],
    [
      "one whose resume still runs",
      { attempts: [tried(NOW - HOUR, {}, { is: "started", pid: 7, alive: true })] },
      {},
      "claimed",
    ],
    ["one that is not limited", { verdict: { state: "none" } }, {}, "not-limited"],
    ["a blocked one", { verdict: { state: "blocked", by: "login", cause: "login" } }, {}, "blocked"],
    [
      "a spend limit, even when named",
      { verdict: { state: "blocked", by: "spend-limit", cause: "spend-limit" } },
      { named: new Set([session().id]), atOnce: true },
      "blocked",
    ],
    ["one whose reset is ahead", { verdict: limit({ resetsAt: NOW + HOUR }) }, {}, "waiting"],
    [
      "one whose reset has passed half a minute ago",
      { verdict: limit({ resetsAt: NOW - 30_000 }) },
      {},
      "too-soon",
    ],
    [
      "one without a reset time, three hours old",
      { verdict: limit({ resetsAt: null, resetFrom: null }) },
      {},
      "unknown-reset",
    ],
    [
      "one without a reset and row time",
      { verdict: limit({ resetsAt: null, at: null }) },
      {},
      "unknown-reset",
    ],
    [
      "one that is older than a week",
      { verdict: limit({ resetsAt: NOW - 8 * DAY, at: NOW - 9 * DAY }), updatedAt: NOW - 9 * DAY },
      {},
      "too-old",
    ],
    [
      "one older than --since",
      { verdict: limit({ at: NOW - 9 * HOUR, resetsAt: NOW - 5 * HOUR }), updatedAt: NOW - 9 * HOUR },
      { since: 4 * HOUR },
      "too-old",
    ],
    ["a fork that only has the limit of its original", { copy: true }, {}, "copy"],
    ["one whose directory is gone", { exists: false }, {}, "directory-gone"],
    ["one without a directory", { project: null }, {}, "directory-gone"],
    ["one that a person holds", { pause: { until: null } }, {}, "paused"],
    ["one held until later", { pause: { until: NOW + HOUR } }, {}, "paused"],
    ["any, by supervise with autoResume off", {}, { by: "supervise", autoResume: false }, "auto-resume-off"],
    ["any, by supervise after it has stopped", {}, { by: "supervise", stopped: true }, "stopped"],
    ["any, by supervise when the day's cap is reached", {}, { by: "supervise", left: 0 }, "daily-cap"],
    ["a planned one before its time", { scheduled: { id: "plan-1", at: NOW + HOUR } }, {}, "planned"],
  ])("skips %s", (_, more, how, reason) => {
    expect(one(session(more), how)).toMatchObject({ action: "skip", reason });
  });

  it.each<[string, Partial<Candidate>, Partial<Rules>]>([
    [
      "one without a reset time after five hours",
      { verdict: limit({ resetsAt: null, at: NOW - 5 * HOUR - 2 * MINUTE }) },
      {},
    ],
    [
      "a weekly one whose row is eight days old, at its reset",
      {
        verdict: limit({ window: "seven_day", at: NOW - 8 * DAY, resetsAt: NOW - HOUR }),
        updatedAt: NOW - 8 * DAY,
      },
      {},
    ],
    [
      "one whose reset has passed half a minute ago, with --now",
      { verdict: limit({ resetsAt: NOW - 30_000 }) },
      { atOnce: true },
    ],
    [
      "a named one before its reset, with --now",
      { verdict: limit({ resetsAt: NOW + HOUR }) },
      { atOnce: true, named: new Set([session().id]) },
    ],
    ["a held one that is named", { pause: { until: null } }, { named: new Set([session().id]) }],
    ["one whose hold is over", { pause: { until: NOW - 1 } }, {}],
    [
      "one whose last try was given up before its start",
      { attempts: [tried(NOW - 1000, {}, { is: "abandoned" })] },
      {},
    ],
    [
      "one whose starter died before the start",
      { attempts: [tried(NOW - 1000, {}, { is: "claimed", alive: false })] },
      {},
    ],
    [
      "a new limit of a session that was continued after an older one",
      { attempts: [tried(NOW - DAY, { row: "row-0", resetsAt: NOW - DAY })] },
      {},
    ],
    [
      "a planned one that is not limited, by supervise with autoResume off",
      { verdict: { state: "none" }, scheduled: { id: "plan-1", at: NOW - 1 } },
      { by: "supervise", autoResume: false },
    ],
    [
      "a planned one at its reset, by supervise with autoResume off",
      { scheduled: { id: "plan-1", at: null } },
      { by: "supervise", autoResume: false },
    ],
  ])("resumes %s", (_, more, how) => {
    expect(one(session(more), how)).toMatchObject({ action: "resume", reason: null });
  });

  it("does not carry a person's plan out twice", () => {
    const scheduled = { id: "plan-1", at: NOW - HOUR };
    const done = session({
      verdict: { state: "none" },
      scheduled,
      attempts: [tried(NOW - MINUTE, { row: "plan-1" })],
    });
    expect(one(done, { by: "supervise" })).toMatchObject({ action: "skip", reason: "not-limited" });
  });

  it("names the row and the tries that it has seen, for the claim", () => {
    const candidate = session({ attempts: [tried(NOW - DAY, { n: 4, row: "old", resetsAt: 0 })] });
    expect(one(candidate)).toMatchObject({
      row: "row-1",
      after: 4,
      window: "five_hour",
      resetsAt: NOW - HOUR,
    });
  });
});

describe("a limit whose reset the server keeps late", () => {
  const again = (minutes: number[], now = NOW) => {
    // Each try ended in a new row of the same limit.
    const attempts = minutes.map((ago, i) => tried(now - ago * MINUTE, { n: i + 1, row: `row-${i}` }));
    return one(session({ verdict: limit({ rowUuid: `row-${minutes.length}` }), attempts }), { now });
  };
  it("is tried again after 5 and after 15 minutes, and then no more", () => {
    expect(again([])).toMatchObject({ action: "resume" });
    expect(again([4])).toMatchObject({ reason: "tried", notBefore: NOW + MINUTE });
    expect(again([5])).toMatchObject({ action: "resume" });
    expect(again([20, 14])).toMatchObject({ reason: "tried", notBefore: NOW + MINUTE });
    expect(again([21, 15])).toMatchObject({ action: "resume" });
    expect(again([60, 50, 30])).toMatchObject({ reason: "too-many-tries", notBefore: null });
  });
  it("counts anew when the server names another reset", () => {
    const attempts = [60, 50, 30].map((ago, i) =>
      tried(NOW - ago * MINUTE, { n: i + 1, row: `row-${i}`, resetsAt: NOW - 6 * HOUR }),
    );
    expect(one(session({ attempts, verdict: limit({ rowUuid: "row-9" }) }))).toMatchObject({
      action: "resume",
    });
  });
  it("does not skip the gap with --now, so that many ccra at once start nothing twice", () => {
    const attempts = [tried(NOW - 10_000)];
    expect(one(session({ attempts, verdict: limit({ rowUuid: "row-2" }) }), { atOnce: true })).toMatchObject({
      reason: "tried",
    });
  });
});

describe("the plan of ccra, when the machine's clock", () => {
  const many = Array.from({ length: 60 }, (_, i) =>
    session({ id: `${String(i).padStart(8, "0")}-1111-4111-8111-111111111111` }),
  );

  it("stood still (suspend) or jumped forward: starts at most `max` of many due sessions in one pass", () => {
    const steps = plan(many, rules({ by: "supervise", now: NOW + 3 * DAY }));
    expect(steps.filter(({ action }) => action === "resume")).toHaveLength(10);
    expect(steps.filter(({ reason }) => reason === "max")).toHaveLength(50);
  });

  it("comes around often: keeps to the day's cap", () => {
    let started = 0;
    for (let pass = 0; pass < 20; pass++) {
      started += plan(many, rules({ by: "supervise", left: 25 - started })).filter(
        ({ action }) => action === "resume",
      ).length;
    }
    expect(started).toBe(25);
  });

  it("was set back: lets sessions wait again and loses none", () => {
    const due = one(session());
    const back = one(session(), { now: NOW - 2 * HOUR });
    expect(due.action).toBe("resume");
    expect(back).toMatchObject({
      action: "skip",
      reason: "waiting",
      notBefore: NOW - HOUR + margin(session().id),
    });
    expect(one(session(), { now: NOW + DAY }).action).toBe("resume");
  });

  it("was set forward: does not count tries from the future", () => {
    const attempts = [1, 2, 3].map((n) => tried(NOW + n * DAY, { n, row: `row-${n}` }));
    expect(one(session({ attempts, verdict: limit({ rowUuid: "row-4" }) }))).toMatchObject({
      action: "resume",
    });
  });

  it("is days after a reset: resumes once, not once a day", () => {
    const old = limit({ resetsAt: NOW - 5 * DAY, at: NOW - 5 * DAY });
    const attempts = [tried(NOW - 4 * MINUTE, { resetsAt: NOW - 5 * DAY })];
    expect(one(session({ verdict: old })).action).toBe("resume");
    expect(one(session({ verdict: old, attempts }))).toMatchObject({ reason: "tried" });
  });

  it("reaches a reset: spreads its sessions over half a minute, each always at the same second", () => {
    const margins = many.map(({ id }) => margin(id));
    expect(Math.min(...margins)).toBeGreaterThanOrEqual(60_000);
    expect(Math.max(...margins)).toBeLessThanOrEqual(90_000);
    expect(new Set(margins).size).toBeGreaterThan(5);
    expect(margin(many[0]!.id)).toBe(margin(many[0]!.id));
  });

  it("jumps for a whole simulated week: starts every session, and none more than three times a limit", () => {
    let seed = 11;
    const random = () => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) / 0x7fffffff;
    const world = many.slice(0, 30).map((candidate, i) => ({
      ...candidate,
      verdict: limit({ rowUuid: `r-${i}`, at: NOW, resetsAt: NOW + Math.floor(random() * 5 * HOUR) }),
      updatedAt: NOW,
      tries: [] as Candidate["attempts"][number][],
      done: false,
    }));
    let truth = NOW;
    let skew = 0;
    let started = 0;
    for (let pass = 0; pass < 12 * 24 * 7; pass++) {
      truth += 5 * MINUTE;
      if (pass === 10) skew = 2 * DAY; // set forward by mistake
      if (pass === 30) skew = -HOUR; // and mended, a little behind
      if (pass === 50) truth += 9 * HOUR; // asleep
      if (pass === 300) skew = 0;
      const now = truth + skew;
      const open = world.filter(({ done }) => !done);
      const steps = plan(open, rules({ now, by: "supervise", left: 1000, max: 5 }));
      expect(steps.filter(({ action }) => action === "resume").length).toBeLessThanOrEqual(5);
      for (const step of steps.filter(({ action }) => action === "resume")) {
        const session = open.find(({ id }) => id === step.id)!;
        const verdict = session.verdict as Extract<Verdict, { state: "limited" }>;
        started++;
        session.tries = [
          ...session.tries,
          tried(now, { n: step.after + 1, row: step.row, resetsAt: verdict.resetsAt }),
        ];
        // The server lets it through from ten minutes after the true reset on.
        if (truth >= verdict.resetsAt! + 10 * MINUTE) session.done = true;
        else session.verdict = { ...verdict, rowUuid: `${verdict.rowUuid}x`, at: now };
      }
    }
    expect(world.filter(({ done }) => !done)).toEqual([]);
    expect(started).toBeLessThan(30 * 6);
  });
});

describe("the next event of the plan", () => {
  const a = session({ id: "a", updatedAt: 1, verdict: limit({ resetsAt: NOW - 1 * HOUR }) });
  const b = session({ id: "b", updatedAt: 2, verdict: limit({ resetsAt: NOW - 3 * HOUR }) });
  const c = session({ id: "c", updatedAt: 3, verdict: limit({ resetsAt: NOW - 2 * HOUR }) });
  it.each([
    ["newest", "cba"],
    ["oldest", "abc"],
    ["reset", "bca"],
  ] as const)("%s first", (order, ids) => {
    expect(
      plan([a, b, c], rules({ order }))
        .map(({ id }) => id)
        .join(""),
    ).toBe(ids);
  });

  it("is the soonest that time alone brings", () => {
    const soon = session({ id: "s", verdict: limit({ resetsAt: NOW + HOUR }) });
    const late = session({ id: "l", verdict: limit({ resetsAt: NOW + 2 * HOUR }) });
    const never = session({ id: "n", exists: false });
    expect(nextStart(plan([late, never, soon], rules()))).toEqual({ id: "s", at: NOW + HOUR + margin("s") });
    expect(nextStart(plan([never], rules()))).toBeNull();
  });
});
