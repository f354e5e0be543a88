// Shell completion: what could be typed at the cursor. Pure, apart from the two `Sources`.
import type { Name } from "../install/names.ts";
import { hasAsciiControl } from "../system/control-characters.ts";
import type { Command, CommandEntry, Completes, Flag } from "./command.ts";

export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

/** A command as completion sees it: `flags` are all that it takes, the common ones included. */
type Loaded = Pick<Command, "flags" | "positionals" | "maxArgs">;
type Entry = Pick<CommandEntry, "name" | "alias" | "summary"> & { load: () => Promise<Loaded> };

/** A word that could be typed, and what it is. */
export type Candidate = { word: string; description: string };

/** Where the ids of sessions and the names of projects come from, newest first. */
export type Sources = {
  sessions(prefix: string): Candidate[];
  projects(): Candidate[];
};

/** Candidates, or a kind of path that the shell completes itself. */
export type Answer = Candidate[] | "directory" | "file";

/**
 * Returns what could follow on a command line. `line` has its words up to the cursor: the program's name first, the
 * unfinished word last. `names` maps aliases to their commands; an unknown name counts as `ccr` itself.
 */
export async function complete(
  line: readonly string[],
  names: readonly Name[],
  commands: readonly Entry[],
  sources: Sources,
): Promise<Answer> {
  const [program = "", ...typed] = splitValues(line);
  const own = names.find(({ name }) => name === program.slice(program.lastIndexOf("/") + 1));
  const words = [...(own?.words ?? []), ...typed];
  const at = words.at(-1) ?? "";
  const entryNamed = (name: string | undefined): Entry | undefined =>
    commands.find((entry) => entry.name === name);

  if (words.length <= 1) {
    if (at.startsWith("-")) {
      return fitting(at, [
        { word: "--help", description: "commands and examples" },
        { word: "--version", description: "the version" },
      ]);
    }
    const named = commands.map(({ name, summary }) => ({ word: name, description: summary }));
    return [...fitting(at, named), ...sources.sessions(at)];
  }
  const named = entryNamed(words[0]);
  const entry = named ?? entryNamed("resume");
  if (!entry) return [];
  return completeArgument(named ? words.slice(1) : words, await entry.load(), sources);
}

function completeArgument(words: readonly string[], command: Loaded, sources: Sources): Answer {
  const { flags } = command;
  const at = words.at(-1) ?? "";
  const { given, positionals, afterDashes, expecting } = readTyped(words.slice(0, -1), flags);
  if (expecting) return valuesOf(expecting.completes, at, sources);
  if (!afterDashes && at.startsWith("-"))
    return at.indexOf("=") > 0 ? completeValue(at, flags, sources) : completeFlag(at, flags, given);
  // Further arguments are something else: a prompt, a file name.
  if (positionals > 0 && command.maxArgs !== undefined) return [];
  return valuesOf(command.positionals, at, sources);
}

type Typed = {
  /** names of the flags that were given */
  given: Set<string>;
  /** how many positional arguments were given */
  positionals: number;
  /** whether `--` was given */
  afterDashes: boolean;
  /** the flag whose value comes next */
  expecting: Flag | undefined;
};

function readTyped(words: readonly string[], flags: Record<string, Flag>): Typed {
  const typed: Typed = { given: new Set(), positionals: 0, afterDashes: false, expecting: undefined };
  for (const word of words) {
    if (typed.expecting) {
      typed.expecting = undefined;
    } else if (typed.afterDashes || !word.startsWith("-") || word === "-") {
      typed.positionals++;
    } else if (word === "--") {
      typed.afterDashes = true;
    } else {
      const name = nameOf(word.split("=", 1)[0]!, flags);
      if (name === undefined) continue;
      typed.given.add(name);
      if (flags[name]!.type === "string" && !word.includes("=")) typed.expecting = flags[name];
    }
  }
  return typed;
}

/** Completes the value in `--flag=value`. */
function completeValue(at: string, flags: Record<string, Flag>, sources: Sources): Answer {
  const equals = at.indexOf("=");
  const name = nameOf(at.slice(0, equals), flags);
  const answer = valuesOf(
    name === undefined ? undefined : flags[name]!.completes,
    at.slice(equals + 1),
    sources,
  );
  if (typeof answer === "string") return answer;
  return answer.map(({ word, description }) => ({ word: at.slice(0, equals + 1) + word, description }));
}

function completeFlag(at: string, flags: Record<string, Flag>, given: ReadonlySet<string>): Candidate[] {
  const left = Object.entries(flags).filter(([name, flag]) => flag.multiple || !given.has(name));
  return fitting(
    at,
    left.map(([name, { description }]) => ({ word: `--${name}`, description })),
  );
}

function nameOf(word: string, flags: Record<string, Flag>): string | undefined {
  if (word.startsWith("--")) return word.slice(2) in flags ? word.slice(2) : undefined;
  return Object.keys(flags).find((name) => flags[name]!.short === word.slice(-1));
}

function valuesOf(completes: Completes | undefined, at: string, sources: Sources): Answer {
  if (completes === undefined) return [];
  if (completes === "directory" || completes === "file") return completes;
  if (completes === "session") return sources.sessions(at);
  if (completes === "project") return fitting(at, sources.projects());
  return fitting(
    at,
    completes.map((word) => ({ word, description: "" })),
  );
}

const fitting = (at: string, all: readonly Candidate[]): Candidate[] =>
  all.filter(({ word }) => word.startsWith(at));

/** bash splits `--time=iso` into three words. Returns the words with the `=` taken out: the value is a word of its own. */
function splitValues(line: readonly string[]): string[] {
  const words: string[] = [];
  line.forEach((word, i) => {
    const flagBefore = i > 0 && line[i - 1]!.startsWith("--");
    if (word === "=" && flagBefore && i < line.length - 1) return;
    words.push(word === "=" && flagBefore ? "" : word);
  });
  return words;
}

/** Returns lines for the completion scripts: a candidate, a tab and its description; or `:file`, `:directory`. */
export function linesOf(answer: Answer, shell: Shell): string {
  if (typeof answer === "string") return `:${answer}\n`;
  const seen = new Set<string>();
  return answer
    .filter(({ word }) => !hasAsciiControl(word) && !seen.has(word) && seen.add(word))
    .map(({ word, description }) => `${shell === "bash" ? escaped(word) : word}\t${description}\n`)
    .join("");
}

/** Escapes a word for bash, which inserts a candidate unquoted. */
const escaped = (word: string): string => word.replace(/[^\w@%+=:,./\u0080-\uffff-]/g, "\\$&");
