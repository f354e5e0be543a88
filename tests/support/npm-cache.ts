// Programs that npm packages carry, kept in a cache outside of the checkout: not dependencies, they are too large.

import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";

const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "ccr-dev");

/** The path of an executable in an npm package of exactly that version; the first call ever installs it. */
export async function programOf(
  pack: string,
  version: string,
  program: string,
  place: string,
): Promise<string> {
  const file = join(cache, place, "node_modules", pack, program);
  if (existsSync(file)) return file;

  mkdirSync(cache, { recursive: true, mode: 0o700 });
  const fresh = mkdtempSync(join(cache, `${place}.`));
  try {
    writeFileSync(join(fresh, "package.json"), "{}");
    // Install scripts stay off: the package holds the executable itself.
    const words = ["--no-save", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
    await execa("npm", ["install", ...words, `${pack}@${version}`], { cwd: fresh, timeout: 600_000 });
    await execa(join(fresh, "node_modules", pack, program), ["--version"], {
      env: { HOME: fresh },
      extendEnv: false,
    });
    rmSync(join(cache, place), { recursive: true, force: true });
    renameSync(fresh, join(cache, place));
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true });
    // Another run may have been quicker.
    if (!existsSync(file)) throw error;
  }
  return file;
}
