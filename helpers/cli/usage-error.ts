import { errno, Problem } from "../system/problem.ts";
import { nearest } from "./nearest.ts";

/** Returns the Problem for a command line that cannot be run: exit status 2. */
export const usageError = (message: string, hint: string | readonly string[] = []): Problem =>
  new Problem("usage", message, { hint, exit: 2 });

/** Returns the Problem for a flag or argument with a bad value; `use` says what to give instead. */
export const invalidValue = (name: string, value: string, use: string): Problem =>
  usageError(`invalid ${name} "${value}": use ${use}`);

/** Turns an error of `parseArgs` into a Problem that says what is wrong and names the most similar flag. */
export function parseErrorOf(
  command: string,
  flags: Record<string, { type: string }>,
  error: Error,
): Problem {
  const help = `run: ccr ${command} --help`;
  const flag = /'(-{1,2}[^' ,=]+)/.exec(error.message)?.[1];
  if (flag && errno(error) === "ERR_PARSE_ARGS_UNKNOWN_OPTION") {
    const near = nearest(
      flag,
      Object.keys(flags).map((name) => `--${name}`),
    );
    return usageError(`unknown flag: ${flag}`, near ? [`did you mean: ${near}`, help] : help);
  }
  if (flag && errno(error) === "ERR_PARSE_ARGS_INVALID_OPTION_VALUE") {
    const needsValue = flags[flag.replace(/^--/, "")]?.type === "string";
    return usageError(needsValue ? `${flag} needs a value` : `${flag} takes no value`, help);
  }
  return usageError(error.message.split(/[.\n]/, 1)[0]!, help);
}
