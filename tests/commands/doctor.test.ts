// Every check, on a real home that is broken in just that way; a healthy home is the counter-proof.
import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { findClaude } from "../../helpers/claude/cli.ts";
import { CHECKS } from "../../helpers/commands/doctor.ts";
import { startOf } from "../../helpers/system/process.ts";
import { Writer } from "../render/transcript.ts";
import { namespaces } from "../support/container.ts";
import { type Home, makeHome, root } from "../support/home.ts";
import { bundle, ccr } from "../support/program.ts";
import { lacks } from "../support/tools.ts";

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

const ID = "4bb63347-fb0d-4478-85b2-c7d1a7f248fa";
const HOUR = 3_600_000;
const CLAUDE = `#!/bin/sh
case $1 in
  --version) echo "\${CLAUDE_VERSION-2.1.329 (Claude Code)}" ;;
  auth) if [ -n "$CLAUDE_AUTH" ]; then echo "$CLAUDE_AUTH"; else echo '{"loggedIn":true}'; fi ;;
  *) exec sleep 300 ;;
esac
`;

type Finding = {
  check: string;
  level: string;
  finding: string;
  evidence: string;
  fix: string;
  done: string | null;
};
type Answer = { findings: Finding[]; checks: string[]; status: number | undefined };

let template: Home;
let home: Home;
beforeAll(async () => {
  template = makeHome("ccr-doctor-");
});
afterAll(async () => {
  await template.remove();
});
beforeEach(async () => {
  home = makeHome("ccr-doctor-");
  program("claude", CLAUDE);
  const { err, status } = await ccr(home, ["install"]);
  expect(status, err).toBe(0);
  writer().into(home);
  writeFileSync(claude("history.jsonl"), "", { mode: 0o600 });
});
afterEach(() => home.remove());

const claude = (...names: string[]): string => join(home.path, ".claude", ...names);
const program = (name: string, text: string): void => {
  rmSync(join(home.around, "bin", name), { force: true });
  writeFileSync(join(home.around, "bin", name), text, { mode: 0o755 });
};
/** A session of now; its rows can be added to. */
function writer(id = ID, at = Date.now() - HOUR): Writer {
  const w = new Writer(home.project("app"), id);
  const timestamp = new Date(at).toISOString();
  w.row({ type: "user", timestamp, message: { role: "user", content: "do it" } });
  w.row({
    type: "assistant",
    timestamp,
    message: { role: "assistant", model: "m", content: [{ type: "text", text: "Done." }] },
  });
  return w;
}
const transcript = (): string => {
  const [folder] = readdirSync(claude("projects"));
  return claude("projects", folder!, `${ID}.jsonl`);
};

async function ask(words: string[] = [], env: Record<string, string> = {}): Promise<Answer> {
  const { out, err, status } = await ccr(home, ["doctor", "--json", ...words], { env });
  expect(out, err).not.toBe("");
  const answer = JSON.parse(out) as Answer;
  const findings = answer.findings.filter((one) => !isOfMachine(one));
  const rest = findings.length < answer.findings.length;
  const wrong = findings.some(({ level, done }) => level !== "note" && done === null);
  return { ...answer, findings, status: rest && status === 1 ? Number(wrong) : status };
}
/** What may be wrong with the machine that the tests run on: its full disk, its own `ccr`, no tmux. */
const isOfMachine = ({ check, evidence }: Finding): boolean =>
  check === "disk" ||
  (check === "clash" && !evidence.startsWith(home.around)) ||
  (check === "tmux" && evidence === "not on PATH" && lacks("tmux"));

/** The one finding of a home that is broken in one way. */
async function only(check: string, words: string[] = [], env: Record<string, string> = {}): Promise<Finding> {
  const { findings, status } = await ask(words, env);
  expect(
    findings.map((one) => one.check),
    JSON.stringify(findings),
  ).toEqual([check]);
  const [found] = findings;
  expect(status).toBe(found!.level === "note" || found!.done !== null ? 0 : 1);
  for (const text of [found!.finding, found!.evidence, found!.fix]) expect(text).not.toBe("");
  return found!;
}
async function healthy(): Promise<void> {
  const { findings, status } = await ask();
  expect(findings).toEqual([]);
  expect(status).toBe(0);
}

