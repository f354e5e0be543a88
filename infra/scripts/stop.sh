#!/bin/sh
# Runs when the workspace stops, within the pod's grace period: sends SIGTERM to each Claude Code so that it can save its
# state, waits for them to end, and leaves the rest to Kubernetes. Nothing is lost then either: transcripts are written
# continuously. The template puts lines in front of this file that set ccr_name and ccr_patience (seconds).
set +e -u
home=${HOME:-/}
ccr=$home/.local/bin/${ccr_name:-ccr}

# Process ids of running sessions: registered, and with the registered start time, because ids are reused.
running() {
  for file in "${CLAUDE_CONFIG_DIR:-$home/.claude}"/sessions/*.json; do
    pid=${file##*/}
    pid=${pid%.json}
    case $pid in '' | *[!0-9]*) continue ;; esac
    { read -r line <"/proc/$pid/stat"; } 2>/dev/null || continue
    # shellcheck disable=SC2086
    set -- ${line##*) }
    [ "$1" = Z ] && continue
    grep -q "\"procStart\" *: *\"\{0,1\}${20:-none}[\",}]" "$file" 2>/dev/null && echo "$pid"
  done
}

# Saves the current windows for ccr restore.
if [ -x "$ccr" ]; then timeout 5 "$ccr" supervise --journal >/dev/null 2>&1 </dev/null; fi
asked=$(running)
for pid in $asked; do kill -TERM "$pid" 2>/dev/null; done
left=$asked
waited=0
while [ -n "$left" ] && [ "$waited" -lt "${ccr_patience:-20}" ]; do
  sleep 1
  waited=$((waited + 1))
  left=$(for pid in $asked; do [ -d "/proc/$pid" ] && running | grep -x "$pid"; done)
done
# Updates the dashboard's rows for the next start.
if [ -x "$ccr" ]; then timeout 5 "$ccr" hook >/dev/null 2>&1 </dev/null; fi
set -f
# shellcheck disable=SC2086
set -- $asked
said=$#
# shellcheck disable=SC2086
set -- $left
echo "asked $said Claude Code sessions to end; $# still running after $waited s"
exit 0
