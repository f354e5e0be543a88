// Sessions that move: to another home and another path, and back, and on from there.

import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { filesIn, ID, transcript } from "../support/archives.ts";
import { fixtures, type Home, makeHome, root } from "../support/home.ts";
import { bundle, ccr } from "../support/program.ts";
import { copySamples } from "../support/sample-sessions.ts";

vi.setConfig({ testTimeout: 400_000 });

let here: Home;
let there: Home;
let file: string;
beforeEach(() => {
  here = makeHome("ccr-here-");
  there = makeHome("ccr-there-");
  file = join(here.around, "a.tar.gz");
});
afterEach(async () => {
  await here.remove();
  await there.remove();
});

type Row = Record<string, unknown>;
const claude = (home: Home) => join(home.path, ".claude");
const projects = (home: Home) => join(claude(home), "projects");

async function done(home: Home, words: readonly string[], status = 0) {
  const ran = await ccr(home, words);
  expect(ran.status, ran.err + ran.out).toBe(status);
  return ran;
}

/** Every session of a home by its id: its rows, without what moving may change, and its other files. */
function sessionsOf(home: Home): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  for (const [path, text] of Object.entries(filesIn(projects(home)))) {
    const [, own, rest] = /^[^/]+\/([^/]+?)(?:\.jsonl|\/(.+))$/.exec(path) ?? [];
    if (own === undefined) continue;
    found[rest === undefined ? own : `${own}/${rest}`] = path.endsWith(".jsonl") ? canonical(text) : text;
  }
  return found;
}

const MOVES = ["cwd", "realParentDir", "relocatedCwd", "originalCwd", "preEnterOriginalCwd", "worktreePath"];
const PLACES = [...MOVES, "persistedOutputPath", "outputFile", "planFilePath"];

/** Independent of the helper: rows without system prompts, and their paths as marks. */
function canonical(text: string): unknown[] {
  const mark = (value: unknown, key = ""): unknown => {
    if (typeof value === "string") return PLACES.includes(key) ? "(a path)" : value;
    if (Array.isArray(value)) return value.map((one) => mark(one));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, mark(one, name)]));
  };
  return text
    .split("\n")
    .filter(Boolean)
    .flatMap((line): unknown[] => {
      let row: Row;
      try {
        row = JSON.parse(line);
      } catch {
        return [line];
      }
      if (String(row.type).startsWith("api-request")) return [];
      if (row.type === "attachment" && (row.attachment as Row).type === "prompt_snapshot") return [];
      return [mark(row)];
    });
}

const history = (home: Home): Row[] =>
  readFileSync(join(claude(home), "history.jsonl"), "utf8")
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));
const prompts = (home: Home) =>
  history(home)
    .map(({ sessionId, timestamp, display }) => `${sessionId} ${timestamp} ${display}`)
    .sort();

