// What could stand at the cursor. Pure, but for the two questions description sessions and projects.

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

/** What completion asks for beside the verbs; ids and names as they are typed, newest first. */
export type Sources = {
  sessions(prefix: string): Candidate[];
  projects(): Candidate[];
};

/** Candidates, or what the shell itself knows better how to complete. */
export type Answer = Candidate[] | "directory" | "file";

/**
 * The answer for a command line: its words up to the cursor, the command's name first, the unfinished word last.
 * `names` says which verb a classic name stands for; an unknown name (an alias) is `ccr` itself.
 */
export async function complete(
  line: readonly string[],
  names: readonly Name[],
  verbs: readonly Entry[],
  sources: Sources,
): Promise<Answer> {
  const [command = "", ...typed] = splitValues(line);
  const own = names.find(({ name }) => name === command.slice(command.lastIndexOf("/") + 1));
  const words = [...(own?.words ?? []), ...typed];
  const at = words.at(-1) ?? "";
  const verbNamed = (name: string | undefined): Entry | undefined => verbs.find((verb) => verb.name === name);

  if (words.length <= 1) {
    if (at.startsWith("-")) {
      return fitting(at, [
        { word: "--help", description: "verbs and examples" },
        { word: "--version", description: "the version" },
      ]);
    }
    const named = verbs.map(({ name, summary }) => ({ word: name, description: summary }));
    return [...fitting(at, named), ...sources.sessions(at)];
  }
  const named = verbNamed(words[0]);
  const verb = named ?? verbNamed("resume");
  if (!verb) return [];
  return inVerb(named ? words.slice(1) : words, await verb.load(), sources);
}

function inVerb(words: readonly string[], command: Loaded, sources: Sources): Answer {
  const { flags } = command;
  const at = words.at(-1) ?? "";
  const given = new Set<string>();
  let before = 0;
  let onlyWords = false;
  let value: Flag | undefined;
  for (const word of words.slice(0, -1)) {
    if (value) {
      value = undefined;
      continue;
    }
    if (onlyWords || !word.startsWith("-") || word === "-") before++;
    else if (word === "--") onlyWords = true;
    else {
      const name = nameOf(word.split("=", 1)[0]!, flags);
      if (name === undefined) continue;
      given.add(name);
      if (flags[name]!.type === "string" && !word.includes("=")) value = flags[name];
    }
  }
  if (value) return valuesOf(value.completes, at, sources);
  if (!onlyWords && at.startsWith("-")) {
    const equals = at.indexOf("=");
    if (equals > 0) {
      const name = nameOf(at.slice(0, equals), flags);
      const answer = valuesOf(
        name === undefined ? undefined : flags[name]!.completes,
        at.slice(equals + 1),
        sources,
      );
      if (typeof answer === "string") return answer;
      return answer.map(({ word, description }) => ({ word: at.slice(0, equals + 1) + word, description }));
    }
    const left = Object.entries(flags).filter(([name, flag]) => flag.multiple || !given.has(name));
    return fitting(
      at,
      left.map(([name, { description }]) => ({ word: `--${name}`, description: description })),
    );
  }
  // Later words are other things: a prompt, a file name.
  if (before > 0 && command.maxArgs !== undefined) return [];
  return valuesOf(command.positionals, at, sources);
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

/** bash cuts `--time=iso` into three words: the value becomes a word of its own. */
function splitValues(line: readonly string[]): string[] {
  const words: string[] = [];
  line.forEach((word, i) => {
    const flagBefore = i > 0 && line[i - 1]!.startsWith("--");
    if (word === "=" && flagBefore && i < line.length - 1) return;
    words.push(word === "=" && flagBefore ? "" : word);
  });
  return words;
}

/** Lines for the completion scripts: a candidate, a tab, what it is; or `:file`, `:directory`. */
export function linesOf(answer: Answer, shell: Shell): string {
  if (typeof answer === "string") return `:${answer}\n`;
  const seen = new Set<string>();
  return answer
    .filter(({ word }) => !hasAsciiControl(word) && !seen.has(word) && seen.add(word))
    .map(({ word, description }) => `${shell === "bash" ? escaped(word) : word}\t${description}\n`)
    .join("");
}

/** bash puts a candidate into the line as it is. */
const escaped = (word: string): string => word.replace(/[^\w@%+=:,./\u0080-\uffff-]/g, "\\$&");
