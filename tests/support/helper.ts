// The helper as it stands in a home: built here, installed by its own command, without a workspace around it.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { buildHelper } from "../../infra/tools/build-helper.ts";
import type { Home } from "./home.ts";

export type Ran = { out: string; err: string; status: number | undefined };

/** Calls an executable of the helper as a script does: no terminal, nothing of our environment. */
export type Helper = (
  words: readonly string[],
  more?: { cwd?: string; env?: Record<string, string>; input?: string; seconds?: number },
) => Promise<Ran>;

export async function installBuilt(home: Home, env: Record<string, string> = home.env): Promise<Helper> {
  const folder = mkdtempSync(join(tmpdir(), "ccr-built-"));
  try {
    const outfile = join(folder, "ccr.cjs");
    await buildHelper({ outfile });
    await execa(process.execPath, [outfile, "install"], {
      env,
      extendEnv: false,
      cwd: home.path,
      timeout: 60_000,
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return async ([name, ...words], more = {}) => {
    const { stdout, stderr, exitCode } = await execa(join(home.path, ".local/bin", name!), words, {
      cwd: more.cwd ?? home.path,
      env: { ...env, ...more.env },
      extendEnv: false,
      reject: false,
      ...(more.input === undefined ? { stdin: "ignore" as const } : { input: more.input }),
      timeout: (more.seconds ?? 60) * 1000,
      stripFinalNewline: false,
    });
    return { out: stdout, err: stderr, status: exitCode };
  };
}
