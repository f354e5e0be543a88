#!/usr/bin/env bats
# The start scripts that bring the later parts of the program, beside the first.

setup_file() {
  load ../support/setup.bash
  compose_setup
}

setup() {
  load ../support/setup.bash
  make_machine
  LIB=$HERE/.local/lib/ccr
}

part() { run_script "$PART" "$@" && run_script "$REST" "$@"; }

ccr() { env -i HOME="$HERE" PATH="$LINKS:/usr/bin:/bin" LANG=C.UTF-8 "$LINKS/ccr" "$@"; }

# A verb's --json, its words without blanks.
answers() { [[ $(ccr "$1" --json | tr -d ' \n') == *"\"schema\":\"ccr/$1@1\""* ]]; }

# All verbs answer: one of each layer.
whole() {
  answers list
  answers check-limits
  answers stats
  [ -z "$(find "$HERE" -name '.part.*')" ]
  [ "$(find "$LIB" -name 'ccr.[0-9]*' | wc -l)" -eq 2 ]
}

is_ready() {
  [ "$status" -eq 0 ]
  [ "$output" = $'part 1 of ccr ready\npart 2 of ccr ready' ]
}

@test "the script is clean by shellcheck" {
  command -v shellcheck >/dev/null || skip "shellcheck is missing"
  shellcheck "$BATS_TEST_DIRNAME/../../infra/scripts/part.sh"
}

@test "first setup, then the part: everything works" {
  as_agent
  run part
  is_ready
  whole
}

@test "first the part, then setup: everything works" {
  run part
  is_ready
  as_agent
  whole
}

@test "both at once, four times over: everything works" {
  for _ in 1 2 3 4; do
    as_agent >"$THERE/out.$RANDOM" 2>&1 &
    part >"$THERE/out.$RANDOM" 2>&1 &
  done
  wait
  run grep -h warning "$THERE"/out.*
  [ -z "$output" ]
  whole
}

@test "dash and busybox ash run it, with -e and -u too" {
  command -v dash >/dev/null || skip "dash is missing"
  command -v busybox >/dev/null || skip "busybox is missing"
  for shell in dash "busybox ash" "bash -eu"; do
    rm -rf "$HERE/.local"
    # shellcheck disable=SC2086
    run part $shell
    is_ready
  done
  as_agent
  whole
}

@test "without the part the commands that people wait for work, and the others say what is missing" {
  as_agent
  answers list
  run ccr stats
  [ "$status" -ne 0 ]
  [[ $output == *part* ]]
  [[ $output != *"    at "* ]]
  part
  whole
}

@test "it may be killed at any moment: the next run mends it" {
  as_agent
  for delay in 0.001 0.003 0.005 0.008 0.012; do
    setsid bash -c 'echo $$ >"$1"; shift; exec "$@"' _ "$THERE/pid" env -i HOME="$HERE" PATH="$THERE/tools" \
      /bin/sh -c "$(cat "$PART")" >/dev/null 2>&1 </dev/null &
    sleep "$delay"
    [ ! -s "$THERE/pid" ] || kill -KILL -- "-$(cat "$THERE/pid")" 2>/dev/null || true
    wait
  done
  run part
  is_ready
  find "$HERE" -name '.part.*' -exec touch -d '2 hours ago' {} +
  as_agent
  whole
}

@test "what a killed run with the same process number left does not stop either script" {
  mkdir -p "$LIB"
  # exec keeps the number.
  run env -i HOME="$HERE" PATH="$THERE/tools" /bin/sh -c 'mkdir "$HOME/.local/lib/ccr/.part.$$.text1"; exec /bin/sh -c "$1"' _ "$(cat "$PART")"
  [ "$status" -eq 0 ]
  [ "$output" = 'part 1 of ccr ready' ]
  run env -i HOME="$HERE" PATH="$THERE/tools" CCR_ROOT="$MACHINE" CODER_SCRIPT_BIN_DIR="$LINKS" \
    /bin/sh -c 'echo x >"$HOME/.local/lib/ccr/.part.$$.text"; exec /bin/sh -c "$1"' _ "$(cat "$SCRIPT")"
  [ "$status" -eq 0 ]
  rm -rf "$LIB"/.part.*
  part
  whole
}

