import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { compareTranscripts } from "../../helpers/archive/compare.ts";
import { mapTranscript } from "../../helpers/archive/map-transcript.ts";
import type { PathRule } from "../../helpers/archive/path-rules.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "ccr-paths-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let count = 0;
const written = (text: string): string => {
  const path = join(folder, `f${count++}`);
  writeFileSync(path, text);
  return path;
};
function mapped(text: string, rules: readonly PathRule[]): string {
  const to = join(folder, `t${count++}`);
  mapTranscript(written(text), to, rules);
  return readFileSync(to, "utf8");
}
const line = (row: unknown): string => `${JSON.stringify(row)}\n`;

describe("path rules in a transcript", () => {
  test("leave long strings as they are, whatever they contain", () => {
    const awkward = `"\\"\\\\\u0000${'é\\"'.repeat(40_000)}\\`;
    const row = {
      type: "user",
      a: awkward,
      cwd: "/a/b",
      list: [awkward, "\u00000", awkward],
      [awkward]: 1,
      last: "\\",
    };
    const text = line(row) + line({ cwd: "/a", data: "x".repeat(3_000_000) });
    const [one, two] = mapped(text, [["/a", "/z"]]).split("\n");
    expect(JSON.parse(one!)).toEqual({ ...row, cwd: "/z/b" });
    expect(JSON.parse(two!)).toEqual({ cwd: "/z", data: "x".repeat(3_000_000) });
  });
});

describe("two copies of a session", () => {
  const rows = (n: number, cwd = "/a", from = 0) =>
    Array.from({ length: n }, (_, i) => line({ type: "user", uuid: `u${from + i}`, cwd, text: "t" })).join(
      "",
    );
  const relation = (ours: string, theirs: string) => compareTranscripts(written(ours), written(theirs));

  test("are compared up to where the longer one goes on", () => {
    const theirs = rows(2, "/z") + line({ type: "mode" }) + rows(1, "/z", 2);
    const { is, to } = relation(rows(2), theirs);
    expect([is, theirs.slice(to)]).toEqual(["theirs-longer", line({ type: "mode" }) + rows(1, "/z", 2)]);
    expect(relation("", rows(1))).toEqual({ is: "theirs-longer", to: 0 });
    const pages = rows(40_000);
    expect(relation(pages.slice(0, pages.length >> 1).replace(/[^\n]*$/, ""), pages)).toMatchObject({
      is: "theirs-longer",
    });
  });
});
