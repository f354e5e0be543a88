import { execFile, spawn } from "node:child_process";
import { constants } from "node:os";

/** The environment for a program of the person's: with the Node settings that the shim cleared for our own start. */
export function personsEnvironment(): NodeJS.ProcessEnv {
  const { CCR_HANDOFF: _, CCR_NODE_OPTIONS, CCR_NODE_EXTRA_CA_CERTS, ...environment } = process.env;
  if (CCR_NODE_OPTIONS !== undefined) environment.NODE_OPTIONS = CCR_NODE_OPTIONS;
  else if (environment.NODE_OPTIONS === "") delete environment.NODE_OPTIONS;
  if (CCR_NODE_EXTRA_CA_CERTS !== undefined) environment.NODE_EXTRA_CA_CERTS = CCR_NODE_EXTRA_CA_CERTS;
  else if (environment.NODE_EXTRA_CA_CERTS === "") delete environment.NODE_EXTRA_CA_CERTS;
  return environment;
}

/** Runs a program on our own terminal; its exit status, 128 + n when signal n ended it. */
export function runAttached(directory: string, argv: readonly string[]): Promise<number> {
  const [program = "", ...args] = argv;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: directory, stdio: "inherit", env: personsEnvironment() });
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
      env: personsEnvironment(),
      maxBuffer: 16 * 1024 * 1024,
      killSignal: "SIGKILL",
    } as const;
    execFile(program, [...args], options, (error, stdout) => resolve(error ? null : stdout)).stdin?.end();
  });
}
