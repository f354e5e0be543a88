// The board beside the real CLI: each of its states is seen where it belongs, and Enter goes to it.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { installClaude } from "../support/claude-cli.ts";
import { type Home, makeHome } from "../support/home.ts";
import { limit, type MockApi, mockApi, say, use } from "../support/mock-api.ts";
import { type Installed, install, type Ran } from "../support/program.ts";
import { openTerminal, type Terminal } from "../support/tmux.ts";

const WAIT = 90;
let home: Home;
let api: MockApi;
let env: Record<string, string>;
let shop: string;
let installed: Installed;
let terminal: Terminal | undefined;

beforeAll(async () => {
  home = makeHome();
  api = await mockApi();
  shop = home.project("shop");
  env = (await installClaude(home, api.url, [shop])).env;
  mkdirSync(join(home.path, ".claude"), { recursive: true });
  writeFileSync(join(home.path, ".bashrc"), "PS1='ready> '\n");
  installed = await install(home, { env, seconds: 90 });
}, 180_000);
afterAll(async () => {
  await terminal?.end();
  await ccr("stop", "--all", "--force");
  await home.remove();
  await api.close();
});

const ccr = (...words: string[]): Promise<Ran> => installed(["ccr", ...words]);

it("the board shows the real CLI idle, working, asking and limited, and Enter goes to it", async () => {
  terminal = await openTerminal(home, { env, cwd: home.path, columns: 100, rows: 24 });
  await terminal.shows("ready>", WAIT);
  const line = async (text: string): Promise<void> => {
    await terminal!.type(text);
    await terminal!.press("Enter");
  };
  const send = async (text: string): Promise<void> => {
    expect((await ccr("wait", "shop", "--timeout", "90")).err).toBe("");
    const { err, status } = await ccr("send", "shop", text);
    expect([err, status]).toEqual([expect.stringContaining("sent"), 0]);
  };
  const started = await ccr("start", shop, "--", "--permission-mode", "manual");
  expect([started.status, started.err]).toEqual([0, ""]);
  await line("ccr");
  await terminal.shows(/Idle[\s\S]*▌ shop +○/, WAIT);

  api.answers.push(say("Slowly.", { wait: 5000 }));
  await send("think long");
  await terminal.shows(/Working[\s\S]*▌ shop +●/, WAIT);
  await terminal.shows(/Idle[\s\S]*▌ shop +○/, WAIT);

  api.answers.push(use("Write", { file_path: join(shop, "x"), content: "x" }), say("Written."));
  await send("write it");
  await terminal.shows(/Needs you[\s\S]*▌ shop +◐ +permission prompt\?/, WAIT);
  await terminal.press("Enter");
  await terminal.shows(/Do you want to create x\?/, WAIT);
  // The dialog takes no key in its first moments.
  await expect
    .poll(
      async () => {
        await terminal!.press("Enter");
        return terminal!.screen();
      },
      { timeout: WAIT * 1000, interval: 1000 },
    )
    .toContain("Written.");
  await terminal.press("C-b", "d");
  await terminal.shows(/detached[\s\S]*ready>/, WAIT);

  await line("clear; ccr");
  await terminal.shows(/Idle[\s\S]*▌ shop +○/, WAIT);
  api.answers.push(limit("five_hour", Math.floor(Date.now() / 1000) + 3 * 3600));
  await send("one more");
  await terminal.shows(/Limited[\s\S]*▌ shop +◷.* 2 h \d+ m/, WAIT);
  expect((await terminal.screen()).split("\n")[0]).toMatch(/1 live · 1 limited · 1 session$/);
  const { sessions } = JSON.parse((await ccr("board", "--json")).out);
  expect(sessions).toMatchObject([{ section: "Limited", state: "live", live: { tmux: "claude-shop" } }]);
}, 400_000);
