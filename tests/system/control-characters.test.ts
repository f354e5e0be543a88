import { describe, expect, it } from "vitest";
import {
  CONTROL,
  CONTROL_IN_LINES,
  escapeControls,
  hasAsciiControl,
} from "../../helpers/system/control-characters.ts";

const ACTING = [
  ...["\0", "\u0007", "\u001b", "\u007f", "\u0085", "\u009b"],
  ...["\u00ad", "\u061c", "\u180e", "\u200b", "\u200e", "\u200f", "\u2028", "\u2029", "\u202a", "\u202e"],
  ...["\u2060", "\u2066", "\u2069", "\u206f", "\ufeff", "\ufff9", "\u{e0001}", "\u{e0041}", "\u{e007f}"],
];
const HARMLESS = ["a", " ", "é", "日本", "\u200c", "\u200d", "👩‍💻", "🏳️", "\u{e0100}", "\u00a0"];

describe("control characters", () => {
  it("removes control, bidi, zero-width and tag characters from a line", () => {
    expect(ACTING.filter((character) => character.replace(CONTROL, "") !== "")).toEqual([]);
    expect("a\tb\nc\r".replace(CONTROL, "")).toBe("abc");
  });

  it("keeps tabs and newlines in text of several lines", () => {
    expect(ACTING.filter((character) => character.replace(CONTROL_IN_LINES, "") !== "")).toEqual([]);
    expect("a\tb\nc\r".replace(CONTROL_IN_LINES, "")).toBe("a\tb\nc");
  });

  it("keeps letters, emoji and joiners", () => {
    const text = HARMLESS.join("");
    expect(text.replace(CONTROL, "")).toBe(text);
    expect(text.replace(CONTROL_IN_LINES, "")).toBe(text);
    expect(escapeControls(JSON.stringify(text))).toBe(JSON.stringify(text));
  });

  it("escapes in JSON what acts, and keeps its value", () => {
    const text = ACTING.join("x");
    const escaped = escapeControls(JSON.stringify(text));
    expect(escaped).toMatch(/^[\x20-\x7e]*$/);
    expect(JSON.parse(escaped)).toBe(text);
  });

  it("finds ASCII control characters", () => {
    expect(["\0", "a\nb", "\u007f", "plain.txt", "é"].map(hasAsciiControl)).toEqual([
      true,
      true,
      true,
      false,
      false,
    ]);
  });
});
