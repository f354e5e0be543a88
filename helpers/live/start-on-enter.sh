#!/bin/sh
# Shows $CCR_TEXT, waits for Enter, then becomes the program in its arguments.
# Arguments: the folder of Claude's registry, the session's id ("-": none), the program and its arguments.
#
# Only Enter does anything: the terminal sends no signals and no end of input meanwhile.
# While the registry names a process that runs this session, Enter only says so.
ccr_terminal=$(stty -g)
stty -echo -isig eof undef
printf '\033[2J\033[H%s\n' "${CCR_TEXT:-Press Enter to show the log.}"
# shellcheck disable=SC2034 # what is typed does not matter
while read -r ccr_typed || exit; do
  ccr_live=
  for ccr_file in "$1"/*.json; do
    ccr_pid=${ccr_file##*/}
    ccr_pid=${ccr_pid%.json}
    ccr_start=$(cut -d" " -f22 "/proc/$ccr_pid/stat" 2>/dev/null)
    [ "$ccr_start" ] && grep -qs "$2" "$ccr_file" &&
      grep -qs "procStart.:.\{0,1\}${ccr_start}[^0-9]" "$ccr_file" && ccr_live=$ccr_pid
  done
  [ "$ccr_live" ] || break
  echo "This session is already running: pid $ccr_live. Press Enter to try again."
done
shift 2
stty "$ccr_terminal"
unset CCR_TEXT ccr_terminal ccr_typed ccr_live ccr_file ccr_pid ccr_start
clear
exec "$@"
