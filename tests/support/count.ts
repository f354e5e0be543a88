// What the parts of the test run report, counted.

import { stripVTControlCharacters } from "node:util";

export interface Count {
  passed: number;
  failed: number;
  skipped: number;
}

export const nothing = (): Count => ({ passed: 0, failed: 0, skipped: 0 });

export function summary({ passed, failed, skipped }: Count): string {
  return `${passed} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ""}`;
}

/** Vitest's JSON report. A file that broke outside of its tests counts as one failed. */
export function vitestCount(report: string): Count {
  const json = JSON.parse(report) as {
    numPassedTests: number;
    numFailedTests: number;
    numPendingTests: number;
    numTodoTests: number;
    testResults: { status: string; assertionResults: { status: string }[] }[];
  };
  const broken = json.testResults.filter(
    (file) => file.status === "failed" && !file.assertionResults.some((test) => test.status === "failed"),
  ).length;
  return {
    passed: json.numPassedTests,
    failed: json.numFailedTests + broken,
    skipped: json.numPendingTests + json.numTodoTests,
  };
}

/** What failed in vitest's JSON report: the file and the test, and below them where and why. */
export function vitestFailures(report: string): string[] {
  const json = JSON.parse(report) as {
    testResults: {
      name: string;
      status: string;
      message?: string;
      assertionResults: { status: string; fullName: string; failureMessages?: string[] }[];
    }[];
  };
  return json.testResults
    .filter((file) => file.status === "failed")
    .flatMap((file) => {
      const tests = file.assertionResults.filter((test) => test.status === "failed");
      if (tests.length === 0) return [failure(file.name, file.message)];
      return tests.map((test) => failure(`${file.name}: ${test.fullName}`, test.failureMessages?.join("\n")));
    });
}

/** Our own frames tell where; the rest of the stack tells nothing. */
function failure(title: string, message = ""): string {
  const lines = stripVTControlCharacters(message)
    .split("\n")
    .filter((line) => line.trim() && !(/^\s+at /.test(line) && line.includes("node_modules")));
  return [title, ...lines.slice(0, 15).map((line) => `  ${line.slice(0, 300)}`)].join("\n");
}

/** A TAP stream, line by line. A test that is planned but never reported failed. */
export class TapCount {
  private readonly count = nothing();
  private planned = 0;
  private failing = false;
  /** The failed tests, each with what it said. */
  readonly failures: string[] = [];

  /** True when the line is worth showing: all but a passed test. */
  add(line: string): boolean {
    const plan = /^1\.\.(\d+)/.exec(line);
    if (plan) this.planned += Number(plan[1]);
    else if (/^not ok\b/.test(line)) {
      this.count.failed++;
      this.failures.push(line);
      this.failing = true;
    } else if (/^ok\b/.test(line)) {
      this.failing = false;
      if (!/^ok \d+.* # (skip|todo)\b/i.test(line)) {
        this.count.passed++;
        return false;
      }
      this.count.skipped++;
    } else if (this.failing) this.failures.push(`${this.failures.pop()}\n  ${line}`);
    return !plan;
  }

  total(): Count {
    const { passed, failed, skipped } = this.count;
    return { passed, failed: failed + Math.max(0, this.planned - passed - failed - skipped), skipped };
  }
}