describe("ccr doctor in a healthy home", () => {
  test("finds nothing and changes nothing, also with --fix", async () => {
    const before = readFileSync(transcript());
    await healthy();
    expect((await ask(["--fix"])).status).toBe(0);
    expect(readFileSync(transcript())).toEqual(before);
    const { out, err, status } = await ccr(home, ["doctor"]);
    const { findings } = await ask();
    expect(findings).toEqual([]);
    if (status === 0)
      expect([out.includes("✕"), err]).toEqual([false, expect.stringMatching(/^\d+ checks, no problems\n$/)]);
  });

  test("has an entry in the docs for every check, and no other entry", () => {
    const page = readFileSync(join(root, "docs/using/troubleshooting.md"), "utf8");
    const entries = [...page.matchAll(/^### (\S+)$/gm)].map(([, name]) => name);
    expect(entries.sort()).toEqual([...Object.keys(CHECKS), "not-readable"].sort());
  });

  test("prints each finding on a terminal with its evidence and what to type", async () => {
    chmodSync(transcript(), 0o644);
    const { out, err, status } = await ccr(home, ["doctor"]);
    expect(status).toBe(1);
    expect(out).toMatch(/(?:^|\n)✕ modes {9}1 file .*\n {16}\/.*\(644\)\n {16}fix {2}ccr doctor --fix/);
    expect(err).toMatch(/\d problems?, 1 can be fixed with: ccr doctor --fix\n/);
  });
});

describe("ccr doctor on programs", () => {
  test("reports node: the one on PATH is too old", async () => {
    program("node", "#!/bin/sh\necho v16.20.2\n");
    expect((await only("node")).finding).toContain("v16.20.2");
  });

  test("reports claude: too old to resume anywhere, older than what wrote the sessions, or broken", async () => {
    const old = await only("claude", [], { CLAUDE_VERSION: "2.1.206 (Claude Code)" });
    expect([old.finding, old.fix]).toEqual(["claude is too old: 2.1.206 (Claude Code)", "claude update"]);
    const older = await only("claude", [], { CLAUDE_VERSION: "2.1.300" });
    expect(older.evidence).toBe("sessions were written by 2.1.329");
    program("claude", "#!/bin/sh\nexit 1\n");
    expect((await only("claude")).finding).toBe("claude does not start");
  });

  test("reports claude: not installed", async () => {
    rmSync(join(home.around, "bin/claude"));
    const { PATH, HOME } = process.env;
    Object.assign(process.env, { PATH: home.env.PATH, HOME: home.path });
    const other = findClaude();
    Object.assign(process.env, { PATH, HOME });
    const { findings } = await ask();
    const missing = findings.some(({ finding }) => finding === "the claude program is not installed");
    expect(missing).toBe(other === null);
  });

  test("reports claude: not logged in", async () => {
    const found = await only("claude", [], { CLAUDE_AUTH: '{"loggedIn":false}' });
    expect(found.finding).toBe("Claude Code is not logged in");
    expect(found.fix).toContain("claude setup-token");
  });

  test.skipIf(lacks("tmux"))("reports tmux: not installed", async () => {
    for (const name of ["bash", "sh", "cat", "sleep", "id"])
      symlinkSync(
        execFileSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" }).trim(),
        join(home.around, "bin", name),
      );
    const found = await only("tmux", [], { PATH: join(home.around, "bin") });
    expect(found.level).toBe("note");
  });

  test.skipIf(lacks("tmux"))("reports tmux: its server ended with our sessions", async () => {
    const started = await ccr(home, ["start", home.project("app")]);
    expect(started.status, started.err).toBe(0);
    await healthy();
    for (const entry of readdirSync(home.env.TMUX_TMPDIR!, { recursive: true, withFileTypes: true }))
      if (entry.isSocket())
        await execa("tmux", ["-S", join(entry.parentPath, entry.name), "kill-server"], { reject: false });
    await vi.waitFor(
      async () => {
        const found = await only("tmux");
        expect(found.fix).toBe("ccr restore");
        expect(found.evidence).toContain("claude-app");
      },
      { timeout: 60_000, interval: 500 },
    );
  });

  test("reports config: ccr's own settings cannot be read", async () => {
    mkdirSync(join(home.path, ".config/ccr"), { recursive: true });
    writeFileSync(join(home.path, ".config/ccr/config.json"), '{"autoResume": "maybe"}');
    const { findings, status } = await ask();
    expect(status).toBe(1);
    expect(findings.find(({ check }) => check === "config")?.finding).toContain(
      "autoResume must be a boolean",
    );
  });
});

describe("ccr doctor on the shell", () => {
  test("reports functions: ccr is not installed", async () => {
    rmSync(join(home.path, ".local/lib/ccr"), { recursive: true });
    expect((await only("functions")).fix).toBe("node ccr.cjs install");
  });

  test("reports functions: their file is missing, and --fix restores it", async () => {
    rmSync(join(home.path, "scripts"), { recursive: true });
    expect((await only("functions")).finding).toBe("the file with the shell functions is missing");
    expect((await only("functions", ["--fix"])).done).toContain("installed");
    await healthy();
  });

  test("reports functions: the block is missing from .bashrc, and --fix restores it", async () => {
    writeFileSync(join(home.path, ".bashrc"), "alias ll='ls -l'\n");
    expect((await only("functions")).evidence).toBe("~/.bashrc has no ccr block");
    await only("functions", ["--fix"]);
    await healthy();
    expect(readFileSync(join(home.path, ".bashrc"), "utf8")).toContain("alias ll='ls -l'");
  });

  test("reports functions: .bashrc returns above the block, with file and line", async () => {
    const rc = join(home.path, ".bashrc");
    writeFileSync(rc, `# mine\nreturn 0\n${readFileSync(rc, "utf8")}`);
    const found = await only("functions");
    expect(found.evidence).toBe("~/.bashrc:2 ends before line 3 loads it: return 0");
    expect(found.fix).toBe("move the ccr block above line 2");
  });

  test("reports functions: something below the block removes them", async () => {
    const rc = join(home.path, ".bashrc");
    writeFileSync(rc, `${readFileSync(rc, "utf8")}unset -f ccr\n`);
    expect((await only("functions")).evidence).toMatch(/^~\/\.bashrc:1 loads it, but/);
  });

  test("reports clash: another program of the same name, with its package", async () => {
    const folder = join(home.around, "lib/claude-code-router");
    mkdirSync(join(folder, "bin"), { recursive: true });
    writeFileSync(join(folder, "package.json"), '{"name":"@musistudio/claude-code-router"}');
    writeFileSync(join(folder, "bin/cli.js"), "#!/usr/bin/env node\n", { mode: 0o755 });
    symlinkSync(join(folder, "bin/cli.js"), join(home.around, "bin/ccr"));
    const found = await only("clash");
    expect(found.finding).toBe("another program is called ccr: @musistudio/claude-code-router");
    expect(found.fix).toContain("ccr install --name cr");
  });
});

describe("ccr doctor on sessions", () => {
  test("reports damaged: counts and locates bad lines; --fix writes a repaired copy and keeps the original", async () => {
    const w = writer();
    const [first, second] = w.rows as [string, string];
    const third = second.replace(/"uuid":"[^"]*"/, '"uuid":"0a0b0c0d-0000-4000-8000-000000000000"');
    const text = `${first}\n${second.slice(0, 40)}\n\u0000\u0000\u0000\n${second}${third}\n{"type":"user","mess`;
    writeFileSync(transcript(), text);
    const found = await only("damaged");
    expect(found.finding).toBe(`session 4bb63347 has 4 damaged lines`);
    expect(found.evidence).toBe(`${transcript()}:2`);

    const fixed = await only("damaged", ["--fix"]);
    const [, path] = /^repaired copy: ccr [0-9a-f]{8} \((.*)\)$/.exec(fixed.done!)!;
    expect(readFileSync(transcript(), "utf8")).toBe(text);
    expect(path).not.toBe(transcript());
    expect(statSync(path!).mode & 0o777).toBe(0o600);
    const id = path!.slice(-41, -6);
    const rows = readFileSync(path!, "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(rows.filter(({ type }) => type === "user" || type === "assistant")).toHaveLength(3);
    for (const row of rows) expect(row.sessionId.endsWith(id)).toBe(true);
    expect(rows[0].forkedFrom.sessionId).toBe(ID);

    const again = await only("damaged", ["--fix"]);
    expect([again.level, again.done]).toEqual(["note", null]);
    expect(readdirSync(join(transcript(), "..")).filter((name) => name.endsWith(".jsonl"))).toHaveLength(2);
  });

  test("does not report damaged for the last line of a running session, which is still being written", async () => {
    writeFileSync(transcript(), `${writer().rows.join("\n")}\n{"type":"user","mess`);
    mkdirSync(claude("sessions"));
    const live = { pid: process.pid, sessionId: ID, procStart: startOf(process.pid), status: "busy" };
    writeFileSync(claude("sessions", `${process.pid}.json`), JSON.stringify(live));
    await healthy();
    rmSync(claude("sessions"), { recursive: true });
    await only("damaged");
  });

  test("reports twins: one id in two project folders", async () => {
    mkdirSync(claude("projects/-elsewhere"));
    writeFileSync(claude("projects/-elsewhere", `${ID}.jsonl`), `${writer().rows[0]}\n`, { mode: 0o600 });
    const found = await only("twins");
    expect(found.evidence).toContain(transcript());
    expect(found.fix).toMatch(/^mv -- \S*-elsewhere\/\S*\.jsonl \S*\.twin$/);
    execFileSync("sh", ["-c", found.fix]);
    await healthy();
  });

  test("reports sweep: sessions that Claude Code deletes within a week", async () => {
    const old = new Date(Date.now() - 27 * 24 * HOUR);
    utimesSync(transcript(), old, old);
    const found = await only("sweep");
    expect(found.finding).toBe("Claude Code will delete 1 session within 7 days");
    expect(found.evidence).toContain("cleanupPeriodDays is 30");
    writeFileSync(claude("settings.json"), '{"cleanupPeriodDays": 3650}');
    await healthy();
  });

  test("reports modes: files that others can read, and --fix closes them", async () => {
    chmodSync(transcript(), 0o644);
    chmodSync(claude("history.jsonl"), 0o666);
    writeFileSync(claude(".credentials.json"), "{}");
    chmodSync(claude(".credentials.json"), 0o640);
    chmodSync(claude(), 0o777);
    expect((await only("modes")).finding).toContain("4 files");
    expect((await only("modes", ["--fix"])).done).toBe("4 modes corrected");
    expect(statSync(transcript()).mode & 0o777).toBe(0o600);
    expect(statSync(claude()).mode & 0o777).toBe(0o755);
    await healthy();
  });

  test("reports clock: a record from tomorrow", async () => {
    writer(ID, Date.now() + 24 * HOUR).into(home);
    expect((await only("clock")).evidence).toContain("session 4bb63347 is of 20");
  });

  test("reports not-saved: the history has a prompt of an hour ago, and there is no transcript", async () => {
    const line = {
      display: "hello",
      timestamp: Date.now() - HOUR,
      project: "/x",
      sessionId: ID.replace("4bb6", "5cc7"),
    };
    writeFileSync(claude("history.jsonl"), `${JSON.stringify(line)}\n`);
    const found = await only("not-saved");
    expect([found.level, found.evidence]).toEqual(["note", expect.stringContaining("5cc73347")]);
  });

  test("reports login: the newest session ended without one, after the credentials were written", async () => {
    const w = writer();
    w.row({
      type: "assistant",
      timestamp: new Date().toISOString(),
      isApiErrorMessage: true,
      error: "authentication_failed",
      apiErrorStatus: 401,
      message: {
        model: "<synthetic>",
        content: [{ type: "text", text: "Login expired · Please run /login" }],
      },
    });
    writeFileSync(claude(".credentials.json"), "{}", { mode: 0o600 });
    const before = new Date(Date.now() - HOUR);
    utimesSync(claude(".credentials.json"), before, before);
    w.into(home);
    expect((await only("login")).fix).toContain("/login");
    const later = new Date(Date.now() + 60_000);
    utimesSync(claude(".credentials.json"), later, later);
    await healthy();
  });
});

describe("ccr doctor on the machine", () => {
  test("reports not-writable: what Claude Code would write is lost", async () => {
    renameSync(claude("projects"), claude("before"));
    // Nobody, root neither, can make a file there.
    symlinkSync("/proc/self/fdinfo", claude("projects"));
    const found = await only("not-writable");
    expect(found.evidence).toContain(claude("projects"));
  });

  test("reports disk: a volume of 8 MB is nearly full, who uses it, and what to archive", async (context) => {
    const made = await namespaces();
    if ("reason" in made) {
      if (process.env.CI === "true") throw new Error(made.reason);
      return context.skip(made.reason);
    }
    const script = `mount -t proc proc /proc && mount -t tmpfs -o size=8m,mode=700 none "$HOME/.claude/projects" &&
      mkdir -m 700 "$HOME/.claude/projects/-app" && cat "$1" >"$HOME/.claude/projects/-app/${ID}.jsonl" &&
      chmod 600 "$HOME/.claude/projects/-app/${ID}.jsonl" && head -c 7800000 /dev/zero >"$HOME/.claude/projects/-app/fill" &&
      exec "$2" "$3" doctor --json`;
    const copy = join(home.around, "copy.jsonl");
    writeFileSync(copy, readFileSync(transcript()));
    const [first, ...argv] = [...made.argv, "sh", "-c", script, "sh", copy, process.execPath, bundle];
    const { stdout, stderr } = await execa(first!, argv, {
      env: home.env,
      extendEnv: false,
      cwd: home.path,
      reject: false,
      timeout: 120_000,
    });
    const found = (JSON.parse(stdout || stderr) as Answer).findings.find(({ check }) => check === "disk");
    expect(found?.finding, stdout + stderr).toBe("the volume is nearly full");
    expect(found?.evidence).toMatch(/kB of 8\.\d MB left; sessions: -app /);
    expect(found?.fix).toContain("ccr-archive --older-than");
  });

  test("reports state-outside: .claude.json is on another device than ~/.claude", async () => {
    const own = statSync(home.path).dev;
    const other = ["/dev/shm", "/run", "/tmp", "/var/tmp", tmpdir()].find((path) => {
      try {
        if (statSync(path).dev === own) return false;
        rmSync(mkdtempSync(join(path, "ccr-")), { recursive: true });
        return true;
      } catch {
        return false;
      }
    });
    if (other === undefined) throw new Error("no second device to write to: mount a tmpfs at /dev/shm");
    const folder = mkdtempSync(join(other, "ccr-doctor-"));
    try {
      execFileSync("cp", ["-rp", `${claude()}/.`, folder]);
      rmSync(claude(), { recursive: true });
      symlinkSync(folder, claude());
      writeFileSync(join(home.path, ".claude.json"), "{}", { mode: 0o600 });
      expect((await only("state-outside")).fix).toContain("CLAUDE_CONFIG_DIR");
      expect((await ask([], { CLAUDE_CONFIG_DIR: claude() })).findings).toEqual([]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("reports writers: two processes have one session", async () => {
    mkdirSync(claude("sessions"));
    for (const pid of [process.pid, process.ppid]) {
      const entry = { pid, sessionId: ID, procStart: startOf(pid), status: "idle", cwd: home.path };
      writeFileSync(claude("sessions", `${pid}.json`), JSON.stringify(entry));
    }
    const found = await only("writers");
    expect(found.evidence).toContain(String(process.pid));
    expect(found.fix).toMatch(/kill \d+$/);
  });

  test("reports leftovers of dead processes, and --fix removes them", async () => {
    mkdirSync(claude("sessions"));
    const { pid } = spawnSync("true");
    const pidDomain = `linux::${readlinkSync("/proc/self/ns/pid")}`;
    const entry = { pid, sessionId: ID, procStart: "1", pidDomain, status: "busy" };
    writeFileSync(claude("sessions", `${pid}.json`), JSON.stringify(entry));
    writeFileSync(claude("sessions", `${pid}.abc.key`), "");
    const old = join(transcript(), "../.ccr-123-abc-0.tmp");
    writeFileSync(old, "half");
    const before = new Date(Date.now() - 2 * HOUR);
    utimesSync(old, before, before);
    const fresh = join(transcript(), "../.ccr-124-abc-0.tmp");
    writeFileSync(fresh, "being written");
    expect((await only("leftovers")).finding).toContain("2 lock");
    await only("leftovers", ["--fix"]);
    expect(readdirSync(claude("sessions"))).toEqual([]);
    expect([existsSync(old), existsSync(fresh)]).toEqual([false, true]);
    await healthy();
  });
});
