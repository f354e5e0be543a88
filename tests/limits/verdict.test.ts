import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { isMessage, parseLine, type Row } from "../../helpers/claude/rows.ts";
import { stateOf, type Verdict, verdictOf } from "../../helpers/limits/verdict.ts";
import { fixtures } from "../support/home.ts";

const samples = join(fixtures, "claude");
type Expected = {
  limited: boolean;
  type?: string | null;
  resetsAt?: number | null;
  resetText?: string;
  src?: string;
  at?: string;
  error?: string;
};
const expected: Record<string, Expected> = JSON.parse(
  readFileSync(join(samples, "expected-limits.json"), "utf8"),
);

function lastMessage(file: string): Row | undefined {
  return readFileSync(join(samples, file), "utf8")
    .split("\n")
    .flatMap((line) => parseLine(line).rows)
    .filter(isMessage)
    .at(-1);
}

/** The clock texts of the samples, all of one day and in UTC, as instants. */
const CLOCKS: Record<string, string> = {
  "3:42pm": "2026-11-20T15:42:00.000Z",
  "3:44pm": "2026-11-20T15:44:00.000Z",
  "Nov 23, 1:42pm": "2026-11-23T13:42:00.000Z",
  "Nov 23, 1:44pm": "2026-11-23T13:44:00.000Z",
};
const FROM: Record<string, string> = {
  apiError: "apiErrorParams",
  quotaLimits: "quotaLimits",
  epoch: "epoch",
  text: "clock-text",
};

/** An error row as the CLI writes it. */
function errorRow(text: string, more: Row = {}): Row {
  return {
    type: "assistant",
    uuid: "11111111-2222-4333-8444-555555555555",
    timestamp: "2026-11-20T13:43:08.413Z",
    isApiErrorMessage: true,
    message: { model: "<synthetic>", role: "assistant", content: [{ type: "text", text }] },
    ...more,
  };
}

const limited = (verdict: Verdict) => {
  if (verdict.state !== "limited") throw new Error(`not limited but ${JSON.stringify(verdict)}`);
  return verdict;
};

describe("every transcript of the samples gets the verdict of the answer key", () => {
  it.each(Object.entries(expected))("%s", (file, key) => {
    const verdict = verdictOf(lastMessage(file));
    expect(verdict.state === "limited").toBe(key.limited);
    if (!key.limited) {
      expect(verdict.state).toBe(key.error ? "blocked" : verdict.state);
      return;
    }
    const { window, resetsAt, resetFrom, at, rowUuid } = limited(verdict);
    expect(window).toBe(key.type ?? "unknown");
    const reset =
      key.resetText === undefined
        ? key.resetsAt === null
          ? null
          : key.resetsAt! * 1000
        : Date.parse(CLOCKS[key.resetText]!);
    expect(resetsAt).toBe(reset);
    expect(resetFrom).toBe(reset === null ? null : FROM[key.src!]);
    expect(at).toBe(Date.parse(key.at!));
    expect(rowUuid).toMatch(/^[0-9a-f-]{36}$/);
  });

  it("all 123 of the key", () => {
    const states = Object.keys(expected).map((file) => verdictOf(lastMessage(file)).state === "limited");
    expect(states.filter(Boolean)).toHaveLength(Object.values(expected).filter((key) => key.limited).length);
    expect(states).toHaveLength(123);
  });
});

