import { Problem } from "../system/problem.ts";

/** A name that people type, and the words it puts before theirs. */
export type Name = { name: string; words: readonly string[] };

export const PROGRAM = "ccr";

/** A line near the top of every file that is ours alone. */
export const MARK = '# ccr: written by "ccr install"; changes are lost.';

// Words that a shell would take for itself, and the program that ccr is about.
const TAKEN =
  / (?:alias|bg|bind|break|builtin|caller|case|cd|claude|command|compgen|complete|continue|coproc|declare|dirs|disown|do|done|echo|elif|else|enable|end|esac|eval|exec|exit|export|false|fc|fg|fi|for|function|getopts|hash|help|history|if|in|jobs|kill|let|local|logout|node|popd|printf|pushd|pwd|read|readonly|return|select|set|sh|shift|shopt|source|string|suspend|switch|test|then|time|times|trap|true|type|typeset|ulimit|umask|unalias|unset|until|wait|while|zsh|bash|fish) /;

/** A Problem unless `ccr` may be called so: a letter, then letters, digits, `_` and `-`. */
export function checkName(name: string, others: readonly string[]): void {
  const usable =
    /^[A-Za-z][A-Za-z0-9_-]{0,31}$/.test(name) && !TAKEN.test(` ${name} `) && !others.includes(name);
  if (usable) return;
  throw new Problem("bad-name", `invalid name "${name}"`, {
    hint: "use a letter, then letters, digits, - or _, but no name that the shell uses: ccr install --name cr",
    exit: 2,
  });
}

/**
 * The names to install: the program's own and the classic ones of its commands.
 * Under another name than `ccr`, `ccr-list` follows (`NAME-list`); names without that prefix (`cct`, `ccra`) stay.
 */
export function namesOf(program: string, commands: readonly { name: string; alias?: string }[]): Name[] {
  return [
    { name: program, words: [] },
    ...commands.flatMap(({ name, alias }) =>
      alias && alias !== PROGRAM ? [{ name: under(program, alias), words: [name] }] : [],
    ),
  ];
}

/** A alias name under the chosen program name. */
export const under = (program: string, alias: string): string =>
  alias.startsWith(`${PROGRAM}-`) ? program + alias.slice(PROGRAM.length) : alias;
