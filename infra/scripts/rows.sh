#!/bin/sh
# Prints one row of Coder's dashboard, on one line. The template puts lines in front that set ccr_row and ccr_name; for
# the row "status" also ccr_sha256 and ccr_count, as for setup.sh.
# Everybody who may see the workspace reads the rows: print no path, no title and no prompt. Exit status: always 0.
set +e -u
home=${HOME:-/}
state=${XDG_STATE_HOME:-$home/.local/state}/ccr
ccr=$home/.local/bin/${ccr_name:-ccr}
pieces=$home/.local/lib/ccr/pieces/${ccr_sha256:-unknown}

# What the last check of the helper found, or "-".
kept() {
  line=
  [ -r "$state/rows/$1" ] && IFS= read -r line <"$state/rows/$1"
  case $line in '' | *[!A-Za-z0-9,:.\ -]*) line=- ;; esac
  printf '%.60s\n' "$line"
}

# Sessions that run now: the CLI has a file for each, named after its process. The number may belong to another process
# by now, so the start time is compared too.
live() {
  count=0
  for file in "${CLAUDE_CONFIG_DIR:-$home/.claude}"/sessions/*.json; do
    pid=${file##*/}
    pid=${pid%.json}
    case $pid in '' | *[!0-9]*) continue ;; esac
    { read -r line <"/proc/$pid/stat"; } 2>/dev/null || continue
    # The 20th field after the name (which may contain anything) is the start time.
    # shellcheck disable=SC2086
    set -- ${line##*) }
    grep -q "\"procStart\" *: *\"\{0,1\}${20:-none}[\",}]" "$file" 2>/dev/null && count=$((count + 1))
  done
  echo "$count"
}

# Starts Node only when a transcript is newer than the last result, or that result is ten minutes old.
limited() {
  known=$state/rows/limited
  if ! [ -e "$known" ] || [ -n "$(find "$known" -mmin +10 2>/dev/null)" ] ||
    [ -n "$(find "${CLAUDE_CONFIG_DIR:-$home/.claude}/projects" -name '*.jsonl' -newer "$known" 2>/dev/null | head -n 1)" ]; then
    "$ccr" hook >/dev/null 2>&1 </dev/null
  fi
  kept limited
}

# What the program still lacks, as in setup.sh.
missing() {
  wanted=1
  while [ "$wanted" -le "${ccr_count:-0}" ]; do
    if ! [ -e "$pieces/$wanted-of-$ccr_count" ]; then
      echo "piece $wanted of $ccr_count has not arrived"
      return
    fi
    wanted=$((wanted + 1))
  done
  if [ -e "$pieces/node" ]; then echo 'the pieces are being joined'; else echo 'Node has not been found yet'; fi
}

status() {
  logs='(see the logs of Claude sessions)'
  warnings=$(cat "$pieces"/warnings-* 2>/dev/null)
  case $warnings in *Node*)
    echo "not installed: no Node 18.19 or newer $logs"
    return
    ;;
  esac
  if [ -x "$ccr" ] && [ -e "$pieces/installed" ]; then
    if [ -n "$warnings" ]; then echo "ready, with a warning $logs"; else echo ready; fi
    return
  fi
  case $warnings in
    *'put together'*) echo "not installed: the program could not be put together $logs" ;;
    *'not installed'*) echo "not installed completely $logs" ;;
    *) if [ -x "$ccr" ]; then
      echo "ready, but not updated: $(missing) $logs"
    elif ! [ -w "$home" ]; then
      echo 'not installed: the home is not writable'
    elif ! [ -d "$pieces" ]; then
      echo 'not installed yet'
    else
      echo "not installed: $(missing) $logs"
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
