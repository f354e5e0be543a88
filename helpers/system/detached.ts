import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { makeDirectory } from "./files.ts";

/**
 * Starts a program in its own session (no terminal, own process group), its output added to a file (0600). It lives
 * on when we end. `ended` gives its exit status, 128 + n for a signal, while we live; null when it could not start.
 */
export function startDetached(
  argv: readonly string[],
  options: { directory: string; env: NodeJS.ProcessEnv; log: string },
): { pid: number | null; ended: Promise<number | null>; release(): void } {
  const [program = "", ...args] = argv;
  makeDirectory(dirname(options.log));
  const fd = openSync(options.log, "a", 0o600);
  let child: ChildProcess;
  try {
    child = spawn(program, args, {
      cwd: options.directory,
      env: options.env,
      detached: true,
      stdio: ["ignore", fd, fd],
    });
  } finally {
    closeSync(fd);
  }
  const ended = new Promise<number | null>((resolve) => {
    child.on("error", () => resolve(null));
    child.on("exit", (code) => resolve(code ?? 128));
  });
  return { pid: child.pid ?? null, ended, release: () => child.unref() };
}
