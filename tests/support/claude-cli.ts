// The real Claude Code CLI, brought by npm into a cache outside of the checkout,
// always run with an own home, a fake credential and a base URL on loopback.

import { existsSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { execa } from "execa";
import type { Home } from "./home.ts";
import { programOf } from "./npm-cache.ts";

const cliVersion = "2.1.329";

/** The CLI's path; the first call ever takes some seconds and 380 MB. */
export function claudeCli(): Promise<string> {
  const pack = `@anthropic-ai/claude-code-${process.platform}-${process.arch}${onMusl() ? "-musl" : ""}`;
  return programOf(pack, cliVersion, "claude", `claude-${cliVersion}`);
}

function onMusl(): boolean {
  if (process.platform !== "linux") return false;
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  return !header.glibcVersionRuntime;
}

export type Login = "subscription" | "api-key";

export interface Claude {
  file: string;
  /** The home's environment with all the CLI needs: for a shell in tmux, or for `ccr`. */
  env: Record<string, string>;
  /** `claude -p …` there; the JSON result, whatever the exit status. */
  print(directory: string, words: string[]): Promise<Printed>;
  /** Session id → rows of its transcript. */
  rows(id: string): Row[];
  ids(): string[];
}

interface Printed {
  exitCode: number | undefined;
  stderr: string;
  json: { session_id: string; is_error: boolean; result: string; api_error?: string; [key: string]: unknown };
}

export type Row = {
  type: string;
  cwd?: string;
  message?: { content: unknown; role: string };
  [key: string]: unknown;
};

/** Presets onboarding and trust for `directories`, puts `claude` on PATH. */
export async function installClaude(
  home: Home,
  url: string,
  directories: string[],
  login: Login = "subscription",
): Promise<Claude> {
  const file = await claudeCli();
  if (!existsSync(join(home.around, "bin/claude"))) symlinkSync(file, join(home.around, "bin/claude"));
  const key = "sk-ant-api03-a-key-that-was-never-issued-0000";
  writeFileSync(
    join(home.path, ".claude.json"),
    JSON.stringify({
      hasCompletedOnboarding: true,
      lastOnboardingVersion: cliVersion,
      theme: "dark",
      numStartups: 5,
      customApiKeyResponses: { approved: [key.slice(-20)], rejected: [] },
      projects: Object.fromEntries(
        directories.map((path) => [
          path,
          { hasTrustDialogAccepted: true, hasCompletedProjectOnboarding: true },
        ]),
      ),
    }),
    { mode: 0o600 },
  );
  const env: Record<string, string> = {
    ...home.env,
    ANTHROPIC_BASE_URL: url,
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
    DISABLE_AUTOUPDATER: "1",
    // Whatever still asks for another host finds nobody.
    HTTPS_PROXY: "http://127.0.0.1:9",
    NO_PROXY: "127.0.0.1,localhost",
    ...(login === "api-key"
      ? { ANTHROPIC_API_KEY: key }
      : { CLAUDE_CODE_OAUTH_TOKEN: "fake-token-of-a-test" }),
  };
  const projects = join(home.path, ".claude/projects");
  const transcripts = () =>
    existsSync(projects)
      ? readdirSync(projects, { recursive: true, encoding: "utf8" }).filter((name) =>
          /^[^/]+\/[0-9a-f-]{36}\.jsonl$/.test(name),
        )
      : [];
  return {
    file,
    env,
    async print(directory, words) {
      const result = await execa(file, ["-p", "--output-format", "json", ...words], {
        cwd: directory,
        env,
        extendEnv: false,
        stdin: "ignore",
        reject: false,
        timeout: 60_000,
      });
      let json: Printed["json"];
      try {
        json = JSON.parse(result.stdout);
      } catch {
        throw new Error(
          `claude -p gave no JSON (exit ${result.exitCode}): ${result.stdout}\n${result.stderr}`,
        );
      }
      return { exitCode: result.exitCode, stderr: result.stderr, json };
    },
    rows(id) {
      const name = transcripts().find((path) => basename(path) === `${id}.jsonl`);
      if (!name) throw new Error(`there is no transcript of ${id}`);
      return readFileSync(join(projects, name), "utf8")
        .split("\n")
        .filter(Boolean)
        .map((line) => JSON.parse(line));
    },
    ids: () => transcripts().map((path) => basename(path, ".jsonl")),
  };
}
