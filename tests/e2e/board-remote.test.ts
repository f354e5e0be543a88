// Another machine's ccr: over the real ssh and a real sshd on loopback where there is one that lets us in, else over a
// stand-in for ssh that runs the command by the shell as sshd does (the run says which); over a stand-in for the coder program, which needs a server.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { execa, type ResultPromise } from "execa";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { type BoardHome, boardHome } from "../support/board-home.ts";
import { openTerminal, type Terminal } from "../support/tmux.ts";
import { onPath } from "../support/tools.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 240_000 });
const WAIT = 60;
const id = (n: number): string => `${String(n).repeat(8)}-0000-4000-8000-000000000000`;

const sshd = onPath("sshd", `${process.env.PATH}:/usr/sbin:/sbin`);
const real = onPath("ssh") !== undefined && onPath("ssh-keygen") !== undefined && sshd !== undefined;

let here: BoardHome;
let there: BoardHome;
let daemon: ResultPromise | undefined;
const keys = mkdtempSync(join(tmpdir(), "ccr-sshd-"));
const open: Terminal[] = [];

beforeAll(async () => {
  here = await boardHome();
  there = await boardHome();
  here.session(id(1), "local", "Of this machine");
  there.session(id(2), "shop", "Größe of the 日本語 shop");
  const environment = Object.entries(there.env).filter(([name]) => name !== "TERM" && name !== "PATH");
  const clean = `cd '${there.path}' && exec env -i TERM="$TERM" ${environment.map(([name, value]) => `${name}='${value}'`).join(" ")} PATH='${there.around}/bin:/usr/bin:/bin'`;
  program(
    "coder",
    `[ "$1" = ssh ] || exit 9; shift\n[ "$1" != --disable-autostart ] || shift\n[ "$1" = web ] || { echo "workspace not found: $1" >&2; exit 1; }\n[ "$2" = -- ] || exit 9\n${clean} bash -c "$3"`,
  );
  const over = real ? await startSshd().then(() => "", String) : "sshd or ssh is missing";
  if (over !== "") await standIn(clean);
  console.log(over === "" ? "over the real ssh and sshd" : `over a stand-in for ssh: ${over}`);
  for (const words of [
    ["add", "web", "coder:web"],
    ["add", "down", "coder:down"],
  ])
    expect(await here.run(["ccr", "remote", ...words])).toMatchObject({ status: 0 });
});
afterEach(async () => {
  for (const terminal of open.splice(0)) await terminal.end();
});
afterAll(async () => {
  daemon?.kill("SIGTERM");
  await daemon;
  await there.run(["ccr", "stop", "--all", "--force"]);
  await here.remove();
  await there.remove();
  rmSync(keys, { recursive: true, force: true });
});

function program(name: string, body: string): void {
  writeFileSync(join(here.around, "bin", name), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
}

async function standIn(clean: string): Promise<void> {
  program(
    "ssh",
    `while [ "$1" != -- ]; do shift; done\n[ "$2" = box ] || { echo "ssh: Could not resolve hostname $2" >&2; exit 255; }\n${clean} bash -c "$3"`,
  );
}

/** The real client finds the daemon by a configuration of its own. */
async function startSshd(): Promise<void> {
  const port = await new Promise<number>((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address() as { port: number };
      server.close(() => resolve(address.port));
    });
  });
  for (const name of ["host", "me"])
    await execa("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", join(keys, name)]);
  // The daemon refuses to run as root without it.
  if (process.getuid?.() === 0) mkdirSync("/run/sshd", { recursive: true, mode: 0o755 });
  const environment = Object.entries(there.env).filter(
    ([name]) => !["TERM", "PATH", "USER", "LOGNAME", "SHELL"].includes(name),
  );
  const lines = [
    `ListenAddress 127.0.0.1:${port}`,
    `HostKey ${join(keys, "host")}`,
    `AuthorizedKeysFile ${join(keys, "me.pub")}`,
    ...["UsePAM no", "StrictModes no", "PasswordAuthentication no", "PermitRootLogin yes", "PidFile none"],
    `SetEnv ${environment.map(([name, value]) => `${name}=${value}`).join(" ")} PATH=${there.around}/bin:/usr/bin:/bin`,
  ];
  writeFileSync(join(keys, "sshd_config"), `${lines.join("\n")}\n`);
  writeFileSync(
    join(keys, "ssh_config"),
    `Host box\n  HostName 127.0.0.1\n  Port ${port}\n  User ${userInfo().username}\n  IdentityFile ${join(keys, "me")}\n  IdentitiesOnly yes\n  StrictHostKeyChecking no\n  UserKnownHostsFile /dev/null\n  LogLevel ERROR\n`,
  );
  daemon = execa(sshd!, ["-D", "-e", "-f", join(keys, "sshd_config")], { reject: false, stdin: "ignore" });
  program("ssh", `exec '${onPath("ssh")}' -F '${join(keys, "ssh_config")}' "$@"`);
  await vi.waitFor(
    async () => {
      const { status, err } = await here.run(["ccr", "--on", "box", "version"]);
      expect([status, err]).toEqual([0, ""]);
    },
    { timeout: 40_000, interval: 300 },
  );
}

