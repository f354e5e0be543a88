import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { USAGE as USAGE_MARK, USER_ROLE } from "../../helpers/claude/row-marks.ts";
import type { Row } from "../../helpers/claude/rows.ts";
import { countRow, UsageScanner } from "../../helpers/claude/usage.ts";
import { fixtures } from "../support/home.ts";

const AT = "2026-11-20T13:31:47.375Z";

const USAGE = {
  input_tokens: 12,
  cache_creation_input_tokens: 100,
  cache_read_input_tokens: 2000,
  output_tokens: 5,
};
const answer = (usage: Row = USAGE, message: Row = {}, row: Row = {}): Row => ({
  parentUuid: "p",
  isSidechain: false,
  message: { id: "msg_1", type: "message", role: "assistant", model: "m", content: [], usage, ...message },
  requestId: "r",
  type: "assistant",
  uuid: "u",
  timestamp: AT,
  ...row,
});

/** What the fast reader says of a line; "parse" where it leaves it to the exact one, "no" where it counts for nothing. */
function glance(line: string) {
  const bytes = Buffer.from(line);
  const glancer = new UsageScanner();
  const usage = bytes.indexOf(USAGE_MARK);
  const user = bytes.indexOf(USER_ROLE);
  if (usage < 0 && user < 0) return "no";
  if (usage < 0) {
    if (glancer.isToolResult(bytes, user)) return "no";
    const glance = glancer.prompt(bytes, 0, bytes.length);
    if (glance !== "yes") return glance;
    const key = bytes.toString("latin1", glancer.idStart, glancer.idEnd);
    const none = { input: 0, output: 0, cacheCreation: 0, cacheRead: 0 };
    return { kind: "prompt", key, model: "", at: glancer.at, side: false, ...none };
  }
  if (glancer.answer(bytes, 0, bytes.length, usage) !== "yes") return "parse";
  if (bytes.lastIndexOf(USAGE_MARK) > glancer.usageEnd) return "parse";
  return {
    kind: "answer",
    key: bytes.toString("latin1", glancer.idStart, glancer.idEnd),
    model: bytes.toString("latin1", glancer.modelStart, glancer.modelEnd),
    at: glancer.at,
    side: glancer.side,
    input: glancer.input,
    output: glancer.output,
    cacheCreation: glancer.cacheCreation,
    cacheRead: glancer.cacheRead,
  };
}

const exactly = (row: Row) => {
  const counted = countRow(row);
  return counted && { ...counted, at: Math.floor(counted.at / 60_000) * 60_000 };
};

describe("the exact reader of token usage", () => {
  test("takes an answer's four kinds of tokens, its model, time and message id", () => {
    expect(countRow(answer())).toEqual({
      kind: "answer",
      key: "msg_1",
      model: "m",
      at: Date.parse(AT),
      side: false,
      input: 12,
      output: 5,
      cacheCreation: 100,
      cacheRead: 2000,
    });
  });

  test("prefers cache writes by lifetime to their sum", () => {
    const parts = { ephemeral_5m_input_tokens: 30, ephemeral_1h_input_tokens: 7 };
    expect(countRow(answer({ ...USAGE, cache_creation: parts }))?.cacheCreation).toBe(37);
    expect(countRow(answer({ ...USAGE, cache_creation: {} }))?.cacheCreation).toBe(100);
    expect(countRow(answer({ ...USAGE, cache_creation: null }))?.cacheCreation).toBe(100);
  });

  test("counts a person's prompt and no tool result, note or output of a command", () => {
    const user = (content: unknown, row: Row = {}): Row => ({
      type: "user",
      uuid: "u",
      timestamp: AT,
      message: { role: "user", content },
      ...row,
    });
    expect(countRow(user("hello"))).toMatchObject({ kind: "prompt", key: "u", side: false, output: 0 });
    expect(countRow(user([{ type: "text", text: "hello" }]))).toMatchObject({ kind: "prompt" });
    expect(countRow(user([{ type: "tool_result", content: "x" }]))).toBeNull();
    expect(countRow(user("<command-name>/clear</command-name>"))).toBeNull();
    expect(countRow(user("a note", { isMeta: true }))).toBeNull();
    expect(countRow(user("to a subagent", { isSidechain: true }))).toBeNull();
    expect(countRow(user("no time", { timestamp: undefined }))).toBeNull();
  });

  test("takes no usage but that of the message itself", () => {
    expect(countRow({ type: "user", timestamp: AT, uuid: "u", toolUseResult: { usage: USAGE } })).toBeNull();
    expect(countRow({ type: "cost-state", timestamp: AT, message: { usage: USAGE } })).toBeNull();
    expect(countRow(answer({ ...USAGE, output_tokens: "5" }))).toBeNull();
    const progress = { type: "progress", timestamp: AT, data: { message: answer() } };
    expect(countRow(progress)).toMatchObject({ kind: "answer", key: "msg_1", side: true, output: 5 });
  });

  test("leaves out errors that the program words itself, and nonsense numbers", () => {
    expect(countRow(answer({ input_tokens: 0, output_tokens: 0 }, { model: "<synthetic>" }))).toBeNull();
    expect(countRow(answer({ ...USAGE, input_tokens: -3, cache_read_input_tokens: 1e300 }))).toMatchObject({
      input: 0,
      cacheRead: 0,
    });
  });
});

