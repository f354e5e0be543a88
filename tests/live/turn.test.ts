import { existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { takeTurn } from "../../helpers/live/restore.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "ccr-turn-"));
  vi.stubEnv("XDG_STATE_HOME", folder);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

it("only one process at a time restores, and the next one waits for it", async () => {
  const order: string[] = [];
  const release = await takeTurn();
  const next = takeTurn().then((end) => {
    order.push("second");
    end();
  });
  order.push("first");
  release();
  await next;
  expect(order).toEqual(["first", "second"]);
  expect(existsSync(join(folder, "ccr/restoring"))).toBe(false);
});

it("a killed process does not block the restore of the others for ever", async () => {
  const lock = join(folder, "ccr/restoring");
  mkdirSync(lock, { recursive: true });
  const long = new Date(Date.now() - 60_000);
  utimesSync(lock, long, long);
  (await takeTurn())();
  expect(existsSync(lock)).toBe(false);
});
