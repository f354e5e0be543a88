import { expect, test } from "vitest";
import { chaos } from "../support/chaos.ts";

test("commands killed at random points (export, import, archive, snapshot, rollback, sync) lose and tear nothing, and the next run finishes", async () => {
  const { kills, jobs } = await chaos(14, 7);
  expect(kills).toBeGreaterThanOrEqual(14);
  expect(Object.keys(jobs).length).toBeGreaterThan(3);
}, 900_000);
