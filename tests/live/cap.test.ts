import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { capByGroup } from "../../helpers/live/cap.ts";

// A folder in place of the kernel's: what is written where, not what it does.
const ID = "aaaaaaaa-1111-4111-8111-111111111111";
const OLD = "ccr-bbbbbbbb-1111-4111-8111-111111111111";
let root: string;
let parent: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "ccr-cgroup-"));
  const own = /^0::(\/.*)$/m.exec(readFileSync("/proc/self/cgroup", "utf8"))?.[1] ?? "";
  parent = join(root, own);
  mkdirSync(join(parent, OLD), { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true }));

it("a session's memory is capped by a control group of its own where the controller is delegated", () => {
  writeFileSync(join(parent, "cgroup.subtree_control"), "cpu memory pids\n");
  expect(capByGroup(ID, 4711, 2 ** 31, root)).toBe(true);
  expect(readFileSync(join(parent, `ccr-${ID}/memory.max`), "utf8")).toBe("2147483648");
  expect(readFileSync(join(parent, `ccr-${ID}/cgroup.procs`), "utf8")).toBe("4711");
  expect(existsSync(join(parent, OLD))).toBe(false);
});

it("a session gets no control group without the controller or without control groups", () => {
  expect(capByGroup(ID, 4711, 2 ** 31, root)).toBe(false);
  writeFileSync(join(parent, "cgroup.subtree_control"), "hugetlb memory_not\n");
  expect(capByGroup(ID, 4711, 2 ** 31, root)).toBe(false);
  expect(capByGroup(ID, 4711, 2 ** 31, join(root, "nowhere"))).toBe(false);
  expect(existsSync(join(parent, `ccr-${ID}`))).toBe(false);
});
