import { readFileSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

const DEEPEST = 64;

/** The branch that is checked out in a directory, read from git's own files; null where there is none. */
export function currentBranch(directory: string): string | null {
  try {
    for (let at = directory, depth = 0; depth < DEEPEST; at = dirname(at), depth++) {
      const git = join(at, ".git");
      const stats = statSync(git, { throwIfNoEntry: false });
      if (stats) {
        // In a worktree .git is a file that names the real directory.
        const real = stats.isDirectory()
          ? git
          : resolve(at, /^gitdir: (.+)$/m.exec(readFileSync(git, "utf8"))?.[1] ?? ".");
        return /^ref: refs\/heads\/(.+)$/m.exec(readFileSync(join(real, "HEAD"), "utf8"))?.[1] ?? null;
      }
      if (at === dirname(at)) return null;
    }
  } catch {
    // no git here that can be read
  }
  return null;
}
