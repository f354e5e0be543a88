// vitest's global setup for the tests of the built program.

import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { buildHelper } from "../../infra/tools/build-helper.ts";

/** Builds the bundle once for all test files, which find it through CCR_BUNDLE. Does nothing when it is set, as by `npm test`. */
export default async function setup(project: TestProject): Promise<(() => void) | undefined> {
  if (process.env.CCR_BUNDLE !== undefined) return undefined;
  const folder = mkdtempSync(join(tmpdir(), "ccr-bundle-"));
  // Some tests run it as another user.
  chmodSync(folder, 0o755);
  const outfile = join(folder, "ccr.cjs");
  process.env.CCR_BUNDLE = outfile;
  await buildHelper({ outfile });
  project.onTestsRerun(async () => {
    await buildHelper({ outfile });
  });
  return () => {
    rmSync(folder, { recursive: true, force: true });
    delete process.env.CCR_BUNDLE;
  };
}
