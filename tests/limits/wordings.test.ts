import { describe, expect, it } from "vitest";
import { clockIn, instantOf, meaningOf, normalize, WORDINGS } from "../../helpers/limits/wordings.ts";

const at = (text: string) => Date.parse(text);
/** Instant that a notice names, as ISO text. */
const reset = (notice: string, row: string) => {
  const clock = clockIn(normalize(notice));
  const instant = clock && instantOf(clock, at(row));
  return instant === null ? null : new Date(instant).toISOString();
};

describe("all published wordings of a limit are known, with their window", () => {
  it.each([
    ["Claude AI usage limit reached|1795189322", "unknown"],
    ["Claude usage limit reached. Your limit will reset at 3pm (America/Bogota).", "unknown"],
    ["5-hour limit reached ∙ resets 3:42pm", "five_hour"],
    ["Session limit reached ∙ resets 3:42pm", "five_hour"],
    ["Weekly limit reached ∙ resets Nov 23, 1:42pm", "seven_day"],
    ["Opus weekly limit reached ∙ resets Nov 23, 1:42pm", "seven_day_opus"],
    ["Opus limit reached ∙ resets Nov 23, 1:42pm", "seven_day_opus"],
    ["Sonnet limit reached ∙ resets Nov 23, 1:42pm", "seven_day_sonnet"],
    ["Sonnet weekly limit reached ∙ resets Nov 23, 1:42pm", "seven_day_sonnet"],
    ["Spending cap reached resets 3:42pm", "unknown"],
    ["You've hit your session limit · resets 3:42pm (UTC)", "five_hour"],
    ["You\u2019ve hit your session limit · resets 3:42\u202fpm (UTC)", "five_hour"],
    ["You've hit your limit · resets 3:42pm (UTC)", "unknown"],
    ["You've hit your usage limit · resets 3:42pm (UTC)", "unknown"],
    ["You've hit your weekly limit · resets Nov 23, 1:42pm (UTC)", "seven_day"],
    ["You've hit your Opus limit · resets Nov 23, 1:42pm (UTC)", "seven_day_opus"],
    ["You've hit your Sonnet limit · resets Nov 23, 1:22pm (UTC)", "seven_day_sonnet"],
    [
      "You've hit your Fable limit · resets Nov 23, 1:22pm (UTC). Switch to another model, or manage usage credits at https://claude.ai/x, to continue.",
      "seven_day_overage_included",
    ],
    ["You've hit your 5-hour limit · resets 3:22pm (UTC)", "five_hour"],
    ["You've hit your 5-hour limit", "five_hour"],
    ["You've hit your 5-hour limit · resets 3:22pm (UTC) · out of usage credits", "five_hour"],
    ["You've hit your 5-hour limit · resets 3:22pm (UTC) · progress saved", "five_hour"],
    [
      "You've hit your session limit · resets 7pm (Europe/London)\n/upgrade or /usage-credits to finish",
      "five_hour",
    ],
    [
      "You've hit your monthly spend limit · raise it at https://claude.ai/x · your 5-hour limit resets 3:22pm (UTC)",
      "five_hour",
    ],
    [
      "You've hit your monthly spend limit · raise it at https://claude.ai/x · your weekly limit resets Nov 23, 1pm (UTC)",
      "seven_day",
    ],
    ["You've reached your weekly limit · resets 3pm (UTC)", "seven_day"],
    ["You've reached your Fable 5 limit", "seven_day_overage_included"],
    ["You're out of extra usage · resets 9am (America/Cordoba)", "unknown"],
    ["You're out of extra usage · resets Feb 4, 8pm (Europe/Budapest)", "unknown"],
    ["Your org is out of usage · resets 9am (UTC)", "unknown"],
  ])("%s", (text, window) => {
    expect(meaningOf(normalize(text))).toEqual({ limit: window });
  });

  it.each([
    "You've used 91% of your weekly limit · resets Nov 23, 1pm (UTC)",
    "Approaching usage limit · resets at 7pm",
    "Approaching your 5-hour usage limit — Claude will wrap up the current step.",
    "Now using usage credits",
    "I looked at the log: You've hit your 5-hour limit · resets 3pm (UTC)",
    "",
  ])("a warning or other words are none: %s", (text) => {
    expect(meaningOf(normalize(text))).toBeNull();
  });

  it("every wording names the versions it comes from", () => {
    for (const { versions } of WORDINGS) expect(versions).toMatch(/^\d+\.\d+\.\d+(-\d+\.\d+\.\d+)?( doc)?$/);
  });
});

