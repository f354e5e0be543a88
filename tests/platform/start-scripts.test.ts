// The start scripts as Terraform applied them, run as Coder's agent does: whatever happens to them, the program ends up
// whole and installed, at the latest after the next start.

import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { fixtures, type Home, makeHome } from "../support/home.ts";
import { runAsAgent, setupScripts, startScripts, template } from "../support/setup-script.ts";
import { Terraform } from "../support/terraform.ts";

const old = mkdtempSync(join(tmpdir(), "ccr-1.0.0-"));
let scripts: string[];
let before: string[];
beforeAll(async () => {
  const terraform = await Terraform.workspace(template);
  await terraform.apply();
  scripts = [];
  for (const index of setupScripts().keys())
    scripts.push((await terraform.applied(`coder_script.setup[${index}]`)).script);
  terraform.remove();
  await execa("tar", ["-xzf", join(fixtures, "template-1.0.0.tar.gz"), "-C", old]);
  before = Object.values(startScripts(old));
}, 600_000);
afterAll(() => rmSync(old, { recursive: true, force: true }));

let home: Home;
beforeEach(() => {
  home = makeHome();
});
afterEach(() => home.remove());

const numbers = setupScripts().map((_, index) => index + 1);
const orders = permutations(numbers);
/** With more than three scripts, every few orders are enough where the order is not the point. */
const someOrders = numbers.length > 3 ? orders.filter((_, index) => index % numbers.length === 0) : orders;

const library = () => join(home.path, ".local/lib/ccr");
const cache = () => join(home.path, ".cache/ccr");
const agent = (script: string) => runAsAgent(script, home, join(home.around, "agent"));
const runNumber = (number: number) => agent(scripts[number - 1]!);
const isInstalled = () => existsSync(join(home.path, ".local/bin/ccr"));

/** Runs the scripts of these numbers one after the other, and gives their output. */
async function start(order: readonly number[]): Promise<string> {
  const said: string[] = [];
  for (const number of order) {
    const { exitCode, all } = await runNumber(number);
    expect(exitCode, all).toBe(0);
    said.push(all);
  }
  return said.join("\n");
}

/** The program of this template is in place, alone and complete, and its commands answer. */
async function expectInstalled(): Promise<void> {
  expect(readFileSync(join(library(), "ccr.cjs")).equals(readFileSync(join(template, "ccr.cjs")))).toBe(true);
  expect(readdirSync(library()).filter((name) => /^\.(work|part)\.|^ccr\.\d/.test(name))).toEqual([]);
  for (const command of ["list", "check-limits", "stats"]) {
    const { stdout } = await execa(join(home.path, ".local/bin/ccr"), [command, "--json"], {
      env: home.env,
      extendEnv: false,
    });
    expect(JSON.parse(stdout)).toMatchObject({ schema: `ccr/${command}@1` });
  }
}

const inventory = async (): Promise<string[]> => {
  const { stdout } =
    await execa`find ${home.path}/.local/lib ${home.path}/.local/bin -type f -printf ${"%p %s %m\n"}`;
  return stdout.split("\n").sort();
};

describe("the start scripts install ccr in an empty home", () => {
  it.each(orders.map((order) => [order.join(", "), order] as const))(
    "in the order %s, and change nothing at the next start",
    async (_, order) => {
      expect(await start(order.slice(0, -1))).not.toContain("warning:");
      expect(isInstalled()).toBe(false);
      expect(await start(order.slice(-1))).not.toContain("warning:");
      await expectInstalled();
      const files = await inventory();
      expect(await start(order)).not.toContain("warning:");
      expect(await inventory()).toEqual(files);
    },
  );

  it.each([1, 2, 3])("with %s starts at once", async (starts) => {
    const all = Array.from({ length: starts }, () => scripts).flat();
    for (const result of await Promise.all(all.map(agent))) {
      expect(result.exitCode, result.all).toBe(0);
      expect(result.all).not.toContain("warning:");
    }
    await expectInstalled();
  });
});

/** Makes a program kill the script that calls it, once, before or after it has done its work. */
function killAt(point: KillPoint): void {
  const { program, condition, first } = POINTS[point];
  const stub = join(home.around, "bin", program);
  const real = program === "node" ? process.execPath : `/bin/${program}`;
  rmSync(stub, { force: true });
  const lines = [
    "#!/bin/sh",
    `if [ -e ${home.around}/killed ] || ! ${condition}; then exec ${real} "$@"; fi`,
    `: >${home.around}/killed`,
    ...(first ? [`${real} "$@"`] : []),
    // The script leads a process group of its own.
    "kill -KILL 0",
  ];
  writeFileSync(stub, `${lines.join("\n")}\n`, { mode: 0o755 });
}

