#!/bin/sh
# Becomes the program in its arguments, unless the try that it belongs to was given up. Its first argument is the
# try's `.end` file: with noclobber only one process can make it (O_EXCL). The file gets our pid and /proc/<pid>/stat.
# Exit status 75: another process has made the file.
ccr_stat=
{ read -r ccr_stat </proc/$$/stat; } 2>/dev/null
(
  umask 077
  set -C
  echo "started $$ $ccr_stat" >"$1"
) 2>/dev/null || exit 75
shift
exec "$@"
