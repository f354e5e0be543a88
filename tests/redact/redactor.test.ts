import { describe, expect, test } from "vitest";
import { Redactor } from "../../helpers/redact/redactor.ts";
import { secrets } from "./secrets.ts";

const all = secrets(7);

describe("redaction", () => {
  test("knows more than 40 kinds of secrets", () => {
    expect(new Set(all.map(({ kind }) => kind)).size).toBeGreaterThan(40);
  });

  test.each(all.map(({ kind, text, secret }) => [kind, text.slice(0, 24), text, secret]))(
    "finds and names %s (%s…), whatever stands around it",
    (kind, _, text, secret) => {
      const around: [string, string][] = [
        ["", ""],
        ["see: ", " and go on"],
        ["first line\n", "\nlast line"],
        ["\u001b[31m", "\u001b[0m"],
        ["\\n", "\\n"],
      ];
      for (const [before, after] of around) {
        const redactor = new Redactor();
        const clean = redactor.text(before + text + after);
        expect(clean).not.toContain(secret);
        for (const line of secret.split("\n")) expect(clean).not.toContain(line);
        expect(clean).toContain(`[redacted:${kind}]`);
        expect(redactor.report()).toBe(`${kind} 1`);
        if (before !== "" && after.trim() !== after) expect(clean.endsWith(after)).toBe(true);
      }
    },
  );

  test("finds a secret within JSON within a text", () => {
    for (const { secret, text } of all) {
      const clean = new Redactor().text(JSON.stringify({ output: `a\n${text}\nb` }));
      expect(clean).not.toContain(JSON.stringify(secret).slice(1, -1));
    }
  });

  test("gives the same secret the same mark, and another one another", () => {
    const [a, b] = all.filter(({ kind }) => kind === "github");
    const clean = new Redactor().text(`${a!.secret} ${b!.secret} ${a!.secret}`);
    expect(clean).toBe("[redacted:github] [redacted:github-2] [redacted:github]");
  });

  test("leaves redacted text alone", () => {
    for (const { text } of all) {
      const once = new Redactor().text(text);
      const again = new Redactor();
      expect(again.text(once)).toBe(once);
      expect(again.report()).toBe("");
    }
  });

  test("judges a value by its name too, and keeps the rest of a row", () => {
    const row = {
      type: "assistant",
      uuid: "6a2b0f57-1111-4222-8333-444455556666",
      message: {
        content: [{ type: "tool_use", id: "toolu_01", input: { user: "me", password: "hunter2hunter2" } }],
      },
      n: 12,
    };
    const clean = new Redactor().line(JSON.stringify(row))!;
    expect(JSON.parse(clean)).toEqual({
      ...row,
      message: {
        content: [
          { type: "tool_use", id: "toolu_01", input: { user: "me", password: "[redacted:named-value]" } },
        ],
      },
    });
  });

  test("finds a secret as the name of a value, and keeps odd names", () => {
    const { secret } = all.find(({ kind }) => kind === "github")!;
    const line = `{"__proto__":{"a":1},"constructor":2,"${secret}":{"x":3}}`;
    expect(new Redactor().line(line)).toBe(line.replace(secret, "[redacted:github]"));
    expect(new Redactor().line('{"__proto__":{"a":1}}')).toBe('{"__proto__":{"a":1}}');
  });

  test("keeps lines without a secret byte for byte, torn ones too", () => {
    for (const line of ['{"a": "b",  "c":1}', '{"type":"user","mess', "", '{"u":"\\u0041"}'])
      expect(new Redactor().line(line)).toBe(line);
  });

  test("leaves out a row whose signed thinking holds a secret", () => {
    const [secret] = all;
    const thinking = { type: "thinking", thinking: `the key is ${secret!.secret}`, signature: "x" };
    const redactor = new Redactor();
    expect(redactor.line(JSON.stringify({ message: { content: [thinking] } }))).toBeNull();
    expect(redactor.report()).toBe(`${secret!.kind} 1`);
  });
});
