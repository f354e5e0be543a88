import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { findPrompts } from "../../helpers/search/prompts.ts";
import { home, idOf, prompt, START, session, useHome, wanted } from "./home.ts";

useHome();

const line = (n: number, display: unknown, minute: number, more: object = {}): string =>
  JSON.stringify({
    display,
    pastedContents: {},
    timestamp: START + minute * 60_000,
    project: "/work/app",
    sessionId: idOf(n),
    ...more,
  });

function history(...lines: string[]): void {
  mkdirSync(join(home, ".claude"), { recursive: true });
  writeFileSync(join(home, ".claude/history.jsonl"), `${lines.join("\n")}\n`);
}

async function prompts(words: string[], since = 0, limit = Number.POSITIVE_INFINITY) {
  const { sessions, withoutSession, more } = await findPrompts(wanted(words), limit, since);
  return { found: sessions.map(({ id }) => Number(id.slice(0, 8))), withoutSession, more, sessions };
}

test("the search of prompts wants every word in a prompt of the session or in its project's path, and lists the newest first", async () => {
  session(1, [prompt("red")]);
  history(
    line(1, "make it RED", 1),
    line(2, "red and green", 2),
    line(1, "now green", 3),
    line(3, "only red", 4, { project: "/work/greenhouse" }),
    line(4, "only red", 5),
    line(5, "x", 6, { pastedContents: { 1: { content: "red green" } } }),
  );
  const { found, sessions } = await prompts(["red", "green"]);
  expect(found).toEqual([3, 1, 2]);
  expect(sessions.map(({ present }) => present)).toEqual([false, true, false]);
  expect((await prompts(["red", "green"], START + 130_000)).found).toEqual([3]);
  expect(await prompts(["red"], 0, 2)).toMatchObject({ found: [4, 3], more: true });
  expect((await prompts(["sessionId"])).found).toEqual([]);
  expect((await prompts(["pastedContents"])).found).toEqual([]);
});

test("the search of prompts skips lines that are torn, of another kind or of an old version", async () => {
  history(
    line(1, "needle", 1).slice(0, 40),
    line(2, 5, 1),
    line(3, "needle", 2, { sessionId: undefined }),
    line(4, "needle", 3, { sessionId: "../../etc/passwd" }),
    line(5, "needle", 4, { timestamp: "x" }),
    "\u0000\u0000",
    line(6, "needle", 5),
  );
  expect(await prompts(["needle"])).toMatchObject({ found: [6], withoutSession: 2 });
});

test("the search of prompts finds nothing without a history", async () => {
  expect(await prompts(["needle"])).toMatchObject({ found: [], withoutSession: 0, more: false });
});
