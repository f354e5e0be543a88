#!/usr/bin/env bats
# How the setup scripts bring the program in pieces: in any order, interrupted, and beside other versions.

setup_file() {
  load ../support/setup.bash
  compose_setup
}

setup() {
  load ../support/setup.bash
  make_machine
  LIB=$HERE/.local/lib/ccr
}

# Runs the scripts of these numbers one after the other.
in_order() {
  local number
  for number in "$@"; do run_script "$SETUP_SCRIPTS/$number"; done
}

ccr() { env -i HOME="$HERE" PATH="$LINKS:/usr/bin:/bin" LANG=C.UTF-8 "$LINKS/ccr" "$@"; }

# A command's --json, its words without blanks.
answers() { [[ $(ccr "$1" --json | tr -d ' \n') == *"\"schema\":\"ccr/$1@1\""* ]]; }

whole() {
  cmp "$LIB/ccr.cjs" "$BATS_TEST_DIRNAME/../../dist/template/ccr.cjs"
  answers list
  answers check-limits
  answers stats
  [ -z "$(find "$HERE" -name '.work.*')" ]
  [ -z "$(find "$LIB" -name 'ccr.[0-9]*')" ]
}

# The dashboard's row for these scripts.
row() {
  env -i HOME="$HERE" PATH=/usr/bin:/bin sh -c "ccr_row=status ccr_name=ccr ccr_count=$COUNT
$(grep '^ccr_sha256=' "$SETUP_SCRIPTS/1")
$(cat "$BATS_TEST_DIRNAME/../../infra/scripts/rows.sh")"
}

@test "there are several scripts, with the same text but for number and piece" {
  [ "$COUNT" -gt 1 ]
  for number in $(seq "$COUNT"); do
    # A piece is lines of base64 after its name.
    grep -vE '^ccr_number=|^ccr_piece=|^[A-Za-z0-9+/=]{300,}|^[A-Za-z0-9+/=]+'"'"'$' "$SETUP_SCRIPTS/$number" >"$THERE/text.$number"
    cmp "$THERE/text.1" "$THERE/text.$number"
    [ "$(wc -l <"$THERE/text.$number")" -gt 100 ]
  done
}

@test "the first script first: the last one installs" {
  in_order $(seq "$COUNT")
  whole
}

@test "the first script last: it installs" {
  in_order $(seq "$COUNT" -1 1)
  whole
}

@test "four starts at once: everything works" {
  for _ in 1 2 3 4; do all_at_once >"$THERE/out.$RANDOM" 2>&1 & done
  wait
  run grep -h warning "$THERE"/out.*
  [ -z "$output" ]
  whole
}

@test "dash, busybox ash and bash -eu run them all" {
  command -v dash >/dev/null || skip "dash is missing"
  command -v busybox >/dev/null || skip "busybox is missing"
  for shell in dash "busybox ash" "bash -eu"; do
    rm -rf "$HERE/.local"
    # shellcheck disable=SC2086
    run all_at_once $shell
    [ "$status" -eq 0 ]
    [[ $output != *warning* ]]
    whole
  done
}

one_piece_missing() {
  others=$(seq "$COUNT" | grep -vx 2)
  # shellcheck disable=SC2086
  run in_order $others
  [ "$status" -eq 0 ]
  [[ ${lines[-1]} == *"stored; piece 2 of $COUNT has not arrived" ]]
  [ ! -e "$LIB/ccr.cjs" ]
  [ "$(row)" = "not installed: piece 2 of $COUNT has not arrived (see the logs of Claude sessions)" ]
  in_order 2
  whole
  [ "$(row)" = ready ]
}

@test "with one piece missing nothing is installed, and the log and the dashboard say which one" {
  under_each_shell one_piece_missing
}

@test "with the first script missing nothing is installed, and the dashboard says so" {
  in_order $(seq 2 "$COUNT")
  [ ! -e "$LIB/ccr.cjs" ]
  [ "$(row)" = "not installed: piece 1 of $COUNT has not arrived (see the logs of Claude sessions)" ]
  in_order 1
  whole
}

@test "what a killed script with the same process id left behind does not stop a script" {
  mkdir -p "$LIB"
  for number in $(seq "$COUNT"); do
    # exec keeps the process id.
    run env -i HOME="$HERE" PATH="$THERE/tools" CCR_ROOT="$MACHINE" CODER_SCRIPT_BIN_DIR="$LINKS" /bin/sh -c '
      mkdir -p "$HOME/.local/lib/ccr/.work.$$/skel"
      for name in piece node ccr.cjs warnings; do echo x >"$HOME/.local/lib/ccr/.work.$$/$name"; done
      exec /bin/sh -c "$1"' _ "$(cat "$SETUP_SCRIPTS/$number")"
    [ "$status" -eq 0 ]
    [[ $output != *warning* ]]
  done
  whole
}

