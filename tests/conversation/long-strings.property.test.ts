import { describe, expect, test } from "vitest";
import { parseLongLine } from "../../helpers/conversation/long-strings.ts";

const text = (pieces: (string | Buffer)[] | null): string =>
  Buffer.concat(pieces!.map((piece) => Buffer.from(piece))).toString();
const long = (end: string): string => `${'say "hi" \\ \u0001 é 😀\n'.repeat(9000)}${end}`;

describe("a row with long strings", () => {
  test("gets other fields changed, and its strings back byte for byte", () => {
    const row = {
      type: "user",
      uuid: "u",
      a: long("a"),
      short: "s",
      b: [{ c: long("\\") }],
      [long("key")]: 1,
    };
    const line = Buffer.from(JSON.stringify(row));
    const { rows, lost, serialize } = parseLongLine(line);
    expect([rows.length, lost, JSON.stringify(rows).length < 2000]).toEqual([1, false, true]);
    expect(text(serialize(rows))).toBe(line.toString());
    expect(JSON.parse(text(serialize([{ ...rows[0], uuid: "v" }])))).toEqual({ ...row, uuid: "v" });
  });

  test("gives only the beginnings of strings on request, wherever an escape is cut", () => {
    for (let i = 380; i < 410; i++) {
      const said = `${"x".repeat(i)}\\\\\u0001\u0002é${"\ny".repeat(90_000)}`;
      const [row] = parseLongLine(Buffer.from(JSON.stringify({ said })), true).rows;
      expect(said.startsWith(String(row!.said).replace(/\ufffd$/, ""))).toBe(true);
      expect(String(row!.said).length).toBeGreaterThan(360);
    }
  });
});
