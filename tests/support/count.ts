// What the parts of the test run report, counted.

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

/** A TAP stream, line by line. A test that is planned but never reported failed. */
export class TapCount {
  private readonly count = nothing();
  private planned = 0;

  /** True when the line is worth showing: all but a passed test. */
  add(line: string): boolean {
    const plan = /^1\.\.(\d+)/.exec(line);
    if (plan) this.planned += Number(plan[1]);
    else if (/^not ok\b/.test(line)) this.count.failed++;
    else if (/^ok \d+.* # (skip|todo)\b/i.test(line)) this.count.skipped++;
    else if (/^ok\b/.test(line)) {
      this.count.passed++;
      return false;
    }
    return !plan;
  }

  total(): Count {
    const { passed, failed, skipped } = this.count;
    return { passed, failed: failed + Math.max(0, this.planned - passed - failed - skipped), skipped };
  }
}
