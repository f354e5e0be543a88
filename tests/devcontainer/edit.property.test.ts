// devcontainer.json as people write it: ours in, every other byte as it was, and out again.

import fc from "fast-check";
import { type ParseError, parse } from "jsonc-parser";
import { describe, expect, test } from "vitest";
import { edit, parseFile, undo, type Wanted } from "../../helpers/devcontainer/edit.ts";
import { plainJson } from "../../helpers/system/json-text.ts";

const WANTED: Wanted = {
  mounts: ["source=${localEnv:HOME}/a b,target=/c,type=bind", "source=/d,target=/e,type=bind,readonly"],
  objects: {
    containerEnv: { CLAUDE_CONFIG_DIR: "/c" },
    remoteEnv: { PATH: "${containerEnv:PATH}:/c/bin", T: "${localEnv:T}" },
  },
  properties: { initializeCommand: 'echo "$HOME"' },
  compose: null,
};

/** What a program of another maker reads there. */
function read(text: string): Record<string, unknown> {
  const errors: ParseError[] = [];
  const value = parse(text.replace(/^\ufeff/, ""), errors, { allowTrailingComma: true });
  expect(errors, text).toEqual([]);
  return value;
}

describe("any devcontainer.json", () => {
  const blank = fc.constantFrom(
    "",
    " ",
    "\n",
    "\n  ",
    "\t",
    "\r\n",
    " /* a, b] */ ",
    " // c }\n",
    "/**/",
    '\n// "d\n',
  );
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { maxDepth: 3 },
      fc.jsonValue({ maxDepth: 0 }).map((one) => JSON.stringify(one)),
      fc.constantFrom('"//"', '"/*"', '"*/"', '"\\\\"', '"\\""', '",]"'),
      tie("list"),
      tie("object"),
    ),
    list: fc
      .tuple(fc.array(fc.tuple(blank, tie("any"), blank), { maxLength: 3 }), fc.boolean(), blank)
      .map(
        ([items, comma, end]) =>
          `[${items.map((one) => one.join("")).join(",")}${comma && items.length > 0 ? "," : ""}${end}]`,
      ),
    object: fc
      .tuple(
        fc.uniqueArray(
          fc.tuple(
            fc.string().filter((key) => key !== "__proto__"),
            blank,
            blank,
            tie("any"),
            blank,
          ),
          {
            maxLength: 3,
            selector: ([key]) => key,
          },
        ),
        fc.boolean(),
        blank,
      )
      .map(
        ([items, comma, end]) =>
          `{${items.map(([key, a, b, one, c]) => `${a}${JSON.stringify(key)}${b}:${a}${one}${c}`).join(",")}${comma && items.length > 0 ? "," : ""}${end}}`,
      ),
  }));

  test("reads as another program reads it", () => {
    fc.assert(
      fc.property(value.object as fc.Arbitrary<string>, (text) => {
        expect(plainJson(text)).toHaveLength(text.length);
        expect(JSON.parse(plainJson(text))).toEqual(read(text));
      }),
      { numRuns: 500 },
    );
  });

  test("gets our entries and comes back unchanged, whatever stands there", () => {
    const members = fc.tuple(
      fc.option(value.list as fc.Arbitrary<string>, { nil: undefined }),
      fc.option(value.object as fc.Arbitrary<string>, { nil: undefined }),
      fc.option(value.object as fc.Arbitrary<string>, { nil: undefined }),
      blank,
      blank,
      fc.boolean(),
    );
    fc.assert(
      fc.property(members, ([mounts, containerEnv, remoteEnv, a, b, comma]) => {
        const own = Object.entries({ name: '"x"', mounts, containerEnv, remoteEnv }).filter(
          ([, text]) => text !== undefined,
        );
        const before = `${a}{${own.map(([key, text]) => `${b}"${key}"${a}: ${text}${b}`).join(",")}${comma ? "," : ""}${a}}${b}`;
        const { text, edits } = edit(before, WANTED);
        expect(undo(text, edits)).toBe(before);
        const value = read(text) as { mounts: unknown[] };
        const old = read(before) as { mounts?: unknown[] };
        expect(value.mounts).toEqual([...WANTED.mounts, ...(old.mounts ?? [])]);
        expect(value).toMatchObject({ name: "x", initializeCommand: WANTED.properties.initializeCommand });
        expect(parseFile(text).value).toEqual(value);
      }),
      { numRuns: 500 },
    );
  });
});
