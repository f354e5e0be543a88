import { expect, it } from "vitest";
import { summary, TapCount, vitestCount, vitestFailures } from "./count.ts";

const tap = (text: string) => {
  const count = new TapCount();
  const shown = text.split("\n").filter((line) => count.add(line));
  return { shown, failures: count.failures, ...count.total() };
};

it("a TAP stream is counted, and only what did not pass is shown", () => {
  const counted = tap(
    "1..4\nok 1 lists\nok 2 zsh # skip zsh is not installed\nnot ok 3 finds\n# why\nok 4 ok # 12 ms",
  );
  expect(counted).toEqual({
    passed: 2,
    failed: 1,
    skipped: 1,
    shown: ["ok 2 zsh # skip zsh is not installed", "not ok 3 finds", "# why"],
    failures: ["not ok 3 finds\n  # why"],
  });
});

it("a test that TAP promised but never reported failed", () => {
  expect(tap("1..3\nok 1 a")).toMatchObject({ passed: 1, failed: 2 });
});

it("a vitest file that broke outside of its tests counts as one failed", () => {
  const report = JSON.stringify({
    numPassedTests: 2,
    numFailedTests: 1,
    numPendingTests: 1,
    numTodoTests: 1,
    testResults: [
      { status: "failed", assertionResults: [] },
      { status: "failed", assertionResults: [{ status: "passed" }, { status: "failed" }] },
      { status: "passed", assertionResults: [{ status: "passed" }] },
    ],
  });
  expect(vitestCount(report)).toEqual({ passed: 2, failed: 2, skipped: 2 });
});

it("what failed is told by file and test, with the reason and our own line, without colours", () => {
  const report = JSON.stringify({
    testResults: [
      { name: "a.test.ts", status: "failed", message: "Cannot find package", assertionResults: [] },
      {
        name: "b.test.ts",
        status: "failed",
        assertionResults: [
          { status: "passed", fullName: "lists" },
          {
            status: "failed",
            fullName: "finds nothing",
            failureMessages: [
              "\u001b[31mAssertionError\u001b[39m: 1 is not 2\n    at b.test.ts:3:1\n    at node_modules/vitest/x.js:1:1",
            ],
          },
        ],
      },
      { name: "c.test.ts", status: "passed", assertionResults: [{ status: "passed", fullName: "says" }] },
    ],
  });
  expect(vitestFailures(report)).toEqual([
    "a.test.ts\n  Cannot find package",
    "b.test.ts: finds nothing\n  AssertionError: 1 is not 2\n      at b.test.ts:3:1",
  ]);
});

it("the closing line names skipped tests only where there are some", () => {
  expect(summary({ passed: 3, failed: 0, skipped: 0 })).toBe("3 passed, 0 failed");
  expect(summary({ passed: 3, failed: 1, skipped: 2 })).toBe("3 passed, 1 failed, 2 skipped");
});
