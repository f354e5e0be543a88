import { describe, expect, it } from "vitest";
import { addHook, addStatusLine, dropHook, dropStatusLine } from "../../helpers/install/claude-settings.ts";

const CCR = "'/home/o'\\''neil/.local/bin/ccr'";
const TEXTS = [
  "{}",
  "{ }\n",
  "{\n}\n",
  '{"model":"opus"}',
  '{\n  "model": "opus"\n}\n',
  '{\n\t"env": {"A": "}\\"{"},\r\n\t"permissions": { "allow": [ "Bash(npm test)", "x" ] }\r\n}',
  '{"hooks":{}}',
  '{"hooks": { "Stop": [] }, "z": 1}',
  '{\n  "hooks": {\n    "StopFailure": []\n  }\n}\n',
  '{\n  "hooks": {\n    "StopFailure": [\n      {"hooks": [{"type": "command", "command": "notify"}]}\n    ],\n    "Stop": []\n  },\n  "a": [1, 2.5e3, true, null]\n}\n',
];
const WITH_LINE = [
  '{"statusLine":{"type":"command","command":"my line"}}',
  '{\n  "statusLine": {\n    "type": "command",\n    "command": "jq -r \'.model\' | sed \\"s/a/b/\\"",\n    "padding": 0\n  },\n  "x": {}\n}\n',
];

describe("settings.json", () => {
  it.each(TEXTS)("gets the status line and loses it again, byte for byte: %j", (text) => {
    const put = addStatusLine(text, CCR);
    expect(JSON.parse(put)).toEqual({
      ...JSON.parse(text),
      statusLine: { type: "command", command: `${CCR} statusline` },
    });
    expect(addStatusLine(put, CCR)).toBe(put);
    expect(dropStatusLine(put)).toBe(text);
    expect(dropStatusLine(text)).toBe(text);
  });

  it.each(TEXTS)("gets the hook and loses it again, byte for byte: %j", (text) => {
    const put = addHook(text, CCR);
    const before = JSON.parse(text);
    expect(JSON.parse(put)).toEqual({
      ...before,
      hooks: {
        ...before.hooks,
        StopFailure: [
          { hooks: [{ type: "command", command: `${CCR} hook` }] },
          ...(before.hooks?.StopFailure ?? []),
        ],
      },
    });
    expect(addHook(put, CCR)).toBe(put);
    expect(dropHook(put)).toBe(text);
    expect(dropHook(text)).toBe(text);
  });

  it.each([...TEXTS, ...WITH_LINE])("gets both and loses both: %j", (text) => {
    expect(dropStatusLine(dropHook(addHook(addStatusLine(text, CCR), CCR)))).toBe(text);
    expect(dropHook(dropStatusLine(addStatusLine(addHook(text, CCR), CCR)))).toBe(text);
  });

  it.each(WITH_LINE)("keeps a status line that is there: %j", (text) => {
    const put = JSON.parse(addStatusLine(text, CCR));
    expect(put.statusLine).toMatchObject(
      Object.fromEntries(Object.entries(JSON.parse(text).statusLine).filter(([key]) => key !== "command")),
    );
    expect(put.statusLine.command.startsWith(`${CCR} statusline --also '`)).toBe(true);
    expect(dropStatusLine(addStatusLine(text, CCR))).toBe(text);
  });

  it("is made where there is none, and goes again", () => {
    expect(JSON.parse(addStatusLine(null, CCR))).toHaveProperty("statusLine");
    expect(dropStatusLine(addStatusLine(null, CCR))).toBeNull();
    expect(dropHook(addHook(null, CCR))).toBeNull();
  });

  it.each(["", " ", "\n\n", "\r\n"])("that is empty becomes as empty again: %j", (text) => {
    expect(JSON.parse(addStatusLine(text, CCR))).toHaveProperty("statusLine");
    expect(dropStatusLine(addStatusLine(text, CCR))).toBe(text);
    expect(dropHook(dropStatusLine(addHook(addStatusLine(text, CCR), CCR)))).toBe(text);
  });

  it("with the status line of another ccr keeps that, and one that a person typed is not added again", () => {
    const other = '{"statusLine":{"type":"command","command":"~/accr statusline"}}';
    expect(dropStatusLine(addStatusLine(other, CCR))).toBe(other);
    expect(dropStatusLine(other)).toBe(other);
    const typed = other.replace("~/accr", "ccr");
    expect(addStatusLine(typed, CCR)).toBe(typed);
    expect(dropStatusLine(typed)).toBe(typed);
  });

  it.each(['{ // a comment\n "a": 1 }', "[]", "{", '{"a":1,}', "null"])(
    "is left alone when it is no plain JSON: %j",
    (text) => {
      for (const [add, line] of [
        [addStatusLine, '"statusLine": {"type":"command"'],
        [addHook, '"hooks": {"StopFailure"'],
      ] as const) {
        expect(() => add(text, CCR)).toThrow(
          expect.objectContaining({
            message: expect.stringContaining("not plain JSON"),
            hint: [expect.stringContaining(`add this to it yourself: ${line}`)],
          }),
        );
      }
    },
  );

  it("of another kind of status line is left alone", () => {
    expect(() => addStatusLine('{"statusLine":"x"}', CCR)).toThrow(/statusLine that is not a command/);
    expect(() => addHook('{"hooks":[]}', CCR)).toThrow(/"hooks" in settings.json is not an object/);
  });
});