@test "the part of a program that is there is kept until the new program is, and goes then" {
  as_agent
  part
  number=$(sed -n 's/^ccr_part_number=//p' "$PART")
  now=$(find "$LIB" -name "ccr.$number.*")
  # The template of yesterday: its program and its part.
  sed "s/${now##*.}/0123456789ab/g" "$LIB/ccr.cjs" >"$LIB/old"
  mv "$LIB/old" "$LIB/ccr.cjs"
  for old in "$LIB"/ccr.*."${now##*.}"; do mv "$old" "${old%.*}.0123456789ab"; done
  echo x >"$LIB/ccr.$number.ffffffffffff"
  part
  [ ! -e "$LIB/ccr.$number.ffffffffffff" ]
  answers stats
  as_agent
  part
  whole
}

# Somebody who is not root, where root runs the tests.
part_of_nobody() {
  if [ "$(id -u)" -eq 0 ]; then
    command -v setpriv >/dev/null || skip "setpriv is missing"
    chmod a+rx "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_TEST_TMPDIR" "$THERE"
    set -- setpriv --reuid=65534 --regid=65534 --clear-groups
  fi
  run "$@" env -i HOME="$HERE" PATH=/usr/bin:/bin /bin/sh -c "$(cat "$PART")"
}

warns() {
  [ "$status" -eq 0 ]
  [ "$output" = 'warning: a part of ccr could not be written to the home: some commands will not work.' ]
}

@test "a read-only home is one warning" {
  chmod 555 "$HERE"
  part_of_nobody
  chmod 755 "$HERE"
  warns
}

@test "no HOME is one warning, and nothing is written" {
  HERE=
  run run_script "$PART"
  warns
}

@test "a full disk is one warning and leaves nothing behind" {
  unshare -rm true 2>/dev/null || skip "no name spaces here"
  run env HERE="$HERE" PATH="$PATH" unshare -rm bash -c '
    mount -t tmpfs -o size=16k none "$HERE"
    HOME=$HERE /bin/sh -c "$1"
    find "$HERE" -type f' _ "$(cat "$PART")"
  warns
}

# A claude that waits, and a tmux of this test alone.
with_claude() {
  mkdir -p "$THERE/tmux" "$HERE/shop" "$HERE/.local/bin"
  chmod 700 "$THERE/tmux"
  printf '#!/bin/sh\nexec sleep 300\n' >"$HERE/.local/bin/claude"
  chmod 755 "$HERE/.local/bin/claude"
  EXTRA=(TMUX_TMPDIR="$THERE/tmux" TERM=xterm-256color)
}

tmux_here() { TMUX_TMPDIR="$THERE/tmux" tmux "$@"; }

live_ccr() { env -i HOME="$HERE" PATH="$HERE/.local/bin:$THERE/tools" LANG=C.UTF-8 "${EXTRA[@]}" "$@"; }

# Kills the server with -9, as the end of a pod does, and waits for its end.
end_tmux() {
  local pid
  pid=$(tmux_here display-message -p '#{pid}')
  kill -KILL "$pid"
  while kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
}

@test "sessions that were live come back with the workspace, whichever script is last" {
  with_claude
  as_agent
  part
  live_ccr "$HERE/.local/bin/ccr" start "$HERE/shop" --name shop </dev/null
  tmux_here has-session -t '=claude-shop' || tmux_here has-session -t '=shop'
  name=$(tmux_here list-sessions -F '#{session_name}')
  for scripts in "as_agent part" "part as_agent"; do
    end_tmux
    for one in $scripts; do $one; done
    [ "$(tmux_here list-sessions -F '#{session_name}')" = "$name" ]
  done
  tmux_here kill-server
}
