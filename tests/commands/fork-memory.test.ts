// A session may have hundreds of thousands of rows, or megabytes in one row. It is never in memory as a whole.

import {
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { FLAGS } from "../../helpers/install/shim.ts";
import { type Home, makeHome } from "../support/home.ts";
import { bundle } from "../support/program.ts";

vi.setConfig({ testTimeout: 400_000 });

/** The most memory that a command may take, in bytes. */
const MOST = 110e6;
const ROWS = 200_000;
const ID = "5aa63347-fb0d-4478-85b2-c7d1a7f248fa";
const uuid = (n: number): string =>
  `${(Math.imul(n, 2654435761) >>> 0).toString(16).padStart(8, "0")}-0000-4000-8000-${n.toString(16).padStart(12, "0")}`;

let home: Home;
let path: string;
beforeAll(async () => {
  home = makeHome("ccr-memory-");
  const project = home.project("many");
  const folder = join(home.path, ".claude/projects", project.replace(/\W/g, "-"));
  mkdirSync(folder, { recursive: true });
  path = join(folder, `${ID}.jsonl`);
  const fd = openSync(path, "w");
  let page = "";
  for (let n = 0; n < ROWS; n++) {
    const text = n === 1000 ? "long ".repeat(1_600_000) : `words of row ${n}`;
    const message =
      n % 4 === 0
        ? { role: "user", content: text }
        : { role: "assistant", content: [{ type: "text", text }] };
    const timestamp = new Date(1.76e12 + n * 1000).toISOString();
    page += `${JSON.stringify({
      parentUuid: n === 0 ? null : uuid(n - 1),
      isSidechain: false,
      type: message.role,
      message,
      uuid: uuid(n),
      timestamp,
      cwd: project,
      sessionId: ID,
      version: "2.1.329",
    })}\n`;
    if (page.length < 1 << 20 && n < ROWS - 1) continue;
    writeSync(fd, page);
    page = "";
  }
  closeSync(fd);
  // Not that of resourceUsage(), which knows the peak of the process before, too.
  writeFileSync(
    join(home.path, "peak.cjs"),
    'const fs=require("fs");process.on("exit",()=>fs.writeFileSync(process.env.PEAK,fs.readFileSync("/proc/self/status")));',
  );
}, 400_000);
afterAll(() => {
  home.remove();
});

/** Runs a command with the flags of the start script. Returns the file with its output, and its peak memory in bytes. */
async function run(...words: string[]): Promise<{ out: string; peak: number }> {
  const [peak, out] = [join(home.path, "peak"), join(home.path, "out")];
  const { exitCode, stderr } = await execa(
    process.execPath,
    [...FLAGS, "-r", join(home.path, "peak.cjs"), bundle, ...words],
    {
      env: { ...home.env, PEAK: peak },
      extendEnv: false,
      cwd: home.path,
      stdin: "ignore",
      stdout: { file: out },
      reject: false,
    },
  );
  expect(exitCode, stderr).toBe(0);
  return { out, peak: Number(/VmHWM:\s+(\d+)/.exec(readFileSync(peak, "utf8"))?.[1]) * 1024 };
}

test("ccr fork lists and forks a large session in little memory", async () => {
  const list = await run("fork", ID, "--list");
  expect(list.peak).toBeLessThan(MOST);
  const lines = readFileSync(list.out, "utf8").trim().split("\n");
  expect(lines).toHaveLength(ROWS / 4);
  expect(lines.at(-1)).toContain(uuid(ROWS - 1).slice(0, 8));
  const asJson = await run("fork", ID, "--list", "--json");
  expect(asJson.peak).toBeLessThan(MOST);
  const { turns } = JSON.parse(readFileSync(asJson.out, "utf8"));
  expect([turns.length, turns[250].prompt, turns[251].lastUuid]).toEqual([
    ROWS / 4,
    "long ".repeat(16).trim(),
    uuid(251 * 4 + 3),
  ]);
  const fork = await run("fork", ID, "--json");
  expect(fork.peak).toBeLessThan(MOST);
  const { session } = JSON.parse(readFileSync(fork.out, "utf8"));
  const text = readFileSync(session.transcript, "latin1");
  expect(text.match(/\n/g)).toHaveLength(ROWS + 1);
  expect(text).toContain(`"${"long ".repeat(1_600_000)}"`);
  rmSync(session.transcript);
});

test("ccr snapshot and rollback of a large session take little memory", async () => {
  const taken = await run("snapshot", ID, "--json");
  expect(taken.peak).toBeLessThan(MOST);
  const { snapshot } = JSON.parse(readFileSync(taken.out, "utf8"));
  expect((await run("rollback", ID, snapshot.id)).peak).toBeLessThan(MOST);
});

test("ccr export, import and pages of a large session take little memory", async () => {
  const archive = join(home.path, "a.tar.gz");
  expect((await run("export", ID, archive)).peak).toBeLessThan(180e6);
  const { size } = statSync(path);
  rmSync(path);
  expect((await run("import", archive, "--map", `${home.path}=${home.path}/moved`)).peak).toBeLessThan(MOST);
  for (const format of ["md", "html", "json"]) {
    const file = join(home.path, `a.${format}`);
    expect((await run("export", ID, file, "--format", format)).peak).toBeLessThan(180e6);
    expect(statSync(file).size).toBeGreaterThan(size / 20);
  }
});
