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
    "Looks for every known way in which sessions get lost, stuck or invisible, and says what to type. Each name has its entry in docs/using/troubleshooting.md. Exit status 1 when something is wrong; notes do not count.",
  flags: {
    fix: {
      type: "boolean",
      description:
        "do what is safe: repaired copies, modes, leftovers, shell files; no transcript is touched",
    },
  },
  maxArgs: 0,
  json: true,
  examples: [
    ["ccr doctor", "find problems and see how to fix them"],
    ["ccr doctor --fix", "fix what can be fixed safely"],
    ["ccr doctor --json | jq -r '.findings[].fix'", "the commands, for a script"],
  ],
  async run(call) {
    const now = Date.now();
    const context = readContext(now);
    let scene: CheckContext = {
      now,
      all: [],
      entries: [],
      live: new Set(context.live.keys()),
      onProgress: progress(),
    };
    const found: (Finding & { check: string; done: string | null })[] = [];
    const tell = (check: string, finding: Finding, done: string | null): void => {
      found.push({ ...finding, check, done });
      if (!call.json) writeStdout(lines(check, finding, done));
    };
    const attempt = async (check: string, run: () => unknown): Promise<void> => {
      try {
        await run();
      } catch (error) {
        const { message, hint } = problemOf(error);
        tell(
          check,
          { finding: message.replace(/\.$/, ""), evidence: "the check itself failed", fix: hint.join(", ") },
          null,
        );
      }
    };
    await attempt("not-readable", () => {
      const all = transcripts();
      scene = { ...scene, all, entries: newest(all, Number.POSITIVE_INFINITY) };
    });
    for (const [check, look] of Object.entries(CHECKS)) {
      await attempt(check, async () => {
        for (const finding of [(await look(scene)) || []].flat())
          tell(check, finding, isSet(call, "fix") && finding.apply ? await finding.apply() : null);
      });
    }
    const wrong = found.filter(({ level, done }) => level !== "note" && done === null).length;
    const checks = Object.keys(CHECKS);
    if (call.json) {
      const findings = found.map(({ check, level = "problem", finding, evidence, fix, apply, done }) => ({
        ...{ check, level, finding: clean(finding), evidence: clean(evidence), fix: clean(fix) },
        ...{ fixable: apply !== undefined, done: done === null ? null : clean(done) },
      }));
      json("doctor", { findings, checks }, call.warnings);
    } else {
      const fixable = found.filter(({ apply, done }) => apply && done === null).length;
      const rest = fixable > 0 ? `, ${fixable} of them: ccr doctor --fix` : "";
      writeStderr(
        `${plural(checks.length, "check")}, ${wrong === 0 ? "nothing wrong" : plural(wrong, "problem")}${rest}\n`,
      );
    }
    return wrong > 0 ? 1 : 0;
  },
};

function lines(check: string, { finding, evidence, fix, level }: Finding, done: string | null): string {
  const [colour, sign, ascii] =
    done !== null
      ? (["green", "✓", "+"] as const)
      : level
        ? (["yellow", "·", "-"] as const)
        : (["red", "✕", "x"] as const);
  const next = done === null ? ["fix", fix] : ["done", done];
  const row = (label: string, text: string): string => `${" ".repeat(16)}${label}${clean(text)}\n`;
  return `${paint(unicode() ? sign : ascii, colour)} ${check.padEnd(13)} ${clean(finding)}\n${row("", evidence)}${row(`${next[0]}  `, next[1]!)}`;
}
