import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  type CacheFile,
  cachePath,
  confirmCache,
  isSettled,
  readCache,
  sweepCache,
  writeCache,
} from "../../helpers/system/cache-file.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "ccr-cache-"));
  vi.stubEnv("XDG_CACHE_HOME", folder);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

const fileOf = (more: Partial<CacheFile> = {}): CacheFile => ({
  path: cachePath("test", "/projects"),
  format: "test",
  version: 2,
  root: "/projects",
  ...more,
});
const SECTIONS = ["first, with é\n", Buffer.from([0, 10, 255]), ""];
const write = (file = fileOf()): boolean => writeCache(file, { size: 3 }, SECTIONS);

describe("a cache file", () => {
  it("gives back its fields and its sections", () => {
    expect(readCache(fileOf())).toBeNull();
    expect(write()).toBe(true);
    const cached = readCache<{ size: number }>(fileOf())!;
    expect(cached.fields).toEqual({ size: 3 });
    expect(cached.whole).toBe(true);
    expect(SECTIONS.map((_, i) => cached.section(i))).toEqual(SECTIONS.map((text) => Buffer.from(text)));
  });

  it("is private, and so is its folder", () => {
    write();
    expect(statSync(fileOf().path).mode & 0o777).toBe(0o600);
    expect(statSync(dirname(fileOf().path)).mode & 0o777).toBe(0o700);
    expect(readdirSync(dirname(fileOf().path))).toHaveLength(1);
  });

  it("is ignored when it is of another format, version or folder", () => {
    write();
    for (const other of [{ format: "other" }, { version: 1 }, { root: "/elsewhere" }])
      expect(readCache(fileOf({ ...other, path: fileOf().path }))).toBeNull();
  });

  it("is ignored when another program wrote it", () => {
    write();
    const { path } = fileOf();
    writeFileSync(
      path,
      readFileSync(path, "latin1").replace(/"program":"[^"]*"/, '"program":"1-2"'),
      "latin1",
    );
    expect(readCache(fileOf())).toBeNull();
  });

  it("is ignored when somebody else could have written it", () => {
    write();
    chmodSync(fileOf().path, 0o622);
    expect(readCache(fileOf())).toBeNull();
  });

  it("is ignored when it is cut anywhere, and a section with a lost bit is not given", () => {
    write();
    const bytes = readFileSync(fileOf().path);
    for (let length = 0; length < bytes.length; length++) {
      truncateSync(fileOf().path, length);
      expect(readCache(fileOf())).toBeNull();
      writeFileSync(fileOf().path, bytes);
    }
    const body = bytes.indexOf(10) + 1;
    bytes[body + 2]! ^= 4;
    writeFileSync(fileOf().path, bytes);
    const cached = readCache(fileOf())!;
    expect(cached.section(0)).toBeNull();
    expect(cached.section(1)).toEqual(SECTIONS[1]);
  });

  it("can be read in part", () => {
    write();
    const header = readFileSync(fileOf().path).indexOf(10) + 1;
    const cached = readCache(fileOf(), header + 5)!;
    expect(cached.whole).toBe(false);
    expect(cached.section(0)?.toString()).toBe("first");
    expect(readCache(fileOf(), header - 3)).toBeNull();
  });

  it("is not read from a pipe or a folder", () => {
    mkdirSync(fileOf().path, { recursive: true });
    expect(readCache(fileOf())).toBeNull();
    expect(write()).toBe(false);
  });

  it("says when it was last confirmed", () => {
    write();
    utimesSync(fileOf().path, 1, 1);
    expect(readCache(fileOf())!.savedAt).toBe(1000);
    confirmCache(fileOf());
    expect(Date.now() - readCache(fileOf())!.savedAt).toBeLessThan(60_000);
  });

  it("is deleted when it is unused and old", () => {
    write();
    const directory = dirname(fileOf().path);
    writeFileSync(join(directory, "used"), "");
    writeFileSync(join(directory, "young"), "");
    utimesSync(fileOf().path, 1, 1);
    utimesSync(join(directory, "used"), 1, 1);
    sweepCache(directory, (name) => name !== "used", 60_000);
    expect(readdirSync(directory).sort()).toEqual(["used", "young"]);
  });

  it("of two folders has two paths", () => {
    expect(cachePath("test", "/a")).not.toBe(cachePath("test", "/b"));
    expect(cachePath("test", "/a")).toMatch(/\/ccr\/test-[0-9a-z]+$/);
  });
});

it("a modification time counts once no further change can have the same one", () => {
  expect([1, 1999, 2001, -5000].map((age) => isSettled(10_000 - age, 10_000))).toEqual([
    false,
    false,
    true,
    false,
  ]);
});
