// Sessions that were exported and imported go on with the real CLI, at another place, and back where they come from.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Claude, installClaude } from "../support/claude-cli.ts";
import { type Home, makeHome } from "../support/home.ts";
import { type MockApi, mockApi, say, use } from "../support/mock-api.ts";
import { ccr } from "../support/program.ts";

let api: MockApi;
let here: Home;
let there: Home;
let shop: string;
/** The same project elsewhere. */
let store: string;
let ours: Claude;
let theirs: Claude;
/** A session of three turns; the second reads a file. */
let id: string;
let file: string;

beforeAll(async () => {
  api = await mockApi();
  here = makeHome("ccr-here-");
  there = makeHome("ccr-there-");
  shop = here.project("shop");
  store = there.project("store");
  for (const place of [shop, store]) writeFileSync(join(place, "note.txt"), "a note\n");
  ours = await installClaude(here, api.url, [shop]);
  theirs = await installClaude(there, api.url, [store]);
  file = join(here.around, "shop.tar.gz");
  api.answers.push(say("one"));
  id = (await ours.print(shop, ["-n", "The shop", "first"])).json.session_id;
  api.answers.push(use("Read", { file_path: join(shop, "note.txt") }), say("two"));
  await ours.print(shop, ["-r", id, "second"]);
  api.answers.push(say("three"));
  await ours.print(shop, ["-r", id, "third"]);
}, 600_000);
afterAll(async () => {
  await api?.close();
  await here?.remove();
  await there?.remove();
});

async function done(home: Home, words: string[], status = 0) {
  const ran = await ccr(home, words);
  expect(ran.status, ran.err + ran.out).toBe(status);
  return ran;
}

const path = (home: Home, project: string): string =>
  join(home.path, ".claude/projects", project.replace(/[^A-Za-z0-9]/g, "-"), `${id}.jsonl`);

/** Texts of the conversation, as the transcript has them. */
const said = (claude: Claude): string[] =>
  claude.rows(id).flatMap((row) => {
    if ((row.type !== "user" && row.type !== "assistant") || row.isMeta) return [];
    const content = row.message!.content;
    const blocks = typeof content === "string" ? [{ text: content }] : (content as { text?: string }[]);
    return blocks.flatMap(({ text }) => text ?? []);
  });

/** Goes on with the session, and tells how many messages the model got. */
async function goesOn(claude: Claude, project: string, words: string[], prompt: string): Promise<number> {
  const before = readFileSync(path(claude === ours ? here : there, project));
  api.answers.push(say(`answer to ${prompt}`));
  const { json, stderr } = await claude.print(project, [...words, prompt]);
  expect(json.result, stderr).toBe(`answer to ${prompt}`);
  expect(json.session_id).toBe(id);
  expect(
    readFileSync(path(claude === ours ? here : there, project))
      .subarray(0, before.length)
      .equals(before),
  ).toBe(true);
  const asked = api.turns().at(-1)!;
  expect(asked.prompt).toContain(prompt);
  return asked.messages;
}

test("an exported session is resumed in another home and directory, and again where it comes from", async () => {
  await done(here, ["export", id, file]);
  await done(there, ["import", file, "--map", `${shop}=${store}`]);
  expect(said(theirs)).toEqual(said(ours));
  expect(new Set(theirs.rows(id).flatMap(({ cwd }) => cwd ?? []))).toEqual(new Set([store]));

  const turns = said(ours).length;
  // By its id, by its title, and as the newest of its directory: all of it is there each time.
  const first = await goesOn(theirs, store, ["-r", id], "fourth");
  expect(first).toBeGreaterThanOrEqual(turns);
  const second = await goesOn(theirs, store, ["-r", "The shop"], "fifth");
  expect(second).toBeGreaterThan(first);
  expect(said(theirs)).toEqual([...said(ours), "fourth", "answer to fourth", "fifth", "answer to fifth"]);

  // Nothing of the old system prompt is sent there.
  expect(readFileSync(path(there, store), "utf8")).not.toContain(`${here.path}/.claude/projects`);

  const back = join(here.around, "back.tar.gz");
  await done(there, ["export", id, back]);
  const before = readFileSync(path(here, shop));
  const map = ["--map", `${store}=${shop}`];
  expect((await done(here, ["import", back, ...map], 1)).out).toContain("--update");
  await done(here, ["import", back, ...map, "--update"]);
  expect(readFileSync(path(here, shop)).subarray(0, before.length).equals(before)).toBe(true);
  expect(said(ours)).toEqual(said(theirs));
  expect(await goesOn(ours, shop, ["-r", id], "sixth")).toBeGreaterThan(second);
}, 600_000);

test("a session that was archived and deleted is imported and resumed", async () => {
  const turns = said(ours);
  const kept = join(here.around, "kept");
  await done(here, ["archive", id, "--to", kept, "--delete"]);
  expect(ours.ids()).toEqual([]);
  await done(here, ["import", join(kept, `shop-${id.slice(0, 8)}.tar.gz`)]);
  expect(said(ours)).toEqual(turns);
  await goesOn(ours, shop, ["-r", id], "seventh");
}, 600_000);
