import { alwaysQuote, fishQuote } from "../system/shell-quote.ts";
import { MARK, type Name } from "./names.ts";
import type { Setting } from "./places.ts";

/**
 * Lines for the rc files of bash and zsh. They start no process. They stand before the line in Debian's .bashrc that
 * returns in non-interactive shells, so that `bash -c '. ~/.bashrc && ccra'` works in a crontab.
 */
export const rcLines: readonly string[] = [
  'if [ -n "${BASH_VERSION-}${ZSH_VERSION-}" ] && [ -r "${HOME-}/scripts/claude-resume-helpers.sh" ]; then',
  '  . "$HOME/scripts/claude-resume-helpers.sh"',
  "fi",
];

/** Lines for the `.profile` of a home that has none: they make a login bash read `.bashrc` and any sh find the programs. */
export const profileLines: readonly string[] = [
  'if [ -n "${BASH_VERSION-}" ] && [ -z "${__ccr_login-}" ] && [ -r "${HOME-}/.bashrc" ]; then',
  "  __ccr_login=1",
  '  . "$HOME/.bashrc"',
  "  unset __ccr_login",
  "fi",
  'case ":${PATH-}:" in',
  '  *":${HOME-}/.local/bin:"*) ;;',
  '  *) PATH="${HOME-}/.local/bin${PATH:+:$PATH}" ;;',
  "esac",
];

const list = (names: readonly Name[]): string => names.map(({ name }) => name).join(" ");

/**
 * Returns the file of functions for bash and zsh. `function` prevents the expansion of aliases of the same name. In
 * bash's posix mode, names with a dash are not allowed; the executables are used there. Every shell parses all of it at
 * its start, so completion is in other files.
 */
export function functions({ name, names, binaries, library, program }: Setting): string {
  const dashed = names.filter((own) => own.name.includes("-"));
  const define = (own: Name): string =>
    `function ${own.name} { ${alwaysQuote(`${binaries}/${own.name}`)} "$@"; }\n`;
  return `${MARK}
# For bash and zsh; it starts no process. The name is ${name}.
case ":\${PATH-}:" in
*:${alwaysQuote(binaries)}:*) ;;
*) PATH=${alwaysQuote(binaries)}\${PATH:+:$PATH} ;;
esac
${names
  .filter((own) => !dashed.includes(own))
  .map(define)
  .join("")}if [[ :\${SHELLOPTS-}: != *:posix:* ]]; then
:
${dashed.map(define).join("")}fi
${program === undefined ? "" : completion(names, library)}`;
}

const completion = (names: readonly Name[], library: string): string => `if [[ $- != *i* ]]; then
:
elif [[ -n \${ZSH_VERSION-} ]]; then
. ${alwaysQuote(`${library}/completion.zsh`)}
else
function __ccr_complete { unset -f __ccr_complete; . ${alwaysQuote(`${library}/completion.bash`)} && __ccr_complete; }
\\complete -F __ccr_complete ${list(names)}
fi
`;

const indent = (text: string): string => text.trimEnd().replace(/^(?=.)/gm, "  ");

// ccr prints one candidate in each line, with a tab and a description; `:file` and `:directory` leave it to the shell.
// Nothing of the output is evaluated. When there are several candidates, bash lists them with their descriptions and
// inserts their common beginning, which ends before the descriptions.
type Asked = { program: string; names: readonly Name[] };

