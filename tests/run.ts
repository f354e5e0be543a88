// Runs the tests: all parts with `npm test`, some with `npm test -- unit shell`. The last line is 'N passed, N failed[, N skipped]'.

import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { prepare } from "../infra/tools/prepare.ts";
import { type Count, nothing, summary, TapCount, vitestCount, vitestFailures } from "./support/count.ts";
import { installCommand, lacks, type PartName, tools } from "./support/tools.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const ci = process.env.CI === "true";
const scratch = mkdtempSync(join(tmpdir(), "ccr-tests-"));
/** The program that all parts test: a copy, so that a build in the meantime changes nothing. */
const bundle = join(scratch, "ccr.cjs");
const notes = join(scratch, "notes");
/** TMPDIR of all tests, removed at the end together with the files that a killed or failed test left. */
const temporary = join(scratch, "t");
mkdirSync(temporary);
// Some tests run programs as another user.
for (const directory of [scratch, temporary]) chmodSync(directory, 0o755);

/** In minutes, for each part: far more than it takes. */
const TIMEOUT = 15;
const parts: Record<PartName, () => Promise<Count>> = {
  unit: () => vitest("unit"),
  properties: () => vitest("properties"),
  commands: () => vitest("commands"),
  infra: () => vitest("infra"),
  shell: () => bats("tests/shell"),
  e2e: () => vitest("e2e", "--no-file-parallelism"),
  platform: () => vitest("platform", "--no-file-parallelism"),
};

/** Printed once more at the end, because people read the last lines of a long run. */
const failures: string[] = [];

const running = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.once(signal, () => {
    running.abort();
    rmSync(scratch, { recursive: true, force: true });
    process.kill(process.pid, signal);
  });
}

process.exitCode = await main(process.argv.slice(2));
rmSync(scratch, { recursive: true, force: true });

async function main(words: string[]): Promise<number> {
  const names = Object.keys(parts) as PartName[];
  const strange = words.find((word) => !names.includes(word as PartName));
  if (strange !== undefined) {
    console.error(`npm test: unknown part: "${strange}"\nchoose from: ${names.join(", ")}`);
    return 2;
  }
  const wanted = words.length ? names.filter((name) => words.includes(name)) : names;

  const notRun = missingTools(wanted);
  const total = nothing();
  const lines: string[] = [];

  try {
    await prepare();
  } catch (error) {
    console.log(String(error));
    lines.push("build     failed: the tests below ran an older dist/");
    total.failed++;
  }
  copyFileSync(join(root, "dist/ccr.cjs"), bundle);
  chmodSync(bundle, 0o644);

  for (const name of wanted) {
    const reason = notRun.get(name);
    if (reason) {
      lines.push(`${name.padEnd(9)} not run: ${reason}`);
      if (ci) total.failed++;
      continue;
    }
    console.log(`\n== ${name}`);
    const started = Date.now();
    const count = await parts[name]();
    if (count.passed + count.failed + count.skipped === 0) {
      console.log(`${name}: no tests found`);
      count.failed++;
    }
    if (ci && count.skipped) {
      console.log(`${name}: ${count.skipped} skipped; with CI=true a skipped test counts as failed`);
      count.failed += count.skipped;
      count.skipped = 0;
    }
    for (const key of ["passed", "failed", "skipped"] as const) total[key] += count[key];
    lines.push(`${name.padEnd(9)} ${summary(count)} (${Math.round((Date.now() - started) / 1000)} s)`);
  }

  if (failures.length) console.log(`\n== failed\n${failures.slice(0, 20).join("\n")}`);
  console.log(`\n${lines.join("\n")}`);
  if (existsSync(notes)) process.stdout.write(readFileSync(notes, "utf8"));
  console.log(summary(total));
  return total.failed ? 1 : 0;
}

/** Prints which tools are missing, and returns the parts that cannot run, each with the reason. */
function missingTools(wanted: PartName[]): Map<PartName, string> {
  const reasons = new Map<PartName, string>();
  const missing = tools.filter(
    (tool) =>
      [...tool.parts, ...(tool.partly ?? [])].some((name) => wanted.includes(name)) && lacks(tool.name),
  );
  for (const tool of missing) {
    const whole = tool.parts.filter((name) => wanted.includes(name));
    for (const name of whole) reasons.set(name, `${tool.name} is missing`);
    const effect = whole.length ? `not run: ${whole.join(", ")}` : "the tests that need it are skipped";
    console.log(`missing: ${tool.name} (${effect}${ci ? "; with CI=true that counts as a failure" : ""})`);
  }
  if (missing.length)
    console.log(
      installCommand(missing)
        .map((line) => `  ${line}`)
        .join("\n"),
    );
  return reasons;
}

async function vitest(project: PartName, ...flags: string[]): Promise<Count> {
  const report = join(scratch, `${project}.json`);
  const result = await execa(
    "vitest",
    [
      "run",
      "--project",
      project,
      ...flags,
      "--passWithNoTests",
      "--reporter=default",
      "--reporter=json",
      `--outputFile.json=${report}`,
    ],
    { ...runnerOptions(), stdio: ["ignore", "inherit", "inherit"] },
  );
  if (!existsSync(report)) return orBroken(nothing(), result);
  const json = readFileSync(report, "utf8");
  failures.push(...vitestFailures(json).map((text) => text.replaceAll(root, "")));
  return orBroken(vitestCount(json), result);
}

async function bats(folder: string): Promise<Count> {
  const files = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(".bats")) : [];
  if (files.length === 0) return nothing();
  const words = ["--formatter", "tap", ...files.sort().map((name) => join(folder, name))];
  const run = execa("bash", [join(root, "node_modules/bats/bin/bats"), ...words], {
    ...runnerOptions(),
    stdin: "ignore",
    stderr: "inherit",
  });
  const tap = new TapCount();
  for await (const line of run.iterable()) if (tap.add(line)) console.log(line);
  const result = await run;
  failures.push(...tap.failures);
  return orBroken(tap.total(), result);
}

/** Counts a failure when the runner failed though no test did: an error outside of tests, a timeout, a missing program. */
function orBroken(count: Count, result: { failed: boolean; shortMessage?: string }): Count {
  if (!result.failed || count.failed > 0) return count;
  console.log(result.shortMessage);
  return { ...count, failed: 1 };
}

/** Options for a test runner. Its tests must not see the reader's own Claude, Coder or tmux. */
function runnerOptions() {
  const env: Record<string, string | undefined> = {
    CHECKPOINT_DISABLE: "1",
    CCR_BUNDLE: bundle,
    CCR_TEST_NOTES: notes,
    TMPDIR: temporary,
  };
  for (const name of Object.keys(process.env)) {
    if (/^(CLAUDE|ANTHROPIC|CODER|TF)_|^(CLAUDECODE|TMUX|TMUX_PANE)$/.test(name)) env[name] = undefined;
  }
  return {
    cwd: root,
    env,
    preferLocal: true,
    localDir: root,
    reject: false,
    timeout: TIMEOUT * 60_000,
    cancelSignal: running.signal,
  } as const;
}
