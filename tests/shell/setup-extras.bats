#!/usr/bin/env bats
# The small scripts beside setup.sh: dashboard rows, stop, upkeep, dotfiles and repository, Claude Code.

SCRIPTS=$BATS_TEST_DIRNAME/../../infra/scripts

setup() {
  load ../support/setup.bash
  THERE="$BATS_TEST_TMPDIR/there"
  HERE="$THERE/it's home"
  STATE="$HERE/.local/state/ccr"
  PIECES="$HERE/.local/lib/ccr/pieces/abc"
  TOOLS="$THERE/tools"
  mkdir -p "$HERE/.local/bin" "$STATE/rows" "$HERE/.claude/sessions" "$TOOLS"
  PIDS=()
}

teardown() { for pid in "${PIDS[@]}"; do kill -KILL "$pid" 2>/dev/null || true; done; }

# A script with the lines that the template puts in front: script file NAME=value…
script() {
  local file=$1
  shift
  run timeout 60 env -i HOME="$HERE" PATH="$TOOLS:/usr/bin:/bin" "${SHELL_UNDER_TEST:-/bin/sh}" \
    -c "$(printf "%s\n" "$@" | sed "s/'/'\\\\''/g; s/=\(.*\)/='\1'/")
$(cat "$SCRIPTS/$file")" </dev/null
}
row() { script rows.sh "ccr_row=$1" ccr_name=ccr ccr_sha256=abc ccr_count=3; }

# A program of this name: what it does, in sh.
program() {
  mkdir -p "${1%/*}"
  printf '#!/bin/sh\n%s\n' "$2" >"$1"
  chmod 755 "$1"
}

# A process that is registered as a session of Claude Code; $1: what it does on SIGTERM.
session() {
  rm -f "$THERE/ready"
  bash -c "trap '$1' TERM; : >'$THERE/ready'; while :; do sleep 0.05; done" >/dev/null 2>&1 3>&- &
  PIDS+=($!)
  disown $!
  wait_until '[ -e "$THERE/ready" ]'
  register $! "$(cut -d' ' -f22 "/proc/$!/stat")"
}
register() {
  printf '{"pid":%s,"sessionId":"x","cwd":"/secret/path","procStart":"%s","status":"busy"}' "$1" "$2" >"$HERE/.claude/sessions/$1.json"
}

says() {
  [ "$status" -eq 0 ]
  [ "$output" = "$1" ] || { echo "said: $output" >&2; return 1; }
}

