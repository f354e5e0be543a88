import { execFile, spawn } from "node:child_process";
import { constants } from "node:os";

/** Runs a program on our own terminal; its exit status, 128 + n when signal n ended it. */
export function runAttached(directory: string, argv: readonly string[]): Promise<number> {
  const [program = "", ...args] = argv;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: directory, stdio: "inherit" });
    // The terminal sends these to the child too; it decides what they mean.
    for (const signal of ["SIGINT", "SIGQUIT"] as const) process.on(signal, () => {});
    for (const signal of ["SIGTERM", "SIGHUP"] as const) process.on(signal, () => child.kill(signal));
    child.on("error", reject);
    child.on("exit", (code, signal) => resolve(code ?? 128 + (signal ? constants.signals[signal] : 0)));
  });
}

/** What a program prints on stdout; null when it fails, is missing, or takes longer than `timeout` ms. */
export function capture(program: string, args: readonly string[], timeout = 5000): Promise<string | null> {
  return new Promise((resolve) => {
    const options = {
      timeout,
      maxBuffer: 16 * 1024 * 1024,
      killSignal: "SIGKILL",
    } as const;
    execFile(program, [...args], options, (error, stdout) => resolve(error ? null : stdout)).stdin?.end();
  });
}