describe("ccr export and import, there and back", () => {
  test("keep the records of sample sessions in another home at other paths, and on the way back", async () => {
    copySamples(here.path);
    const before = sessionsOf(here);
    expect(Object.keys(before).length).toBeGreaterThan(5);
    await done(here, ["export", "--all", file]);
    // As on another machine: other paths, which exist, and none of the old ones.
    const moved = (path: string) => path.replace(here.path, there.path).replace("/projects/", "/elsewhere/");
    const old = new Set(
      Object.values(before).flatMap((rows) => (rows as Row[]).map(({ cwd }) => cwd as string | undefined)),
    );
    expect(old.size).toBeGreaterThan(1);
    mkdirSync(join(there.path, "elsewhere"));
    cpSync(join(here.path, "projects"), join(there.path, "elsewhere"), { recursive: true });
    const map = ["--map", `${here.path}/projects=${there.path}/elsewhere`];
    await done(there, ["import", file, ...map]);
    expect(sessionsOf(there)).toEqual(before);
    // Each is in the folder that Claude Code looks into, and says where it is now.
    for (const folder of readdirSync(projects(there))) {
      for (const name of readdirSync(join(projects(there), folder)).filter((one) => one.endsWith(".jsonl"))) {
        const rows = readFileSync(join(projects(there), folder, name), "utf8")
          .split("\n")
          .filter(Boolean);
        const { cwd } = rows.map((row) => JSON.parse(row)).find((row) => row.cwd);
        expect(cwd).toMatch(new RegExp(`^${there.path}/elsewhere/`));
        expect(folder).toBe(cwd.replace(/[^A-Za-z0-9]/g, "-"));
      }
    }
    const known = new Set(Object.keys(before));
    const ownPrompts = prompts(here).filter((one) => known.has(one.slice(0, 36)));
    expect(prompts(there)).toEqual(ownPrompts);
    for (const { project } of history(there))
      expect(project).toBe(moved(String(project)).replace(here.path, there.path));

    const back = join(here.around, "back.tar.gz");
    await done(there, ["export", "--all", back]);
    const third = makeHome("ccr-third-");
    try {
      await done(third, ["import", back, "--map", `${there.path}/elsewhere=${here.path}/projects`]);
      expect(sessionsOf(third)).toEqual(before);
      expect(prompts(third)).toEqual(ownPrompts);
    } finally {
      await third.remove();
    }
    // Where it comes from all of it is known already, rows and prompts.
    const unchanged = filesIn(claude(here));
    const { out } = await done(here, [
      "import",
      back,
      "--map",
      `${there.path}/elsewhere=${here.path}/projects`,
      "--json",
    ]);
    expect(new Set(JSON.parse(out).sessions.map(({ action }: Row) => action))).toEqual(new Set(["here"]));
    expect(filesIn(claude(here))).toEqual(unchanged);
  });

  test("keep what the real CLI wrote (subagents, titles, torn rows, worktrees), byte for byte in the same home", async () => {
    cpSync(join(fixtures, "claude/home/.claude"), claude(here), { recursive: true });
    const before = sessionsOf(here);
    await done(here, ["export", "--all", file]);
    await done(there, ["import", file, "--missing-ok"]);
    const { file: _, ...known } = { file, ...before };
    expect(sessionsOf(there)).toEqual(known);
    // Claude's directory and all projects at the same place: nothing is mapped, nothing left out.
    const copies = filesIn(projects(here));
    await done(here, ["archive", "--all", "--to", join(here.around, "kept"), "--delete"]);
    expect(filesIn(projects(here))).toEqual({});
    const archives = readdirSync(join(here.around, "kept")).map((name) => join(here.around, "kept", name));
    await done(here, ["import", "--missing-ok", ...archives]);
    expect(filesIn(projects(here))).toEqual(copies);
  });

  test("keep the records of generated sessions, some of them large", async () => {
    const generated = join(here.around, "generated");
    const script = join(root, "tests/bench/gen-sessions.mjs");
    execFileSync(process.execPath, [
      script,
      "--out",
      generated,
      "--sessions",
      "12",
      "--total",
      "12M",
      "--agents",
      "0.5",
    ]);
    cpSync(generated, claude(here), { recursive: true });
    const before = sessionsOf(here);
    await done(here, ["export", "--all", file]);
    await done(there, ["import", file, "--missing-ok", "--map", "/home/coder=/srv/coder"]);
    expect(sessionsOf(there)).toEqual(before);
    await done(there, ["export", "--all", join(here.around, "again.tar.gz")]);
    const listing = execFileSync("tar", ["-tzf", join(here.around, "again.tar.gz")], { encoding: "utf8" });
    expect(listing.split("\n").filter(Boolean).sort()).toEqual(
      execFileSync("tar", ["-tzf", file], { encoding: "utf8" }).split("\n").filter(Boolean).sort(),
    );
  });
});

