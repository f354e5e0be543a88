import { errno, Problem } from "../system/problem.ts";
import { nearest } from "./nearest.ts";

/** What is wrong with a command line, from the error of `parseArgs`, and the nearest flag. */
export function mistake(verb: string, flags: Record<string, { type: string }>, error: Error): Problem {
  const help = `ccr ${verb} --help`;
  const problem = (message: string, ...hint: string[]): Problem =>
    new Problem("usage", `${message}.`, { hint: [...hint, help], exit: 2 });
  const flag = /'(-{1,2}[^' ,=]+)/.exec(error.message)?.[1];
  if (flag && errno(error) === "ERR_PARSE_ARGS_UNKNOWN_OPTION") {
    const names = Object.keys(flags).map((name) => `--${name}`);
    const near = nearest(flag, names);
    return problem(`no flag ${flag}`, ...(near ? [`did you mean ${near}?`] : []));
  }
  if (flag && errno(error) === "ERR_PARSE_ARGS_INVALID_OPTION_VALUE") {
    const wants = flags[flag.replace(/^--/, "")]?.type === "string";
    return problem(wants ? `${flag} needs a value` : `${flag} takes no value`);
  }
  return problem(error.message.split(/[.\n]/, 1)[0]!);
}
