import { type Command, isSet } from "../cli/command.ts";
import type { CheckContext, Finding } from "../doctor/finding.ts";
import { machine } from "../doctor/machine.ts";
import { sessions } from "../doctor/sessions.ts";
import { shell } from "../doctor/shell.ts";
import { readContext } from "../sessions/context.ts";
import { newest, transcripts } from "../sessions/store.ts";
import { problemOf } from "../system/problem.ts";
import { plural } from "../terminal/amount.ts";
import { clean } from "../terminal/clean.ts";
import { paint } from "../terminal/colour.ts";
import { json } from "../terminal/json.ts";
import { unicode, writeStderr, writeStdout } from "../terminal/output.ts";
import { progress } from "../terminal/progress.ts";

export const CHECKS = { ...machine, ...shell, ...sessions };

export const doctor: Command = {
  usage: "doctor [--fix]",
  description:
    "Checks for every known reason why sessions get lost, stuck or invisible, and prints the command that fixes it. docs/using/troubleshooting.md has an entry for each check. The exit status is 1 when there are problems; notes do not count.",
  flags: {
    fix: {
      type: "boolean",
      description:
        "fix what is safe to fix: repaired copies, file modes, leftovers, shell files; never a transcript",
    },
  },
  maxArgs: 0,
  json: true,
  examples: [
    ["ccr doctor", "find problems and see how to fix them"],
    ["ccr doctor --fix", "fix what can be fixed safely"],
    ["ccr doctor --json | jq -r '.findings[].fix'", "print the fixes, for a script"],
  ],
  async run(call) {
    const found = await runChecks(isSet(call, "fix"), (one) => {
      if (!call.json) writeStdout(lines(one));
    });
    const problems = found.filter(({ level, done }) => level !== "note" && done === null).length;
    const checks = Object.keys(CHECKS);
    if (call.json) {
      const findings = found.map(({ check, level = "problem", finding, evidence, fix, apply, done }) => ({
        ...{ check, level, finding: clean(finding), evidence: clean(evidence), fix: clean(fix) },
        ...{ fixable: apply !== undefined, done: done === null ? null : clean(done) },
      }));
      json("doctor", { findings, checks }, call.warnings);
    } else {
      const fixable = found.filter(({ apply, done }) => apply && done === null).length;
      const result = problems === 0 ? "no problems" : plural(problems, "problem");
      const rest = fixable > 0 ? `, ${fixable} can be fixed with: ccr doctor --fix` : "";
      writeStderr(`${plural(checks.length, "check")}, ${result}${rest}\n`);
    }
    return problems > 0 ? 1 : 0;
  },
};

type CheckResult = Finding & {
  check: string;
  /** what was done about it with --fix; null: nothing */
  done: string | null;
};

/** Runs all checks and returns what they found, which is also reported at once. A check that fails is a finding. */
async function runChecks(fix: boolean, report: (result: CheckResult) => void): Promise<CheckResult[]> {
  const now = Date.now();
  const live = new Set(readContext(now).live.keys());
  let context: CheckContext = { now, all: [], entries: [], live, onProgress: progress() };
  const results: CheckResult[] = [];
  const add = (check: string, finding: Finding, done: string | null): void => {
    const result = { ...finding, check, done };
    results.push(result);
    report(result);
  };
  const attempt = async (check: string, run: () => unknown): Promise<void> => {
    try {
      await run();
    } catch (error) {
      const { message, hint } = problemOf(error);
      const finding = message.replace(/\.$/, "");
      add(check, { finding, evidence: "the check itself failed", fix: hint.join(", ") }, null);
    }
  };
  await attempt("not-readable", () => {
    const all = transcripts();
    context = { ...context, all, entries: newest(all, Number.POSITIVE_INFINITY) };
  });
  for (const [check, run] of Object.entries(CHECKS)) {
    await attempt(check, async () => {
      for (const finding of [(await run(context)) || []].flat())
        add(check, finding, fix && finding.apply ? await finding.apply() : null);
    });
  }
  return results;
}

/** Returns the lines of one finding: what, how that is known, and the fix or what was done. */
function lines({ check, finding, evidence, fix, level, done }: CheckResult): string {
  const sign = signOf(level, done);
  const next = done === null ? `fix  ${clean(fix)}` : `done  ${clean(done)}`;
  const indent = " ".repeat(16);
  return `${sign} ${check.padEnd(13)} ${clean(finding)}\n${indent}${clean(evidence)}\n${indent}${next}\n`;
}

function signOf(level: Finding["level"], done: string | null): string {
  if (done !== null) return paint(unicode() ? "✓" : "+", "green");
  return level ? paint(unicode() ? "·" : "-", "yellow") : paint(unicode() ? "✕" : "x", "red");
}
