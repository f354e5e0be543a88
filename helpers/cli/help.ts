import { parseArgs } from "node:util";
import { paint } from "../terminal/colour.ts";
import { columns, writeStdout } from "../terminal/output.ts";
import { wrap } from "../terminal/wrap.ts";
import { type Command, type CommandEntry, flagsOf, type Values } from "./command.ts";
import { VERSION } from "./version.ts";

/** Words and flags of a command line, or a Problem that names the nearest flag. */
export async function parse(
  verb: CommandEntry,
  command: Command,
  args: readonly string[],
): Promise<{ flags: Values; positionals: string[] }> {
  const flags = flagsOf(command);
  const options = Object.fromEntries(
    Object.entries(flags).map(([name, { type, short, multiple }]) => [
      name,
      { type, ...(short ? { short } : {}), ...(multiple ? { multiple } : {}) },
    ]),
  );
  const { maxArgs = Number.POSITIVE_INFINITY } = command;
  try {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
    if (positionals.length <= maxArgs) return { flags: values as Values, positionals };
    throw new Error(`"${positionals[maxArgs]}" is one word too many`);
  } catch (error) {
    const { mistake } = await import("./usage-error.ts");
    throw mistake(verb.name, flags, error as Error);
  }
}

/** Cells of a line of help: no wider than one reads with ease. */
const MOST = 100;
const lineWidth = (): number => Math.min(columns(), MOST);
/** What stands on the left stays a column up to here; a longer one has a line of its own. */
const LEFT = 30;

/** A table of two columns, the right one wrapped. */
function table(rows: readonly (readonly [string, string])[]): string[] {
  const wide = Math.max(...rows.map(([left]) => (left.length > LEFT ? 0 : left.length)));
  const gap = " ".repeat(wide + 4);
  const room = Math.max(20, lineWidth() - gap.length);
  return rows.flatMap(([left, right]) => {
    const [first = "", ...more] = wrap(right, room);
    const lines = left.length > wide ? [`  ${left}`, gap + first] : [`  ${left.padEnd(wide)}  ${first}`];
    return [...lines, ...more.map((line) => gap + line)];
  });
}

/** Help of one verb. */
export function helpOf(verb: CommandEntry, command: Command): string {
  const flags = Object.entries(flagsOf(command)).map(([name, flag]): [string, string] => [
    `${flag.short ? `-${flag.short}, ` : "    "}--${name}${flag.type === "string" ? ` ${flag.value ?? "value"}` : ""}`,
    flag.description,
  ]);
  return [
    `${paint("usage", "bold")}  ccr ${command.usage}${verb.alias ? `\n       ${verb.alias} ${command.usage.split(" ").slice(1).join(" ")}`.trimEnd() : ""}`,
    "",
    ...wrap(command.description, lineWidth()),
    "",
    paint("flags", "bold"),
    ...table(flags),
    "",
    paint("examples", "bold"),
    ...table(command.examples),
    "",
  ].join("\n");
}

/** The page of `ccr --help`. */
export function overview(verbs: readonly CommandEntry[]): string {
  return [
    ...wrap(`ccr ${VERSION}: find and resume Claude Code sessions, wherever they were started.`, lineWidth()),
    "",
    paint("usage", "bold"),
    ...table([
      ["ccr <session> [prompt]", "resume: an id, its first characters, a title, or . for the newest here"],
      ["ccr <verb> --help", "flags and examples of one verb"],
    ]),
    "",
    paint("verbs", "bold"),
    ...table(verbs.map((verb) => [verb.alias ?? `ccr ${verb.name}`, verb.summary])),
    "",
    paint("examples", "bold"),
    ...table([
      ["ccr-list 5", "the five newest sessions"],
      ["ccr 4bb6", "resume the session whose id starts with 4bb6"],
      ['ccr 4bb6 "go on"', "… and give it a prompt"],
      ["ccr-find retry gateway", "sessions that speak of both words"],
    ]),
    "",
  ].join("\n");
}

export const printHelp = (verb: CommandEntry, command: Command): void => writeStdout(helpOf(verb, command));
