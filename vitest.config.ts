import { defineConfig } from "vitest/config";

/** One vitest project a part of the test run; `npx vitest run --project unit` runs one alone. */
function part(name: string, seconds: number) {
  const testTimeout = seconds * 1000;
  // Texts without a zone mean the machine's.
  const env = { TZ: "UTC" };
  return {
    test: { name, include: [`tests/${name}/**/*.test.ts`], testTimeout, hookTimeout: testTimeout * 2, env },
  };
}

export default defineConfig({
  test: {
    pool: "forks",
    projects: [part("unit", 60), part("infra", 60), part("e2e", 120), part("platform", 180)],
  },
});
