import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { isMessage, parseLine, type Row } from "../../helpers/claude/rows.ts";
import { readFacts } from "../../helpers/claude/transcript.ts";
import { verdictOfFile } from "../../helpers/limits/tail.ts";
import { verdictOf } from "../../helpers/limits/verdict.ts";
import { fixtures } from "../support/home.ts";

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

function written(lines: (Row | string)[], end = "\n"): string {
  const file = join(folder, "a.jsonl");
  writeFileSync(
    file,
    lines.map((line) => (typeof line === "string" ? line : JSON.stringify(line))).join("\n") + end,
  );
  return file;
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
  const samples = readdirSync(join(fixtures, "claude"), { recursive: true, encoding: "utf8" }).filter(
    (name) => name.endsWith(".jsonl"),
  );
  it.each(samples)("%s", (name) => {
    const file = join(fixtures, "claude", name);
    expect(verdictOfFile(file)).toEqual(plainly(file));
  });

  it.each<[string, (Row | string)[], string]>([
    ["an empty file", [], "none"],
    ["a limit as the last row", [answer, limit], "limited"],
    ["a limit in front of 70 KB of snapshots", [answer, limit, filler(70_000)], "limited"],
    ["a limit in front of 3 MB of snapshots", [answer, limit, filler(3_000_000)], "limited"],
    ["an answer after it", [limit, answer], "none"],
    ["a subagent's answer after it", [limit, { ...answer, isSidechain: true }], "limited"],
    [
      "a note of the CLI after it",
      [limit, { type: "user", isMeta: true, message: { content: "note" } }],
      "limited",
    ],
    [
      "a local command after it",
      [limit, { type: "user", message: { content: "<command-name>/exit</command-name>" } }],
      "limited",
    ],
    [
      "a progress row with an answer inside",
      [limit, { type: "progress", data: { message: answer } }],
      "limited",
    ],
    [
      "a prompt before the reset, unanswered",
      [limit, { type: "user", timestamp: "2026-11-20T14:00:00Z", message: { content: "continue" } }],
      "limited",
    ],
    [
      "a prompt after the reset, unanswered",
      [limit, { type: "user", timestamp: "2026-11-20T16:00:00Z", message: { content: "continue" } }],
      "none",
    ],
    [
      "the CLI's own continuation",
      [
        limit,
        {
          type: "user",
          isMeta: true,
          origin: { kind: "auto-continuation" },
          timestamp: "2026-11-20T16:00:00Z",
          message: { content: "go on" },
        },
        answer,
      ],
      "none",
    ],
    [
      "a torn row after it",
      [limit, '{"type":"assistant","message":{"model":"m","content":[{"type":"te'],
      "limited",
    ],
    ["NULs around it", [answer, `\u0000\u0000${JSON.stringify(limit)}`], "limited"],
    ["two rows on one line", [answer, JSON.stringify(answer) + JSON.stringify(limit)], "limited"],
    [
      "a row that quotes it",
      [
        limit,
        {
          type: "user",
          timestamp: "2026-11-21T00:00:00Z",
          message: { content: [{ type: "tool_result", content: JSON.stringify(limit) }] },
        },
        { ...answer, message: { model: "m", content: [{ type: "text", text: JSON.stringify(limit) }] } },
      ],
      "none",
    ],
  ])("%s", (_, lines, state) => {
    for (const end of ["\n", ""]) {
      const file = written(lines, end);
      expect(verdictOfFile(file)).toEqual(plainly(file));
      expect(verdictOfFile(file).state).toBe(state);
    }
  });

  it.each<[string, (Row | string)[], string]>([
    ["an answer that is no JSON any more", [limit, JSON.stringify(answer).replace('"m"', '"m*')], "none"],
    ["a prompt that is none", [limit, '{"type":"user","message":{"content":"go on*}}'], "none"],
    ["a limit that is none", [answer, limit, JSON.stringify(limit).replace('"u"', '"u*')], "limited"],
    [
      "a prompt far behind it",
      [
        limit,
        { type: "user", timestamp: "2026-11-20T14:00:00Z", message: { content: "continue" } },
        filler(3_000_000),
      ],
      "limited",
    ],
  ])("%s: as when all is read", (_, lines, state) => {
    const file = written(lines);
    const { last, answer } = readFacts(file);
    expect([verdictOfFile(file).state, verdictOf(last, answer).state]).toEqual([state, state]);
  });
});