async function terminal(line: string): Promise<Terminal> {
  const one = await openTerminal(here, { cwd: here.path, columns: 100, rows: 24 });
  open.push(one);
  await one.shows("ready>", WAIT);
  await one.type(line);
  await one.press("Enter");
  return one;
}

describe.each([
  ["box", "ssh"],
  ["web", "a stand-in for coder ssh"],
])("ccr --on %s, over %s", (target) => {
  it("answers with the other side's sessions, and nothing else on stdout", async () => {
    const { out, err, status } = await here.run(["ccr", "--on", target, "list", "--json"]);
    expect([err, status]).toEqual(["", 0]);
    expect(JSON.parse(out).sessions).toContainEqual(
      expect.objectContaining({ id: id(2), title: "Größe of the 日本語 shop" }),
    );
    expect((await here.run(["ccr", `--on=${target}`, "ccr-list"])).out).toContain("shop");
  });

  it("passes on exit status, words and stdin as they are", async () => {
    const asked = await here.run(["ccr", "--on", target, "resume", "it's $(id) `id` \\ ü"]);
    expect(asked).toMatchObject({ status: 1, out: "" });
    expect(asked.err).toContain('no session matches "it\'s $(id) `id` \\ ü"');
    expect((await here.run(["ccr", "--on", target, "list", "--nonsense"])).status).toBe(2);
  });

  it("gives the other side our terminal: its picker, its keys, its size", async () => {
    const one = await terminal(`ccr --on ${target} pick`);
    const text = await one.shows(/ \d sessions?$/m, WAIT);
    expect(text).toContain("Größe of the 日本語 shop");
    expect(text.split("\n")[0]!.trimEnd()).toHaveLength(99);
    await one.press("Escape");
    await one.shows(/ready>\s*$/, WAIT);
    await one.type("echo status $?");
    await one.press("Enter");
    await one.shows("status 0", WAIT);
  });

  it("attaches to a live session of the other side", async () => {
    await there.live(id(3), "web", "Live over there");
    const one = await terminal(`ccr --on ${target} attach ${id(3)}`);
    await one.shows(`claude ${id(3)}`, WAIT);
    expect((await there.run(["ccr", "stop", id(3), "--force"])).status).toBe(0);
    await one.shows(/ready>\s*$/, WAIT);
  });

  it("says in one line that the other side has no ccr", async () => {
    const bin = join(there.path, ".local/bin");
    const away = `${bin}.away`;
    await execa("mv", [bin, away]);
    try {
      const { err, out, status } = await here.run(["ccr", "--on", target, "list"]);
      expect([out, status]).toEqual(["", 127]);
      expect(err).toBe(
        `ccr: ccr is not installed on ${target} for this user\n     run ccr install there, or restart the workspace\n`,
      );
    } finally {
      await execa("mv", [away, bin]);
    }
  });
});

describe("a target that does not answer", () => {
  it("is reported by the program that connects, with its status", async () => {
    const { err, status } = await here.run(["ccr", "--on", "down", "list"]);
    expect([err, status]).toEqual(["workspace not found: down\n", 1]);
    expect((await here.run(["ccr", "--on", "nowhere.invalid", "list"])).status).toBe(255);
    expect((await here.run(["ccr", "--on", "-oProxyCommand=x", "list"])).status).toBe(2);
    expect((await here.run(["ccr", "--on"])).status).toBe(2);
  });
});

describe("a board of several machines", () => {
  it("is printed with the machines that do not answer", async () => {
    const { out, err, status } = await here.run(["ccr", "board", "--on", "here,box,web,down", "--once"]);
    expect(status).toBe(0);
    expect(err).toContain("down unreachable: workspace not found: down");
    expect(out).toMatch(/local +Of this machine/);
    expect(out).toMatch(/box:shop +Größe/);
    expect(out).toMatch(/web:shop +Größe/);
    const json = JSON.parse((await here.run(["ccr", "board", "--on", "all", "--json"])).out);
    expect(json.targets).toEqual([
      { name: "down", address: "coder:down", error: "workspace not found: down" },
      { name: "web", address: "coder:web", error: null },
    ]);
    expect(json.sessions.map((one: { target: string; id: string }) => [one.target, one.id])).toEqual(
      expect.arrayContaining([
        [null, id(1)],
        ["web", id(2)],
      ]),
    );
    expect((await here.run(["ccr", "board", "--on", "down", "--once"])).status).toBe(1);
  });

  it("is one screen, follows all machines, and resumes on the other side", async () => {
    const one = await terminal("ccr board --on here,web,down");
    await one.shows("down unreachable: workspace not found", WAIT);
    await one.shows(/local +Of this machine/, WAIT);
    await one.shows(/web:shop +Größe/, WAIT);
    there.session(id(4), "late", "Written meanwhile", Date.now());
    await one.shows(/web:late +Written meanwhile/, WAIT);
    await one.type("meanwhile");
    await one.shows(/1 of \d+$/m, WAIT);
    await one.press("Enter");
    await one.shows(`claude ${id(4)}`, WAIT);
  });
});
