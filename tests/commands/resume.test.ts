import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, expect, test } from "vitest";
import { slug } from "../../helpers/claude/places.ts";
import { type Home, makeHome } from "../support/home.ts";
import { bundle, type Ran, ccr as run } from "../support/program.ts";

const A = "4bb63347-fb0d-4478-85b2-c7d1a7f248fa";
const B = "4bb6aaaa-fb0d-4478-85b2-c7d1a7f248fa";

let home: Home;
let project: string;
beforeEach(() => {
  home = makeHome();
  project = home.project("it's #(odd) $HOME");
  // Only found and named, never started: what is tested here ends before that.
  writeFileSync(join(home.around, "bin/claude"), "#!/bin/sh\necho 2.1.100\n");
  chmodSync(join(home.around, "bin/claude"), 0o755);
});
afterEach(() => home.remove());

function session(id: string, options: { project?: string; text?: string; title?: string } = {}): string {
  const cwd = options.project ?? project;
  const path = join(home.path, ".claude/projects", slug(cwd), `${id}.jsonl`);
  mkdirSync(dirname(path), { recursive: true });
  const row = {
    type: "user",
    message: { content: "do it" },
    cwd,
    gitBranch: "main",
    timestamp: "2026-11-20T10:00:00.000Z",
  };
  const title = options.title
    ? `${JSON.stringify({ type: "custom-title", customTitle: options.title })}\n`
    : "";
  writeFileSync(path, options.text ?? `${JSON.stringify(row)}\n${title}`);
  return path;
}

const ccr = (...args: string[]): Promise<Ran> => run(home, args);

test("ccr --print-command quotes the directory, the full id and the prompt as one word each", async () => {
  session(A);
  const { out, status } = await ccr("4bb6", "say 'hi' $(id)", "--print-command");
  expect(status).toBe(0);
  const shown = await execa("sh", ["-c", out.replace(/&& \S+/, "&& printf '%s\\n' \"$PWD\"")], {
    env: home.env,
  });
  expect(shown.stdout.split("\n")).toEqual([project, "--resume", A, "say 'hi' $(id)"]);
});

test("ccr --print-command keeps a prompt that looks like a flag", async () => {
  session(A);
  const { out } = await ccr("4bb6", "--print-command", "--", "-p");
  expect(out).toMatch(new RegExp(`--resume ${A} -- -p\\n$`));
});

test("ccr writes the command to the descriptor of the start script, and nothing to stdout", async () => {
  session(A);
  const plan = join(home.around, "plan");
  const line = 'exec 3>"$PLAN"; CCR_HANDOFF=3 exec node "$CCR" 4bb6';
  const env = { ...home.env, PLAN: plan, CCR: bundle };
  const { stdout } = await execa("sh", ["-c", line], { env, extendEnv: false });
  expect(stdout).toBe("");
  expect(readFileSync(plan, "utf8")).toContain(`exec ${join(home.around, "bin/claude")} --resume ${A}`);
});

test.each<[what: string, args: string[], exit: number, says: RegExp]>([
  ["no such beginning", ["deadbeef"], 1, /no session id starts with "deadbeef"[\s\S]*near[\s\S]*4bb6/],
  ["several ids", ["4bb6"], 2, /"4bb6" matches 2 sessions(?=[\s\S]*4bb63347)(?=[\s\S]*4bb6aaaa)/],
  ["no such title", ["nothing like it"], 1, /no session matches "nothing like it"/],
  ["nothing here", ["."], 1, /no session was started in this directory/],
  ["a command with a slip", ["lits"], 2, /unknown command or session: "lits"[\s\S]*ccr list/],
  ["a flag with a slip", [A, "--frok"], 2, /unknown flag: --frok[\s\S]*--fork/],
  ["a word too many", [A, "a", "b"], 2, /unexpected argument: "b"/],
  ["no session named", ["resume"], 2, /missing argument: <session>/],
  ["no such directory", [A, "--dir", "/nowhere/at/all"], 2, /no such directory/],
  ["another directory and an old CLI", [A, "--dir", "/tmp"], 1, /resumes 4bb63347 only in/],
])("ccr answers %s with one line and a hint", async (_, args, exit, says) => {
  session(A);
  session(B);
  const { err, out, status } = await ccr(...args);
  expect(err).toMatch(says);
  expect(err).not.toMatch(/\n\s+at /);
  expect(out).toBe("");
  expect(status).toBe(exit);
});

