// Throwaway homes: nothing of the reader's own is seen in there, and nothing stays behind.

import { chmodSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";

export const root = fileURLToPath(new URL("../..", import.meta.url));
export const fixtures = join(root, "tests/fixtures");

export interface Home {
  /** Absolute, symlinks resolved: what a program in there sees as its own directory. */
  path: string;
  /** The whole environment of a program in there: pass it with `extendEnv: false`. */
  env: Record<string, string>;
  /** Makes `~/projects/<name>` and gives its path. */
  project(name: string): string;
  remove(): Promise<void>;
}

/** `~/bin` and the Node that runs this stand in front of the system's PATH. */
export function makeHome(more: Record<string, string> = {}): Home {
  const path = realpathSync(mkdtempSync(join(tmpdir(), "ccr-home-")));
  const sockets = join(path, ".tmux");
  for (const directory of [sockets, join(path, "bin")]) mkdirSync(directory, { mode: 0o700 });
  const user = userInfo().username;
  return {
    path,
    env: {
      HOME: path,
      PATH: `${path}/bin:${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin`,
      SHELL: "/bin/bash",
      USER: user,
      LOGNAME: user,
      TERM: "xterm-256color",
      LANG: "C.UTF-8",
      TZ: "UTC",
      TMUX_TMPDIR: sockets,
      ...more,
    },
    project(name) {
      const directory = join(path, "projects", name);
      mkdirSync(directory, { recursive: true });
      return directory;
    },
    async remove() {
      await endTmux(sockets);
      try {
        rmSync(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
      } catch {
        // A test may have taken the write permission away.
        unlock(path);
        rmSync(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
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