describe("what is no usage limit has a class of its own", () => {
  const cases: [string, string, string, Row?][] = [
    [
      "login",
      "login",
      "Failed to authenticate. API Error: 401 OAuth token has expired. Please obtain a new token.",
      { error: "authentication_failed", apiErrorStatus: 401 },
    ],
    ["login", "login", "Not logged in · Please run /login", { error: "authentication_failed" }],
    ["login", "login", "Login expired · Please run /login"],
    [
      "login",
      "login",
      'API Error: 401 {"type":"error","error":{"type":"authentication_error","message":"x"}} · Please run /login',
    ],
    [
      "login",
      "login",
      "Failed to authenticate: OAuth token revoked. Please log in again.",
      { error: "authentication_failed", apiErrorStatus: 403 },
    ],
    [
      "payment",
      "payment",
      "Claude Code can't use your Claude subscription, usually because a payment is past due · Pay or renew at https://claude.ai/settings/billing",
      { error: "oauth_org_not_allowed", apiErrorStatus: 403 },
    ],
    ["credits", "credits", "Credit balance is too low", { error: "billing_error", apiErrorStatus: 400 }],
    ["credits", "credits", "You're out of usage credits", { error: "rate_limit" }],
    ["credits", "credits", "You're out of extra usage · add more", { error: "rate_limit" }],
    [
      "credits",
      "credits",
      "Opus requires usage credits.",
      { apiError: "model_requires_usage_credits", error: "rate_limit" },
    ],
    [
      "credits",
      "credits",
      "Long context needs credits",
      { apiError: "long_context_credits_required", error: "rate_limit" },
    ],
    ["credits", "credits", "Your seat type doesn't include usage credits", { error: "rate_limit" }],
    ["credits", "credits", "Your org is out of usage · ask your admin", { error: "rate_limit" }],
    [
      "spend-limit",
      "spend-limit",
      "You've hit your monthly spend limit · raise it at https://claude.ai/settings/usage",
      {
        error: "rate_limit",
        apiError: "usage_limit_reached",
        apiErrorParams: {
          rate_limit_info: { status: "rejected", rateLimitType: "overage", resetsAt: 1795958551 },
        },
      },
    ],
    [
      "spend-limit",
      "spend-limit",
      "You've hit your monthly spend limit · raise it at https://claude.ai/settings/usage",
      { error: "rate_limit" },
    ],
    [
      "spend-limit",
      "spend-limit",
      "Your usage allocation has been disabled by your admin",
      {
        error: "rate_limit",
        quotaLimits: { status: "rejected", rateLimitType: "five_hour", resetsAt: 1795188151 },
      },
    ],
    ["spend-limit", "spend-limit", "Your group's usage limit is set to $0", { error: "rate_limit" }],
    [
      "spend-limit",
      "spend-limit",
      "API Error: 400 You have reached your specified API usage limits. You will regain access on 2026-12-01 at 00:00 UTC.",
      { error: "unknown", apiErrorStatus: 400 },
    ],
    [
      "overloaded",
      "overloaded",
      "API Error: 529 Overloaded. This is a server-side issue",
      { error: "server_error", apiErrorStatus: 529, apiErrorType: "overloaded_error" },
    ],
    [
      "overloaded",
      "overloaded",
      'API Error: 529 {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}',
      { error: "unknown" },
    ],
    [
      "other-api-error",
      "server-error",
      "API Error: 500 Internal server error.",
      { error: "server_error", apiErrorStatus: 500 },
    ],
    [
      "other-api-error",
      "throttle",
      "API Error: Server is temporarily limiting requests (not your usage limit) · x",
      { error: "rate_limit", apiErrorIsTransient: true },
    ],
    ["other-api-error", "throttle", "API Error: Rate limit reached", { error: "rate_limit" }],
    ["other-api-error", "throttle", "Claude AI usage limit reached|0"],
    ["other-api-error", "throttle", "You've hit your fast limit · resets 3pm (UTC)", { error: "rate_limit" }],
    [
      "other-api-error",
      "api-key-429",
      "API Error: Request rejected (429) · You've hit your 5-hour limit · resets 3pm (UTC)",
      { error: "rate_limit", apiErrorIsTransient: false },
    ],
    [
      "other-api-error",
      "request",
      "Prompt is too long · the request is ~250000 tokens",
      { error: "invalid_request" },
    ],
    [
      "other-api-error",
      "request",
      "You've hit your 5-hour limit · resets 3pm (UTC)",
      { error: "invalid_request" },
    ],
  ];
  it.each(cases)("%s (%s): %s", (by, cause, text, more = {}) => {
    expect(verdictOf(errorRow(text, more))).toEqual({ state: "blocked", by, cause });
  });
});

describe("the wording of a limit that the CLI did not write as an error is no limit:", () => {
  const words = "You've hit your 5-hour limit · resets 3:22pm (UTC)";
  const typed = {
    apiError: "usage_limit_reached",
    quotaLimits: { status: "rejected", rateLimitType: "five_hour", resetsAt: 1795188151 },
  };
  it.each<[string, Row]>([
    ["a prompt", { ...errorRow(words, typed), type: "user" }],
    [
      "a tool result",
      {
        type: "user",
        message: { content: [{ type: "tool_result", content: JSON.stringify(errorRow(words, typed)) }] },
      },
    ],
    ["an answer", { ...errorRow(words, typed), isApiErrorMessage: false }],
    [
      "an answer of a model with the flag",
      {
        ...errorRow(words, typed),
        message: { model: "claude-opus-4-5", content: [{ type: "text", text: words }] },
      },
    ],
    ["a system row", { ...errorRow(words, typed), type: "system" }],
    ["the flag as a word", { ...errorRow(words, typed), isApiErrorMessage: "true" }],
  ])("%s", (_, row) => {
    expect(verdictOf(row)).toEqual({ state: "none" });
  });

  it("in a session without messages", () => {
    expect(verdictOf(undefined)).toEqual({ state: "none" });
  });
});

