import { alwaysQuote } from "../system/shell-quote.ts";
import { MARK, type Name } from "./names.ts";

// One script under all names; the name it is called by gives the command. A link with another name is followed.
const NAME = `
__ccr_name=\${0##*/}
__ccr_path=$0
while :; do
  case $__ccr_name in
CASES
  esac
  [ -L "$__ccr_path" ] || break
  __ccr_link=$(readlink "$__ccr_path") || break
  case $__ccr_link in
    /*) __ccr_path=$__ccr_link ;;
    *) __ccr_path=\${__ccr_path%"\${__ccr_path##*/}"}$__ccr_link ;;
  esac
  __ccr_name=\${__ccr_path##*/}
done
`;

// Nothing here is exported and every name begins with __ccr: the plan's program inherits the caller's environment
// as it was.
const SEARCH = `
__ccr_stop() {
  printf 'ccr: %s\\n     %s\\n' "$1" "$2" >&2
  exit 127
}

__ccr_try() {
  [ -f "$1" ] && [ -x "$1" ] && [ "$__ccr_tries" -lt 12 ] || return 0
  __ccr_tries=$((__ccr_tries + 1))
  __ccr_version=$(NODE_OPTIONS='' NODE_EXTRA_CA_CERTS='' "$1" --version </dev/null 2>/dev/null) || return 0
  __ccr_major=\${__ccr_version#v}
  __ccr_minor=\${__ccr_major#*.}
  __ccr_major=\${__ccr_major%%.*}
  __ccr_minor=\${__ccr_minor%%.*}
  if [ "$__ccr_major" -gt 18 ] || { [ "$__ccr_major" -eq 18 ] && [ "$__ccr_minor" -ge 19 ]; }; then
    printf '%s' "$1"
    exit 0
  fi 2>/dev/null
}

__ccr_search() {
  __ccr_tries=0
  IFS=:
  set -f
  for __ccr_at in \${PATH-}; do __ccr_try "$__ccr_at/node"; done
  IFS=
  set +f
  for __ccr_at in "\${__ccr_file%/*}"/node/*/bin/node "\${HOME-}/.local/bin/node" \\
    "\${NVM_DIR:-\${HOME-}/.nvm}"/versions/node/*/bin/node \\
    "\${FNM_DIR:-\${HOME-}/.local/share/fnm}"/node-versions/*/installation/bin/node \\
    "\${VOLTA_HOME:-\${HOME-}/.volta}"/tools/image/node/*/bin/node \\
    "\${ASDF_DATA_DIR:-\${HOME-}/.asdf}"/installs/nodejs/*/bin/node \\
    "\${HOME-}"/.local/share/mise/installs/node/*/bin/node \\
    /usr/local/bin/node /usr/bin/node /usr/local/share/nvm/versions/node/*/bin/node \\
    /opt/homebrew/bin/node /snap/bin/node; do
    __ccr_try "$__ccr_at"
  done
  exit 1
}
`;

// Node runs the code that it finds in its compile cache, so the folder must be ours alone. ls says so: no test of sh
// knows modes. The name of the folder stands in system/places.ts too.
const CACHE = `
__ccr_cache=
case \${XDG_CACHE_HOME-} in
  /*) __ccr_cache=$XDG_CACHE_HOME/ccr/compiled ;;
  *) case \${HOME-} in /*) __ccr_cache=$HOME/.cache/ccr/compiled ;; esac ;;
esac

__ccr_private() {
  [ -O "\${__ccr_cache%/*}" ] && [ -O "$__ccr_cache" ] || return 1
  case $(LC_ALL=C command ls -ld "\${__ccr_cache%/*}" "$__ccr_cache" 2>/dev/null) in
    d????-??-*"
"d???--[-S]--[-T]*) ;;
    *) return 1 ;;
  esac
}

if [ -n "$__ccr_cache" ] && ! [ -d "$__ccr_cache" ] && [ -O "\${HOME-}" ]; then
  (umask 077 && mkdir -p "$__ccr_cache") 2>/dev/null || :
fi
[ -n "$__ccr_cache" ] && __ccr_private || __ccr_cache=
`;

// A closed descriptor 0, 1 or 2 would be given to a pipe. The tests for that must not open a file: it would get the
// free number. INT: the shell waits until Node has put the terminal in order, then dies of the signal as its caller expects.
const RUN = `
[ -f "$__ccr_file" ] || __ccr_file=\${HOME-}/.local/lib/ccr/ccr.cjs
[ -f "$__ccr_file" ] ||
  __ccr_stop "its program is missing: $__ccr_file" 'install it again: restart the workspace, or run: node dist/ccr.cjs install'
[ -x "$__ccr_node" ] || __ccr_node=$(__ccr_search) ||
  __ccr_stop 'no Node.js 18.19 or newer found' 'install one (https://nodejs.org), or put it on PATH'
{ true 9<&0; } 2>&- || exec </dev/null
{ true 9>&1; } 2>&- || exec >/dev/null
true 9>&2 || exec 2>/dev/null

trap : INT
{
  __ccr_plan=$(
    unset CCR_NODE_OPTIONS CCR_NODE_EXTRA_CA_CERTS CCR_NODE_COMPILE_CACHE
    [ -z "\${NODE_OPTIONS+x}" ] || export CCR_NODE_OPTIONS="$NODE_OPTIONS"
    [ -z "\${NODE_EXTRA_CA_CERTS+x}" ] || export CCR_NODE_EXTRA_CA_CERTS="$NODE_EXTRA_CA_CERTS"
    [ -z "\${NODE_COMPILE_CACHE+x}" ] || export CCR_NODE_COMPILE_CACHE="$NODE_COMPILE_CACHE"
    unset NODE_OPTIONS NODE_EXTRA_CA_CERTS NODE_COMPILE_CACHE
    [ -z "$__ccr_cache" ] || export NODE_COMPILE_CACHE="$__ccr_cache"
    export CCR_HANDOFF=3
    exec "$__ccr_node" FLAGS "$__ccr_file" "$@" 3>&1 1>&4 4>&-
  ) && __ccr_status=0 || __ccr_status=$?
} 4>&1
trap - INT

if [ "$__ccr_status" -eq 0 ] && [ -n "$__ccr_plan" ]; then
  eval "$__ccr_plan"
  exit
fi
[ "$__ccr_status" -ne 130 ] || kill -s INT $$
exit "$__ccr_status"
`;

/** V8 flags of every command. They keep its memory low; V8 rejects compiled code that was made with other flags. */
export const FLAGS = ["--max-semi-space-size=1", "--expose-gc"] as const;

/** Absolute paths of the helper's file and of the Node that it was installed with. */
export type Program = { file: string; node: string };

/**
 * The executable for POSIX sh, the same under all `names`: starts the helper in a fresh Node and, after that has ended
 * well, runs the line of shell code that the helper may have written to descriptor 3.
 */
export function shim({ file, node }: Program, names: readonly Name[]): string {
  const head = ["#!/bin/sh", MARK, `__ccr_node=${alwaysQuote(node)}`, `__ccr_file=${alwaysQuote(file)}`].join(
    "\n",
  );
  const cases = names.map(({ name, words }) => {
    const set = words.length > 0 ? `set -- ${words.map(alwaysQuote).join(" ")} "$@"; ` : "";
    return `    ${name}) ${set}break ;;`;
  });
  const run = RUN.replace("FLAGS", FLAGS.join(" "));
  return `${head}\n${NAME.replace("CASES", cases.join("\n"))}${SEARCH}${CACHE}${run}`;
}
