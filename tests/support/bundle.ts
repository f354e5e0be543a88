import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { buildHelper } from "../../infra/tools/build-helper.ts";
import type { Home } from "./home.ts";

const folder = mkdtempSync(join(tmpdir(), "ccr-bundle-"));
export const bundle = join(folder, "ccr.cjs");

/** Builds what is shipped; not into dist/, which others may be using. */
export const makeBundle = async (): Promise<void> => {
  await buildHelper({ outfile: bundle });
};
export const removeBundle = (): void => rmSync(folder, { recursive: true, force: true });

export type Ran = { out: string; err: string; status: number | undefined; signal: string | undefined };

/** Runs a command in a home as a script would: no terminal, nothing of our environment. */
export async function ccr(
  home: Home,
  words: readonly string[],
  more: { env?: Record<string, string | undefined>; cwd?: string } = {},
): Promise<Ran> {
  const env = Object.fromEntries(
    Object.entries({ ...home.env, ...more.env }).filter(
      (pair): pair is [string, string] => pair[1] !== undefined,
    ),
  );
  const { stdout, stderr, exitCode, signal } = await execa(process.execPath, [bundle, ...words], {
    env,
    extendEnv: false,
    cwd: more.cwd ?? home.path,
    reject: false,
    stdin: "ignore",
    timeout: 60_000,
    stripFinalNewline: false,
  });
  return { out: stdout, err: stderr, status: exitCode, signal };
}