describe("the fast reader of token usage", () => {
  const sure = (row: Row) => expect(glance(JSON.stringify(row))).toEqual(exactly(row));

  test("agrees with the exact one, whatever the order of the keys", () => {
    sure(answer());
    sure(answer(USAGE, {}, { isSidechain: true }));
    sure(answer({ ...USAGE, input_tokens: -1 }));
    sure(answer({ ...USAGE, cache_creation: { a: 1, b: 2 }, service_tier: "standard", iterations: [] }));
    const { message, parentUuid, isSidechain, ...rest } = answer();
    sure({ parentUuid, isSidechain, ...rest, message });
    sure({ ...rest, isSidechain, parentUuid, message });
    sure({ isSidechain, message, ...rest, toolUseResult: { a: [1, { b: "}" }] } });
    const { usage, ...others } = message as Row;
    sure({ isSidechain, message: { ...others, usage, stop_details: { a: null } }, ...rest });
    sure({ isSidechain, message: { content: [], usage, role: "assistant", model: "m", id: "x" }, ...rest });
  });

  test("is not misled by the content of messages", () => {
    const texts = ['"usage":{"output_tokens":7}', '}}"type":"user"', "\\", '\\"', "{", "]", "ä 日本 \u2028"];
    for (const text of texts) sure(answer(USAGE, { content: [{ type: "text", text }] }));
    sure(answer(USAGE, {}, { cwd: '/a"b\\', gitBranch: "x}}" }));
  });

  test("counts the list of a usage's iterations only once", () => {
    sure(answer({ iterations: [{ output_tokens: 3 }], ...USAGE }));
    sure(
      answer({ ...USAGE, iterations: [{ output_tokens: 3, cache_creation: { x: 1 } }], speed: "standard" }),
    );
  });

  test("leaves rows to the exact reader that it cannot be sure of", () => {
    const odd: string[] = [
      JSON.stringify(
        answer(USAGE, { content: [{ type: "tool_use", input: { usage: { output_tokens: 7 } } }] }),
      ),
      JSON.stringify({ ...answer(), toolUseResult: { usage: USAGE } }),
      JSON.stringify(answer()) + JSON.stringify(answer()),
      JSON.stringify({ type: "user", message: { role: "user", content: "x" } }) + JSON.stringify(answer()),
      JSON.stringify({
        type: "user",
        timestamp: AT,
        message: { role: "user", content: [] },
        toolUseResult: { usage: USAGE },
      }),
      JSON.stringify({ type: "progress", timestamp: AT, data: { message: answer() } }),
      JSON.stringify(answer(USAGE, { id: 'a"b' })),
      JSON.stringify(answer(USAGE, { model: "ä" })),
      JSON.stringify(answer(USAGE, { id: undefined })),
      JSON.stringify(answer({ ...USAGE, input_tokens: 1.5 })),
      JSON.stringify(answer({ ...USAGE, input_tokens: 1e20 })),
      JSON.stringify(answer(USAGE, {}, { timestamp: "2026-11-20T13:31:47+02:00" })),
      JSON.stringify(answer(USAGE, {}, { timestamp: "2026-13-01T13:31:47.375Z" })),
      JSON.stringify(answer(USAGE, {}, { timestamp: "2026-12-01T24:31:47.375Z" })),
      JSON.stringify(answer(USAGE, {}, { timestamp: "2026-12-01T13:61:47.375Z" })),
      JSON.stringify(answer(USAGE, {}, { timestamp: undefined })),
      JSON.stringify(answer({ output_tokens: 0, input_tokens: 0 })),
      JSON.stringify(answer()).slice(0, -1),
      JSON.stringify(answer()).replace('"usage":', '"usage" :'),
      ` ${JSON.stringify(answer())}`,
      '"output_tokens":',
      '{"output_tokens":1}',
      '{"message":{"usage":{"output_tokens":1}}}',
    ];
    for (const line of odd) expect(glance(line), line).toBe("parse");
  });

  test("knows the times of leap days and year ends", () => {
    for (const at of [
      "2024-02-29T23:59:59.999Z",
      "2026-12-31T00:00:00.000Z",
      "1970-01-02T00:01:00.000Z",
      "2000-03-01T12:00:00.000Z",
      "2026-02-30T13:31:47.375Z",
    ])
      sure(answer(USAGE, {}, { timestamp: at }));
  });

  test("knows a prompt at a glance, and what is none", () => {
    const says = (row: Row) => glance(JSON.stringify(row));
    const rest = { uuid: "u", timestamp: AT, cwd: "/x" };
    const user = (content: unknown, more: Row = {}): Row => ({
      isSidechain: false,
      type: "user",
      message: { role: "user", content },
      ...rest,
      ...more,
    });
    sure(user("hello"));
    sure(user('say "{}" \\ and } ] ä\n'));
    sure({ ...rest, message: { role: "user", content: "first" }, type: "user", isSidechain: false });
    for (const text of ["", " blank", "<command-name>", "[Request", "Caveat: x", "\nnext", "<b> is bold"])
      expect(says(user(text)), text).toBe("parse");
    expect(says(user([{ type: "text", text: "hello" }]))).toBe("parse");
    sure({ ...rest, message: { content: "hello", role: "user" }, type: "user" });
    for (const odd of ["isMeta", "origin", "isCompactSummary", "isVisibleInTranscriptOnly"])
      expect(says(user("x", { [odd]: false })), odd).toBe("parse");
    expect(says(user("x", { uuid: undefined }))).toBe("parse");
    expect(says(user("x", { timestamp: 5 }))).toBe("parse");
    expect(says(user([{ tool_use_id: "t", type: "tool_result", content: "x" }]))).toBe("no");
    expect(says(user([{ type: "tool_result", content: "x" }]))).toBe("no");
    expect(says({ type: "attachment", message: { role: "user", content: "x" } })).toBe("no");
    expect(says({ type: "system", content: "x" })).toBe("no");
    expect(says({ ...user("x"), isSidechain: true })).toBe("no");
    expect(says({ message: { role: "user", content: "x" }, ...rest, type: "user", isSidechain: true })).toBe(
      "no",
    );
    expect(says(answer(undefined, { content: [{ role: "user", content: "x" }], usage: {} }))).toBe("no");
    const torn = `${JSON.stringify(user("x")).slice(0, -9)}\n{"type":"user"}`;
    expect(glance(torn)).toBe("parse");
  });
});

