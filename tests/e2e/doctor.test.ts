// What the doctor says of the real CLI, and that the real CLI goes on with what the doctor has repaired.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { slug } from "../../helpers/claude/places.ts";
import { type Claude, installClaude } from "../support/claude-cli.ts";
import { type Home, makeHome } from "../support/home.ts";
import { type MockApi, mockApi, say } from "../support/mock-api.ts";
import { ccr } from "../support/program.ts";

let home: Home;
let api: MockApi;
let claude: Claude;
let shop: string;
let id: string;

beforeAll(async () => {
  home = makeHome();
  api = await mockApi();
  shop = home.project("shop");
  claude = await installClaude(home, api.url, [shop]);
  api.answers.push(say("one"));
  id = (await claude.print(shop, ["first"])).json.session_id;
  api.answers.push(say("two"));
  await claude.print(shop, ["-r", id, "second"]);
});
afterAll(async () => {
  await api?.close();
  await home?.remove();
});

const file = (session: string): string => join(home.path, ".claude/projects", slug(shop), `${session}.jsonl`);

async function findings(words: string[], env: Record<string, string | undefined> = claude.env) {
  const { out, err } = await ccr(home, ["doctor", "--json", ...words], { env });
  expect(out, err).not.toBe("");
  return JSON.parse(out).findings as { check: string; finding: string; done: string | null }[];
}

describe("ccr doctor with the real CLI", () => {
  test("reports nothing about it and its files but a missing login", async () => {
    // What is wrong with the machine that the tests run on is not told here.
    const ofMachine = ["functions", "clash", "disk", "tmux"];
    expect((await findings([])).filter(({ check }) => !ofMachine.includes(check))).toEqual([]);
    const without = Object.fromEntries(
      Object.keys(claude.env).flatMap((name) =>
        /TOKEN|API_KEY/.test(name) ? [[name, undefined]] : [[name, claude.env[name]]],
      ),
    );
    expect((await findings([], without)).map(({ finding }) => finding)).toContain(
      "Claude Code is not logged in",
    );
  });

  test("repairs into a copy that the CLI resumes with every whole turn, and keeps the damaged file", async () => {
    const lines = readFileSync(file(id), "utf8").trimEnd().split("\n");
    const second = lines.findIndex((line) => line.includes('"type":"user"') && line.includes("second"));
    lines.splice(
      second,
      0,
      '{"type":"assistant","message":{"content":[{"type":"te',
      "\u0000\u0000\u0000\u0000",
    );
    const text = `${lines.join("\n")}\n{"type":"user","uuid":"half a ro`;
    writeFileSync(file(id), text);

    const fixed = (await findings(["--fix"])).find(({ check }) => check === "damaged");
    expect(fixed?.finding).toContain("has 3 damaged lines");
    const copy = /([0-9a-f-]{36})\.jsonl\)$/.exec(fixed!.done!)![1]!;
    expect(readFileSync(file(id), "utf8")).toBe(text);

    api.answers.push(say("three"));
    const { json, stderr } = await claude.print(shop, ["-r", copy, "third"]);
    expect([json.result, json.session_id], stderr).toEqual(["three", copy]);
    const asked = api.turns().at(-1)!;
    const before = api.turns().find(({ prompt }) => prompt?.includes("second"))!;
    expect(asked.messages).toBe(before.messages + 2);
    for (const line of readFileSync(file(copy), "utf8").trimEnd().split("\n")) JSON.parse(line);
    expect(readFileSync(file(id), "utf8")).toBe(text);
  });
});
