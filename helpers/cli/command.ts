import type { Problem } from "../system/problem.ts";
import type { Warning } from "../terminal/json.ts";

/** What completion offers for a value. */
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
  /** the words that are no flags */
  positionals: string[];
  json: boolean;
  /** said on stderr, or kept for `warnings` in JSON */
  warn(problem: Problem): void;
  warnings: readonly Warning[];
};

export type Command = {
  /** without the program's name: `list [n] [flags]` */
  usage: string;
  /** sentences below the usage line */
  description: string;
  flags: Record<string, Flag>;
  /** what the words are, for completion */
  positionals?: Completes;
  /** at most this many words; more are an error. Default: any number */
  maxArgs?: number;
  /** whether `--json` is offered */
  json?: boolean;
  examples: readonly (readonly [command: string, does: string])[];
  /** the exit status */
  run(call: Call): number | Promise<number>;
};

export type CommandEntry = {
  name: string;
  /** the classic name that people type, with its own executable and shell function */
  alias?: string;
  summary: string;
  load: () => Promise<Command>;
};

export const stringFlag = (call: Call, flag: string): string | undefined => {
  const value = call.flags[flag];
  return typeof value === "string" ? value : undefined;
};
export const isSet = (call: Call, flag: string): boolean => call.flags[flag] === true;

const COMMON: Record<string, Flag> = {
  json: { type: "boolean", description: "print JSON (one object, versioned)" },
  help: { type: "boolean", short: "h", description: "show this page" },
  color: { type: "boolean", description: "colours even in a pipe" },
  "no-color": { type: "boolean", description: "no colours" },
};

/** All flags of a command, the common ones included. */
export function flagsOf(command: Command): Record<string, Flag> {
  const { json, ...rest } = COMMON;
  return { ...command.flags, ...(command.json ? { json: json! } : {}), ...rest };
}
