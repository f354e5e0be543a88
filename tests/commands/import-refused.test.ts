// Archives that nobody should have made: one line, and nothing is written.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { archiveOf, filesIn, ID, manifest, type Piece, tar, transcript } from "../support/archives.ts";
import { type Home, makeHome } from "../support/home.ts";
import { ccr } from "../support/program.ts";

vi.setConfig({ testTimeout: 400_000 });

let home: Home;
let project: string;
let file: string;
beforeEach(() => {
  home = makeHome("ccr-refused-");
  project = home.project("app");
  file = join(home.around, "a.tar.gz");
  mkdirSync(join(home.path, ".claude"), { mode: 0o700 });
});
afterEach(() => home.remove());

/** All files around the home but caches, which any command may fill. */
const seen = () =>
  Object.fromEntries(
    Object.entries(filesIn(home.around)).filter(([path]) => !path.startsWith("home/.cache/")),
  );

async function expectRefused(archive: Buffer, why: RegExp, kind = "bad-archive"): Promise<void> {
  writeFileSync(file, archive);
  const before = seen();
  const { out, err, status } = await ccr(home, ["import", file]);
  expect([out, status], err).toEqual(["", 1]);
  const lines = err.trim().split("\n");
  expect(lines[0]).toMatch(why);
  expect(lines.length, err).toBeLessThanOrEqual(2);
  expect(err).not.toMatch(/[\u0000-\u0008\u001b]/);
  const json = await ccr(home, ["import", file, "--json", "--dry-run", "--update", "--missing-ok"]);
  expect(JSON.parse(json.err).error.kind).toBe(kind);
  expect(seen()).toEqual(before);
}

const good = () => [{ name: `${ID}/transcript.jsonl`, data: transcript(project) }];
const withMore = (name: string, data = "x") => [...good(), { name, data }];

test("ccr import takes the good archive that all bad ones are made from", async () => {
  writeFileSync(file, archiveOf(withMore(`${ID}/files/subagents/agent-1.meta.json`, "{}"), project));
  const { out, err, status } = await ccr(home, ["import", file]);
  expect([status, out], err).toEqual([0, expect.stringContaining("imported")]);
  expect(Object.keys(filesIn(join(home.path, ".claude/projects"))).length).toBe(2);
});

describe("ccr import refuses an archive with a bad name:", () => {
  test.each([
    ["absolute", "/tmp/evil"],
    ["absolute below a session", `${ID}/files//etc/passwd`],
    ["going up", `${ID}/files/../../../../evil`],
    ["going up at once", "../evil"],
    ["a dot", `${ID}/files/./x`],
    ["credentials", `${ID}/.credentials.json`],
    ["settings", `${ID}/settings.json`],
    ["no part that ccr knows", `${ID}/sessions/1.json`],
    ["another file's todos", `${ID}/todos/other.json`],
    ["a folder below todos", `${ID}/todos/${ID}/x`],
    ["a plan that is none", `${ID}/plans/x.sh`],
    ["a backslash", `${ID}/files/a\\b`],
    ["a control character", `${ID}/files/a\u001b[31mb`],
    ["a newline", `${ID}/files/a\nb`],
    ["a file below a single file", `${ID}/transcript.jsonl/x`],
    ["no session", "nothing/files/x"],
    ["a slash at the end", `${ID}/files/x/`],
  ])("%s", async (_, name) => {
    await expectRefused(archiveOf(withMore(name), project), /invalid archive/);
  });

  test("twice the same, or one that a file system may take for the same", async () => {
    const one = { name: `${ID}/files/x`, data: "1" };
    await expectRefused(archiveOf([...good(), one, one], project), /twice/);
    await expectRefused(archiveOf([...good(), one, { name: `${ID}/files/X`, data: "2" }], project), /twice/);
    await expectRefused(archiveOf([...good(), ...good()], project), /twice/);
  });

  test("in the archive but not in the manifest, and the other way round", async () => {
    const more = [...good(), { name: `${ID}/files/x`, data: "1" }];
    await expectRefused(archiveOf(good(), project, undefined, more), /not in its manifest/);
    await expectRefused(archiveOf(more, project, undefined, good()), /missing/);
    await expectRefused(archiveOf(more, project, undefined, [...more].reverse()), /missing|place/);
  });
});

describe("ccr import refuses an archive with an entry that is not a plain file:", () => {
  const name = `${ID}/files/x`;
  test.each<[string, Partial<Piece>, RegExp]>([
    ["a symbolic link", { type: "2", link: "/etc/passwd" }, /symbolic link/],
    ["a hard link", { type: "1", link: `${ID}/transcript.jsonl` }, /hard link/],
    ["a character device", { type: "3" }, /something other than a regular file/],
    ["a block device", { type: "4" }, /something other than a regular file/],
    ["a pipe", { type: "6" }, /something other than a regular file/],
    ["a folder", { type: "5" }, /folder/],
    ["GNU's sparse file", { type: "S" }, /something other than a regular file/],
    ["GNU's long name", { type: "L", data: "evil" }, /something other than a regular file/],
    ["global PAX records", { type: "g", data: "10 path=x\n" }, /something other than a regular file/],
    [
      "PAX records of GNU's sparse files",
      { type: "x", data: "22 GNU.sparse.major=1\n" },
      /records that ccr does not write/,
    ],
    ["PAX records that go elsewhere", { type: "x", data: "14 path=/evil\n" }, /missing|place/],
  ])("%s", async (_, piece, why) => {
    const files = [...good(), { name, data: "" }];
    const spoilt = [files[0]!, { name, ...piece }, ...(piece.type === "x" ? [{ name, data: "" }] : [])];
    await expectRefused(archiveOf(files, project, undefined, spoilt), why);
  });
});

