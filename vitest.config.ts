import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

/**
 * Folders of tests/ that are not pure unit tests. Every other folder mirrors a room of helpers/: its *.test.ts files are
 * part of `unit` and take seconds, its *.property.test.ts files try generated or large input and take minutes.
 */
const OTHERS = ["commands", "fuzz", "infra", "e2e", "platform", "shell", "bench", "fixtures"];

const HELPERS = fileURLToPath(new URL("helpers/", import.meta.url));

/** Programs in other languages are imported as texts (`with { type: "text" }`), as esbuild does in the build. */
const programs: Plugin = {
  name: "programs",
  enforce: "pre",
  async load(id) {
    if (!id.startsWith(HELPERS) || !/\.(?:sh|pl|cjs)$/.test(id)) return undefined;
    return `export default ${JSON.stringify(await readFile(id, "utf8"))}`;
  },
};

/** One vitest project for each part of the test run: `npx vitest run --project unit` runs one alone. */
function part(name: string, seconds: number, include: string[], exclude: string[] = []) {
  const testTimeout = seconds * 1000;
  // A time without a zone means the machine's.
  const env = { TZ: "UTC" };
  return {
    plugins: [programs],
    test: { name, include, exclude, testTimeout, hookTimeout: testTimeout * 2, env },
  };
}

/** Builds the program once, before the first of the files: see tests/support/program.ts. */
function runningProgram(project: ReturnType<typeof part>) {
  return { ...project, test: { ...project.test, globalSetup: "tests/support/global-setup.ts" } };
}

/** Runs many files in one process: loading the modules anew for each file takes longer than its tests. */
function sharingModules(project: ReturnType<typeof part>) {
  return { ...project, test: { ...project.test, isolate: false } };
}

const PROPERTY = "tests/*/*.property.test.ts";
const of = (...folders: string[]): string[] => folders.map((folder) => `tests/${folder}/**/*.test.ts`);

export default defineConfig({
  test: {
    pool: "forks",
    // By default vitest leaves one processor free: on two, files would run one after another.
    maxWorkers: "100%",
    projects: [
      sharingModules(part("unit", 60, of("*"), [...of(...OTHERS), PROPERTY])),
      part("properties", 120, [PROPERTY]),
      runningProgram(part("commands", 60, of("commands", "fuzz"))),
      part("infra", 60, of("infra")),
      runningProgram(part("e2e", 120, of("e2e"))),
      part("platform", 180, of("platform")),
    ],
  },
});
