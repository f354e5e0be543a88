// ccr todos and ccr clean, as a script calls them.

import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { slug } from "../../helpers/claude/places.ts";
import { type Home, makeHome } from "../support/home.ts";
import { ccr } from "../support/program.ts";

const [A, B, GONE] = ["aaaaaaaa", "bbbbbbbb", "cccccccc"].map(
  (start) => `${start}-1111-4111-8111-111111111111`,
) as [string, string, string];
const DAY = 86_400_000;

let home: Home;
beforeEach(() => {
  home = makeHome("ccr-todos-");
});
afterEach(() => home.remove());

const claude = (name: string) => join(home.path, ".claude", name);
/** Writes a file; its and its folder's times lie some days back. */
function put(path: string, text: string, days = 0): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  const at = new Date(Date.now() - days * DAY);
  utimesSync(path, at, at);
  utimesSync(dirname(path), at, at);
  return path;
}
function session(id: string, project: string, title: string): void {
  const row = { type: "user", uuid: id, sessionId: id, cwd: project, timestamp: new Date().toISOString() };
  put(
    claude(`projects/${slug(project)}/${id}.jsonl`),
    `${JSON.stringify({ ...row, message: { role: "user", content: title } })}\n`,
  );
}
const todo = (content: string, status: string) => ({ content, status, activeForm: content });