test("ccr resume takes a title that is also a command after --", async () => {
  session(A, { title: "list" });
  expect((await ccr("resume", "--print-command", "--", "list")).out).toContain(A);
});

test("ccr reports a missing directory with what to do", async () => {
  session(A, { project: "/work/that/is/gone" });
  const { err, status } = await ccr("4bb6");
  expect(err).toMatch(/directory is missing: \/work\/that\/is\/gone[\s\S]*--dir \.[\s\S]*mkdir -p/);
  expect(status).toBe(1);
});

test("ccr refuses to start a running session a second time, and can fork it", async () => {
  session(A);
  const start = readFileSync(`/proc/${process.pid}/stat`, "utf8").split(") ")[1]!.split(" ")[19]!;
  mkdirSync(join(home.path, ".claude/sessions"));
  const entry = {
    pid: process.pid,
    sessionId: A,
    cwd: project,
    procStart: start,
    kind: "interactive",
    status: "busy",
  };
  writeFileSync(join(home.path, `.claude/sessions/${process.pid}.json`), JSON.stringify(entry));
  const { err, status } = await ccr("4bb6");
  expect(err).toMatch(new RegExp(`is already running: pid ${process.pid}[\\s\\S]*--fork`));
  expect(status).toBe(1);
  expect((await ccr("4bb6", "--fork", "--print-command")).out).toContain("--fork-session");
  // The pid was given to another process meanwhile: no longer live.
  writeFileSync(
    join(home.path, `.claude/sessions/${process.pid}.json`),
    JSON.stringify({ ...entry, procStart: "1" }),
  );
  expect((await ccr("4bb6", "--print-command")).status).toBe(0);
});

test("ccr reports another branch than the session's in one line", async () => {
  session(A);
  mkdirSync(join(project, ".git"));
  writeFileSync(join(project, ".git/HEAD"), "ref: refs/heads/feature/x\n");
  const line = 'exec 3>/dev/null; CCR_HANDOFF=3 exec node "$CCR" 4bb6';
  const env = { ...home.env, CCR: bundle };
  const { stderr } = await execa("sh", ["-c", line], { env, extendEnv: false });
  expect(stderr).toBe("ccr: the session was on branch main; feature/x is checked out now");
});

test("ccr refuses a transcript that the CLI could not resume", async () => {
  session(A, { text: "" });
  expect((await ccr(A)).err).toMatch(
    /cannot resume [0-9a-f]{8}: its transcript has no readable message[\s\S]*the file is empty/,
  );
  session(A, { text: "\0\0\0\0not json\n" });
  expect((await ccr(A)).err).toMatch(/no readable message/);
});

test("ccr without the CLI says how to install it", async () => {
  session(A);
  const { err, status } = await run(home, [A], { env: { PATH: "/nowhere" } });
  expect(err).toMatch(/claude program is not on PATH[\s\S]*npm install -g @anthropic-ai\/claude-code/);
  expect(status).toBe(1);
});

test("ccr --json prints an error as JSON on stderr", async () => {
  session(A);
  const { err, status } = await ccr("list", "many", "--json");
  expect(JSON.parse(err)).toMatchObject({ schema: "ccr/error@1", error: { kind: "usage" } });
  expect(status).toBe(2);
});

test("ccr list in a home without Claude's files lists nothing, says how to begin, and exits with 0", async () => {
  const { err, out, status } = await ccr("list");
  expect(err).toContain("claude");
  expect(out).toBe("");
  expect(status).toBe(0);
  expect(JSON.parse((await ccr("list", "--json")).out)).toMatchObject({
    schema: "ccr/list@1",
    sessions: [],
  });
});
