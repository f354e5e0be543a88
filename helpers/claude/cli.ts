import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { home } from "../system/places.ts";
import { Problem } from "../system/problem.ts";

/** Absolute path of the `claude` program: PATH, then the places that its installers use. Null where there is none. */
export function findClaude(): string | null {
  const places = (process.env.PATH ?? "").split(delimiter).filter((directory) => directory.startsWith("/"));
  places.push(
    join(home(), ".local/bin"),
    join(home(), ".claude/local"),
    "/usr/local/bin",
    "/opt/homebrew/bin",
  );
  for (const directory of places) {
    const file = join(directory, "claude");
    try {
      accessSync(file, constants.X_OK);
      if (statSync(file).isFile()) return file;
    } catch {
      // not here
    }
  }
  return null;
}

export const INSTALL_HINT = "install it: npm install -g @anthropic-ai/claude-code";

/** From this version on a session can be resumed from another directory than its own. */
export const RESUMES_ANYWHERE: readonly [number, number, number] = [2, 1, 223];

/** Arguments that resume a session, always by its full id. A prompt that looks like a flag stays a prompt. */
export function resumeArguments(
  id: string,
  options: { prompt?: string | undefined; fork?: boolean } = {},
): string[] {
  const args = ["--resume", id];
  if (options.fork) args.push("--fork-session");
  if (options.prompt !== undefined)
    args.push(...(options.prompt.startsWith("-") ? ["--"] : []), options.prompt);
  return args;
}

/** Whether `a` (as `2.1.329 (Claude Code)`) is older than a version; false where it cannot be read. */
export function olderThan(a: string, [major, minor, patch]: readonly [number, number, number]): boolean {
  const found = /(\d+)\.(\d+)\.(\d+)/.exec(a);
  if (!found) return false;
  const [x, y, z] = [Number(found[1]), Number(found[2]), Number(found[3])];
  if (x !== major) return x < major;
  return y !== minor ? y < minor : z < patch;
}

/** The program, or a Problem. */
export function requireClaude(): string {
  const found = findClaude();
  if (found !== null) return found;
  throw new Problem("no-claude", "the claude program is not on PATH", { hint: INSTALL_HINT });
}
