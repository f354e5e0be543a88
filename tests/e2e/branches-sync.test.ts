// One session, two homes, the real CLI in both: what is said in one is known in the other.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type Claude, installClaude } from "../support/claude-cli.ts";
import { type Home, makeHome } from "../support/home.ts";
import { type MockApi, mockApi, say } from "../support/mock-api.ts";
import { bundle, ccr } from "../support/program.ts";

vi.setConfig({ testTimeout: 240_000 });

let api: MockApi;
const homes: Home[] = [];
const claudes: Claude[] = [];
const shops: string[] = [];

beforeAll(async () => {
  api = await mockApi();
  for (const name of ["ccr-a-", "ccr-b-"]) {
    const home = makeHome(name);
    homes.push(home);
    shops.push(home.project("shop"));
    claudes.push(await installClaude(home, api.url, [shops.at(-1)!]));
  }
}, 400_000);
afterAll(async () => {
  await api?.close();
  for (const home of homes) await home.remove();
});

/** A prompt in one of the homes; the answer names the prompt. How many messages the model got. */
async function prompt(at: 0 | 1, words: string, id?: string): Promise<{ id: string; messages: number }> {
  api.answers.push(say(`answer to ${words}`));
  const { json, stderr } = await claudes[at]!.print(shops[at]!, [...(id ? ["-r", id] : []), words]);
  expect(json.result, stderr).toBe(`answer to ${words}`);
  if (id) expect(json.session_id).toBe(id);
  return { id: json.session_id, messages: api.turns().at(-1)!.messages };
}

async function sync(at: 0 | 1, target: string) {
  const { out, err, status } = await ccr(homes[at]!, ["sync", target, "--json"], { env: claudes[at]!.env });
  expect(status, err).toBe(0);
  const sessions: { id: string; action: string; forks: string[] }[] = JSON.parse(out).sessions;
  return sessions;
}
const actions = async (at: 0 | 1, target: string) => (await sync(at, target)).map(({ action }) => action);

/** All that was said came to the model; besides it only the CLI's notes that it has moved. */
function knows({ messages }: { messages: number }, said: number): void {
  expect(messages).toBeGreaterThanOrEqual(said);
  expect(messages).toBeLessThanOrEqual(said + 2);
}

test("ccr sync with a folder takes a session there and back, and the model knows all of it", async () => {
  const shared = join(homes[0]!.around, "shared");
  mkdirSync(shared);
  const { id, messages } = await prompt(0, "first");
  expect(await actions(0, shared)).toEqual(["sent"]);
  expect(await actions(1, shared)).toEqual(["received"]);
  knows(await prompt(1, "second", id), messages + 2);
  expect(await actions(1, shared)).toEqual(["updated-there"]);
  expect(await actions(0, shared)).toEqual(["updated-here"]);
  knows(await prompt(0, "third", id), messages + 4);
  // By its directory too: the other home sees its own path.
  expect(claudes[1]!.rows(id).find(({ cwd }) => cwd)!.cwd).toBe(shops[1]);
});

test("ccr sync over ssh turns a conflict into a fork that the CLI resumes", async () => {
  const [near, far] = homes as [Home, Home];
  writeFileSync(
    join(near.around, "bin/ssh"),
    `#!/bin/sh\nfor last; do :; done\nexport HOME='${far.path}' PATH='${far.around}/bin:/usr/bin:/bin'\nexec sh -c "$last"\n`,
    { mode: 0o755 },
  );
  writeFileSync(join(far.around, "bin/ccr"), `#!/bin/sh\nexec node '${bundle}' "$@"\n`, { mode: 0o755 });
  const { id, messages } = await prompt(0, "start");
  await sync(0, "me@far");
  await prompt(0, "here", id);
  await prompt(1, "there", id);
  const conflict = (await sync(0, "me@far")).find(({ action }) => action === "conflict")!;
  expect(conflict.id).toBe(id);
  const [theirs, ours] = conflict.forks as [string, string];
  for (const [at, fork, words] of [
    [0, theirs, "there"],
    [1, ours, "here"],
  ] as const) {
    knows(await prompt(at, `on with ${words}`, fork), messages + 4);
    expect(JSON.stringify(claudes[at]!.rows(fork))).toContain(`answer to ${words}`);
  }
  knows(await prompt(0, "on here", id), messages + 4);
  await sync(0, "me@far");
  // The forks that were gone on with are sessions like others.
  expect(JSON.stringify(claudes[1]!.rows(theirs))).toContain("answer to on with there");
});