describe("ccr export and import of one session", () => {
  let project: string;
  const path = (home: Home, directory = project) =>
    join(projects(home), directory.replace(/\W/g, "-"), `${ID}.jsonl`);
  function write(home: Home, turns: number, directory = project): void {
    mkdirSync(join(path(home, directory), ".."), { recursive: true });
    const text = transcript(project, ID, turns).replaceAll(`"cwd":"${project}"`, `"cwd":"${directory}"`);
    writeFileSync(path(home, directory), text, { mode: 0o600 });
  }
  beforeEach(() => {
    // Not made: the other home is to be as on another machine.
    project = join(here.path, "projects/app");
    write(here, 2);
  });
  const rows = (home: Home, directory = project) => readFileSync(path(home, directory), "utf8");
  const action = async (words: string[], status = 0) =>
    JSON.parse((await done(there, ["import", file, ...words, "--json"], status)).out).sessions[0];

  test("take along all files of the session, and nothing that is secret or of another session", async () => {
    const home = claude(here);
    const own = path(here).replace(/\.jsonl$/, "");
    const put = (name: string, text: string) => {
      mkdirSync(join(name, ".."), { recursive: true });
      writeFileSync(name, text);
    };
    put(join(own, "subagents/agent-1.jsonl"), '{"type":"user","cwd":"/x","uuid":"s"}\n');
    put(join(own, "tool-results/a b.txt"), "big");
    put(join(own, `tool-results/${"é".repeat(60)}.txt`), "long name");
    put(join(own, "custom-title.json"), '{"customTitle":"t"}');
    put(join(home, "file-history", ID, "abc@v1"), "old text");
    put(join(home, "todos", `${ID}-agent-${ID}.json`), "[]");
    put(join(home, "tasks", ID, "1.json"), "{}");
    put(join(home, "plans/calm-blue-sea.md"), "# plan");
    put(join(home, "plans/other.md"), "no");
    put(join(home, "todos/other.json"), "no");
    put(join(home, ".credentials.json"), "secret");
    put(join(own, ".credentials.json"), "secret");
    put(join(home, "settings.json"), "{}");
    appendFileSync(
      path(here),
      `${JSON.stringify({ type: "attachment", uuid: "p", cwd: project, attachment: { planFilePath: `${home}/plans/calm-blue-sea.md` } })}\n`,
    );
    put(
      join(home, "history.jsonl"),
      `${JSON.stringify({ display: "q", timestamp: 5, project, sessionId: ID })}\n{"display":"x","sessionId":"${ID.replace("a", "b")}"}\n`,
    );
    await done(here, ["export", ID, file]);
    const names = execFileSync("tar", ["-tzf", file], { encoding: "utf8", env: { LC_ALL: "C.UTF-8" } });
    expect(names.split("\n").filter(Boolean).sort()).toEqual(
      [
        "manifest.json",
        ...[
          "transcript.jsonl",
          "history.jsonl",
          "files/subagents/agent-1.jsonl",
          "files/tool-results/a b.txt",
          `files/tool-results/${"é".repeat(60)}.txt`,
          "files/custom-title.json",
          "file-history/abc@v1",
          `todos/${ID}-agent-${ID}.json`,
          "tasks/1.json",
          "plans/calm-blue-sea.md",
        ].map((name) => `${ID}/${name}`),
      ].sort(),
    );
    // GNU tar unpacks what was packed.
    const unpacked = join(here.around, "unpacked");
    mkdirSync(unpacked);
    execFileSync("tar", ["-xzf", file, "-C", unpacked]);
    expect(readFileSync(join(unpacked, ID, "transcript.jsonl"), "utf8")).toBe(rows(here));
    expect(readFileSync(join(unpacked, ID, `files/tool-results/${"é".repeat(60)}.txt`), "utf8")).toBe(
      "long name",
    );

    const new_ = there.project("app");
    await done(there, ["import", file]);
    expect(rows(there, new_)).toContain(`"cwd":"${new_}"`);
    const { ".claude/.credentials.json": _, ...arrived } = filesIn(there.path);
    const names2 = Object.keys(arrived).filter((name) => !name.startsWith(".cache/"));
    expect(names2.filter((name) => /credentials|settings|other/.test(name))).toEqual([]);
    expect(arrived[`.claude/plans/calm-blue-sea.md`]).toBe("# plan");
    expect(arrived[`.claude/file-history/${ID}/abc@v1`]).toBe("old text");
    expect(arrived[`.claude/tasks/${ID}/1.json`]).toBe("{}");
    expect(rows(there, new_)).toContain(`${there.path}/.claude/plans/calm-blue-sea.md`);
    expect(history(there)).toEqual([{ display: "q", timestamp: 5, project: new_, sessionId: ID }]);
    for (const name of names2) expect(statSync(join(there.path, name)).mode & 0o777, name).toBe(0o600);
  });

  test("keep text, unknown fields and the note for the model", async () => {
    const row = {
      type: "attachment",
      uuid: "w",
      cwd: project,
      attachment: { type: "x", snapshot: { workingDirectory: project } },
      text: project,
    };
    const dropped = [
      {
        type: "attachment",
        uuid: "p",
        cwd: project,
        attachment: { type: "prompt_snapshot", systemPrompt: [project] },
      },
      { type: "api-request", cwd: project },
      { type: "api-request-blob", blob: project },
    ];
    appendFileSync(path(here), [row, ...dropped].map((one) => `${JSON.stringify(one)}\n`).join(""));
    await done(here, ["export", ID, file]);
    await done(there, ["import", file, "--map", `${project}=/srv/app`]);
    const text = rows(there, "/srv/app");
    const arrived = text
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line));
    expect(arrived.at(-1)).toEqual({ ...row, cwd: "/srv/app" });
    expect(arrived).toHaveLength(5);
    expect(arrived[0].message.content).toBe(`question 0 in ${project}`);
  });

  test("give the file a new time, so that Claude Code does not delete it, and keep the old time in the archive", async () => {
    utimesSync(path(here), 1_600_000_000, 1_600_000_000);
    await done(here, ["export", ID, file]);
    expect(execFileSync("tar", ["--utc", "-tvzf", file], { encoding: "utf8" })).toMatch(
      /2020-09-13 12:26 .*transcript/,
    );
    const before = Date.now() - 60_000;
    await done(there, ["import", file, "--missing-ok"]);
    expect(statSync(path(there)).mtimeMs).toBeGreaterThan(before);
  });

  test("refuse a missing directory, propose another, and write nothing until one is given", async () => {
    await done(here, ["export", ID, file]);
    const asked = await done(there, ["import", file], 2);
    expect(asked.err).toContain(project);
    expect(asked.err).toContain(`--map ${project}=${there.path}`);
    expect(filesIn(claude(there))).toEqual({});
    // A directory of that name in which there are sessions is proposed, and one at the same place in this home taken.
    const twin = join(there.path, "other/app");
    mkdirSync(twin, { recursive: true });
    mkdirSync(join(projects(there), "-x"), { recursive: true });
    const other = ID.replaceAll("a", "b");
    writeFileSync(join(projects(there), "-x", `${other}.jsonl`), transcript(twin, other));
    expect((await done(there, ["import", file], 2)).err).toContain(`--map ${project}=${twin}`);
    there.project("app");
    expect((await action([])).project).toBe(join(there.path, "projects/app"));
  });

  test("merge a session that is already here, longer here, longer there, or longer on both sides", async () => {
    const new_ = there.project("app");
    await done(here, ["export", ID, file]);
    expect((await action([])).action).toBe("imported");
    const first = rows(there, new_);
    expect((await action([])).action).toBe("here");
    expect((await action(["--update"])).action).toBe("here");
    expect(rows(there, new_)).toBe(first);

    // Longer there: only with --update, and then what is here stays its beginning.
    write(here, 4);
    await done(here, ["export", ID, file, "--force"]);
    expect(await action([], 1)).toMatchObject({
      action: "refused",
      detail: expect.stringContaining("--update"),
    });
    expect(await action(["--update", "--dry-run"])).toMatchObject({ action: "updated" });
    expect(rows(there, new_)).toBe(first);
    expect((await action(["--update"])).action).toBe("updated");
    expect(rows(there, new_)).toBe(
      transcript(new_, ID, 4)
        .replaceAll(`question`, "question")
        .replaceAll(/in [^"]+"/g, `in ${project}"`),
    );
    expect(rows(there, new_).startsWith(first)).toBe(true);

    // Longer here: nothing to do, and said so.
    write(here, 3);
    await done(here, ["export", ID, file, "--force"]);
    const longer = rows(there, new_);
    for (const flags of [[], ["--update"]])
      expect(await action(flags, 1)).toMatchObject({
        action: "refused",
        detail: expect.stringContaining("longer here"),
      });
    expect(rows(there, new_)).toBe(longer);

    // Both: neither is touched.
    write(here, 6);
    await done(here, ["export", ID, file, "--force"]);
    appendFileSync(
      path(there, new_),
      `${JSON.stringify({ type: "user", uuid: "own", message: { role: "user", content: "mine" } })}\n`,
    );
    const both = rows(there, new_);
    expect(await action(["--update"], 1)).toMatchObject({
      action: "refused",
      detail: expect.stringContaining(
        "it has different new turns here and in the archive: neither was changed",
      ),
    });
    expect(rows(there, new_)).toBe(both);
  });

  test("keep an unfinished last row as one row when more is appended", async () => {
    const new_ = there.project("app");
    write(there, 2, new_);
    appendFileSync(path(there, new_), '{"type":"user","uuid":"u2","mess');
    write(here, 3);
    await done(here, ["export", ID, file]);
    expect((await action(["--update"])).action).toBe("updated");
    const lines = rows(there, new_).trimEnd().split("\n");
    expect(lines[4]).toBe('{"type":"user","uuid":"u2","mess');
    expect(lines.slice(5).map((line) => JSON.parse(line).uuid)).toEqual(["u2", "a2"]);
  });

  test("find the same id in another project folder", async () => {
    const other = there.project("other");
    write(there, 2, other);
    await done(here, ["export", ID, file]);
    expect((await action(["--map", `${project}=${other}`])).action).toBe("here");
    expect((await action(["--missing-ok"])).action).toBe("here");
    expect(Object.keys(filesIn(projects(there)))).toHaveLength(1);
  });

  test("do not change a running session, and export it up to its last whole row", async () => {
    const new_ = there.project("app");
    write(there, 1, new_);
    await done(here, ["export", ID, file]);
    const register = (home: Home) => {
      mkdirSync(join(claude(home), "sessions"), { recursive: true });
      writeFileSync(
        join(claude(home), `sessions/${process.pid}.json`),
        JSON.stringify({ pid: process.pid, sessionId: ID }),
      );
    };
    register(there);
    const before = rows(there, new_);
    expect(await action(["--update"], 1)).toMatchObject({
      action: "refused",
      detail: expect.stringContaining("running"),
    });
    expect(rows(there, new_)).toBe(before);
    register(here);
    const whole = rows(here);
    appendFileSync(path(here), '{"type":"user","mess');
    await done(here, ["export", ID, file, "--force"]);
    expect(execFileSync("tar", ["-xOzf", file, `${ID}/transcript.jsonl`], { encoding: "utf8" })).toBe(whole);
    expect((await ccr(here, ["archive", ID, "--delete"])).err).toContain("it is running");
    expect(rows(here)).toContain(whole);
  });

  test("work through a pipe to another home, with nothing but the archive on stdout", async () => {
    there.project("app");
    const { stdout } = await execa(
      "bash",
      ["-c", `set -o pipefail; node "$0" export ${ID} - | HOME=${there.path} node "$0" import -`, bundle],
      { env: here.env, extendEnv: false, cwd: here.path },
    );
    expect(stdout).toContain("imported");
    expect(rows(there, join(there.path, "projects/app"))).toContain("answer 1");
  });

  test("refuse to overwrite a file without --force, and leave no temporary file", async () => {
    writeFileSync(file, "mine");
    const { err } = await done(here, ["export", ID, file], 1);
    expect(err).toContain("--force");
    expect(readFileSync(file, "utf8")).toBe("mine");
    await done(here, ["export", ID, file, "--force"]);
    expect(readFileSync(file).subarray(0, 2)).toEqual(Buffer.from([0x1f, 0x8b]));
    expect(readdirSync(here.around).filter((name) => name.includes("tmp"))).toEqual([]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  test("name the files that no archive can hold, and export the session without them", async () => {
    const own = join(path(here).slice(0, -6), "tool-results");
    mkdirSync(own, { recursive: true });
    for (const name of ["good", "new\nline", "back\\slash"]) writeFileSync(join(own, name), name);
    writeFileSync(Buffer.concat([Buffer.from(`${own}/not`), Buffer.from([0xff])]), "x");
    const { err } = await done(here, ["export", ID, file], 1);
    expect(err.match(/left out, because an archive cannot contain this file name: /g)).toHaveLength(3);
    const words = ["archive", ID, "--delete", "--to", join(here.around, "kept")];
    const { out } = await done(here, words, 1);
    expect(out).toMatch(/^archived, deleted/);
    expect(readdirSync(own)).toHaveLength(3);
    const kept = readdirSync(join(here.around, "kept"));
    expect(kept).toHaveLength(1);
    await done(there, ["import", join(here.around, "kept", kept[0]!), "--missing-ok"]);
    expect(Object.values(filesIn(projects(there)))).toContain("good");
  });

  test("import the session once when four processes import it at once, and each says so", async () => {
    const others = Array.from({ length: 8 }, (_, n) => `${n}${ID.slice(1)}`);
    for (const id of others) {
      const copy = transcript(project, id);
      writeFileSync(join(path(here), `../${id}.jsonl`), copy);
    }
    await done(here, ["export", "--all", file]);
    const all = await Promise.all(
      [1, 2, 3, 4].map(() => done(there, ["import", file, "--missing-ok", "--json"])),
    );
    const actions = all.flatMap(({ out }) => JSON.parse(out).sessions.map((one: Row) => one.action));
    expect(new Set(actions)).toEqual(new Set(["imported", "here"]));
    const ids = new Set([ID, ...others]);
    expect(actions.filter((one) => one === "imported")).toHaveLength(ids.size);
    expect(Object.keys(filesIn(projects(there)))).toHaveLength(ids.size);
  });

  test("keep rows that are nested too deeply to be written again", async () => {
    const deep = `{"type":"user","uuid":"deep","cwd":"${project}","x":${"[".repeat(50_000)}${"]".repeat(50_000)}}`;
    appendFileSync(path(here), `${deep}\n`);
    await done(here, ["export", ID, file]);
    for (let i = 0; i < 2; i++) await done(there, ["import", file, "--missing-ok"]);
    expect(Object.values(filesIn(projects(there))).join()).toContain(deep);
    mkdirSync(join(here.around, "both"));
    for (const home of [here, there, here]) await done(home, ["sync", join(here.around, "both")]);
    expect(Object.keys(filesIn(projects(here)))).toHaveLength(1);
  });

  test("ccr archive can be repeated, and writes a new archive when the session has grown", async () => {
    here.project("app");
    const kept = join(here.around, "kept");
    for (let n = 0; n < 2; n++) await done(here, ["archive", ID, "--to", kept]);
    expect(readdirSync(kept)).toEqual([`app-${ID.slice(0, 8)}.tar.gz`]);
    write(here, 3);
    await done(here, ["archive", ID, "--to", kept, "--delete"]);
    expect(readdirSync(kept)).toEqual([`app-${ID.slice(0, 8)}.2.tar.gz`, `app-${ID.slice(0, 8)}.tar.gz`]);
    expect(filesIn(projects(here))).toEqual({});
    await done(here, ["import", join(kept, `app-${ID.slice(0, 8)}.tar.gz`)]);
    await done(here, ["import", join(kept, `app-${ID.slice(0, 8)}.2.tar.gz`), "--update"]);
    expect(rows(here)).toBe(transcript(project, ID, 3));
  });

  test("ccr archive --delete keeps a session whose archive was damaged since", async () => {
    here.project("app");
    const kept = join(here.around, "kept");
    await done(here, ["archive", ID, "--to", kept]);
    const [name] = readdirSync(kept);
    const bytes = readFileSync(join(kept, name!));
    bytes[bytes.length >> 1]! ^= 1;
    writeFileSync(join(kept, name!), bytes);
    await done(here, ["archive", ID, "--to", kept, "--delete"]);
    // Another one was made, and that is the one that counts.
    expect(readdirSync(kept)).toHaveLength(2);
    await done(here, ["import", join(kept, `app-${ID.slice(0, 8)}.2.tar.gz`)]);
    expect(rows(here)).toBe(transcript(project, ID, 2));
  });

  test("ccr archive --older-than chooses by the time of the last record", async () => {
    const old = ID.replaceAll("a", "b");
    writeFileSync(
      join(path(here), "..", `${old}.jsonl`),
      transcript(project, old).replaceAll("2026-11-20T", "2020-11-20T"),
    );
    const { out } = await done(here, ["archive", "--older-than", "1000d", "--dry-run", "--json"]);
    expect(JSON.parse(out).sessions.map(({ id }: Row) => id)).toEqual([old]);
    expect((await done(here, ["archive", "--older-than", "soon"], 2)).err).toContain(
      'invalid --older-than "soon": use a duration such as',
    );
  });

  test("ccr keep changes one number in Claude's settings, and no other byte", async () => {
    const settings = join(claude(here), "settings.json");
    await done(here, ["keep", "--days", "3650"]);
    expect(JSON.parse(readFileSync(settings, "utf8"))).toEqual({ cleanupPeriodDays: 3650 });
    writeFileSync(settings, '{\n\t"a": 1, // keep\n\t"cleanupPeriodDays": 30,\n}\n', { mode: 0o644 });
    await done(here, ["keep", "--days", "99"]);
    expect(readFileSync(settings, "utf8")).toBe('{\n\t"a": 1, // keep\n\t"cleanupPeriodDays": 99,\n}\n');
    writeFileSync(settings, '{\n\t"a": 1\n}\n');
    await done(here, ["keep", "--days", "99"]);
    expect(readFileSync(settings, "utf8")).toBe('{\n\t"cleanupPeriodDays": 99,\n\t"a": 1\n}\n');
    writeFileSync(settings, "{");
    expect((await done(here, ["keep", "--days", "99"], 1)).err).toContain("cleanupPeriodDays");
    await done(here, ["keep", "--days", "0"], 2);
  });
});

test("ccr import of several archives names the damaged one and imports the others", async () => {
  const good: string[] = [];
  for (const letter of ["d", "e"]) {
    const id = ID.replaceAll("a", letter);
    const folder = join(projects(here), "-p");
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `${id}.jsonl`), transcript(there.path, id));
    good.push(join(here.around, `${letter}.tar.gz`));
    await done(here, ["export", id, good.at(-1)!]);
  }
  const wrong = join(here.around, "wrong.tar.gz");
  writeFileSync(wrong, "nothing");
  const { out, err } = await done(there, ["import", good[0]!, wrong, join(here.around, "none"), good[1]!], 1);
  expect(out.match(/^imported/gm)).toHaveLength(2);
  expect(err).toContain(`${wrong}: invalid archive`);
  expect(err).toMatch(/none: no such file/);
});
