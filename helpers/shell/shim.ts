import { MARK, type Name } from "./names.ts";
import { sh } from "./quote.ts";

// Nothing here is exported and every name begins with __ccr: the plan's program inherits the caller's environment
// as it was. Only the search for another Node, when the recorded one is gone, starts a process besides Node.
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

// A closed descriptor 0, 1 or 2 would be given to a pipe. The tests for that must not open a file: it would get the
// free number. INT: the shell waits until Node has put the terminal in order, then dies of the signal as its caller expects.
const RUN = `
[ -f "$__ccr_file" ] || __ccr_file=\${HOME-}/.local/lib/ccr/ccr.cjs
[ -f "$__ccr_file" ] ||
  __ccr_stop "its program $__ccr_file is gone." 'install it again: a new start of the workspace does'
[ -x "$__ccr_node" ] || __ccr_node=$(__ccr_search) ||
  __ccr_stop 'no Node.js 18.19 or newer is to be found.' 'install one (https://nodejs.org), or put it on PATH'
{ true 9<&0; } 2>&- || exec </dev/null
{ true 9>&1; } 2>&- || exec >/dev/null
true 9>&2 || exec 2>/dev/null

trap : INT
{
  __ccr_plan=$(
    unset CCR_NODE_OPTIONS CCR_NODE_EXTRA_CA_CERTS
    [ -z "\${NODE_OPTIONS+x}" ] || export CCR_NODE_OPTIONS="$NODE_OPTIONS"
    [ -z "\${NODE_EXTRA_CA_CERTS+x}" ] || export CCR_NODE_EXTRA_CA_CERTS="$NODE_EXTRA_CA_CERTS"
    unset NODE_OPTIONS NODE_EXTRA_CA_CERTS
    export CCR_HANDOFF=3
    exec "$__ccr_node" "$__ccr_file"WORDS "$@" 3>&1 1>&4 4>&-
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

/** Absolute paths of the helper's file and of the Node that it was installed with. */
export type Program = { file: string; node: string };

/**
 * An executable for POSIX sh: starts the helper in a fresh Node and, after that has ended well, runs the line of
 * shell code that the helper may have written to descriptor 3.
 */
export function shim({ file, node }: Program, { words }: Name): string {
  const head = ["#!/bin/sh", MARK, `__ccr_node=${sh(node)}`, `__ccr_file=${sh(file)}`].join("\n");
  return `${head}\n${SEARCH}${RUN.replace("WORDS", words.map((word) => ` ${sh(word)}`).join(""))}`;
}
