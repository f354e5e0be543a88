import { parseArgs } from "node:util";
import { paint } from "../terminal/colour.ts";
import { out } from "../terminal/output.ts";
import { type Command, flagsOf, type Values, type Verb } from "./command.ts";
import { VERBS } from "./verbs.ts";
import { VERSION } from "./version.ts";

/** Words and flags of a command line, or a Problem that names the nearest flag. */
export async function parse(
  verb: Verb,
  command: Command,
  args: readonly string[],
): Promise<{ flags: Values; words: string[] }> {
  const flags = flagsOf(command);
  const options = Object.fromEntries(
    Object.entries(flags).map(([name, { type, short, multiple }]) => [
      name,
      { type, ...(short ? { short } : {}), ...(multiple ? { multiple } : {}) },
    ]),
  );
  const { most = Number.POSITIVE_INFINITY } = command;
  try {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
    if (positionals.length <= most) return { flags: values as Values, words: positionals };
    throw new Error(`"${positionals[most]}" is one word too many`);
  } catch (error) {
    const { mistake } = await import("../terminal/mistake.ts");
    throw mistake(verb.name, flags, error as Error);
  }
}

/** Help of one verb. */
export function helpOf(verb: Verb, command: Command): string {
  const flags = Object.entries(flagsOf(command)).map(([name, flag]) => [
    `${flag.short ? `-${flag.short}, ` : "    "}--${name}${flag.type === "string" ? ` ${flag.value ?? "value"}` : ""}`,
    flag.about,
  ]);
  const wide = Math.max(...flags.map(([left]) => left!.length));
  const exampleWide = Math.max(...command.examples.map(([left]) => left.length));
  return [
    `${paint("usage", "bold")}  ccr ${command.usage}${verb.classic ? `\n       ${verb.classic} ${command.usage.split(" ").slice(1).join(" ")}`.trimEnd() : ""}`,
    "",
    command.about,
    "",
    paint("flags", "bold"),
    ...flags.map(([left, right]) => `  ${left!.padEnd(wide)}  ${right}`),
    "",
    paint("examples", "bold"),
    ...command.examples.map(([left, right]) => `  ${left.padEnd(exampleWide)}  ${right}`),
    "",
  ].join("\n");
}

/** The page of `ccr --help`. */
export function overview(): string {
  const rows = VERBS.map((verb) => [verb.classic ?? `ccr ${verb.name}`, verb.summary]);
  const wide = Math.max(...rows.map(([left]) => left!.length));
  return [
    `ccr ${VERSION}: find and resume Claude Code sessions, wherever they were started.`,
    "",
    `${paint("usage", "bold")}  ccr <session> [prompt]    resume: an id, its first characters, a title, or . for the newest here`,
    "       ccr <verb> --help         flags and examples of one verb",
    "",
    paint("verbs", "bold"),
    ...rows.map(([left, right]) => `  ${left!.padEnd(wide)}  ${right}`),
    "",
    paint("examples", "bold"),
    "  ccr-list 5                the five newest sessions",
    "  ccr 4bb6                  resume the session whose id starts with 4bb6",
    '  ccr 4bb6 "go on"          … and give it a prompt',
    "  ccr-find retry gateway    sessions that speak of both words",
    "",
  ].join("\n");
}

export const printHelp = (verb: Verb, command: Command): void => out(helpOf(verb, command));
