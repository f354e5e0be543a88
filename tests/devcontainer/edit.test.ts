// devcontainer.json as people write it: ours in, every other byte as it was, and out again.

import { type ParseError, parse } from "jsonc-parser";
import { describe, expect, test } from "vitest";
import { edit, MARK, undo, type Wanted } from "../../helpers/devcontainer/edit.ts";

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

type Values = { mounts?: unknown[]; containerEnv?: object; remoteEnv?: object; initializeCommand?: unknown };

function expectMerged(before: string): string {
  const { text, edits, kept } = edit(before, WANTED);
  const old = read(before) as Values;
  const value = read(text) as Values;
  expect(value).toEqual({
    ...old,
    mounts: [...WANTED.mounts, ...(old.mounts ?? [])],
    containerEnv: { ...WANTED.objects.containerEnv, ...old.containerEnv },
    remoteEnv: { ...WANTED.objects.remoteEnv, ...old.remoteEnv },
    initializeCommand: old.initializeCommand ?? WANTED.properties.initializeCommand,
  });
  expect(undo(text, edits)).toBe(before);
  if (old.initializeCommand !== undefined) expect(kept).toContain("initializeCommand");
  // Everything that stood there still does, in its order.
  let at = 0;
  for (const line of before.split(/\r?\n/)) {
    for (const piece of line.split(/(?<=[[{])/)) {
      at = text.indexOf(piece, at);
      expect(at, piece).toBeGreaterThanOrEqual(0);
      at += piece.length;
    }
  }
  return text;
}

const FILES: Record<string, string> = {
  "an empty object": "{}",
  "an empty object on lines": "{\n}\n",
  "one line": '{"image":"x"}',
  "one line with blanks": '{ "image": "x" }\n',
  "comments everywhere": `// top
{ // after the brace
  /* before */ "image": "x", // behind the image
  // alone
  "mounts": [ // behind the bracket
    // in front
    "source=x,target=y,type=bind", // behind the mount
    /* last */
  ], // behind the list
  "remoteEnv": { // behind the brace
    "A": "b" // behind a
  }
  // the end
}
// after all
`,
  "tabs and CRLF":
    '{\r\n\t"image": "x",\r\n\t"mounts": [\r\n\t\t"source=x,target=y,type=bind"\r\n\t]\r\n}\r\n',
  "a byte order mark": '\ufeff{\n    "image": "x"\n}',
  "empty lists": '{\n  "mounts": [],\n  "containerEnv": {},\n  "remoteEnv": {\n  }\n}\n',
  "empty lists with comments": '{ "mounts": [ /* none */ ], "containerEnv": { // none\n } }',
  "trailing commas": '{ "mounts": ["a",], "remoteEnv": {"A":"b",}, }',
  "objects as mounts": '{\n  "mounts": [\n    { "source": "x", "target": "y", "type": "bind" }\n  ]\n}\n',
  "what looks like comments":
    '{\n  "image": "https://x//y /* no */",\n  "a": "\\"// no\\"",\n  "b": "\\\\" // yes\n}\n',
  "keys of others below":
    '{\n  "customizations": { "vscode": { "mounts": [1], "remoteEnv": 2 } },\n  "image": "x"\n}\n',
  "a person's own values":
    '{\n  "initializeCommand": { "a": "true" },\n  "remoteEnv": { "PATH": "mine" },\n  "containerEnv": { "CLAUDE_CONFIG_DIR": "/own" }\n}\n',
};

describe("a devcontainer.json", () => {
  test.each(Object.entries(FILES))(
    "with %s gets our entries, keeps its own, and comes back byte for byte",
    (_, before) => {
      expectMerged(before);
    },
  );

  test("keeps its indentation, and gets one comment that says whose the lines are", () => {
    expect(edit('{\n    "image": "x" // y\n}\n', { ...WANTED, objects: {}, properties: {} }).text).toBe(
      `{\n    ${MARK}\n    "mounts": [\n        ${JSON.stringify(WANTED.mounts[0])},\n        ${JSON.stringify(WANTED.mounts[1])}\n    ],\n    "image": "x" // y\n}\n`,
    );
  });

  test("that somebody edited since loses our entries and keeps theirs", () => {
    const { text, edits } = edit(FILES["comments everywhere"]!, WANTED);
    const later = text
      .replace('"image": "x"', '"image": "y", "forwardPorts": [80]')
      .replace("// top", "// up");
    expect(undo(later, edits)).toBe(
      FILES["comments everywhere"]!.replace('"image": "x"', '"image": "y", "forwardPorts": [80]').replace(
        "// top",
        "// up",
      ),
    );
  });

  test("in which our entries were changed is not touched", () => {
    const { text, edits } = edit("{}", WANTED);
    expect(undo(text.replace("/a b", "/elsewhere"), edits)).toBeNull();
    expect(undo(`${text}${text}`, edits)).toBeNull();
  });

  test.each([
    ['"docker-compose.yml"', ["docker-compose.yml", "ccr.yml"]],
    ['["a.yml", "b.yml"]', ["a.yml", "b.yml", "ccr.yml"]],
    ['[ "a.yml", // one\n "b.yml", // two\n ]', ["a.yml", "b.yml", "ccr.yml"]],
    ["[]", ["ccr.yml"]],
  ])("with the compose files %s gets one more at their end", (files, expected) => {
    const before = `{ "dockerComposeFile": ${files}, "service": "app" }`;
    const { text, edits } = edit(before, { mounts: [], objects: {}, properties: {}, compose: "ccr.yml" });
    expect(read(text).dockerComposeFile).toEqual(expected);
    expect(undo(text, edits)).toBe(before);
  });

  test.each([
    ["", "not valid JSON with comments"],
    ["// only a comment\n", "not valid JSON with comments"],
    ["[]", "is not an object"],
    ['{ "mounts": [], "mounts": [] }', '"mounts" twice'],
    ['{ "mounts": {} }', '"mounts"'],
    ['{ "mounts": "x" }', '"mounts"'],
    ['{ "remoteEnv": [] }', '"remoteEnv"'],
    ['{ "image": "x" ', "not valid JSON with comments"],
    ['{ "image": "x" /* open }', "not valid JSON with comments"],
    ["{ 'image': 'x' }", "not valid JSON with comments"],
    ["{,}", "not valid JSON with comments"],
  ])("that is %j is refused", (text, why) => {
    expect(() => edit(text, WANTED)).toThrow(why);
  });
});
