// A session's prompts given to a new one by the real CLI, and what logs and find tell of both.

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { type Claude, installClaude, type Row } from "../support/claude-cli.ts";
import { type Home, makeHome } from "../support/home.ts";
import { type MockApi, mockApi, say, use } from "../support/mock-api.ts";
import { ccr, type Ran } from "../support/program.ts";

// Machines can be slow.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

let home: Home;
let api: MockApi;
let claude: Claude;
let shop: string;
let id: string;

beforeAll(async () => {
  api = await mockApi();
});
beforeEach(async () => {
  home = makeHome();
  shop = home.project("shop");
  claude = await installClaude(home, api.url, [shop]);
  api.answers.length = 0;
  api.answers.push(say("The first answer."), say("The second answer."));
  const { json } = await claude.print(shop, ["look at the\ncheckout"]);
  id = json.session_id;
  await claude.print(shop, ["-r", id, "and now the gateway"]);
});
afterEach(() => home.remove());
afterAll(async () => {
  await api.close();
});

const run = (...words: string[]): Promise<Ran> => ccr(home, words, { env: claude.env, cwd: shop });

/** The prompts of a transcript. */
const prompts = (rows: Row[]): unknown[] =>
  rows
    .filter(({ type, isMeta, message }) => type === "user" && !isMeta && typeof message?.content === "string")
    .map(({ message }) => message!.content);

const fresh = (): string => claude.ids().find((one) => one !== id)!;

describe("ccr rerun", () => {
  it("gives the prompts to a new session, one after another, and leaves it at its last answer", async () => {
    const before = claude.rows(id);
    api.answers.push(say("Once more, the first."), say("Once more, the gateway."));
    const { status, out, err } = await run("rerun", id, "--yes");
    expect({ status, err }).toEqual({ status: 0, err: expect.stringContaining("2 of 2") });
    expect(out).toBe("claude-shop\n");
    await expect
      .poll(() => prompts(claude.rows(fresh())), { timeout: 60_000 })
      .toEqual(["look at the\ncheckout", "and now the gateway"]);
    expect(claude.rows(id)).toEqual(before);

    const logs = async (): Promise<string> => (await run("logs", fresh())).out;
    await expect
      .poll(logs, { timeout: 60_000 })
      .toMatch(
        /ccr +started in tmux: claude-shop\n(?:.*\n)*.*you +look at the checkout\n.*claude +Once more, the first\.\n.*you +and now the gateway\n.*claude +Once more, the gateway\.\n/,
      );
    await expect
      .poll(
        async () => JSON.parse((await run("find", "once more", "gateway", "--recordings", "--json")).out),
        {
          timeout: 60_000,
        },
      )
      .toMatchObject({
        sessions: [
          {
            id: fresh(),
            matches: expect.arrayContaining([
              expect.objectContaining({ role: "screen", snippet: "● Once more, the gateway." }),
            ]),
          },
        ],
        searched: { files: 1 },
      });
    const recordings = join(home.path, ".local/state/ccr/recordings");
    expect(readdirSync(recordings).filter((name) => !name.startsWith("."))).toEqual([fresh()]);
  });

  it("stops at Claude's first question", async () => {
    // The new session has the old one's permission mode.
    await claude.print(shop, ["-r", id, "--permission-mode", "acceptEdits", "and the docs"]);
    api.answers.push(use("Bash", { command: "npm test", description: "test" }), say("It is done."));
    const { status, err } = await run("rerun", id, "--yes");
    expect(status).toBe(1);
    expect(err).toMatch(/stopped at prompt 1: claude-shop waits for you: permission prompt/);
    expect(err).toContain("cct claude-shop");
    // Rows are written a little after the screen.
    await expect
      .poll(() => prompts(claude.rows(fresh())), { timeout: 60_000 })
      .toEqual(["look at the\ncheckout"]);
  });

  it("shows the prompts, begins with another one, and starts nothing unasked", async () => {
    const dry = await run("rerun", id, "--dry-run", "--from", "2");
    expect(dry.out).toBe("  2  and now the gateway\n");
    const json = JSON.parse((await run("rerun", id, "--dry-run", "--json")).out);
    expect(json.prompts).toEqual([
      { n: 1, text: "look at the\ncheckout" },
      { n: 2, text: "and now the gateway" },
    ]);
    const unasked = await run("rerun", id);
    expect(unasked.status).toBe(2);
    expect(unasked.err).toContain("--yes");
    expect(claude.ids()).toEqual([id]);
  });
});
