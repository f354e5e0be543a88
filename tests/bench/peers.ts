// The programs that we are measured against, brought by their registries into the cache folder.
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { programOf } from "../support/npm-cache.ts";
import { cacheFolder } from "./data.ts";

const RIPGREP = "1.18.0";
const FAST_RESUME = "2.14.0";

/** Brings something into a folder of its own; what was begun and not ended leaves nothing. */
async function bring(
  name: string,
  program: string,
  install: (place: string) => Promise<unknown>,
): Promise<string> {
  const place = join(cacheFolder, name);
  const file = join(place, program);
  if (existsSync(file)) return file;
  mkdirSync(cacheFolder, { recursive: true });
  const part = `${place}.${process.pid}.part`;
  try {
    await install(part);
    renameSync(part, place);
  } catch (error) {
    rmSync(part, { recursive: true, force: true });
    const { shortMessage, stderr } = error as { shortMessage?: string; stderr?: string };
    throw new Error(`${name} cannot be brought: ${shortMessage ?? error}\n${stderr ?? ""}`);
  }
  return file;
}

/** A Node of that version as npm has it. */
export const nodeOf = (version: string): Promise<string> =>
  programOf(`node-${process.platform}-${process.arch}`, version, "bin/node", `node-${version}`);

/** ripgrep as npm has it: the yardstick of the full-text figures. */
export function ripgrep(): Promise<string> {
  const name = `@vscode/ripgrep-${process.platform}-${process.arch}`;
  return bring(`ripgrep-${RIPGREP}`, `node_modules/${name}/bin/rg`, (place) =>
    execa("npm", [
      "install",
      "--prefix",
      place,
      "--ignore-scripts",
      "--no-audit",
      "--no-fund",
      `${name}@${RIPGREP}`,
    ]),
  );
}

/** fast-resume as PyPI has it. The virtual environment is named in its scripts, so it is made where it stays. */
export async function fastResume(): Promise<string> {
  const place = join(cacheFolder, `fast-resume-${FAST_RESUME}`);
  const file = join(place, "bin/fr");
  if (existsSync(file)) return file;
  mkdirSync(cacheFolder, { recursive: true });
  await execa("python3", ["-m", "venv", place]);
  await execa(join(place, "bin/pip"), ["install", "--quiet", `fast-resume==${FAST_RESUME}`]);
  return file;
}