describe("typed fields of a limit row win over its words:", () => {
  it("the window and reset of apiErrorParams win over those of quotaLimits and of the text", () => {
    const verdict = verdictOf(
      errorRow("You've hit your weekly limit · resets 1am (UTC)", {
        error: "rate_limit",
        apiError: "usage_limit_reached",
        apiErrorParams: {
          rate_limit_info: { status: "rejected", rateLimitType: "five_hour", resetsAt: 1795188151 },
        },
        quotaLimits: { status: "rejected", rateLimitType: "seven_day", resetsAt: 1795188999 },
      }),
    );
    expect(verdict).toMatchObject({
      window: "five_hour",
      resetsAt: 1795188151000,
      resetFrom: "apiErrorParams",
    });
  });

  it("a typed limit without a reset takes the text's", () => {
    const verdict = verdictOf(
      errorRow("You've hit your 5-hour limit · resets 3:22pm (UTC)", {
        error: "rate_limit",
        quotaLimits: { status: "rejected", rateLimitType: "five_hour" },
      }),
    );
    expect(verdict).toMatchObject({ resetsAt: Date.parse("2026-11-20T15:22:00Z"), resetFrom: "clock-text" });
  });

  it("a spend limit beside a plan's window waits for the window", () => {
    const text =
      "You've hit your monthly spend limit · raise it at https://claude.ai/x?from=y · your 5-hour limit resets 3:22pm (UTC)";
    const until = {
      window: "five_hour",
      resetsAt: Date.parse("2026-11-20T15:22:00Z"),
      resetFrom: "clock-text",
    };
    expect(verdictOf(errorRow(text, { error: "rate_limit" }))).toMatchObject(until);
    const overage = { status: "rejected", rateLimitType: "overage", resetsAt: 1795958551 };
    expect(
      verdictOf(
        errorRow(text, { apiError: "usage_limit_reached", apiErrorParams: { rate_limit_info: overage } }),
      ),
    ).toMatchObject(until);
  });
});

describe("a prompt after a limit that got no answer", () => {
  const limit = errorRow("Claude AI usage limit reached|1795189322");
  const prompt = (seconds: number): Row => ({
    type: "user",
    timestamp: new Date(seconds * 1000).toISOString(),
    message: { role: "user", content: "continue" },
  });
  it("leaves the session limited while the limit held", () => {
    expect(verdictOf(prompt(1795189321), limit)).toEqual(verdictOf(limit));
  });
  it("counts as resumed from the reset on, or where no reset is known", () => {
    expect(verdictOf(prompt(1795189322), limit)).toEqual({ state: "none" });
    expect(verdictOf(prompt(1), errorRow("You've hit your 5-hour limit"))).toEqual({ state: "none" });
    expect(verdictOf(prompt(1), errorRow("Credit balance is too low"))).toEqual({ state: "none" });
  });
});

describe("the verdict on hostile rows", () => {
  it("is immediate for one million characters", () => {
    const start = performance.now();
    verdictOf(errorRow(`You've hit your ${"a ".repeat(500_000)}`, { error: "rate_limit" }));
    verdictOf(errorRow("resets Nov 1".repeat(100_000), { error: "rate_limit" }));
    expect(performance.now() - start).toBeLessThan(10_000);
  });
});

describe("state of a session that is not live", () => {
  const row = errorRow("Claude AI usage limit reached|1795189322");
  it("is waiting before the reset and ready from it on", () => {
    expect(stateOf(verdictOf(row), 1795189321999)).toBe("waiting");
    expect(stateOf(verdictOf(row), 1795189322000)).toBe("ready");
  });
  it("is waiting where no reset is known, blocked on other errors, else idle", () => {
    expect(stateOf(verdictOf(errorRow("You've hit your 5-hour limit", { error: "rate_limit" })), 9e15)).toBe(
      "waiting",
    );
    expect(stateOf(verdictOf(errorRow("Credit balance is too low")), 0)).toBe("blocked");
    expect(stateOf({ state: "none" }, 0)).toBe("idle");
  });
});
