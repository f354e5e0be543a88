import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readCounts } from "../../helpers/claude/lines.ts";
import type { Row } from "../../helpers/claude/rows.ts";
import { type Facts, readFacts } from "../../helpers/claude/transcript.ts";

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "ccr-transcript-"));
});
afterAll(() => rmSync(directory, { recursive: true }));

function factsOf(data: string | Uint8Array): Facts {
  const path = join(directory, "transcript.jsonl");
  writeFileSync(path, data);
  return readFacts(path);
}

const at = (minute: number): string => new Date(Date.UTC(2026, 10, 20, 12, minute)).toISOString();
let serial = 0;
const user = (content: unknown, more: Row = {}): Row => ({
  parentUuid: null,
  isSidechain: false,
  type: "user",
  message: { role: "user", content },
  uuid: `u${serial++}`,
  timestamp: at(0),
  cwd: "/work/app",
  version: "2.1.329",
  gitBranch: "main",
  ...more,
});
const answer = (text: string, more: Row = {}): Row => ({
  ...user(null, more),
  type: "assistant",
  message: { role: "assistant", model: "claude-opus-5", content: [{ type: "text", text }] },
});
const lines = (...rows: Row[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join("");

test("a session's title is the last custom one, also when it stands before megabytes of metadata", () => {
  const facts = factsOf(
    lines(
      user("first words"),
      { type: "custom-title", customTitle: "one" },
      answer("x"),
      { type: "custom-title", customTitle: "two" },
      { type: "ai-title", aiTitle: "ai" },
    ),
  );
  expect(facts).toMatchObject({
    customTitle: "two",
    aiTitle: "ai",
    firstPrompt: "first words",
    lastPrompt: "first words",
  });
});

test("a session's summary belongs to the conversation of its leaf", () => {
  expect(
    factsOf(lines({ type: "summary", summary: "of another", leafUuid: "elsewhere" }, user("mine"))).summary,
  ).toBeNull();
  expect(
    factsOf(lines({ type: "summary", summary: "mine", leafUuid: "leaf" }, user("a", { uuid: "leaf" })))
      .summary,
  ).toBe("mine");
  expect(
    factsOf(lines(user("a"), answer("b"), { type: "summary", summary: "later", leafUuid: "?" })).summary,
  ).toBe("later");
});

test("a session's last message is found behind a long row of metadata, in few reads", () => {
  const blob = {
    type: "attachment",
    attachment: { type: "prompt_snapshot", text: "x".repeat(80_000) },
    timestamp: at(3),
    cwd: "/work/app",
  };
  const early = lines(
    user("begin", { timestamp: at(1) }),
    ...Array.from({ length: 400 }, () => answer("y".repeat(5000), { timestamp: at(1) })),
  );
  const before = readCounts.bytes;
  const facts = factsOf(
    early +
      lines(answer("the end", { timestamp: at(2), cwd: "/work/other" }), blob, {
        type: "mode",
        mode: "normal",
      }),
  );
  expect(facts.last?.message).toMatchObject({ content: [{ text: "the end" }] });
  expect(facts).toMatchObject({
    start: "/work/app",
    updatedAt: Date.parse(at(3)),
    createdAt: Date.parse(at(1)),
    skipped: 0,
  });
  expect(readCounts.bytes - before).toBeLessThan(500_000);
});

test("side chains, commands and notes give neither the last message nor the start directory of a session", () => {
  const facts = factsOf(
    lines(
      answer("sub", { isSidechain: true, cwd: "/elsewhere" }),
      user("go"),
      answer("done"),
      user("<command-name>/exit</command-name>"),
      user("note", { isMeta: true }),
      answer("sub again", { isSidechain: true }),
    ),
  );
  expect(facts.start).toBe("/work/app");
  expect(facts.last?.message).toMatchObject({ content: [{ text: "done" }] });
});

test.each<[string, (text: string) => string | Uint8Array, Partial<Facts>]>([
  ["CRLF", (text) => text.replaceAll("\n", "\r\n"), { skipped: 0 }],
  ["a byte order mark", (text) => `\ufeff${text}`, { skipped: 0 }],
  [
    "a last line that is still being written",
    (text) => `${text}{"type":"assistant","message":{"con`,
    { skipped: 0 },
  ],
  ["a torn line in the middle", (text) => text.replace("\n", `\n{"type":"user","mess\n`), { skipped: 1 }],
  ["NULs where a line was", (text) => text.replace("\n", `\n${"\0".repeat(5000)}\n`), { skipped: 1 }],
  [
    "bytes that are no UTF-8",
    (text) => Buffer.concat([Buffer.from([0xff, 0xfe, 10]), Buffer.from(text)]),
    { skipped: 1 },
  ],
  ["unknown row types", (text) => `${text}{"type":"from-the-future","x":1}\n`, { skipped: 0, unknown: 1 }],
  ["deep nesting", (text) => `${"[".repeat(100_000)}\n${text}`, { skipped: 1 }],
])("a transcript with a damaged part is read up to and after it: %s", (_, damage, expected) => {
  const facts = factsOf(damage(lines(user("hello"), answer("there"))));
  expect(facts).toMatchObject({ start: "/work/app", firstPrompt: "hello", ...expected });
  expect(facts.last?.type).toBe("assistant");
});

test("a transcript with a 12 MB line at its end or head is read", () => {
  const long = answer("z".repeat(12_000_000), { timestamp: at(9) });
  expect(factsOf(lines(user("a"), long))).toMatchObject({
    start: "/work/app",
    updatedAt: Date.parse(at(9)),
    skipped: 0,
  });
  expect(factsOf(lines(long, user("after it"), answer("b")))).toMatchObject({
    firstPrompt: "after it",
    skipped: 0,
  });
});

test("an empty transcript, and one of NULs only, give no facts and do not throw", () => {
  expect(factsOf("")).toMatchObject({ bytes: 0, start: null, last: undefined, skipped: 0 });
  expect(factsOf(Buffer.alloc(200_000))).toMatchObject({ start: null, last: undefined });
  expect(factsOf(Buffer.alloc(200_000)).skipped).toBeGreaterThan(0);
});

test("a missing transcript is Node's error, with its code", () => {
  expect(() => readFacts(join(directory, "nowhere"))).toThrow(expect.objectContaining({ code: "ENOENT" }));
});
