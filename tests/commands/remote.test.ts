// What is sent to another machine's shell, whichever that is, and the file of targets.

import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  addRemote,
  askRemote,
  remoteCommand,
  remoteOf,
  remotes,
  removeRemote,
} from "../../helpers/remote/remote.ts";
import { type Home, makeHome } from "../support/home.ts";
import { lacks } from "../support/tools.ts";

let home: Home;
beforeEach(() => {
  home = makeHome("ccr-remote-");
  for (const name of ["ssh", "coder"]) program(join(home.around, "bin", name), "exit 9");
  for (const [name, value] of Object.entries(home.env)) vi.stubEnv(name, value);
  vi.stubEnv("XDG_CONFIG_HOME", undefined);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await home.remove();
});

function program(path: string, body: string): void {
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, `#!/bin/sh\n${body}\n`, { mode: 0o755 });
}

const HOW = { terminal: false, utf8: true, connectTimeout: 5 };
const box = { name: "box", address: "me@host" };

const WORDS = [
  "plain",
  "",
  " two  blanks ",
  "it's \"quoted\" \\ \\\\ \\' \\n",
  "$HOME `id` $(id) ${x} !! !x %1 ~ * ? [a] {a,b} #c ; & | < > ( ) ^ =ls",
  "#(touch pwned)",
  "-x",
  "--",
  "line\nline\n",
  "日本 語 é 🙂",
  "\u001b[31m\u0007",
];

describe("the command line for the other side's login shell", () => {
  for (const shell of ["sh", "bash", "dash", "zsh", "fish", "busybox"]) {
    it.skipIf(lacks(shell))(`brings every word to its ccr as it was: ${shell}`, async () => {
      program(join(home.path, ".local/bin/ccr"), "printf '%s\\0' \"$@\"; cat; echo err >&2; exit 7");
      const line = remoteCommand(box, WORDS, HOW).at(-1)!;
      const ran = await execa(shell, [...(shell === "busybox" ? ["sh"] : []), "-c", line], {
        cwd: home.path,
        env: home.env,
        extendEnv: false,
        input: "input\n",
        reject: false,
        stripFinalNewline: false,
        timeout: 60_000,
      });
      expect(ran.stdout.split("\0")).toEqual([...WORDS, "input\n"]);
      expect([ran.stderr, ran.exitCode]).toEqual(["err\n", 7]);
    });
  }

  it("says in one line, or in JSON, that there is no ccr", async () => {
    const run = (words: string[]) =>
      execa("sh", ["-c", remoteCommand({ name: "it's", address: "me@host" }, words, HOW).at(-1)!], {
        env: { ...home.env, PATH: "/usr/bin:/bin" },
        extendEnv: false,
        reject: false,
      });
    const plain = await run(["list"]);
    expect([plain.exitCode, plain.stdout]).toEqual([127, ""]);
    expect(plain.stderr).toMatch(
      /^ccr: ccr is not installed on it's for this user\n {5}run ccr install there/,
    );
    expect(JSON.parse((await run(["list", "--json"])).stderr)).toMatchObject({
      schema: "ccr/error@1",
      error: { kind: "no-ccr" },
    });
  });
});

describe("the program that connects to a remote target", () => {
  const argv = (address: string, how: Partial<typeof HOW & { unattended: boolean }> = {}) =>
    remoteCommand({ name: "x", address }, ["list"], { ...HOW, ...how }).slice(0, -1);

  it("is ssh, with a terminal where we have one, or coder", () => {
    expect(argv("me@host")).toEqual(["ssh", "-T", "-o", "ConnectTimeout=5", "--", "me@host"]);
    expect(argv("ssh://host:22", { terminal: true })[1]).toBe("-t");
    expect(argv("coder:me/web.main")).toEqual(["coder", "ssh", "me/web.main", "--"]);
  });

  it("asks nothing, and starts no workspace, where nobody is at the terminal", () => {
    expect(argv("host", { unattended: true })).toContain("BatchMode=yes");
    expect(argv("coder:web", { unattended: true })).toContain("--disable-autostart");
  });

  it("is named when it is missing", () => {
    rmSync(join(home.around, "bin/coder"));
    vi.stubEnv("PATH", join(home.around, "bin"));
    expect(() => argv("coder:web")).toThrow("the coder program is not on PATH");
  });

  it("is stopped at its time limit, which is then reported", async () => {
    program(join(home.around, "bin/ssh"), "exec sleep 60");
    const started = Date.now();
    expect(await askRemote(box, ["list"], { limit: 300 })).toEqual({ error: "no answer in 0 s" });
    expect(Date.now() - started).toBeLessThan(30_000);
  });

  it("is reported with its status when it fails silently", async () => {
    program(join(home.around, "bin/ssh"), "exit 255");
    expect(await askRemote(box, ["list"], { limit: 10_000 })).toEqual({ error: "ssh ended with 255" });
  });

  it("is quoted with its last words when it fails", async () => {
    program(join(home.around, "bin/ssh"), "echo first >&2; echo 'ssh: no route' >&2; exit 255");
    expect(await askRemote(box, ["list"], { limit: 10_000 })).toEqual({ error: "ssh: no route" });
  });
});

describe("remote targets", () => {
  it("are kept in a file of the person's own", () => {
    expect(remotes()).toEqual([]);
    addRemote("web", "coder:web");
    addRemote("box", "me@host");
    addRemote("box", "ssh://me@host:2222");
    expect(remotes()).toEqual([
      { name: "box", address: "ssh://me@host:2222" },
      { name: "web", address: "coder:web" },
    ]);
    expect(statSync(join(home.path, ".config/ccr/remotes.json")).mode & 0o777).toBe(0o600);
    expect(remoteOf("web").address).toBe("coder:web");
    expect(remoteOf("me@other").address).toBe("me@other");
    expect([removeRemote("web"), removeRemote("web")]).toEqual([true, false]);
    expect(remotes().map(({ name }) => name)).toEqual(["box"]);
  });

  it.each(["-oProxyCommand=x", "", "a b", "coder:", "coder:-x", "ssh://-x", "host;id", "$(id)", "a\nb"])(
    "are never an option or a command: %j",
    (address) => {
      expect(() => addRemote("x", address)).toThrow();
      expect(() => remoteOf(address)).toThrow();
    },
  );

  it("that are invalid in the file are ignored, or reported", () => {
    const file = join(home.path, ".config/ccr/remotes.json");
    mkdirSync(join(file, ".."), { recursive: true });
    writeFileSync(file, JSON.stringify({ good: "me@host", bad: "-x", number: 3, "-n": "me@host" }));
    expect(remotes().map(({ name }) => name)).toEqual(["good"]);
    for (const text of ["null", "[]", "3"]) {
      writeFileSync(file, text);
      expect(remotes()).toEqual([]);
    }
    writeFileSync(file, "{");
    expect(remotes).toThrow("is not valid JSON");
    expect(readFileSync(file, "utf8")).toBe("{");
  });
});
