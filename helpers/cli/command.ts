import type { Problem } from "../system/problem.ts";
import type { Warning } from "../terminal/json.ts";

/** What completion offers for a value: a kind, or the values themselves. */
export type Completes = "session" | "project" | "directory" | "file" | readonly string[];

export type Flag = {
  type: "boolean" | "string";
  short?: string;
  /** name of the value in help, for strings */
  value?: string;
  /** may be given more than once */
  multiple?: boolean;
  description: string;
  completes?: Completes;
};

export type Values = Record<string, string | boolean | (string | boolean)[] | undefined>;

export type Call = {
  /** values of the flags that were given, by their long names */
  flags: Values;
  /** positional arguments */
  positionals: string[];
  json: boolean;
  /** prints a warning on stderr, or keeps it for `warnings` in JSON */
  warn(problem: Problem): void;
  warnings: readonly Warning[];
};

export type Command = {
  /** without the program's name: `list [n] [flags]` */
  usage: string;
  /** sentences below the usage line */
  description: string;
  flags: Record<string, Flag>;
  /** what completion offers for positional arguments */
  positionals?: Completes;
  /** at most this many positional arguments. Default: any number */
  maxArgs?: number;
  /** whether `--json` is offered */
  json?: boolean;
  examples: readonly (readonly [command: string, does: string])[];
  /** returns the exit status */
  run(call: Call): number | Promise<number>;
};

export type CommandEntry = {
  name: string;
  /** a short name with its own executable and shell function: `ccr-list` */
  alias?: string;
  summary: string;
  load: () => Promise<Command>;
};

/** Returns the value of a string flag, undefined when it is not given. */
export const stringFlag = (call: Call, flag: string): string | undefined => {
  const value = call.flags[flag];
  return typeof value === "string" ? value : undefined;
};

/** Whether a boolean flag is given. */
export const isSet = (call: Call, flag: string): boolean => call.flags[flag] === true;

const COMMON: Record<string, Flag> = {
  json: { type: "boolean", description: "print one JSON object (docs/schemas)" },
  help: { type: "boolean", short: "h", description: "show this help" },
  color: { type: "boolean", description: "use colours, even in a pipe" },
  "no-color": { type: "boolean", description: "use no colours" },
};

/** Returns all flags of a command, the common ones included. */
export function flagsOf(command: Command): Record<string, Flag> {
  const { json, ...rest } = COMMON;
  return { ...command.flags, ...(command.json ? { json: json! } : {}), ...rest };
}
