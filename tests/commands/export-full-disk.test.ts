// Disks that are full: a clear line, nothing half, nothing left behind.

import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { transcript } from "../support/archives.ts";
import { type Home, makeHome } from "../support/home.ts";
import { bundle, ccr } from "../support/program.ts";
import { lacks } from "../support/tools.ts";

vi.setConfig({ testTimeout: 400_000 });

/** A small disk in a mount namespace of its own, as root or as anybody: nothing of it outlives the test. */
const flags = ["-m", "-rm"].find(
  (flag) => spawnSync("unshare", [flag, "mount", "-t", "tmpfs", "none", "/mnt"]).status === 0,
);
const reason = lacks("unshare")
  ? "unshare is missing: apt-get install util-linux"
  : flags === undefined
    ? "unshare may make no mount namespace here: CAP_SYS_ADMIN or user namespaces are needed"
    : "";

test("unshare can mount small disks on this machine", {
  skip: reason !== "" && process.env.CI !== "true",
}, () => {
  expect(reason).toBe("");
});

describe.skipIf(reason !== "")("on a disk that is full", () => {
  let home: Home;
  let project: string;
  const ids = [1, 2, 3].map((n) => `${String(n).repeat(8)}-1111-4222-8333-cccccccccccc`);
  const sizes = [100, 300, 900];
  beforeEach(() => {
    home = makeHome("ccr-full-");
    project = home.project("app");
    const folder = join(home.path, ".claude/projects", project.replace(/\W/g, "-"));
    mkdirSync(folder, { recursive: true });
    for (const [n, id] of ids.entries()) {
      const noise = JSON.stringify({ type: "noise", data: randomBytes(sizes[n]! * 750).toString("base64") });
      writeFileSync(join(folder, `${id}.jsonl`), `${transcript(project, id)}${noise}\n`);
    }
  });
  afterEach(() => home.remove());

  /** Runs bash where `$disk` is a new file system of this size; `$ccr` is the helper. */
  const onDisk = (options: string, script: string) =>
    execa("unshare", [flags!, "bash", "-c", `mount -t tmpfs -o ${options} none /mnt && { ${script}\n}`], {
      env: { ...home.env, disk: "/mnt", ccr: `${process.execPath} ${bundle}` },
      extendEnv: false,
      cwd: home.path,
      stdin: "ignore",
      reject: false,
    });
  const expectFull = (stderr: string): void => {
    const lines = stderr.trim().split("\n");
    expect(lines[0]).toMatch(/disk is full/);
    expect(lines.length, stderr).toBeLessThanOrEqual(2);
  };

  test("ccr export leaves nothing behind", async () => {
    const { stderr, stdout } = await onDisk(
      "size=500k",
      '$ccr export --all $disk/a.tar.gz; echo "status $?"; ls -A $disk',
    );
    expectFull(stderr);
    expect(stderr).toContain("/mnt/a.tar.gz");
    expect(stdout).toBe("status 1");
  });

  test("ccr import refuses before it writes anything", async () => {
    const file = join(home.path, "all.tar.gz");
    expect((await ccr(home, ["export", "--all", file])).status).toBe(0);
    const { stderr, stdout } = await onDisk(
      "size=1m",
      `CLAUDE_CONFIG_DIR=$disk $ccr import ${file} --json; echo "status $?"; find $disk -type f`,
    );
    const { error } = JSON.parse(stderr);
    expect([error.kind, stdout]).toEqual(["enospc", "status 1"]);
    expect(error.message).toMatch(/are needed/);
  });

  test("ccr import imports each session as a whole or not at all when the disk takes no more files", async () => {
    const file = join(home.path, "all.tar.gz");
    expect((await ccr(home, ["export", "--all", file])).status).toBe(0);
    const { stderr, stdout } = await onDisk(
      "size=20m,nr_inodes=7",
      `CLAUDE_CONFIG_DIR=$disk $ccr import ${file}; echo "status $?"; find $disk -type f; mount -o remount,nr_inodes=100 $disk; CLAUDE_CONFIG_DIR=$disk $ccr import ${file} >/dev/null; echo "status $?"; find $disk -type f | wc -l`,
    );
    expectFull(stderr);
    const [first, ...rest] = stdout.split("\n");
    expect(first).toBe("status 1");
    for (const path of rest.slice(0, -2))
      expect(path).toMatch(/^\/mnt\/projects\/[^/]+\/[0-9a-f-]{36}\.jsonl$/);
    expect(rest.slice(-2)).toEqual(["status 0", "3"]);
  });

  test("ccr archive starts with the smallest sessions, which make room for the others", async () => {
    // 1.3 MB of sessions on 2 MB: all archives together would not fit beside them.
    const { stderr, stdout } = await onDisk(
      "size=2100k",
      `cp -r .claude $disk/c; CLAUDE_CONFIG_DIR=$disk/c $ccr archive --all --to $disk/kept; echo "status $?"; rm -rf $disk/kept
       CLAUDE_CONFIG_DIR=$disk/c $ccr archive --all --to $disk/kept --delete; echo "status $?"; ls $disk/kept | wc -l; find $disk/c/projects -type f`,
    );
    expect(stderr).toMatch(/disk is full/);
    const lines = stdout.split("\n");
    expect(lines.filter((line) => line.startsWith("status"))).toEqual(["status 1", "status 0"]);
    expect(lines.at(-1)).toBe("3");
    expect(lines.filter((line) => line.startsWith("archived, deleted"))).toHaveLength(3);
  });
});
