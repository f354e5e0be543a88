import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { ccr, makeBundle, removeBundle } from "../../support/bundle.ts";
import { type Home, makeHome } from "../../support/home.ts";

let home: Home;
vi.setConfig({ testTimeout: 60_000 });
beforeAll(makeBundle, 120_000);
afterAll(removeBundle);
beforeEach(() => {
  home = makeHome("ccr-code-");
});
afterEach(() => home.remove());

const folder = () => join(home.path, ".cache/ccr");
const kept = () =>
  existsSync(folder())
    ? readdirSync(folder())
        .filter((name) => name.startsWith("code-"))
        .sort()
    : [];
const version = async () => {
  const { out, err, status } = await ccr(home, ["version"]);
  expect({ err, status }).toEqual({ err: "", status: 0 });
  expect(out).toMatch(/^ccr \d/);
};

test("code and what V8 made of it are kept for the next start, for this user alone", async () => {
  await version();
  expect(kept()).toEqual([
    expect.stringMatching(/^code-\w+-0-v.*-version\.bin$/),
    expect.stringMatching(/-0\.js$/),
  ]);
  expect(statSync(folder()).mode & 0o777).toBe(0o700);
  for (const name of kept()) expect(statSync(join(folder(), name)).mode & 0o777).toBe(0o600);
});

test("each kind of call is compiled a few times, and then no more", async () => {
  const times: number[] = [];
  for (let i = 0; i < 5; i++) {
    await version();
    times.push(statSync(join(folder(), kept()[0]!)).ino);
  }
  expect(times[2]).not.toBe(times[1]);
  expect(times[4]).toBe(times[2]);
});

test("a session's title is no name of a file", async () => {
  await ccr(home, ["some-title"]);
  await ccr(home, ["../../escape"]);
  expect(kept().filter((name) => name.endsWith(".bin"))).toEqual([expect.stringMatching(/-_\.bin$/)]);
  expect(readdirSync(home.path)).not.toContain("escape");
});

describe("what is damaged is made anew:", () => {
  const half = (file: string, change: (bytes: Buffer) => void) => {
    const bytes = readFileSync(file);
    change(bytes);
    writeFileSync(file, bytes);
  };
  const damages: [string, (file: string) => void][] = [
    ["empty", (file) => truncateSync(file)],
    ["cut", (file) => truncateSync(file, Math.floor(statSync(file).size * 0.7))],
    ["cut in the middle", (file) => truncateSync(file, statSync(file).size / 2)],
    ["zeros", (file) => half(file, (bytes) => bytes.fill(0))],
    ["zeros at its end", (file) => half(file, (bytes) => bytes.fill(0, bytes.length - 4096))],
    ["noise", (file) => half(file, (bytes) => bytes.forEach((_, i) => void (bytes[i] = (i * 7919) % 251)))],
    ...[0.1, 0.3, 0.6, 0.9].map((at): [string, (file: string) => void] => [
      `a bit at ${at}`,
      (file) => half(file, (bytes) => void (bytes[Math.floor(bytes.length * at)]! ^= 4)),
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
    await version();
    const good = kept();
    for (const name of good) {
      damage(join(folder(), name));
      await version();
    }
  });
});

test("nothing is taken from a folder that others can write to", async () => {
  await version();
  const script = kept().find((name) => name.endsWith(".js"))!;
  const evil = `(function(){process.stdout.write("evil")})`;
  writeFileSync(join(folder(), script), evil + evil);
  chmodSync(folder(), 0o777);
  await version();
  expect(readFileSync(join(folder(), script), "utf8")).toBe(evil + evil);
});

test("code of other versions goes after a day", async () => {
  mkdirSync(folder(), { recursive: true, mode: 0o700 });
  const [old, young] = ["code-0123456789ab-0.js", "code-ba9876543210-0.js"].map((name) =>
    join(folder(), name),
  );
  for (const file of [old!, young!]) writeFileSync(file, "x");
  const before = Date.now() / 1000 - 90_000;
  utimesSync(old!, before, before);
  writeFileSync(join(folder(), "catalogue-x.tsv"), "");
  utimesSync(join(folder(), "catalogue-x.tsv"), before, before);
  await version();
  expect(existsSync(old!)).toBe(false);
  expect(existsSync(young!)).toBe(true);
  expect(existsSync(join(folder(), "catalogue-x.tsv"))).toBe(true);
});

test("ten at once start from nothing", async () => {
  await Promise.all(Array.from({ length: 10 }, version));
  expect(kept().filter((name) => name.endsWith(".tmp"))).toEqual([]);
  await version();
});
