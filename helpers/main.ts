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

/** Runs one command line (without program name) and returns its exit status. */
export async function main(args: readonly string[]): Promise<number> {
  const [first = ""] = args;
  const json = args.includes("--json");
  try {
    requireNode();
    if (first === "--version" || first === "-v" || first === "-V") {
      writeStdout(`ccr ${VERSION}\n`);
      return 0;
    }
    if (first === "--help" || first === "-h" || first === "help") {
      const topic = first === "help" && args[1] ? verbNamed(args[1]) : undefined;
      writeStdout(spoken(topic ? helpOf(topic, await topic.load()) : overview(COMMANDS)));
      return 0;
    }
    if (/^--on(?:=|$)/.test(first)) {
      const { runOn } = await import("./commands/remote.ts");
      return await (first === "--on" ? runOn(args[1], args.slice(2)) : runOn(first.slice(5), args.slice(1)));
    }
    const named = verbNamed(first);
    const verb = named ?? findCommand(first === "" && isTerminal(0) && isTerminal(1) ? "pick" : "resume")!;
    const command = await verb.load();
    const rest = named ? args.slice(1) : args;
    if (first === "" && verb.name === "resume") {
      writeStdout(spoken(overview(COMMANDS)));
      return 0;
    }
    const beforeDashes = rest.includes("--") ? rest.slice(0, rest.indexOf("--")) : rest;
    if (beforeDashes.includes("--help") || beforeDashes.includes("-h")) {
      writeStdout(spoken(helpOf(verb, command)));
      return 0;
    }
    const { flags, positionals } = await parse(verb, command, rest);
    if (flags.color === true) forceColour(true);
    if (flags["no-color"] === true) forceColour(false);
    return await command.run(callOf(flags, positionals));
  } catch (error) {
    return fail(problemOf(error), json, error);
  }
}

const verbNamed = (name: string) => findCommand(name) ?? COMMANDS.find((verb) => verb.alias === name);

function callOf(flags: Values, positionals: string[]): Call {
  const json = flags.json === true;
  const warnings: Warning[] = [];
  const warn = ({ kind, message, hint }: Problem): void => {
    const [first] = hint;
    warnings.push({ kind, message: clean(message), hint: first === undefined ? null : clean(first) });
    if (!json)
      writeStderr(
        `${paint("ccr:", "yellow", 2)} ${clean(message)}${first === undefined ? "" : ` (${clean(first)})`}\n`,
      );
  };
  return { flags, positionals, json, warn, warnings };
}

function requireNode(): void {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1])) return;
  throw new Problem(
    "node-too-old",
    `Node.js ${process.versions.node} is too old, ccr needs ${OLDEST_NODE.join(".")} or newer.`,
    {
      hint: "install a newer Node.js, then run: ccr install",
    },
  );
}

function fail(problem: Problem, json: boolean, error: unknown): number {
  if (process.env.CCR_DEBUG && error instanceof Error) writeStderr(`${error.stack}\n`);
  if (json) {
    const { kind, message, hint } = problem;
    writeStderr(
      `${JSON.stringify({ schema: "ccr/error@1", error: { kind, message: clean(message), hint: hint.join("\n") || null } })}\n`,
    );
  } else {
    writeStderr(`${paint("ccr:", "red", 2)} ${clean(problem.message)}\n`);
    for (const line of problem.hint) writeStderr(`     ${cleanLines(line)}\n`);
  }
  return problem.exit;
}
