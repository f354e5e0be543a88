import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { clockIn, instantOf, normalize } from "../../helpers/limits/wordings.ts";
import { root } from "../support/home.ts";

const at = (text: string) => Date.parse(text);
/** Instant that a notice names, as ISO text. */
const reset = (notice: string, row: string) => {
  const clock = clockIn(normalize(notice));
  const instant = clock && instantOf(clock, at(row));
  return instant === null ? null : new Date(instant).toISOString();
};

describe("a clock text is the next such time after the row, in its zone", () => {
  it("in the machine's zone where none is named", () => {
    const script =
      'import { clockIn, instantOf } from "./helpers/limits/wordings.ts";' +
      'console.log(new Date(instantOf(clockIn("resets 3:42pm"), Date.parse("2026-07-20T13:43:08Z"))).toISOString());';
    for (const [zone, instant] of [
      ["UTC", "2026-07-20T15:42:00.000Z"],
      ["America/New_York", "2026-07-20T19:42:00.000Z"],
      ["Asia/Kolkata", "2026-07-21T10:12:00.000Z"],
    ] as const) {
      const answer = execFileSync(
        process.execPath,
        ["--import", "tsx", "--input-type=module", "-e", script],
        {
          cwd: root,
          env: { PATH: process.env.PATH, TZ: zone },
          encoding: "utf8",
        },
      );
      expect(answer.trim()).toBe(instant);
    }
  });

  it("and any zone's text is read back as the same minute (every zone of this Node, 4 times a year)", () => {
    let tried = 0;
    for (const zone of Intl.supportedValuesOf("timeZone")) {
      const format = new Intl.DateTimeFormat("en-US", {
        timeZone: zone,
        month: "short",
        day: "numeric",
        hour: "numeric",
        minute: "2-digit",
      });
      for (const row of [
        "2026-01-15T03:10:00Z",
        "2026-03-29T00:40:00Z",
        "2026-07-01T12:00:00Z",
        "2026-12-31T22:00:00Z",
      ]) {
        const instant = at(row) + 2 * 3_600_000 + 20 * 60_000;
        const text = format
          .format(instant)
          .replace(/[\s\u202f]?([AP])M/, (_, half) => `${half.toLowerCase()}m`);
        expect([zone, reset(`You've hit your limit · resets ${text} (${zone})`, row)]).toEqual([
          zone,
          new Date(instant).toISOString(),
        ]);
        tried++;
      }
    }
    expect(tried).toBeGreaterThan(1600);
  });
});
