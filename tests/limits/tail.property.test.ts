import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { isMessage, parseLine, type Row } from "../../helpers/claude/rows.ts";
import { verdictOfFile } from "../../helpers/limits/tail.ts";
import { verdictOf } from "../../helpers/limits/verdict.ts";

const folder = mkdtempSync(join(tmpdir(), "ccr-tail-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** The verdict of a whole file, read in the plain way. */
function plainly(file: string) {
  const rows = readFileSync(file, "utf8")
    .split("\n")
    .flatMap((line) => parseLine(line).rows)
    .filter(isMessage);
  const last = rows.at(-1);
  return verdictOf(
    last,
    last?.type === "user" ? rows.findLast((row) => row.type === "assistant") : undefined,
  );
}

const limit: Row = {
  type: "assistant",
  uuid: "u",
  timestamp: "2026-11-20T13:43:08.413Z",
  isApiErrorMessage: true,
  error: "rate_limit",
  message: {
    model: "<synthetic>",
    content: [{ type: "text", text: "You've hit your limit · resets 3pm (UTC)" }],
  },
};
const answer: Row = {
  type: "assistant",
  message: { model: "m", content: [{ type: "text", text: "Done." }] },
};
const filler = (bytes: number): Row => ({ type: "attachment", attachment: { text: "x".repeat(bytes) } });

describe("the verdict from a transcript's end is that of the whole file", () => {
  it("in 300 files of random rows, cut off anywhere", () => {
    let seed = 3;
    const random = (below: number) => {
      seed = (seed * 1103515245 + 12345) & 0x7fffffff;
      return (seed >> 8) % below;
    };
    const rows: (() => Row)[] = [
      () => answer,
      () => limit,
      () => filler(random(12_000)),
      () => ({ type: "user", timestamp: "2026-11-20T14:00:00Z", message: { content: "go on" } }),
      () => ({ type: "user", isMeta: true, message: { content: "m" } }),
      () => ({ ...limit, isSidechain: true }),
      () => ({ type: "system", subtype: "x" }),
      () => ({ type: "mode", mode: "default" }),
    ];
    for (let i = 0; i < 300; i++) {
      const lines = Array.from({ length: 1 + random(9) }, () => JSON.stringify(rows[random(rows.length)]!()));
      const text = `${lines.join("\n")}\n`;
      const file = join(folder, "b.jsonl");
      writeFileSync(file, random(3) === 0 ? text.slice(0, random(text.length)) : text);
      expect(verdictOfFile(file)).toEqual(plainly(file));
    }
  });
});
