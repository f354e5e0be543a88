// Throwaway homes: nothing of the reader's own is seen in there, and nothing stays behind.

import { chmodSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";

export const root = fileURLToPath(new URL("../..", import.meta.url));
export const fixtures = join(root, "tests/fixtures");

export interface Home {
  /** Absolute, symlinks resolved: what a program in there sees as its own directory. Empty at first. */
  path: string;
  /** The directory around it: `bin/` stands first on PATH, `tmux/` holds sockets. */
  around: string;
  /** The whole environment of a program in there: pass it with `extendEnv: false`. */
  env: Record<string, string>;
  /** Makes `~/projects/<name>` and gives its path. */
  project(name: string): string;
  /** Ends the tmux servers that were started in there, and removes it. */
  remove(): Promise<void>;
}

export function makeHome(name = "ccr-home-"): Home {
  const around = realpathSync(mkdtempSync(join(tmpdir(), name)));
  const path = join(around, "home");
  for (const directory of ["home", "bin", "tmux"]) mkdirSync(join(around, directory), { mode: 0o700 });
  symlinkSync(process.execPath, join(around, "bin/node"));
  const user = process.env.USER || "coder";
  return {
    path,
    around,
    env: {
      HOME: path,
      PATH: `${around}/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin`,
      SHELL: "/bin/bash",
      USER: user,
      LOGNAME: user,
      TERM: "xterm-256color",
      LANG: "C.UTF-8",
      TZ: "UTC",
      TMUX_TMPDIR: join(around, "tmux"),
    },
    project(name) {
      const directory = join(path, "projects", name);
      mkdirSync(directory, { recursive: true });
      return directory;
    },
    async remove() {
      await endTmux(join(around, "tmux"));
      const erase = () => rmSync(around, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
      try {
        erase();
      } catch {
        // A test may have taken the write permission away.
        unlock(around);
        erase();
      }
    },
  };
}

/** Ends every tmux server whose socket lies in `directory`: those a program in the home started. */
async function endTmux(directory: string): Promise<void> {
  const sockets = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isSocket(),
  );
  for (const socket of sockets) {
    await execa("tmux", ["-S", join(socket.parentPath, socket.name), "kill-server"], {
      reject: false,
      timeout: 5000,
    });
  }
}

function unlock(directory: string): void {
  chmodSync(directory, 0o700);
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    if (entry.isDirectory()) unlock(join(directory, entry.name));
  }
}
