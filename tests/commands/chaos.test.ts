import { expect, test } from "vitest";
import { chaos } from "../support/chaos.ts";

test("killed at random points of export, import, archive, snapshot, rollback and sync, nothing is lost or torn, and the next run finishes", async () => {
  const { kills, jobs } = await chaos(14, 7);
  expect(kills).toBeGreaterThanOrEqual(14);
  expect(Object.keys(jobs).length).toBeGreaterThan(3);
}, 900_000);
