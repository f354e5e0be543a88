import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Key, Keys } from "../../helpers/terminal/keys.ts";

const bytes = (text: string): Uint8Array => Buffer.from(text);

/** Joins neighbouring texts: how they were cut does not matter. */
function joined(keys: Key[]): Key[] {
  const all: Key[] = [];
  for (const next of keys) {
    const last = all.at(-1);
    if (last && "text" in last && "text" in next && last.pasted === next.pasted) last.text += next.text;
    else all.push({ ...next });
  }
  return all;
}

describe("keys of a terminal", () => {
  it("gives the same keys however the bytes are cut, and never a control character as typed text", () => {
    const pieces = fc.constantFrom(
      ..."\x1b [ O ~ A 5 ; 200~ 201~ \x1b[A \x1b[200~ \x1b[201~ ] \x07 M < a é 日 😀 \x03 \r \x7f \\ P u".split(
        " ",
      ),
    );
    fc.assert(
      fc.property(
        fc.array(pieces, { maxLength: 30 }),
        fc.array(fc.nat(60), { maxLength: 8 }),
        (parts, cuts) => {
          const all = bytes(parts.join(""));
          const whole = new Keys();
          const expected = joined([...whole.feed(all), ...whole.flush()]);
          const split = new Keys();
          const found: Key[] = [];
          let at = 0;
          for (const cut of [...cuts.sort((a, b) => a - b), all.length]) {
            found.push(...split.feed(all.subarray(at, Math.max(at, cut))));
            at = Math.max(at, cut);
          }
          found.push(...split.flush());
          expect(joined(found)).toEqual(expected);
          for (const next of found) {
            if ("text" in next && !next.pasted) expect(next.text).not.toMatch(/[\x00-\x1f\x7f-\x9f]/);
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
});
