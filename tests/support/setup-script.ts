// The start scripts of the synthesized template, and Coder's way to run it.

import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { type Home, root } from "./home.ts";
import { TerraformValues, type Value } from "./terraform-values.ts";

export const template = join(root, "dist/template");

/**
 * The start scripts that every workspace gets, by name (`setup[0]`), composed from the template's values as Terraform
 * does it. Scripts with a condition are left out: they depend on what the user chooses.
 */
export function startScripts(folder = template, known: Record<string, Value> = {}): Record<string, string> {
  const file = readdirSync(folder).find((name) => name.endsWith(".tf.json"));
  if (!file) throw new Error(`there is no template in ${folder}; npm run synth makes it`);
  const config = JSON.parse(readFileSync(join(folder, file), "utf8"));
  const found: Record<string, string> = {};
  for (const [name, resource] of Object.entries(config.resource?.coder_script ?? {})) {
    const { run_on_start, count, script } = resource as ScriptResource;
    if (!run_on_start || typeof count === "string") continue;
    for (let index = 0; index < (count ?? 1); index++) {
      const values = new TerraformValues(config, folder, { ...known, "count.index": index });
      found[count === undefined ? name : `${name}[${index}]`] = String(values.resolve(script));
    }
  }
  return found;
}

interface ScriptResource {
  readonly run_on_start?: boolean;
  /** A text is a condition. */
  readonly count?: number | string;
  readonly script: string;
}

/** The scripts that install ccr, in the order of their numbers. */
export function setupScripts(folder = template, known: Record<string, Value> = {}): string[] {
  const found = Object.entries(startScripts(folder, known)).filter(([name]) => name.startsWith("setup["));
  if (found.length === 0) throw new Error("the template has no start script setup");
  return found.map(([, script]) => script);
}

/** What the agent adds to the environment of a script; `data` is a directory outside of the home. */
function agentEnvironment(home: Home, data: string): Record<string, string> {
  const bin = join(data, "coder-script-data/bin");
  const own = join(data, "coder-script-data/2f6e3a52-0a6f-4c1b-9f49-3b5b8f1c7d10");
  for (const directory of [bin, own]) mkdirSync(directory, { recursive: true, mode: 0o700 });
  return {
    ...home.env,
    PATH: `${bin}:${home.env.PATH}`,
    CODER: "true",
    CODER_WORKSPACE_NAME: "try",
    CODER_WORKSPACE_ID: "5b0d3f8e-92f5-4a0f-8b1e-6d1c1c6f7a11",
    CODER_WORKSPACE_AGENT_NAME: "main",
    CODER_WORKSPACE_OWNER_NAME: home.env.USER!,
    CODER_SCRIPT_BIN_DIR: bin,
    CODER_SCRIPT_DATA_DIR: own,
  };
}

/**
 * Runs a script as the agent does: `$SHELL -c <script>`, or the words of its #! line for the shell,
 * in a session of its own, in the home, without stdin.
 */
export function runAsAgent(
  script: string,
  home: Home,
  data: string,
  options: { cancelSignal?: AbortSignal } = {},
) {
  const [shell, ...words] = /^\s*#!(.*)/.exec(script)?.[1]?.trim().split(/\s+/) ?? [home.env.SHELL!];
  return execa(shell!, [...words, "-c", script], {
    cwd: home.path,
    env: agentEnvironment(home, data),
    extendEnv: false,
    detached: true,
    stdin: "ignore",
    all: true,
    reject: false,
    timeout: 300_000,
    ...options,
  });
}

/** Runs all start scripts at once, as the agent does: what they said, and the first status that is not 0. */
export async function runStartScripts(
  home: Home,
  data: string,
  options: { cancelSignal?: AbortSignal } = {},
): Promise<{ exitCode: number; all: string }> {
  const results = await Promise.all(
    Object.values(startScripts()).map((script) => runAsAgent(script, home, data, options)),
  );
  return {
    exitCode: results.find(({ exitCode }) => exitCode !== 0)?.exitCode ?? 0,
    all: results.map(({ all }) => all).join("\n"),
  };
}

/** Installs ccr in a home by the template's start scripts, without a warning; gives what they said. */
export async function installHelper(home: Home): Promise<string> {
  const result = await runStartScripts(home, join(home.around, "agent"));
  if (result.exitCode !== 0 || result.all.includes("warning:")) {
    throw new Error(`the start scripts did not install ccr (${result.exitCode}):\n${result.all}`);
  }
  return result.all;
}
