#!/bin/sh
# One row of Coder's dashboard, on one line. The template puts lines in front that set ccr_row and ccr_name.
# Everybody who may see the workspace reads it: no path, no title and no prompt is ever printed. Exit status 0 always.
set +e -u
home=${HOME:-/}
state=${XDG_STATE_HOME:-$home/.local/state}/ccr
ccr=$home/.local/bin/${ccr_name:-ccr}

# What the last look of the helper found, or "-".
kept() {
  line=
  [ -r "$state/rows/$1" ] && IFS= read -r line <"$state/rows/$1"
  case $line in '' | *[!A-Za-z0-9,:.\ -]*) line=- ;; esac
  printf '%.60s\n' "$line"
}

# Sessions that run now: the CLI has a file for each, named after its process. The number may be another's by now.
live() {
  count=0
  for file in "${CLAUDE_CONFIG_DIR:-$home/.claude}"/sessions/*.json; do
    pid=${file##*/}
    pid=${pid%.json}
    case $pid in '' | *[!0-9]*) continue ;; esac
    { read -r line <"/proc/$pid/stat"; } 2>/dev/null || continue
    # The 20th field after the name, which may hold anything, is when it began.
    # shellcheck disable=SC2086
    set -- ${line##*) }
    grep -q "\"procStart\" *: *\"\{0,1\}${20:-none}[\",}]" "$file" 2>/dev/null && count=$((count + 1))
  done
  echo "$count"
}

# Node starts only where a transcript is newer than what is known, or the known is ten minutes old.
limited() {
  known=$state/rows/limited
  if ! [ -e "$known" ] || [ -n "$(find "$known" -mmin +10 2>/dev/null)" ] ||
    [ -n "$(find "${CLAUDE_CONFIG_DIR:-$home/.claude}/projects" -name '*.jsonl' -newer "$known" 2>/dev/null | head -n 1)" ]; then
    "$ccr" hook >/dev/null 2>&1 </dev/null
  fi
  kept limited
}

status() {
  warnings=$(cat "$state/setup-warnings" 2>/dev/null)
  case $warnings in
    *Node*) echo 'not installed: no Node 18.19 or newer (see the log of Claude sessions)' ;;
    *unpacked*) echo 'not installed: the helper could not be unpacked (see the log of Claude sessions)' ;;
    *'not installed'*) echo 'not installed completely (see the log of Claude sessions)' ;;
    *) if ! [ -x "$ccr" ]; then
      if [ -w "$home" ]; then echo 'not installed yet'; else echo 'not installed: the home cannot be written'; fi
    elif [ -n "$warnings" ]; then
      echo 'ready, with a warning (see the log of Claude sessions)'
    else
      # What part.sh brings.
      set -- "$home"/.local/lib/ccr/ccr.[0-9]*.*
      if [ -e "$1" ]; then echo ready; else echo 'ready, without its second part (see the log of Claude sessions, part 2)'; fi
    fi ;;
  esac
}

case ${ccr_row:-status} in
  status) status ;;
  *) if ! [ -x "$ccr" ]; then echo -; else
    case ${ccr_row:-} in
      live) live ;;
      limited) limited ;;
      *) kept "$ccr_row" ;;
    esac
  fi ;;
esac
exit 0