type KillPoint = keyof typeof POINTS;
const POINTS = {
  "before its piece is in place": { program: "mv", condition: "true", first: false },
  "after its piece is in place": { program: "mv", condition: "true", first: true },
  "before it joins the pieces": { program: "node", condition: '[ "$1" = -e ]', first: false },
  "after it has joined the pieces": { program: "node", condition: '[ "$1" = -e ]', first: true },
  "before it installs the program": { program: "node", condition: '[ "$2" = install ]', first: false },
} as const;

describe("a start script that is killed", () => {
  // In each order each script is killed once, in turn at each point that it passes; with more than three scripts there
  // are so many orders that one victim per order covers them all.
  const cases = orders.flatMap((order, turn) => {
    const victims = order.length > 3 ? [order[turn % order.length]!] : order;
    return victims.map((victim) => {
      const points = (Object.keys(POINTS) as KillPoint[]).filter(
        (point) => victim === order.at(-1) || POINTS[point].program === "mv",
      );
      return [victim, points[turn % points.length]!, order.join(", "), order] as const;
    });
  });

  it.each(cases)(
    "number %s, %s, in the order %s: the next start installs ccr",
    async (victim, point, _, order) => {
      for (const number of order) {
        if (number === victim) killAt(point);
        const { signal, exitCode, all } = await runNumber(number);
        if (number === victim) expect(signal).toBe("SIGKILL");
        else expect(exitCode, all).toBe(0);
      }
      await start(order);
      // A killed script leaves its temporary files, which go when they are an hour old.
      await execa`find ${library()} -name .work.* -exec touch -d ${"2 hours ago"} {} +`;
      await start([1]);
      await expectInstalled();
    },
  );
});

describe("over a home of version 1.0.0", () => {
  const kept = {
    ".claude/projects/-shop/5b0d3f8e-92f5-4a0f-8b1e-6d1c1c6f7a11.jsonl": '{"type":"summary"}\n',
    ".config/ccr/config.json": '{ "autoResume": true }\n',
    ".local/state/ccr/live/shop.json.txt": "a journal\n",
  };
  const expectKept = () => {
    for (const [name, text] of Object.entries(kept))
      expect(readFileSync(join(home.path, name), "utf8")).toBe(text);
  };
  beforeEach(() => {
    for (const [name, text] of Object.entries(kept)) {
      mkdirSync(join(home.path, name, ".."), { recursive: true });
      writeFileSync(join(home.path, name), text);
    }
  });

  it.each(someOrders.map((order) => [order.join(", "), order] as const))(
    "they install this version in the order %s, and its old program files and caches disappear",
    async (_, order) => {
      for (const script of before) expect((await agent(script)).exitCode).toBe(0);
      await execa(join(home.path, ".local/bin/ccr"), ["list"], { env: home.env, extendEnv: false });
      expect(readdirSync(library()).filter((name) => /^ccr\.\d/.test(name)).length).toBeGreaterThan(0);
      expect(readdirSync(cache()).filter((name) => name.startsWith("code-")).length).toBeGreaterThan(0);
      expect(await start(order)).not.toContain("warning:");
      await expectInstalled();
      expect(readdirSync(cache()).filter((name) => name.startsWith("code-"))).toEqual([]);
      expectKept();
      expect(readFileSync(join(home.path, ".bashrc"), "utf8").match(/^# >>> ccr >>>/gm)).toHaveLength(1);
    },
  );

  it("while its scripts still run, this version is whole at the latest after the next start", async () => {
    for (let round = 0; round < 3; round++) {
      for (const result of await Promise.all([...before, ...scripts, ...before].map(agent)))
        expect(result.exitCode, result.all).toBe(0);
      expect(await start(numbers)).not.toContain("warning:");
      await expectInstalled();
    }
    expectKept();
  });
});

function permutations(items: readonly number[]): number[][] {
  if (items.length <= 1) return [[...items]];
  return items.flatMap((first) =>
    permutations(items.filter((item) => item !== first)).map((rest) => [first, ...rest]),
  );
}
