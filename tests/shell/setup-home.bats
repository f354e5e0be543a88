#!/usr/bin/env bats
# The setup scripts of the synthesized template in homes of all kinds.

setup_file() {
  load ../support/setup.bash
  compose_setup
}

setup() {
  load ../support/setup.bash
  make_machine
}

installs_with() {
  run as_agent "$@"
  [ "$status" -eq 0 ]
  [[ $output == *"fresh home: 2 files copied"* ]]
  [[ $output == *"node "*" found ($MACHINE/usr/bin/node)"* ]]
  [[ $output == *" installed"* ]]
  [[ $output != *warning* ]]
  [ -x "$HERE/.local/bin/ccr" ]
  [ "$("$LINKS/ccr" --version)" = "$("$REAL_NODE" "$HERE/.local/lib/ccr/ccr.cjs" --version)" ]
  only_added "$MACHINE/etc/skel/.bashrc"
  only_added "$MACHINE/etc/skel/.profile"
}

# No line of the file went, and at most one block of ccr's came.
only_added() {
  [ -z "$(diff "$1" "$HERE/${1##*/}" | grep '^<')" ]
  [ "$(grep -c '^# >>> ccr >>>' "$HERE/${1##*/}")" -le 1 ]
}

@test "shellcheck finds nothing in setup.sh" {
  command -v shellcheck >/dev/null || skip "shellcheck is missing"
  shellcheck "$BATS_TEST_DIRNAME/../../infra/scripts/setup.sh"
}

@test "setup.sh and join.cjs are the same in the template, byte for byte" {
  for name in setup.sh join.cjs; do
    cmp "$BATS_TEST_DIRNAME/../../infra/scripts/$name" "$BATS_TEST_DIRNAME/../../dist/template/$name"
  done
}

@test "bash installs into an empty home" { installs_with bash; }

@test "dash installs into an empty home" {
  command -v dash >/dev/null || skip "dash is missing"
  installs_with dash
}

@test "busybox ash installs into an empty home" {
  command -v busybox >/dev/null || skip "busybox is missing"
  installs_with busybox ash
}

@test "a shell with -e and -u installs too" { installs_with bash -eu; }

@test "a shell that gets errexit, nounset and noglob by its environment installs too" {
  EXTRA=(SHELLOPTS=errexit:nounset:noglob)
  installs_with bash
}

@test "odd separators and a strict umask from outside change nothing" {
  EXTRA=("IFS=/." LC_ALL=C)
  umask 077
  installs_with /bin/sh
}

@test "an interactive bash then has ccr as a function, and so has a login shell" {
  as_agent
  run env -i HOME="$HERE" PATH=/usr/bin:/bin bash -ic 'type ccr'
  [[ $output == *"ccr is a function"* ]]
  run env -i HOME="$HERE" PATH=/usr/bin:/bin bash -lic 'type ccr; command -v ccr-list'
  [[ $output == *"ccr is a function"* ]]
}

@test "a login shell has ccr when neither the volume nor the image brings skel files" {
  rm -r "$MACHINE/etc/skel"
  as_agent
  run env -i HOME="$HERE" PATH=/usr/bin:/bin bash -lic 'type ccr'
  [[ $output == *"ccr is a function"* ]]
}

@test "a second run changes no file" {
  as_agent
  before=$(inventory)
  run as_agent
  [ "$status" -eq 0 ]
  [[ $output != *"fresh home"* ]]
  [ "$(inventory)" = "$before" ]
}

@test "an edited .bashrc keeps every line and gets one block" {
  printf '%s\n' 'export EDITOR=vim' '# the end, without a newline' >"$HERE/.bashrc"
  printf 'alias g=git' >>"$HERE/.bashrc"
  mkdir "$THERE/before"
  cp "$HERE/.bashrc" "$THERE/before"
  as_agent
  as_agent
  rm -r "$HERE/.local"
  as_agent
  only_added "$THERE/before/.bashrc"
  [ "$(grep -c '^# >>> ccr >>>' "$HERE/.bashrc")" -eq 1 ]
  [ ! -e "$HERE/.bash_logout" ]
  run env -i HOME="$HERE" PATH=/usr/bin:/bin bash -ic 'type ccr; echo "$EDITOR"; alias g'
  [[ $output == *"ccr is a function"*"vim"*"alias g='git'"* ]]
}

@test "skel files never replace what is in the home" {
  printf 'mine\n' >"$HERE/.profile"
  run as_agent
  [[ $output != *"fresh home"* ]]
  grep -q mine "$HERE/.profile"
  [ "$(grep -c 'skel bashrc' "$HERE/.bashrc")" -eq 0 ]
}

@test "hidden folders and links of the skeleton come along with their modes" {
  mkdir -p "$MACHINE/etc/skel/.config/app"
  echo x >"$MACHINE/etc/skel/.config/app/a b"
  chmod 640 "$MACHINE/etc/skel/.config/app/a b"
  ln -s .bashrc "$MACHINE/etc/skel/.link"
  run as_agent
  [[ $output == *"4 files copied"* ]]
  [ "$(stat -c %a "$HERE/.config/app/a b")" = 640 ]
  [ "$(readlink "$HERE/.link")" = .bashrc ]
}

@test "a home with spaces, quotes and dollar signs is a home" {
  HERE="$THERE/it's a \$(touch boo) \"home\""
  mkdir "$HERE"
  installs_with /bin/sh
  run env -i HOME="$HERE" PATH=/usr/bin:/bin bash -ic 'type ccr; ccr --version'
  [[ $output == *"ccr is a function"* ]]
  [ -z "$(find "$THERE" -name boo)" ]
}

@test "what ccr owns is private" {
  as_agent
  [ "$(stat -c %a "$HERE/.local/lib/ccr")" = 700 ]
  [ "$(stat -c %a "$HERE/.local/lib/ccr/ccr.cjs")" = 600 ]
}

@test "four starts at once leave a whole installation" {
  for _ in 1 2 3 4; do all_at_once >"$THERE/out.$RANDOM" 2>&1 & done
  wait
  run grep -h warning "$THERE"/out.*
  [ -z "$output" ]
  cp "$HERE/.bashrc" "$THERE/bashrc"
  run as_agent
  [ "$status" -eq 0 ]
  cmp "$HERE/.bashrc" "$THERE/bashrc"
  [ "$(grep -c '^# skel bashrc' "$HERE/.bashrc")" -eq 1 ]
  [ -z "$(find "$HERE" -name '.work.*')" ]
}

@test "a script may be killed at any moment: the next start completes the work" {
  for delay in 0.01 0.03 0.05 0.07 0.09; do
    for number in $(seq "$COUNT"); do
      rm -f "$THERE/pid"
      setsid bash -c 'echo $$ >"$1"; shift; exec "$@"' _ "$THERE/pid" env -i HOME="$HERE" PATH="$THERE/tools" \
        CCR_ROOT="$MACHINE" CODER_SCRIPT_BIN_DIR="$LINKS" /bin/sh -c "$(cat "$SETUP_SCRIPTS/$number")" >/dev/null 2>&1 </dev/null &
      sleep "$delay"
      [ ! -s "$THERE/pid" ] || kill -KILL -- "-$(cat "$THERE/pid")" 2>/dev/null || true
      wait
    done
  done
  run as_agent
  [ "$status" -eq 0 ]
  [[ $output != *warning* ]]
  "$LINKS/ccr" --version
  find "$HERE" -name '.work.*' -exec touch -d '2 hours ago' {} +
  as_agent
  [ -z "$(find "$HERE" -name '.work.*')" ]
}

@test "no child keeps the output open" {
  start=$(date +%s)
  all_at_once | cat >/dev/null
  [ $(($(date +%s) - start)) -lt 10 ]
}

@test "a directory for links that cannot be written is a warning, kept for the dashboard and forgotten when fixed" {
  rm -r "$LINKS"
  touch "$LINKS"
  run as_agent
  [ "$status" -eq 0 ]
  [[ $output == *"warning: $LINKS/ccr could not be linked"* ]]
  grep -q 'could not be linked' "$HERE"/.local/lib/ccr/pieces/*/warnings-1
  rm "$LINKS"
  mkdir "$LINKS"
  as_agent
  [ -z "$(find "$HERE/.local/lib/ccr/pieces" -name 'warnings*')" ]
}

@test "without CODER_SCRIPT_BIN_DIR it installs all the same" {
  LINKS=
  run as_agent
  [ "$status" -eq 0 ]
  [ -x "$HERE/.local/bin/ccr" ]
}

# Somebody who is not root, where root runs the tests.
as_nobody() {
  if [ "$(id -u)" -ne 0 ]; then
    "$@"
  else
    command -v setpriv >/dev/null || skip "setpriv is missing"
    chmod 755 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_TEST_TMPDIR" "$THERE" 2>/dev/null || true
    chmod -R a+rX "$BATS_RUN_TMPDIR"
    setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
  fi
}

# Every script says the same in one line.
breaks_with() {
  command -v busybox >/dev/null || skip "busybox is missing"
  for number in $(seq "$COUNT"); do
    for shell in /bin/sh "busybox ash"; do
      # shellcheck disable=SC2086
      run as_nobody env -i HOME="$HERE" PATH="$THERE/tools" CCR_ROOT="$MACHINE" $shell -c "$(cat "$SETUP_SCRIPTS/$number")"
      [ "$status" -eq 1 ]
      [ "${#lines[@]}" -eq 1 ]
      [[ $output == "ccr could not be set up: "*"$1"* ]]
    done
  done
}

@test "a read-only home is one line and status 1" {
  chmod 555 "$HERE"
  breaks_with 'is not writable for'
  chmod 755 "$HERE"
}

@test "a home that belongs to root is one line and status 1" {
  [ "$(id -u)" -eq 0 ] || HERE=/root
  breaks_with 'is not writable for'
}

@test "a home that belongs to root but may be written by the group is a home" {
  [ "$(id -u)" -eq 0 ] || skip "only root can give a folder away"
  chgrp 65534 "$HERE"
  chmod 2775 "$HERE"
  for number in $(seq "$COUNT"); do
    run as_nobody env -i HOME="$HERE" PATH="$THERE/tools" CCR_ROOT="$MACHINE" /bin/sh -c "$(cat "$SETUP_SCRIPTS/$number")"
    [ "$status" -eq 0 ]
  done
  [ -x "$HERE/.local/bin/ccr" ]
}

@test "no home at all is one line and status 1" {
  HERE="$THERE/gone"
  breaks_with 'does not exist'
  HERE=
  breaks_with 'HOME is not set'
}

# A file system of this many KiB as home.
in_small_home() {
  unshare -rm true 2>/dev/null || skip "no name spaces here"
  local size=$1
  shift
  SIZE=$size HERE=$HERE unshare -rm bash -c 'mount -t tmpfs -o size="${SIZE}k" none "$HERE" && "$@"' _ "$@"
}

@test "a full disk is one line and status 1" {
  for number in $(seq "$COUNT"); do
    run in_small_home 4 env -i HOME="$HERE" PATH="$THERE/tools" CCR_ROOT="$MACHINE" /bin/sh -c "
      printf '%08192d' 0 >\"\$HOME/full\" 2>/dev/null
      $(cat "$SETUP_SCRIPTS/$number")"
    [ "$status" -eq 1 ]
    [[ $output == "ccr could not be set up: "*"df -h"* ]]
    [ "${#lines[@]}" -eq 1 ]
  done
}

# All scripts in a home of this many KiB: what they say, the last status other than 0, and what is in the library then.
run_in_small_home() {
  rm -rf "$MACHINE/etc/skel"
  run in_small_home "$1" env -i HOME="$HERE" PATH="$THERE/tools" CCR_ROOT="$MACHINE" bash -c '
    status=0
    for script in "$0"/*; do $1 -c "$(cat "$script")" || status=$?; done
    echo "status $status"
    ls -AR "$HOME/.local/lib/ccr"' "$SETUP_SCRIPTS" "${SETUP_SHELL:-/bin/sh}"
}

@test "a disk that is too small for the pieces leaves no half of a helper" {
  run_in_small_home 24
  [[ $output == *"no room for it in"* ]]
  [[ $output == *"status 1"* ]]
  [[ $output != *"ccr.cjs"* ]]
  [[ $output != *"-of-"* ]]
}

no_room_for_the_program() {
  run_in_small_home 420
  [[ $output == *"no room for it in"* ]]
  [[ $output == *"status 1"* ]]
  [[ $output != *"ccr.cjs"* ]]
  [[ $output == *"1-of-$COUNT"* ]]
  [[ $output != *"installed"* ]]
}

@test "a disk that has room for the pieces but not for the program leaves no half of a helper" {
  under_each_shell no_room_for_the_program
}