# The scripts as those of another version: the same pieces under another checksum.
other_version() { sed "s/^ccr_sha256=.*/ccr_sha256='0123456789abcdef'/" "$SETUP_SCRIPTS/$1" >"$THERE/other.$1"; }

@test "pieces of two versions are never mixed" {
  other_version 2
  in_order $(seq "$COUNT" | grep -vx 2)
  run run_script "$THERE/other.2"
  [[ $output == *"piece 1 of $COUNT has not arrived" ]]
  [ ! -e "$LIB/ccr.cjs" ]
  in_order 2
  whole
}

damaged_piece() {
  as_agent
  echo old >"$LIB/ccr.cjs"
  head -c 1000 "$LIB"/pieces/*/2-of-"$COUNT" >"$THERE/half"
  cp "$THERE/half" "$LIB"/pieces/*/2-of-"$COUNT"
  run in_order 1
  [ "$status" -eq 0 ]
  [[ $output == *"warning: the program could not be put together (a piece is damaged)."* ]]
  [ "$(cat "$LIB/ccr.cjs")" = old ]
  as_agent
  whole
  [ "$(row)" = ready ]
}

@test "a damaged piece is detected: the installed program stays, and the next start installs" {
  under_each_shell damaged_piece
}

@test "pieces with another checksum are not installed" {
  for number in $(seq "$COUNT"); do other_version "$number"; done
  for number in $(seq 2 "$COUNT"); do run_script "$THERE/other.$number"; done
  run run_script "$THERE/other.1"
  [ "$status" -eq 0 ]
  [[ $output == *"could not be put together (a piece is damaged)."* ]]
  [ ! -e "$LIB/ccr.cjs" ]
}

@test "pieces of another version go when they are an hour old, and not earlier" {
  mkdir -p "$LIB/pieces/older" "$LIB/pieces/younger"
  touch "$LIB/pieces/older/1-of-2" "$LIB/pieces/younger/1-of-2"
  touch -d '2 hours ago' "$LIB/pieces/older"
  as_agent
  [ ! -e "$LIB/pieces/older" ]
  [ -e "$LIB/pieces/younger/1-of-2" ]
  whole
}

@test "no HOME: every script says so, with status 1, and writes nothing" {
  HERE=
  for number in $(seq "$COUNT"); do
    run run_script "$SETUP_SCRIPTS/$number"
    [ "$status" -eq 1 ]
    [ "$output" = 'ccr could not be set up: HOME is not set.' ]
  done
}

@test "what ccr keeps of the pieces is private, and goes with ccr uninstall" {
  as_agent
  [ -z "$(find "$LIB/pieces" -perm /077)" ]
  ccr uninstall
  [ ! -e "$LIB" ]
}

killed_before_storing() {
  for number in $(seq "$COUNT"); do
    rm -rf "$HERE/.local" "$THERE/killed"
    # mv puts a piece into place: it kills the script, once.
    printf '#!/bin/sh\nif [ -e %s ]; then exec /bin/mv "$@"; fi\n: >%s\nkill -KILL $PPID\n' "$THERE/killed" "$THERE/killed" >"$THERE/mv"
    chmod 755 "$THERE/mv"
    ln -sf "$THERE/mv" "$THERE/tools/mv"
    run run_script "$SETUP_SCRIPTS/$number"
    [ "$status" -eq 137 ]
    in_order $(seq "$COUNT" | grep -vx "$number")
    [ ! -e "$LIB/ccr.cjs" ]
    ln -sf /bin/mv "$THERE/tools/mv"
    all_at_once
    find "$LIB" -name '.work.*' -exec touch -d '2 hours ago' {} +
    in_order 1
    whole
  done
}

@test "a script that is killed before it has stored its piece: the next start installs" {
  under_each_shell killed_before_storing
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
  wait_until "! kill -0 $pid 2>/dev/null"
}

@test "sessions that were live come back with the workspace, whichever script is last" {
  with_claude
  as_agent
  live_ccr "$HERE/.local/bin/ccr" start "$HERE/shop" --name shop </dev/null
  tmux_here has-session -t '=claude-shop' || tmux_here has-session -t '=shop'
  name=$(tmux_here list-sessions -F '#{session_name}')
  for numbers in "$(seq "$COUNT")" "$(seq "$COUNT" -1 1)"; do
    end_tmux
    # shellcheck disable=SC2086
    in_order $numbers
    [ "$(tmux_here list-sessions -F '#{session_name}')" = "$name" ]
  done
  tmux_here kill-server
}