/** Returns the completion script for bash, to be sourced. */
export const bashCompletion = ({ program, names }: Asked): string => `${MARK}
function __ccr_complete {
  local __ccr_line __ccr_out __ccr_i __ccr_about=()
  COMPREPLY=()
  __ccr_out=$(${alwaysQuote(program)} completion bash -- "\${COMP_WORDS[@]:0:COMP_CWORD+1}" </dev/null 2>/dev/null) || :
  while IFS= read -r __ccr_line; do
    case $__ccr_line in
      '') ;;
      :directory) compopt -o dirnames 2>/dev/null || : ;;
      :file) compopt -o default 2>/dev/null || : ;;
      *)
        __ccr_about[\${#COMPREPLY[@]}]=\${__ccr_line#*$'\\t'}
        COMPREPLY[\${#COMPREPLY[@]}]=\${__ccr_line%%$'\\t'*}
        ;;
    esac
  done <<<"$__ccr_out"
  compopt -o nosort 2>/dev/null || :
  case \${COMP_TYPE-}:\${#COMPREPLY[@]} in
    *:0 | *:1) ;;
    63:* | 33:* | 64:*)
      for __ccr_i in "\${!COMPREPLY[@]}"; do
        [[ -n \${__ccr_about[__ccr_i]} ]] || continue
        __ccr_line="\${COMPREPLY[__ccr_i]}  (\${__ccr_about[__ccr_i]})"
        COMPREPLY[__ccr_i]=\${__ccr_line:0:\${COLUMNS:-80}-2}
      done
      ;;
  esac
}
\\complete -F __ccr_complete ${list(names)}
`;

/** Returns the completion script for zsh: to be sourced after compinit, or a file named `__ccr_complete` in fpath. */
export const zshCompletion = ({ program, names }: Asked): string => `#compdef ${list(names)}
${MARK}
function __ccr_complete {
  local __ccr_line __ccr_word
  local -a __ccr_words __ccr_show
  for __ccr_line in "\${(@f)$(${alwaysQuote(program)} completion zsh -- "\${(@Q)words[1,CURRENT-1]}" "\${(Q)PREFIX}" </dev/null 2>/dev/null)}"; do
    case $__ccr_line in
      '') ;;
      :directory) _files -/ ;;
      :file) _files ;;
      *)
        __ccr_word=\${__ccr_line%%$'\\t'*}
        __ccr_words+=("$__ccr_word")
        __ccr_show+=("$__ccr_word  \${__ccr_line#*$'\\t'}")
        ;;
    esac
  done
  (( \${#__ccr_words} )) || return 1
  compadd -V ccr -l -d __ccr_show -a __ccr_words
}
if [[ \${funcstack[1]-} == __ccr_complete ]]; then
  __ccr_complete "$@"
elif [[ -n \${functions[compdef]-} ]]; then
  compdef __ccr_complete ${list(names)}
fi
`;

/** Returns what zsh runs at its start. It loads the completion script at the first Tab, with this or a later compinit. */
export const zshStart = ({ library, names }: Setting): string => `${MARK}
case " \${fpath[*]} " in
  *${alwaysQuote(` ${library}/zsh `)}*) ;;
  *) fpath=(${alwaysQuote(`${library}/zsh`)} "\${fpath[@]}") ;;
esac
if [[ -n \${functions[compdef]-} ]]; then
  autoload -Uz __ccr_complete
  compdef __ccr_complete ${list(names)}
fi
`;

/** Returns the completion script for fish, to be sourced. */
export const fishCompletion = ({ program, names }: Asked): string => `function __ccr_complete
    set -l __ccr_words (commandline -opc)
    set -l __ccr_word (commandline -ct)
    for __ccr_line in (${fishQuote(program)} completion fish -- $__ccr_words "$__ccr_word" </dev/null 2>/dev/null)
        switch $__ccr_line
            case :directory
                __fish_complete_directories "$__ccr_word"
            case :file
                __fish_complete_path "$__ccr_word"
            case '*'
                printf '%s\\n' $__ccr_line
        end
    end
end
${names.map(({ name }) => `complete -c ${name} -f -k -a '(__ccr_complete)'`).join("\n")}
`;

/** Returns the file for fish's conf.d: it adds the executables to PATH and sets up completion. */
export function fishFile({ binaries, names, program }: Setting): string {
  const path = `contains -- ${fishQuote(binaries)} $PATH; or set -gx PATH ${fishQuote(binaries)} $PATH`;
  if (program === undefined) return `${MARK}\n${path}\n`;
  return `${MARK}
${path}
if status is-interactive
${indent(indent(fishCompletion({ program, names })))}
end
`;
}
