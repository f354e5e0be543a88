// Forks and rolled-back sessions go on with the real CLI: it sends the model what was kept, and appends.

import { execFileSync } from "node:child_process";
import { appendFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { type Claude, installClaude } from "../support/claude-cli.ts";
import { type Home, makeHome } from "../support/home.ts";
import { type MockApi, mockApi, say, use } from "../support/mock-api.ts";
import { ccr } from "../support/program.ts";

vi.setConfig({ testTimeout: 240_000 });

let home: Home;
let api: MockApi;
let claude: Claude;
let shop: string;
/** A session of three turns; the second uses a tool. */
let id: string;

beforeAll(async () => {
  home = makeHome();
  api = await mockApi();
  shop = home.project("shop");
  claude = await installClaude(home, api.url, [shop]);
  execFileSync("git", ["init", "-q", shop], { env: home.env });
  const identity = ["-c", "user.name=a", "-c", "user.email=a@localhost"];
  execFileSync("git", ["-C", shop, ...identity, "commit", "-q", "--allow-empty", "-m", "x"], {
    env: home.env,
  });
  api.answers.push(say("one"));
  id = (await claude.print(shop, ["first"])).json.session_id;
  api.answers.push(use("Read", { file_path: join(shop, "none.txt") }), say("two"));
  await claude.print(shop, ["-r", id, "second"]);
  api.answers.push(say("three"));
  await claude.print(shop, ["-r", id, "third"]);
}, 400_000);
afterAll(async () => {
  await api?.close();
  await home?.remove();
});

const file = (session: string): string =>
  join(home.path, ".claude/projects", shop.replace(/[^A-Za-z0-9]/g, "-"), `${session}.jsonl`);

async function json(words: string[]) {
  const { out, err, status } = await ccr(home, [...words, "--json"], { env: claude.env, cwd: shop });
  expect(status, err).toBe(0);
  return JSON.parse(out);
}

/** How many messages the model got with the prompt that goes on with a session; what was said before it. */
async function goesOn(session: string, prompt: string): Promise<{ messages: number; said: string[] }> {
  const before = readFileSync(file(session));
  api.answers.push(say(`answer to ${prompt}`));
  const { json, stderr } = await claude.print(shop, ["-r", session, prompt]);
  expect(json.result, stderr).toBe(`answer to ${prompt}`);
  expect(json.session_id).toBe(session);
  // It appended.
  expect(readFileSync(file(session)).subarray(0, before.length).equals(before)).toBe(true);
  const asked = api.turns().at(-1)!;
  expect(asked.prompt).toContain(prompt);
  return { messages: asked.messages, said: chain(session) };
}

/** Texts on the way from the last answer to the beginning, oldest first. */
function chain(session: string): string[] {
  const rows = claude.rows(session);
  const byUuid = new Map(rows.flatMap((row) => (row.uuid ? [[row.uuid, row] as const] : [])));
  const texts: string[] = [];
  const last = rows.findLast(({ type }) => type === "assistant");
  for (let row = last; row; row = byUuid.get((row.parentUuid ?? row.logicalParentUuid ?? "") as string)) {
    if (row.type !== "user" && row.type !== "assistant") continue;
    const content = row.message!.content;
    const blocks = typeof content === "string" ? [{ text: content }] : (content as { text?: string }[]);
    texts.unshift(...blocks.flatMap(({ text }) => text ?? []));
  }
  return texts;
}

const turnsAsked = (prompt: string): number =>
  api.asked.filter((one) => one.kind === "turn" && one.prompt?.includes(prompt)).at(0)!.messages;

describe("a fork", () => {
  test("at the end of a turn continues from there, and the session stays as it is", async () => {
    const before = readFileSync(file(id));
    const { session, turns } = await json(["fork", id, "--at", "2"]);
    expect(turns.map(({ prompt }: { prompt: string }) => prompt)).toEqual(["first", "second", "third"]);
    const { messages, said } = await goesOn(session.id, "another third");
    expect(said).toEqual(["first", "one", "second", "two", "another third", "answer to another third"]);
    expect(messages).toBe(turnsAsked("third"));
    expect(readFileSync(file(id)).equals(before)).toBe(true);
    expect(session.title).toBe("first (fork)");
  });

  test("at a prompt is cut before it, so that it can be asked anew", async () => {
    const { turns } = await json(["fork", id, "--list"]);
    const { session } = await json(["fork", id, "--at", turns[1].promptUuid]);
    const { messages, said } = await goesOn(session.id, "second again");
    expect(said).toEqual(["first", "one", "second again", "answer to second again"]);
    expect(messages).toBe(turnsAsked("second"));
  });

  test("without --at has the whole session, and can be forked again", async () => {
    const { session } = await json(["fork", id]);
    const { session: second } = await json(["fork", session.id, "--title", "twice"]);
    const { said } = await goesOn(second.id, "fourth");
    expect(said.slice(0, 6)).toEqual(["first", "one", "second", "two", "third", "three"]);
    expect(second.title).toBe("twice");
  });

  test("can be cut at a tool's result; at its call, ccr names the end of the turn", async () => {
    const rows = claude.rows(id);
    const has = (type: string) => (row: { message?: { content: unknown } }) =>
      Array.isArray(row.message?.content) && row.message.content.some((block) => block.type === type);
    const call = rows.find(has("tool_use"))!.uuid as string;
    const result = rows.find(has("tool_result"))!.uuid as string;
    const refused = await ccr(home, ["fork", id, "--at", call], { env: claude.env });
    expect([refused.status, refused.err]).toEqual([2, expect.stringContaining("--at 2")]);
    const { session } = await json(["fork", id, "--at", result]);
    await goesOn(session.id, "after the tool");
  });

  test("of a session whose last branch was left follows the branch that the CLI resumes", async () => {
    const { session } = await json(["fork", id]);
    const rows = claude.rows(session.id);
    const leaf = rows.find(({ type }) => type === "assistant")!.uuid;
    appendFileSync(
      file(session.id),
      `${JSON.stringify({ type: "last-prompt", leafUuid: leaf, sessionId: session.id })}\n`,
    );
    const { session: second } = await json(["fork", session.id]);
    const { said } = await goesOn(second.id, "from the first answer");
    expect(said).toEqual(["first", "one", "from the first answer", "answer to from the first answer"]);
  });
});

describe("a rollback", () => {
  test("goes back and forth between two states, and the CLI resumes each", async () => {
    const { session } = await json(["fork", id, "--at", "1"]);
    const { snapshot } = await json(["snapshot", session.id, "-m", "early"]);
    expect(snapshot.git.commit).toMatch(/^[0-9a-f]{40}$/);
    const early = readFileSync(file(session.id));
    await goesOn(session.id, "a wrong way");
    const late = readFileSync(file(session.id));

    const { before } = await json(["rollback", session.id, snapshot.id]);
    expect(readFileSync(file(session.id)).equals(early)).toBe(true);
    const { said } = await goesOn(session.id, "a better way");
    expect(said).toEqual(["first", "one", "a better way", "answer to a better way"]);

    await json(["rollback", session.id, before.id.slice(0, 5)]);
    expect(readFileSync(file(session.id)).equals(late)).toBe(true);
    expect((await goesOn(session.id, "on the wrong way")).said).toContain("answer to a wrong way");
    expect((await json(["snapshots", session.id])).snapshots).toHaveLength(3);
  });

  test("leaves a running session alone", async () => {
    const { session } = await json(["fork", id]);
    const { snapshot } = await json(["snapshot", session.id]);
    await goesOn(session.id, "more");
    const present = readFileSync(file(session.id));
    api.answers.push(say("slow answer", { wait: 200_000 }));
    const controller = new AbortController();
    const running = execa(claude.file, ["-p", "-r", session.id, "slow"], {
      cwd: shop,
      env: claude.env,
      extendEnv: false,
      stdin: "ignore",
      reject: false,
      cancelSignal: controller.signal,
    });
    const live = async () =>
      (await json(["list", "--all"])).sessions.find((one: { id: string }) => one.id === session.id)?.state;
    await expect.poll(live, { timeout: 120_000, interval: 300 }).toBe("live");
    const { status, err } = await ccr(home, ["rollback", session.id, snapshot.id], { env: claude.env });
    controller.abort();
    await running;
    expect([status, err]).toEqual([1, expect.stringContaining("is running")]);
    expect(readFileSync(file(session.id)).subarray(0, present.length).equals(present)).toBe(true);
  });
});
