import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ByteReader, nextMember, padding, tarHeader } from "../../helpers/archive/tar.ts";
import { Random } from "../support/random.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "ccr-tar-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function* inPieces(bytes: Buffer, random: Random): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; ) {
    const n = 1 + random.below(700);
    yield bytes.subarray(at, at + n);
    at += n;
  }
}

const NAMES = [
  "a",
  "x".repeat(100),
  "y".repeat(101),
  `${"deep/".repeat(60)}file`,
  "blank and ü",
  "日本語".repeat(40),
];

test("the tar reader reads what the writer wrote, in whatever pieces it comes", async () => {
  const random = new Random(5);
  for (let round = 0; round < 20; round++) {
    const files = NAMES.map((name) => ({ name, data: Buffer.alloc(random.below(3000), random.below(256)) }));
    const whole = files.flatMap(({ name, data }) => [
      tarHeader(name, data.length, 1_700_000_000_000),
      data,
      Buffer.alloc(padding(data.length)),
    ]);
    const bytes = new ByteReader(inPieces(Buffer.concat([...whole, Buffer.alloc(1024)]), random));
    for (const { name, data } of files) {
      expect(await nextMember(bytes)).toEqual({ name, size: data.length });
      expect((await bytes.read(data.length)).equals(data)).toBe(true);
      await bytes.read(padding(data.length));
    }
    expect(await nextMember(bytes)).toBeNull();
  }
});

test("GNU tar reads our archives: names, times, and sizes beyond 8 GiB", async () => {
  const size = 9 * 2 ** 30;
  const header = tarHeader(NAMES[4]!, size, 1_700_000_000_000);
  const file = join(folder, "large.tar");
  writeFileSync(file, header);
  // Only as large as it looks: no disk is filled.
  truncateSync(file, header.length + size + 1024);
  const listed = execFileSync("tar", ["--utc", "-tvf", file], {
    encoding: "utf8",
    env: { LC_ALL: "C.UTF-8", PATH: process.env.PATH },
  });
  expect(listed).toMatch(new RegExp(` ${size} 2023-11-14 22:13 blank and ü\n$`));
  expect(await nextMember(new ByteReader(inPieces(header, new Random(1))))).toEqual({ name: NAMES[4], size });
});
