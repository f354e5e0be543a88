import { parseArgs } from "node:util";
import { paint } from "../terminal/colour.ts";
import { columns } from "../terminal/output.ts";
import { wrap } from "../terminal/wrap.ts";
import { type Command, type CommandEntry, type Flag, flagsOf, type Values } from "./command.ts";
import { parseErrorOf, usageError } from "./usage-error.ts";
import { VERSION } from "./version.ts";

/** Returns the flags and positional arguments of a command line. Throws a Problem for a bad one. */
export function parse(
  entry: CommandEntry,
  command: Command,
  args: readonly string[],
): { flags: Values; positionals: string[] } {
  const flags = flagsOf(command);
  const options = Object.fromEntries(
    Object.entries(flags).map(([name, { type, short, multiple }]) => [
      name,
      { type, ...(short ? { short } : {}), ...(multiple ? { multiple } : {}) },
    ]),
  );
  let parsed: ReturnType<typeof parseArgs>;
  try {
    parsed = parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    throw parseErrorOf(entry.name, flags, error as Error);
  }
  const { values, positionals } = parsed;
  const { maxArgs = Number.POSITIVE_INFINITY } = command;
  if (positionals.length <= maxArgs) return { flags: values as Values, positionals };
  throw usageError(`unexpected argument: "${positionals[maxArgs]}"`, `run: ccr ${entry.name} --help`);
}

/** Help is no wider than this many cells: longer lines are hard to read. */
const MAX_WIDTH = 100;
const lineWidth = (): number => Math.min(columns(), MAX_WIDTH);
/** A left cell longer than this gets a line of its own. */
const MAX_LEFT = 30;

/** Lays out a table of two columns and wraps the right one. */
function table(rows: readonly (readonly [string, string])[]): string[] {
  const wide = Math.max(...rows.map(([left]) => (left.length > MAX_LEFT ? 0 : left.length)));
  const gap = " ".repeat(wide + 4);
  const room = Math.max(20, lineWidth() - gap.length);
  return rows.flatMap(([left, right]) => {
    const [first = "", ...more] = wrap(right, room);
    const lines = left.length > wide ? [`  ${left}`, gap + first] : [`  ${left.padEnd(wide)}  ${first}`];
    return [...lines, ...more.map((line) => gap + line)];
  });
}

function flagRow([name, flag]: [string, Flag]): [string, string] {
  const short = flag.short ? `-${flag.short}, ` : "    ";
  const value = flag.type === "string" ? ` ${flag.value ?? "value"}` : "";
  return [`${short}--${name}${value}`, flag.description];
}

/** Returns the help page of one command. */
export function helpOf(entry: CommandEntry, command: Command): string {
  const args = command.usage.split(" ").slice(1).join(" ");
  const aliasUsage = entry.alias ? [`       ${entry.alias} ${args}`.trimEnd()] : [];
  return [
    `${paint("usage", "bold")}  ccr ${command.usage}`,
    ...aliasUsage,
    "",
    ...wrap(command.description, lineWidth()),
    "",
    paint("flags", "bold"),
    ...table(Object.entries(flagsOf(command)).map(flagRow)),
    "",
    paint("examples", "bold"),
    ...table(command.examples),
    "",
  ].join("\n");
}

/** Returns the page of `ccr --help`. */
export function overview(commands: readonly CommandEntry[]): string {
  return [
    ...wrap(`ccr ${VERSION}: find and resume Claude Code sessions, wherever they were started.`, lineWidth()),
    "",
    paint("usage", "bold"),
    ...table([
      ["ccr", "pick a session from a list"],
      [
        "ccr <session> [prompt]",
        "resume a session: its id, the first characters of the id, its title, or . for the newest of this directory",
      ],
      ["ccr <command> --help", "show the flags and examples of a command"],
    ]),
    "",
    paint("commands", "bold"),
    ...table(commands.map((entry) => [entry.alias ?? `ccr ${entry.name}`, entry.summary])),
    "",
    paint("examples", "bold"),
    ...table([
      ["ccr-list 5", "list the five newest sessions"],
      ["ccr 4bb6", "resume the session whose id starts with 4bb6"],
      ['ccr 4bb6 "go on"', "resume it and send a prompt"],
      ["ccr-find retry gateway", "find sessions that contain both words"],
    ]),
    "",
  ].join("\n");
}