describe("ccr todos", () => {
  beforeEach(() => {
    session(A, "/code/shop", "The shop");
    session(B, "/code/web", "The web");
    put(
      claude(`todos/${A}-agent-${A}.json`),
      JSON.stringify([todo("Pay", "in_progress"), todo("Ship", "pending"), todo("Plan", "completed")]),
      1,
    );
    put(claude(`tasks/${B}/2.json`), '{"id":"2","subject":"Second","status":"pending"}', 2);
    put(claude(`tasks/${B}/1.json`), '{"id":"1","subject":"First","status":"completed"}', 2);
    put(claude(`tasks/${B}/10.json`), '{"id":"10","subject":"Tenth","status":"pending"}', 2);
    put(claude("tasks/team plan/1.json"), '{"id":"1","subject":"Together","status":"pending"}', 3);
  });
  const texts = async (...words: string[]) =>
    JSON.parse((await ccr(home, ["todos", ...words, "--json"])).out).todos.map(
      (one: { text: string }) => one.text,
    );

  test("lists the tasks of all sessions, the list that changed last first", async () => {
    expect(await texts()).toEqual(["Pay", "Ship", "Plan", "First", "Second", "Tenth", "Together"]);
    const { out, err, status } = await ccr(home, ["todos"]);
    expect(status).toBe(0);
    expect(out).toMatch(/aaaaaaaa +shop +● Pay\n.*aaaaaaaa +shop +○ Ship\n/);
    expect(out).toMatch(/team plan +- +○ Together/);
    expect(err).toBe("5 open tasks · 3 lists\n");
  });

  test("leaves out finished tasks with --open, and other projects with --project", async () => {
    expect(await texts("--open")).toEqual(["Pay", "Ship", "Second", "Tenth", "Together"]);
    expect(await texts("--open", "--project", "SHOP")).toEqual(["Pay", "Ship"]);
    expect((await ccr(home, ["todos", "--project", "nowhere"])).status).toBe(1);
  });

  test("prints session, title and project as JSON", async () => {
    const { todos } = JSON.parse((await ccr(home, ["todos", "--json"])).out);
    expect(todos[0]).toMatchObject({
      session: A,
      title: "The shop",
      project: "/code/shop",
      status: "in_progress",
      id: null,
      isolated: false,
    });
    expect(todos.at(-1)).toMatchObject({
      session: null,
      title: null,
      project: null,
      list: "team plan",
      id: "1",
    });
  });

  test("lists the tasks of containers with sessions of their own", async () => {
    const place = join(home.path, ".local/state/ccr/devcontainers/-code-shop");
    put(
      join(place, "host/ccr.json"),
      JSON.stringify({ host: "/code/shop", container: "/w", target: "/c", isolated: true }),
    );
    put(join(place, `claude/tasks/${GONE}/1.json`), '{"id":"1","subject":"Inside","status":"pending"}');
    const { todos } = JSON.parse((await ccr(home, ["todos", "--project", "shop", "--json"])).out);
    expect(todos[0]).toMatchObject({ text: "Inside", isolated: true, project: "/code/shop", session: GONE });
  });

  test("skips what is not a task, reports what cannot be read, and lets nothing act on the terminal", async () => {
    put(claude("todos/odd.json"), '[1, null, {"content": 3}, {"content": "x", "status": "deleted"}, []]');
    put(claude("todos/torn.json"), '[{"content": "x", "sta');
    put(claude("tasks/x/.lock"), "");
    put(claude("tasks/x/.highwatermark.json"), "{");
    put(
      claude("tasks/x/1.json"),
      JSON.stringify({ id: "1", subject: "\u001b[31mred\u202e\n line", status: "pending" }),
    );
    const { out, err, status } = await ccr(home, ["todos"]);
    expect(status).toBe(0);
    expect(out).toMatch(/○ \[31mred line\n/);
    expect(err).toContain("torn.json");
    expect(err).not.toContain("odd.json");
  });
});

describe("ccr clean", () => {
  let old: string[];
  beforeEach(() => {
    session(A, "/code/shop", "The shop");
    const transcript = claude(`projects/${slug("/code/shop")}/${A}.jsonl`);
    utimesSync(transcript, new Date(0), new Date(0));
    old = [
      claude(`session-env/${GONE}`),
      claude(`todos/${GONE}-agent-${GONE}.json`),
      claude(`tasks/${GONE}`),
      claude("resume-logs/20250101-000000-aaaaaaaa.log"),
      claude("debug/x.txt"),
      claude("shell-snapshots/snapshot-bash-1.sh"),
      join(home.path, ".cache/ccr/old"),
    ];
    mkdirSync(old[0]!, { recursive: true });
    utimesSync(old[0]!, new Date(0), new Date(0));
    put(`${old[2]}/1.json`, "{}", 40);
    for (const path of old.filter((_, i) => i !== 0 && i !== 2)) put(path, "old\n", 40);
    put(claude(`todos/${B}-agent-${B}.json`), "[]", 5);
    put(claude("history.jsonl"), "{}\n", 400);
    put(claude("paste-cache/1.txt"), "x", 400);
    put(claude("memory/x.md"), "x", 400);
  });
  const kept = () =>
    [
      `projects/${slug("/code/shop")}/${A}.jsonl`,
      `todos/${B}-agent-${B}.json`,
      "history.jsonl",
      "paste-cache/1.txt",
      "memory/x.md",
    ]
      .map(claude)
      .every(existsSync);

  test("only lists old files where nobody can be asked", async () => {
    const { out, err, status } = await ccr(home, ["clean"]);
    expect(status).toBe(0);
    for (const path of old) expect(out).toContain(path.replace(home.path, "~"));
    expect(out.trim().split("\n")).toHaveLength(old.length);
    expect(err).toContain("ccr clean --yes");
    expect(old.every(existsSync)).toBe(true);
  });

  test("removes just the old files with --yes, never a transcript, the history or a memory", async () => {
    const { err, status } = await ccr(home, ["clean", "--yes"]);
    expect(status, err).toBe(0);
    expect(err).toMatch(/^7 items removed \(/);
    expect(old.filter(existsSync)).toEqual([]);
    expect(kept()).toBe(true);
    expect((await ccr(home, ["clean", "--yes"])).err).toBe("no leftovers are older than 30d\n");
  });

  test("takes an age with --older-than, and reports removed files as JSON", async () => {
    expect(JSON.parse((await ccr(home, ["clean", "--older-than", "60d", "--json"])).out).items).toHaveLength(
      1,
    );
    const { items, removed } = JSON.parse(
      (await ccr(home, ["clean", "--older-than", "4d", "--yes", "--json"])).out,
    );
    expect(removed).toBe(true);
    expect(items).toHaveLength(8);
    expect(existsSync(claude(`todos/${B}-agent-${B}.json`))).toBe(false);
    expect((await ccr(home, ["clean", "--older-than", "soon"])).status).toBe(2);
  });

  test("leaves the files of a running session alone", async () => {
    put(claude("sessions/1.json"), JSON.stringify({ pid: process.pid, sessionId: GONE }));
    const { out } = await ccr(home, ["clean", "--yes"]);
    expect(out).not.toContain(GONE);
    expect(old.slice(0, 3).every(existsSync)).toBe(true);
  });

  test("follows no link, and changes nothing where a link leads to transcripts", async () => {
    symlinkSync(claude("memory"), claude("debug/link"));
    put(claude(`tasks/${B}/${A}.jsonl`), "{}", 400);
    const far = new Date(0);
    utimesSync(claude(`tasks/${B}`), far, far);
    symlinkSync(claude("projects"), claude("statsig"));
    symlinkSync(home.path, claude("cache"));
    const { status, err } = await ccr(home, ["clean", "--yes", "--older-than", "0m"]);
    expect(status, err).toBe(0);
    for (const name of ["history.jsonl", "paste-cache/1.txt", "memory/x.md"])
      expect(existsSync(claude(name)), name).toBe(true);
    expect(existsSync(claude(`tasks/${B}/${A}.jsonl`))).toBe(true);
    expect(readdirSync(claude(`projects/${slug("/code/shop")}`))).toEqual([`${A}.jsonl`]);
    expect(() => lstatSync(claude("debug/link"))).toThrow();
  });
});