describe("a clock text is the next such time after the row, in its zone", () => {
  it.each([
    ["resets 3:42pm (UTC)", "2026-11-20T13:43:08Z", "2026-11-20T15:42:00.000Z"],
    ["resets 3pm (UTC)", "2026-11-20T15:00:00Z", "2026-11-21T15:00:00.000Z"],
    ["resets 3pm (UTC)", "2026-11-20T14:59:59Z", "2026-11-20T15:00:00.000Z"],
    ["resets 12am (UTC)", "2026-12-31T23:00:00Z", "2027-01-01T00:00:00.000Z"],
    ["resets 12pm (UTC)", "2026-12-31T23:00:00Z", "2027-01-01T12:00:00.000Z"],
    ["resets 12:30am (UTC)", "2026-12-31T23:00:00Z", "2027-01-01T00:30:00.000Z"],
    ["resets 15:42 (UTC)", "2026-11-20T13:43:08Z", "2026-11-20T15:42:00.000Z"],
    ["Your limit will reset at 3pm (America/Bogota).", "2026-11-20T13:43:08Z", "2026-11-20T20:00:00.000Z"],
    ["resets 1am (Asia/Kathmandu)", "2026-11-20T19:00:00Z", "2026-11-20T19:15:00.000Z"],
    ["resets 1am (Pacific/Kiritimati)", "2026-11-20T10:59:00Z", "2026-11-20T11:00:00.000Z"],
    ["resets 9am (America/Cordoba)", "2026-04-02T16:11:16Z", "2026-04-03T12:00:00.000Z"],
    ["resets Nov 23, 1:42pm (UTC)", "2026-11-20T13:43:11Z", "2026-11-23T13:42:00.000Z"],
    ["resets Nov 23, 1:42pm (America/New_York)", "2026-11-20T13:43:11Z", "2026-11-23T18:42:00.000Z"],
    ["resets Jan 2, 1pm (UTC)", "2026-12-30T10:00:00Z", "2027-01-02T13:00:00.000Z"],
    ["resets Jan 19, 2027, 1:22pm (UTC)", "2026-11-20T13:22:35Z", "2027-01-19T13:22:00.000Z"],
    ["resets Apr 23 at 4pm (UTC)", "2026-04-20T10:00:00Z", "2026-04-23T16:00:00.000Z"],
    ["resets Apr 23, 2027 at 4pm (UTC)", "2026-04-20T10:00:00Z", "2027-04-23T16:00:00.000Z"],
    ["resets at 4pm on Monday resets Mon 9am (UTC)", "2026-11-20T13:00:00Z", "2026-11-23T09:00:00.000Z"],
    ["resets Fri 9am (UTC)", "2026-11-20T13:00:00Z", "2026-11-27T09:00:00.000Z"],
    ["resets Fri 3pm (UTC)", "2026-11-20T13:00:00Z", "2026-11-20T15:00:00.000Z"],
    ["resets Feb 29, 3pm (UTC)", "2026-11-20T13:00:00Z", "2028-02-29T15:00:00.000Z"],
    ["resets 3pm (GMT+2)", "2026-11-20T11:00:00Z", "2026-11-20T13:00:00.000Z"],
    ["resets 3:42\u202fpm (UTC)", "2026-11-20T13:43:08Z", "2026-11-20T15:42:00.000Z"],
    ["resets 3:42\u00a0PM (UTC)", "2026-11-20T13:43:08Z", "2026-11-20T15:42:00.000Z"],
    ["resets 3:42 p.m. (UTC)", "2026-11-20T13:43:08Z", "2026-11-20T15:42:00.000Z"],
  ])("%s, written %s", (notice, row, instant) => {
    expect(reset(notice, row)).toBe(instant);
  });

  it.each([
    [
      "spring forward: a time that the night jumps over is that of the next day",
      "resets 2:30am (America/New_York)",
      "2026-03-08T06:00:00Z",
      "2026-03-09T06:30:00.000Z",
    ],
    [
      "spring forward: the hour after the gap",
      "resets 3am (America/New_York)",
      "2026-03-08T06:00:00Z",
      "2026-03-08T07:00:00.000Z",
    ],
    [
      "fall back: the first of two such times",
      "resets 1:30am (America/New_York)",
      "2026-11-01T05:00:00Z",
      "2026-11-01T05:30:00.000Z",
    ],
    [
      "fall back: the second, for a row between them",
      "resets 1:30am (America/New_York)",
      "2026-11-01T05:45:00Z",
      "2026-11-01T06:30:00.000Z",
    ],
    [
      "fall back: an evening after it",
      "resets 9pm (Europe/Berlin)",
      "2026-10-24T20:00:00Z",
      "2026-10-25T20:00:00.000Z",
    ],
    [
      "Lord Howe's half hour",
      "resets 2:15am (Australia/Lord_Howe)",
      "2026-10-03T14:00:00Z",
      "2026-10-04T15:15:00.000Z",
    ],
    [
      "Chatham's three quarters",
      "resets 12:45pm (Pacific/Chatham)",
      "2026-07-01T23:00:00Z",
      "2026-07-02T00:00:00.000Z",
    ],
  ])("%s", (_, notice, row, instant) => {
    expect(reset(notice, row)).toBe(instant);
  });

  it.each([
    "resets soon",
    "resets 25:00 (UTC)",
    "resets 13pm (UTC)",
    "resets 3pm (No/Such_Zone)",
    "resets Feb 30, 3pm (UTC)",
    "resets 7",
  ])("%s is no time", (notice) => {
    expect(reset(notice, "2026-11-20T13:43:08Z")).toBeNull();
  });

  it("says nothing where the row's time is not known, but for a time with a year", () => {
    expect(instantOf(clockIn("resets 3pm (UTC)")!, null)).toBeNull();
    expect(instantOf(clockIn("resets Jan 19, 2027, 1:22pm (UTC)")!, null)).toBe(at("2027-01-19T13:22:00Z"));
  });
});