describe("ccr import refuses an archive with wrong sizes or checksums:", () => {
  test("a wrong checksum, in the first and in the last file", async () => {
    for (const at of [0, 1]) {
      await expectRefused(
        archiveOf(withMore(`${ID}/files/x`), project, (made) => {
          made.files[at]!.sha256 = "0".repeat(64);
          return made;
        }),
        /checksum/,
      );
    }
  });

  test("a bomb: a file of zeros that the manifest calls small", async () => {
    const pieces = [good()[0]!, { name: `${ID}/files/x`, data: Buffer.alloc(64 << 20) }];
    await expectRefused(
      archiveOf(withMore(`${ID}/files/x`), project, undefined, pieces),
      /the size of .* differs from the manifest/,
    );
  });

  test("a bomb behind the end, and one in place of the manifest", async () => {
    const whole = tar([
      { name: "manifest.json", data: JSON.stringify(manifest(good(), project)) },
      ...good(),
    ]);
    await expectRefused(gzipSync(Buffer.concat([whole, Buffer.alloc(64 << 20)])), /data after its end/);
    await expectRefused(gzipSync(Buffer.concat([whole, Buffer.from("evil")])), /data after its end/);
    await expectRefused(
      gzipSync(tar([{ name: "manifest.json", data: Buffer.alloc(64 << 20, 32) }])),
      /not made by ccr/,
    );
  });

  test("more bytes than the disk has room for", async () => {
    const huge = archiveOf(withMore(`${ID}/files/x`), project, (made) => {
      made.files[1]!.size = 2 ** 50;
      return made;
    });
    await expectRefused(huge, /has an invalid file/);
  });

  test("cut anywhere, damaged anywhere, or not an archive", async () => {
    const whole = archiveOf(good(), project);
    for (const length of [0, 5, 30, whole.length >> 1, whole.length - 9, whole.length - 1])
      await expectRefused(whole.subarray(0, length), /ends too early|not a gzip|damaged/);
    for (const at of [3, whole.length >> 1, whole.length - 6]) {
      const damaged = Buffer.from(whole);
      damaged[at]! ^= 0x55;
      await expectRefused(damaged, /invalid archive/);
    }
    await expectRefused(Buffer.concat([whole, Buffer.from("rubbish")]), /invalid archive/);
    await expectRefused(Buffer.from("hello"), /not a gzip/);
    await expectRefused(gzipSync("hello"), /invalid archive/);
    await expectRefused(gzipSync(tar(good())), /not made by ccr/);
  }, 600_000);
});

describe("ccr import checks the manifest:", () => {
  test("refuses another version and says what to do", async () => {
    await expectRefused(
      archiveOf(good(), project, (made) => ({ ...made, schema: "ccr/archive@2" })),
      /unknown archive format/,
      "archive-version",
    );
  });

  test.each<[string, (made: ReturnType<typeof manifest>) => unknown]>([
    ["no object", () => []],
    ["no files", (made) => ({ ...made, files: undefined })],
    ["no transcript", (made) => ({ ...made, files: [] })],
    ["a session twice", (made) => ({ ...made, sessions: [made.sessions[0], made.sessions[0]] })],
    [
      "an id that is a path",
      (made) => ({ ...made, sessions: [{ ...made.sessions[0], id: "../../../../evil" }] }),
    ],
    ["a negative size", (made) => ({ ...made, files: made.files.map((one) => ({ ...one, size: -1 })) })],
    [
      "a size that is no number",
      (made) => ({ ...made, files: made.files.map((one) => ({ ...one, size: "9" })) }),
    ],
    ["no checksum", (made) => ({ ...made, files: made.files.map((one) => ({ ...one, sha256: "" })) })],
    ["a home that is none", (made) => ({ ...made, home: { path: "/" } })],
  ])("%s", async (_, change) => {
    await expectRefused(archiveOf(good(), project, change), /invalid archive|unknown archive format/);
  });

  test("keeps a project folder that is a path inside the store", async () => {
    writeFileSync(
      file,
      archiveOf(good(), project, (made) => ({
        ...made,
        sessions: [{ ...made.sessions[0], folder: "../../../evil" }],
      })),
    );
    const { status, err } = await ccr(home, ["import", file]);
    expect(status, err).toBe(0);
    const [path] = Object.keys(filesIn(join(home.path, ".claude")));
    expect(path).toBe(`projects/${project.replace(/\W/g, "-")}/${ID}.jsonl`);
    expect(readFileSync(join(home.path, ".claude", path!), "utf8")).toBe(good()[0]!.data);
  });

  test.each([
    ["a NUL", "/a\0b"],
    ["more than any file system has", `/${"x".repeat(100_000)}`],
  ])("refuses a directory with %s in its name", async (_, directory) => {
    const session = { ...manifest(good(), project).sessions[0], project: directory };
    writeFileSync(
      file,
      archiveOf(good(), project, (made) => ({ ...made, home: directory, sessions: [session] })),
    );
    const { status, out, err } = await ccr(home, ["import", file]);
    expect([status, out], err).toEqual([0, expect.stringMatching(/^imported {2}\w{8} {2}-/)]);
  });
});
