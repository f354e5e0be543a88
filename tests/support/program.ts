// Runs the built program: the bundle itself in a home, or the commands that `ccr install` puts there.

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { buildHelper } from "../../infra/tools/build-helper.ts";
import type { Home } from "./home.ts";

/**
 * The bundle as it is shipped. Never in dist/, which others may be using. `npm test` and vitest's global setup build it
 * once for all files and pass its path in CCR_BUNDLE; any other program that imports this module builds its own.
 */
export const bundle = process.env.CCR_BUNDLE ?? (await buildForThisProcess());

async function buildForThisProcess(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "ccr-bundle-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  return (await buildHelper({ outfile: join(folder, "ccr.cjs") })).file;
}

/** What a run printed, and how it ended. */
export type Ran = { out: string; err: string; status: number | undefined; signal: string | undefined };
export type Options = {
  /** added to the home's environment; undefined removes a variable */
  env?: Record<string, string | undefined>;
  /** the home by default */
  cwd?: string;
  /** for stdin, which is /dev/null by default */
  input?: string;
  /** after which the program is ended; 60 by default */
  seconds?: number;
  /** another Node than the one that runs the tests */
  node?: string;
  /** flags of Node itself, before the bundle */
  nodeFlags?: readonly string[];
};

type Place = Pick<Home, "env" | "path">;

/** Runs a command of the bundle in a home as a script would: no terminal, nothing of our environment. */
export function ccr(home: Place, args: readonly string[], options: Options = {}): Promise<Ran> {
  return run(
    options.node ?? process.execPath,
    [...(options.nodeFlags ?? []), bundle, ...args],
    home,
    options,
  );
}

/** The same as {@link ccr}, but blocks. */
export function ccrSync(home: Place, args: readonly string[], options: Options = {}): Ran {
  const ran = spawnSync(process.execPath, [bundle, ...args], {
    env: environment(home, options),
    cwd: options.cwd ?? home.path,
    encoding: "utf8",
    ...(options.input === undefined
      ? { stdio: ["ignore", "pipe", "pipe"] as const }
      : { input: options.input }),
    timeout: (options.seconds ?? 60) * 1000,
    maxBuffer: 1 << 28,
  });
  if (ran.error && ran.signal === null) throw ran.error;
  return {
    out: ran.stdout,
    err: ran.stderr,
    status: ran.status ?? undefined,
    signal: ran.signal ?? undefined,
  };
}

/** A program that was started and not waited for. */
export type Started = { child: ChildProcess; pid: number; output: () => string; ended: Promise<Ran> };

/** Starts a command of the bundle in a home, for tests that act while it runs. `output` is stdout so far. No time limit. */
export function start(home: Place, args: readonly string[], options: Options = {}): Started {
  const child = spawn(process.execPath, [bundle, ...args], {
    env: environment(home, options),
    cwd: options.cwd ?? home.path,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let out = "";
  let err = "";
  child.stdout.setEncoding("utf8").on("data", (data) => {
    out += data;
  });
  child.stderr.setEncoding("utf8").on("data", (data) => {
    err += data;
  });
  const ended = new Promise<Ran>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status, signal) =>
      resolve({ out, err, status: status ?? undefined, signal: signal ?? undefined }),
    );
  });
  return { child, pid: child.pid!, output: () => out, ended };
}

/** Runs an installed command, named by its first argument, as a script would. */
export type Installed = (
  command: readonly string[],
  options?: Omit<Options, "node" | "nodeFlags">,
) => Promise<Ran>;

/** Installs the bundle in a home by its own command. `env` replaces the home's environment, also for later runs. */
export async function install(
  home: Place,
  options: { env?: Record<string, string>; flags?: readonly string[]; seconds?: number } = {},
): Promise<Installed> {
  const place = { path: home.path, env: options.env ?? home.env };
  const seconds = options.seconds ?? 60;
  const { status, err } = await ccr(place, ["install", ...(options.flags ?? [])], { seconds });
  if (status !== 0) throw new Error(`ccr install ended with ${status}: ${err}`);
  return ([name, ...args], more = {}) =>
    run(join(home.path, ".local/bin", name!), args, place, { seconds, ...more });
}

async function run(file: string, args: readonly string[], home: Place, options: Options): Promise<Ran> {
  const { stdout, stderr, exitCode, signal } = await execa(file, args, {
    env: environment(home, options),
    extendEnv: false,
    cwd: options.cwd ?? home.path,
    reject: false,
    ...(options.input === undefined ? { stdin: "ignore" as const } : { input: options.input }),
    timeout: (options.seconds ?? 60) * 1000,
    stripFinalNewline: false,
  });
  return { out: stdout, err: stderr, status: exitCode, signal };
}

const environment = (home: Place, options: Options): Record<string, string> =>
  Object.fromEntries(
    Object.entries({ ...home.env, ...options.env }).filter(
      (pair): pair is [string, string] => pair[1] !== undefined,
    ),
  );
