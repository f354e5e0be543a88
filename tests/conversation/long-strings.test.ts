import { describe, expect, test } from "vitest";
import { parseLine } from "../../helpers/claude/rows.ts";
import { parseLongLine } from "../../helpers/conversation/long-strings.ts";

const text = (pieces: (string | Buffer)[] | null): string =>
  Buffer.concat(pieces!.map((piece) => Buffer.from(piece))).toString();
const long = (end: string): string => `${'say "hi" \\ \u0001 é 😀\n'.repeat(9000)}${end}`;

describe("a row with long strings", () => {
  test("that are invalid JSON is skipped as any torn row", () => {
    for (const harm of ["\u0000", "\n", "\\x", "\\u12g4", "\\"]) {
      const line = Buffer.from(`{"type":"user","a":"${"x".repeat(70_000)}${harm} y"}`);
      for (const brief of [false, true]) {
        const { rows, lost } = parseLongLine(line, brief);
        expect({ rows, lost }, JSON.stringify(harm)).toEqual(parseLine(line.toString()));
        expect(lost).toBe(true);
      }
    }
  });

  test("is found twice when two stand in one line", () => {
    const one = JSON.stringify({ type: "user", uuid: "1", a: long("a") });
    const { rows, serialize } = parseLongLine(Buffer.from(`${one}${one}`));
    expect(text(serialize(rows))).toBe(`${one}\n${one}`);
  });

  test("is reported when it is nested too deeply to be written", () => {
    const { rows, serialize } = parseLongLine(
      Buffer.from(`{"a":${"[".repeat(50_000)}${"]".repeat(50_000)}}`),
    );
    expect([rows.length, serialize(rows)]).toEqual([1, null]);
  });
});
