import { describe, expect, it } from "vitest";
import type { Row } from "../../helpers/claude/rows.ts";
import { stateOf, verdictOf } from "../../helpers/limits/verdict.ts";

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

describe("the verdict on hostile rows", () => {
  const values: unknown[] = [
    undefined,
    null,
    true,
    false,
    0,
    -1,
    1e308,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    "",
    "x",
    "\u0000",
    "9".repeat(400),
    [],
    {},
    [[]],
    { toString: null },
    "You've hit your limit · resets 99:99pm (UTC)",
    "resets ".repeat(5000),
    "Claude AI usage limit reached|99999999999999999999",
    "You've hit your 5-hour limit · resets 3pm (No/Such_Zone)",
    "You've hit your limit · resets Feb 30, 3pm (UTC)",
    { status: "rejected", resetsAt: "soon", rateLimitType: 7 },
    { rate_limit_info: { resetsAt: -5, rateLimitType: "a".repeat(9000) } },
    [{ type: "text", text: 5 }],
    [{ type: "text", text: "You've hit your limit · resets Jan 1, 9999, 3pm (Asia/Kathmandu)" }],
    [null, 1, [{}]],
  ];
  const fields = [
    "type",
    "uuid",
    "timestamp",
    "isApiErrorMessage",
    "message",
    "error",
    "apiError",
    "apiErrorParams",
    "quotaLimits",
    "apiErrorStatus",
    "apiErrorType",
    "apiErrorIsTransient",
    "content",
    "isSidechain",
    "origin",
  ];
  let seed = 7;
  const random = (below: number) => {
    seed = (seed * 1103515245 + 12345) & 0x7fffffff;
    return seed % below;
  };

  it("never throws, whatever their fields hold (20,000 rows)", () => {
    const seen = new Set<string>();
    for (let i = 0; i < 20_000; i++) {
      const row: Row = errorRow("You've hit your limit · resets 3pm (UTC)", { error: "rate_limit" });
      for (let n = random(4); n >= 0; n--)
        row[fields[random(fields.length)]!] = values[random(values.length)];
      if (random(3) === 0) row.message = { model: "<synthetic>", content: values[random(values.length)] };
      const verdict = verdictOf(row);
      seen.add(verdict.state);
      expect(["waiting", "ready", "blocked", "idle"]).toContain(stateOf(verdict, 1_795_000_000_000));
      if (verdict.state !== "limited") continue;
      expect(verdict.window).toMatch(/^[\w-]{1,64}$/);
      expect(verdict.resetsAt === null).toBe(verdict.resetFrom === null);
      if (verdict.resetsAt !== null) expect(Math.abs(verdict.resetsAt)).toBeLessThanOrEqual(8.64e15);
    }
    expect([...seen].sort()).toEqual(["blocked", "limited", "none"]);
  });
});