@test "shellcheck finds nothing in the scripts" {
  command -v shellcheck >/dev/null || skip "shellcheck is missing"
  shellcheck "$SCRIPTS"/*.sh
}

@test "where ccr is not installed every row is a dash, and one says why" {
  for name in live limited reset; do
    row "$name"
    says -
  done
  row status
  says 'not installed yet'
  mkdir -p "$PIECES"
  printf '%s\n' "the Node from https://x/secret has the wrong checksum" >"$PIECES/warnings-1"
  row status
  says 'not installed: no Node 18.19 or newer (see the logs of Claude sessions)'
  rm "$PIECES/warnings-1"
  echo "the program could not be put together ($HERE/secret)." >"$PIECES/warnings-2"
  row status
  says 'not installed: the program could not be put together (see the logs of Claude sessions)'
}

@test "where a piece of the program or Node is missing, the row says so" {
  mkdir -p "$PIECES"
  touch "$PIECES/1-of-3" "$PIECES/3-of-3"
  row status
  says 'not installed: piece 2 of 3 has not arrived (see the logs of Claude sessions)'
  touch "$PIECES/2-of-3"
  row status
  says 'not installed: Node has not been found yet (see the logs of Claude sessions)'
  touch "$PIECES/node"
  row status
  says 'not installed: the pieces are being joined (see the logs of Claude sessions)'
  program "$HERE/.local/bin/ccr" 'exit 0'
  rm "$PIECES/2-of-3"
  row status
  says 'ready, but not updated: piece 2 of 3 has not arrived (see the logs of Claude sessions)'
}

@test "installed, the row says ready, with or without a warning" {
  program "$HERE/.local/bin/ccr" 'exit 0'
  mkdir -p "$PIECES"
  touch "$PIECES/installed"
  row status
  says ready
  echo "/secret/path could not be linked." >"$PIECES/warnings-3"
  row status
  says 'ready, with a warning (see the logs of Claude sessions)'
}

@test "sessions that run are counted: not the dead, not a number that is another's by now" {
  program "$HERE/.local/bin/ccr" 'exit 9'
  row live
  says 0
  session :
  session :
  register 999999999 1
  register $$ 12345
  echo 'torn' >"$HERE/.claude/sessions/nonsense.json"
  row live
  says 2
}

@test "kept rows are one clean line, or a dash" {
  program "$HERE/.local/bin/ccr" 'exit 0'
  row reset
  says -
  echo '2026-11-20 23:00 UTC' >"$STATE/rows/reset"
  row reset
  says '2026-11-20 23:00 UTC'
  printf '/home/me/secret\n' >"$STATE/rows/reset"
  row reset
  says -
  printf '\033[31mred\n' >"$STATE/rows/reset"
  row reset
  says -
  printf '%0500d' 1 >"$STATE/rows/reset"
  row reset
  [ "${#output}" -le 60 ]
}

@test "the helper is started for a row only when something changed" {
  program "$HERE/.local/bin/ccr" 'echo "$*" >>"$HOME/asked"; echo "1 waiting, 0 ready" >"$HOME/.local/state/ccr/rows/limited"'
  mkdir -p "$HERE/.claude/projects/p"
  touch -d '1 hour ago' "$HERE/.claude/projects/p/a.jsonl"
  row limited
  says '1 waiting, 0 ready'
  row limited
  row limited
  [ "$(cat "$HERE/asked")" = hook ]
  touch -d '1 minute' "$HERE/.claude/projects/p/a.jsonl"
  row limited
  touch -d '1 hour ago' "$HERE/.claude/projects/p/a.jsonl"
  touch -d '11 minutes ago' "$STATE/rows/limited"
  row limited
  [ "$(wc -l <"$HERE/asked")" -eq 3 ]
}

@test "busybox ash and dash read the rows alike" {
  command -v busybox >/dev/null || skip "busybox is missing"
  command -v dash >/dev/null || skip "dash is missing"
  program "$HERE/.local/bin/ccr" 'exit 0'
  session :
  program "$TOOLS/ash" 'exec busybox ash "$@"'
  for SHELL_UNDER_TEST in dash "$TOOLS/ash"; do
    row live
    says 1
  done
}

@test "a stop asks every Claude to end by SIGTERM, and waits for it" {
  session "sleep 0.3; touch \"$THERE/written\"; exit 0"
  session 'exit 0'
  script stop.sh ccr_name=ccr ccr_patience=10
  [ "$status" -eq 0 ]
  [[ $output == "asked 2 Claude Code sessions to end; 0 still running"* ]]
  [ -e "$THERE/written" ]
}

@test "a stop leaves one that does not end to Kubernetes, in time, and touches nobody else" {
  session :
  sleep 100 3>&- &
  PIDS+=($!)
  disown $!
  register $! 1
  start=$SECONDS
  script stop.sh ccr_name=ccr ccr_patience=2
  [[ $output == "asked 1 Claude Code sessions to end; 1 still running after 2 s" ]]
  [ $((SECONDS - start)) -lt 60 ]
  kill -0 "${PIDS[1]}"
}

@test "a stop without any session, and without ccr, is quick and fine" {
  rm -r "$HERE/.claude" "$HERE/.local"
  script stop.sh ccr_name=ccr ccr_patience=5
  [[ $output == "asked 0 Claude Code sessions to end; 0 still running after 0 s" ]]
}

@test "upkeep switches resuming on once, and leaves the last word to the person" {
  program "$HERE/.local/bin/ccr" 'echo "$*" >>"$HOME/asked"; echo noise'
  script upkeep.sh ccr_name=ccr
  says ''
  script upkeep.sh ccr_name=ccr
  says ''
  [ "$(tr '\n' ' ' <"$HERE/asked")" = 'config set autoResume on supervise supervise ' ]
  [ "$(cat "$STATE/upkeep.log")" = noise ]
}

@test "upkeep without ccr does nothing" {
  script upkeep.sh ccr_name=ccr
  says ''
}

@test "dotfiles are coder's, and ccr's lines come back after them" {
  program "$TOOLS/coder" 'printf "%s\n" "$*" >"$HOME/coder"'
  program "$HERE/.local/bin/ccr" 'printf "%s\n" "$*" >"$HOME/asked"'
  script personal.sh ccr_name=ccr 'ccr_dotfiles=https://x/$(id)' ccr_repository=
  [ "$status" -eq 0 ]
  [ "$(cat "$HERE/coder")" = 'dotfiles -y https://x/$(id)' ]
  [ "$(cat "$HERE/asked")" = 'install --name ccr' ]
}

@test "dotfiles without coder, or that fail, are a warning" {
  script personal.sh ccr_name=ccr ccr_dotfiles=https://x/y ccr_repository=
  says 'warning: dotfiles not installed: the coder command is not on PATH'
  program "$TOOLS/coder" 'echo no; exit 3'
  script personal.sh ccr_name=ccr ccr_dotfiles=https://x/y ccr_repository=
  [ "$status" -eq 0 ]
  [[ $output == *'dotfiles not installed; the error is above'* ]]
}

@test "a repository is cloned once, under its own name, and whole or not at all" {
  git init -q --bare "$THERE/my work.git"
  script personal.sh ccr_name=ccr ccr_dotfiles= "ccr_repository=$THERE/my work.git"
  [[ $output == *'my work cloned'* ]]
  [ -d "$HERE/my work/.git" ]
  touch "$HERE/my work/mine"
  script personal.sh ccr_name=ccr ccr_dotfiles= "ccr_repository=$THERE/my work.git/"
  says 'my work already exists'
  script personal.sh ccr_name=ccr ccr_dotfiles= "ccr_repository=$THERE/gone.git"
  [ "$status" -eq 0 ]
  [[ $output == *'warning: repository not cloned; the error is above'* ]]
  [ ! -e "$HERE/gone" ]
  [ -z "$(find "$HERE" -name '.clone.*')" ]
}

@test "Claude Code is installed by its installer where there is none" {
  cat >"$THERE/install.sh" <<'INSTALL'
mkdir -p "$HOME/.local/bin"
printf '#!/bin/sh\necho %s\n' "$1" >"$HOME/.local/bin/claude"
chmod 755 "$HOME/.local/bin/claude"
INSTALL
  program "$TOOLS/curl" "while [ \$# -gt 1 ]; do [ \"\$1\" = -o ] && to=\$2; shift; done; cp '$THERE/install.sh' \"\$to\""
  script claude.sh ccr_claude_version=2.1.329 ccr_claude_installer=https://x/install.sh
  says 'Claude Code installed'
  [ "$("$HERE/.local/bin/claude")" = 2.1.329 ]
  script claude.sh ccr_claude_version=stable ccr_claude_installer=https://x/install.sh
  says 'Claude Code is already installed'
}

@test "an installer that cannot be had, or fails, is a warning that says what to do" {
  program "$TOOLS/curl" 'exit 22'
  script claude.sh ccr_claude_version=stable ccr_claude_installer=https://x/install.sh
  says 'warning: the installer of Claude Code could not be downloaded. Put Claude Code into the image, or set claudeInstallerUrl.'
  program "$TOOLS/curl" 'while [ $# -gt 1 ]; do [ "$1" = -o ] && to=$2; shift; done; echo "exit 4" >"$to"'
  script claude.sh ccr_claude_version=stable ccr_claude_installer=https://x/install.sh
  [[ $output == *'warning: the installer of Claude Code failed.'* ]]
  [ "$status" -eq 0 ]
}

@test "dotfiles that bring their own .bashrc at the same time end with ccr in it, once" {
  compose_setup
  make_machine
  mkdir -p "$THERE/dotfiles"
  for delay in 0 0.1 0.2 0.4 0.8; do
    rm -rf "$HERE"
    mkdir "$HERE"
    echo 'alias mine=true' >"$THERE/dotfiles/.bashrc"
    program "$THERE/tools/coder" "sleep $delay; ln -sf '$THERE/dotfiles/.bashrc' \"\$HOME/.bashrc\""
    { echo "ccr_name=ccr"; echo "ccr_dotfiles=https://x/y"; cat "$SCRIPTS/personal.sh"; } >"$THERE/personal"
    all_at_once >"$THERE/out.1" 2>&1 &
    run_script "$THERE/personal" >"$THERE/out.3" 2>&1 &
    wait
    run env -i HOME="$HERE" PATH=/usr/bin:/bin bash -ic 'type ccr; type mine'
    [[ $output == *'ccr is a function'* ]] || { cat "$THERE"/out.*; return 1; } >&2
    [[ $output == *'mine is aliased'* ]]
    [ "$(grep -c '^# >>> ccr >>>' "$HERE/.bashrc")" -eq 1 ]
    [ -L "$HERE/.bashrc" ]
  done
}