test("the fast reader of token usage reads times though the bytes of an earlier row were reused", () => {
  const bytes = Buffer.from(JSON.stringify(answer()));
  const glancer = new UsageScanner();
  const mark = bytes.indexOf(USAGE_MARK);
  for (const hour of ["13", "14", "13", "15"]) {
    bytes.write(hour, bytes.indexOf(AT) < 0 ? bytes.indexOf("2026-11-20T") + 11 : bytes.indexOf(AT) + 11);
    expect(glancer.answer(bytes, 0, bytes.length, mark)).toBe("yes");
    expect(new Date(glancer.at).toISOString()).toBe(`2026-11-20T${hour}:31:00.000Z`);
  }
});

test("the fast and the exact reader of token usage agree on every line of every sample", () => {
  const root = join(fixtures, "claude");
  const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((name) =>
    name.endsWith(".jsonl"),
  );
  let fast = 0;
  let prompts = 0;
  for (const name of files) {
    for (const line of readFileSync(join(root, name), "utf8").split("\n")) {
      if (line === "") continue;
      const row: Row = JSON.parse(line);
      const exact = exactly(row);
      const quick = glance(line);
      if (typeof quick === "object") {
        fast++;
        expect(quick, line).toEqual(exact);
        if (exact?.kind === "prompt") prompts++;
      } else if (exact) expect(quick).toBe("parse");
    }
  }
  expect(fast).toBeGreaterThan(80);
  expect(prompts).toBeGreaterThan(100);
});
