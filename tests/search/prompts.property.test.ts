import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { PROMPT_MARK } from "../../helpers/claude/visible-text.ts";
import { findPrompts } from "../../helpers/search/prompts.ts";
import { regexWord } from "../../helpers/search/words.ts";
import { generate, home, useHome, wanted } from "./home.ts";

useHome();

test("ccr find --prompts finds generated prompts with either kernel, and as regular expressions", async () => {
  generate(join(home, "data"), "--sessions", "60", "--total", "3M");
  vi.stubEnv("CLAUDE_CONFIG_DIR", join(home, "data"));
  const lines = readFileSync(join(home, "data/history.jsonl"), "utf8").trim().split("\n");
  const rows: { display: string; project: string; sessionId: string }[] = lines.map((line) =>
    JSON.parse(line),
  );
  for (const word of ["flaky", "straße", "日本語", "zustand"]) {
    const fits = rows.filter(({ display, project }) => (display + project).toLowerCase().includes(word));
    const expected = [...new Set(fits.map(({ sessionId }) => sessionId))].sort();
    expect(expected.length > 0).toBe(word !== "zustand");
    for (const flag of [undefined, "1"]) {
      vi.stubEnv("CCR_NO_WASM", flag);
      const pattern = { ...wanted(["x"]), words: [regexWord(`${word}|nothing`, PROMPT_MARK)] };
      for (const words of [wanted([word.toUpperCase()]), pattern]) {
        const { sessions } = await findPrompts(words, 1000, 0);
        expect(sessions.map(({ id }) => id).sort()).toEqual(expected);
      }
    }
  }
});
