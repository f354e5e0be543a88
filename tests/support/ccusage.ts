// The program that people compare token counts with, brought by npm when a test asks for it.

import { chmodSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";

const VERSION = "20.0.24";
const PACKAGE = `@ccusage/ccusage-${process.platform}-${process.arch}`;

let found: Promise<string> | undefined;

/** Absolute path of the program; throws, with what npm said, where it cannot be had. */
export function ccusage(): Promise<string> {
  // The first caller's home is the one whose cache counts; tests change it later.
  return (found ??= bring());
}

async function bring(): Promise<string> {
  const caches = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "ccr-dev");
  const place = join(caches, `ccusage-${VERSION}`);
  const program = join(place, "node_modules", PACKAGE, "bin/ccusage");
  if (existsSync(program)) return program;
  mkdirSync(caches, { recursive: true });
  const fresh = mkdtempSync(join(caches, "ccusage-"));
  try {
    await execa(
      "npm",
      [
        "install",
        "--prefix",
        fresh,
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--no-save",
        `${PACKAGE}@${VERSION}`,
      ],
      {
        cwd: fresh,
        timeout: 120_000,
      },
    );
    chmodSync(join(fresh, "node_modules", PACKAGE, "bin/ccusage"), 0o755);
    // Another run may have been faster.
    if (!existsSync(place)) renameSync(fresh, place);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
  return program;
}

export type Report = {
  daily: {
    date: string;
    inputTokens: number;
    outputTokens: number;
    cacheCreationTokens: number;
    cacheReadTokens: number;
    modelBreakdowns: {
      modelName: string;
      inputTokens: number;
      outputTokens: number;
      cacheCreationTokens: number;
      cacheReadTokens: number;
    }[];
  }[];
  totals?: {
    inputTokens: number;
    outputTokens: number;
    cacheCreationTokens: number;
    cacheReadTokens: number;
  };
};

/** What it reports of a configuration directory, day by day in a zone; offline and in a clean environment. */
export async function report(config: string, home: string, zone = "UTC"): Promise<Report> {
  const { stdout } = await execa(await ccusage(), ["claude", "daily", "--json", "--offline"], {
    extendEnv: false,
    env: { HOME: home, CLAUDE_CONFIG_DIR: config, TZ: zone, PATH: "/usr/bin:/bin" },
    maxBuffer: 1e8,
  });
  const answer = JSON.parse(stdout);
  return Array.isArray(answer) ? { daily: answer } : answer;
}
