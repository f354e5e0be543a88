import fc from "fast-check";
import { expect, test } from "vitest";
import { ALPHABET, decode, encode } from "../../../helpers/base91.ts";

test("any bytes come back, also with newlines between", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const text = encode(bytes);
      expect(decode(text)).toEqual(Buffer.from(bytes));
      expect(decode(text.replace(/.{7}/g, "$&\n"))).toEqual(Buffer.from(bytes));
    }),
    { seed: 1, numRuns: 2000 },
  );
});

test("the text is printable, and safe between single quotes", () => {
  expect(ALPHABET).toMatch(/^[!-~]{91}$/);
  expect(new Set(ALPHABET).size).toBe(91);
  expect(ALPHABET).not.toMatch(/['\\-]/);
});
