#!/bin/sh
# Runs every five minutes if the user has switched it on in the form: continues limited sessions after their reset.
# The template puts a line in front of this file that sets ccr_name. The output of the last run is in upkeep.log, because
# the log of Coder's agent is limited to 1 MiB.
set +e -u
umask 077
home=${HOME:-/}
state=${XDG_STATE_HOME:-$home/.local/state}/ccr
ccr=$home/.local/bin/${ccr_name:-ccr}
[ -x "$ccr" ] && [ -d "$state" ] || exit 0
{
  # The switch in the form applies once, so that it can be turned off later with `ccr config`.
  if ! [ -e "$state/switched-on" ] && "$ccr" config set autoResume on; then : >"$state/switched-on"; fi
  "$ccr" supervise
} >"$state/upkeep.log" 2>&1 </dev/null
exit 0
