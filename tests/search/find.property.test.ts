import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { readCounts } from "../../helpers/claude/lines.ts";
import { find } from "../../helpers/search/find.ts";
import { found, generate, home, prompt, session, UNBOUND, useHome, wanted } from "./home.ts";

useHome();

describe.each([
  ["WebAssembly", undefined],
  ["plain JavaScript", "1"],
])("full-text search with %s", (_, flag) => {
  test("finds the generated sessions that the manifest names", async () => {
    vi.stubEnv("CCR_NO_WASM", flag);
    const { entries } = generate(join(home, "data"), "--sessions", "80", "--total", "12M", "--max", "2M");
    vi.stubEnv("CLAUDE_CONFIG_DIR", join(home, "data"));
    for (const needle of ["KubernetesOperator", "flümmox", "payment gateway"]) {
      const expected = entries
        .filter(({ needles }) => needles.includes(needle))
        .map(({ sessionId }) => sessionId);
      expect(expected.length).toBeGreaterThan(0);
      for (const word of [needle, needle.toUpperCase(), needle.toLowerCase()]) {
        const { hits } = await find(wanted([word]), UNBOUND);
        expect(
          hits
            .map((one) => one())
            .map(({ entry }) => entry.id)
            .sort(),
        ).toEqual(expected.sort());
      }
      const { hits } = await find(wanted([needle.replace("t", "[t]")], { regex: true }), UNBOUND);
      expect(hits.length).toBe(expected.length);
    }
    for (const nothing of [
      "parentUuid",
      "cache_read_input_tokens",
      "toolUseResult",
      "systemPrompt",
      "iVBORw0KGgo",
    ])
      expect(await found([nothing])).toEqual([]);
  });
});

test("full-text search finds a word across the border of two chunks, wherever it lies", async () => {
  const border = 262_144;
  const head = `${JSON.stringify(prompt("begin"))}\n`;
  const before = '{"type":"user","message":{"role":"user","content":"';
  for (const shift of [-40, -16, -9, -8, -5, -1, 0, 1, 60, 90]) {
    const filler = border - head.length - before.length - 200 - shift;
    const text = `${"x".repeat(180)} zyzzyvaquartz`;
    session(1, [
      Buffer.from(`${head}{"type":"progress","pad":"${"y".repeat(filler - 27)}"}\n${before}${text}"}}`),
    ]);
    expect([shift, await found(["zyzzyvaquartz"])]).toEqual([shift, [1]]);
    // Far behind the beginning of its string.
    session(1, [Buffer.from(`${head}${before}${"z ".repeat(border)}zyzzyvaquartz"}}`)]);
    expect(await found(["zyzzyvaquartz"])).toEqual([1]);
    session(1, [
      Buffer.from(`${head}${before.replace("content", "contend")}${"z ".repeat(border)}zyzzyvaquartz"}}`),
    ]);
    expect(await found(["zyzzyvaquartz"])).toEqual([]);
  }
});

test("full-text search reads a line of twelve megabytes in pieces", async () => {
  const long = `${"some words of a log. ".repeat(300_000)}the NEEDLE in it ${"and more of the log ".repeat(300_000)}`;
  session(1, [prompt(long)]);
  session(2, [prompt("x"), prompt([{ type: "tool_result", tool_use_id: "t", content: long }])]);
  expect(await found(["needle"])).toEqual([1]);
  expect(await found(["needle", "words"])).toEqual([1]);
  expect(await found(["needle"], { tools: true })).toEqual([2, 1]);
  expect(await found(["n[e]+dle"], { regex: true })).toEqual([1]);
  expect(await found(["some|none"], { regex: true })).toEqual([1]);
  const { hits } = await find(wanted(["needle"]), UNBOUND);
  expect(hits[0]!().matches[0]!.snippet).toContain("the NEEDLE in it");
  expect(hits[0]!().matches[0]!.snippet.length).toBeLessThan(300);
});

test("full-text search opens each file once and reads each byte little more than once", async () => {
  const { entries } = generate(join(home, "data"), "--sessions", "60", "--total", "20M", "--max", "2M");
  vi.stubEnv("CLAUDE_CONFIG_DIR", join(home, "data"));
  vi.stubEnv("XDG_CACHE_HOME", "/dev/null");
  Object.assign(readCounts, { opens: 0, bytes: 0 });
  const { searched, hits } = await find(wanted(["zyzzyvaquartzes"]), UNBOUND);
  expect(hits).toEqual([]);
  expect(searched.files).toBe(entries.length);
  expect(readCounts.opens).toBe(entries.length);
  expect(readCounts.bytes).toBeLessThan(1.01 * searched.bytes);
});
