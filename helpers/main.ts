import type { Call, Values } from "./cli/command.ts";
import { helpOf, overview, parse } from "./cli/help.ts";
import { VERSION } from "./cli/version.ts";
import { COMMANDS, findCommand } from "./command-table.ts";
import { Problem, problemOf } from "./system/problem.ts";
import { clean, cleanLines } from "./terminal/clean.ts";
import { forceColour, paint } from "./terminal/colour.ts";
import type { Warning } from "./terminal/json.ts";
import { isTerminal, spoken, writeStderr, writeStdout } from "./terminal/output.ts";

const OLDEST_NODE = [18, 19] as const;

/** Runs one command line (without the program's name) and returns its exit status. */
export async function main(args: readonly string[]): Promise<number> {
  try {
    requireNode();
    return await dispatch(args);
  } catch (error) {
    return fail(problemOf(error), args.includes("--json"), error);
  }
}

async function dispatch(args: readonly string[]): Promise<number> {
  const [first = ""] = args;
  if (first === "--version" || first === "-v" || first === "-V") {
    writeStdout(`ccr ${VERSION}\n`);
    return 0;
  }
  if (first === "--help" || first === "-h" || first === "help") {
    const topic = first === "help" && args[1] ? entryNamed(args[1]) : undefined;
    return print(topic ? helpOf(topic, await topic.load()) : overview(COMMANDS));
  }
  if (/^--on(?:=|$)/.test(first)) {
    const { runOn } = await import("./commands/remote.ts");
    return first === "--on" ? runOn(args[1], args.slice(2)) : runOn(first.slice(5), args.slice(1));
  }
  if (first === "" && !(isTerminal(0) && isTerminal(1))) return print(overview(COMMANDS));
  const named = entryNamed(first);
  const entry = named ?? findCommand(first === "" ? "pick" : "resume")!;
  const command = await entry.load();
  const rest = named ? args.slice(1) : args;
  const beforeDashes = rest.includes("--") ? rest.slice(0, rest.indexOf("--")) : rest;
  if (beforeDashes.includes("--help") || beforeDashes.includes("-h")) return print(helpOf(entry, command));
  const { flags, positionals } = parse(entry, command, rest);
  if (flags.color === true) forceColour(true);
  if (flags["no-color"] === true) forceColour(false);
  return command.run(callOf(flags, positionals));
}

const entryNamed = (name: string) => findCommand(name) ?? COMMANDS.find(({ alias }) => alias === name);

function print(page: string): number {
  writeStdout(spoken(page));
  return 0;
}

function callOf(flags: Values, positionals: string[]): Call {
  const json = flags.json === true;
  const warnings: Warning[] = [];
  const warn = ({ kind, message, hint }: Problem): void => {
    const firstHint = hint[0] === undefined ? null : clean(hint[0]);
    warnings.push({ kind, message: clean(message), hint: firstHint });
    if (json) return;
    const more = firstHint === null ? "" : ` (${firstHint})`;
    writeStderr(`${paint("ccr:", "yellow", 2)} ${clean(message)}${more}\n`);
  };
  return { flags, positionals, json, warn, warnings };
}

function requireNode(): void {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1])) return;
  throw new Problem(
    "node-too-old",
    `Node.js ${process.versions.node} is too old: ccr needs ${OLDEST_NODE.join(".")} or newer`,
    { hint: "install a newer Node.js, then run: ccr install" },
  );
}

/** Prints a Problem, as JSON on stderr with `--json`, and returns its exit status. */
function fail({ kind, message, hint, exit }: Problem, json: boolean, error: unknown): number {
  if (process.env.CCR_DEBUG && error instanceof Error) writeStderr(`${error.stack}\n`);
  if (json) {
    const shown = { kind, message: clean(message), hint: hint.join("\n") || null };
    writeStderr(`${JSON.stringify({ schema: "ccr/error@1", error: shown })}\n`);
    return exit;
  }
  writeStderr(`${paint("ccr:", "red", 2)} ${clean(message)}\n`);
  for (const line of hint) writeStderr(`     ${cleanLines(line)}\n`);
  return exit;
}
