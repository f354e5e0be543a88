# What a shell has after `ccr install`: functions in bash and zsh, executables elsewhere, and nothing else.

setup() {
  load support
  make_home
  install_ccr >/dev/null
  FUNCTIONS=$H/scripts/claude-resume-helpers.sh
}

teardown() { end_terminal; }

# An interactive bash in a session of its own: without a terminal, and without waiting for one.
interactive() { clean setsid bash -ic "$@" 2> >(grep -v -e 'cannot set terminal' -e 'no job control' >&2); }

@test "in an interactive bash each name is a function" {
  open_terminal bash -i
  shows 'prompt>'
  type_words 'type ccr ccr-list ccr-current | grep "is a"; ccr version'
  press Enter
  shows 'ccr is a function.*ccr-list is a function.*ccr-current is a function.*ccr 1\.'
}

@test "there are as many functions as executables, and a name for each" {
  run interactive 'declare -F | cut -d" " -f3 | grep ^cc'
  [ "$output" = "$(cd "$H/.local/bin" && printf '%s\n' * | LC_ALL=C sort)" ] || fail_with "$output"
}

@test "nothing else is left in bash: no variable, no option, no alias" {
  state='compgen -v | grep -v -e ^BASH_ -e ^FUNCNAME -e ^PIPESTATUS -e ^_$; set -o; shopt; alias; trap; declare -F | grep -v -e " cc"; :'
  clean bash --norc -c "$state" >"$BATS_TEST_TMPDIR/before"
  clean bash --norc -c ". \"\$HOME/scripts/claude-resume-helpers.sh\"; $state" >"$BATS_TEST_TMPDIR/after"
  diff "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
  interactive "$state" | grep __ccr >"$BATS_TEST_TMPDIR/names" || true
  [ "$(cat "$BATS_TEST_TMPDIR/names")" = 'declare -f __ccr_complete' ]
}

@test "the folder of the executables comes onto PATH once" {
  run clean bash -c '. ~/.bashrc; . ~/.bashrc; . ~/scripts/claude-resume-helpers.sh; bash -c ". ~/.bashrc; echo \$PATH"'
  [ "$(tr : '\n' <<<"$output" | grep -cFx "$H/.local/bin")" -eq 1 ]
  run clean PATH= /bin/bash -c '. ~/.bashrc; echo "$PATH"'
  [ "$output" = "$H/.local/bin" ]
}

@test "bash may be strict: set -eu, posix mode, extglob, and aliases of the same names" {
  bats_require_minimum_version 1.5.0
  run -0 clean bash -euc '. ~/.bashrc; ccr version; echo reached'
  [[ $output == *reached ]]
  run -0 clean bash --posix -c '. ~/.bashrc; type ccr | head -1; ccr-list --help >/dev/null; echo reached'
  [ "$output" = $'ccr is a function\nreached' ]
  run -0 clean bash -O extglob -O nocasematch -O nullglob -c '. ~/.bashrc; ccr version'
  run -0 clean bash -O expand_aliases -c $'alias ccr="echo mine" ccr-list="echo mine" complete=false builtin=false\n. ~/.bashrc\nccr\ntype -t ccr-list\nunalias ccr\nccr version'
  [ "${lines[0]}" = mine ]
  [[ ${lines[2]} == 'ccr 1.'* ]]
}

@test "a function gives the status of its command, also to set -e" {
  bats_require_minimum_version 1.5.0
  fake_helper 'process.exitCode = 3'
  run -3 clean bash -c '. ~/.bashrc; ccr'
  run -3 clean bash -ec '. ~/.bashrc; ccr; echo "not reached"'
  [ "$output" = '' ]
}

@test "a crontab line that reads .bashrc has the functions, in front of Debian's early return" {
  bats_require_minimum_version 1.5.0
  run -0 env -i HOME="$H" PATH=/usr/bin:/bin /bin/sh -c "bash -c 'source ~/.bashrc && type -t ccr-list && ccr version'"
  [ "${lines[0]}" = function ]
}

@test "a login bash has the functions, whatever files the home has" {
  bats_require_minimum_version 1.5.0
  check() {
    install_ccr >/dev/null
    run -0 clean setsid bash -lic 'type -t ccr-list' 2>/dev/null
    [ "${lines[-1]}" = function ]
    run -0 clean bash -lc 'type -t ccr-list'
    clean node "$BUNDLE" uninstall >/dev/null
  }
  clean node "$BUNDLE" uninstall >/dev/null
  check
  printf 'PATH=/usr/bin:/bin\n' >"$H/.bash_profile"
  check
  printf '. ~/.profile\n' >"$H/.bash_profile"
  check
  rm "$H/.bash_profile" "$H/.profile" "$H/.bashrc"
  check
  printf '[ -r ~/.profile ] && . ~/.profile\n' >"$H/.bashrc"
  check
}

@test "a login sh finds the executables by the .profile that was made" {
  need dash busybox
  clean node "$BUNDLE" uninstall >/dev/null
  rm "$H/.profile"
  install_ccr >/dev/null
  run clean dash -lc 'command -v ccr-list'
  [ "$output" = "$H/.local/bin/ccr-list" ]
  run clean busybox ash -lc 'ccr-list --help >/dev/null && echo works'
  [ "$output" = works ]
  # bash as the system's sh
  run clean bash -c 'exec -a sh bash -lc "ccr-list --help >/dev/null && echo works"'
  [ "$output" = works ]
}

@test "a dash that reads a login file meant for bash is not disturbed" {
  need dash
  bats_require_minimum_version 1.5.0
  clean node "$BUNDLE" uninstall >/dev/null
  printf 'PATH=/usr/bin:/bin\n' >"$H/.profile"
  install_ccr >/dev/null
  grep -q '>>> ccr >>>' "$H/.profile"
  run -0 clean dash -lc 'echo "fine $PATH"'
  [ "$output" = 'fine /usr/bin:/bin' ]
}

@test "a block whose file is gone says nothing and does nothing" {
  bats_require_minimum_version 1.5.0
  rm "$FUNCTIONS"
  run -0 clean bash -euc '. ~/.bashrc; echo fine'
  [ "$output" = fine ]
  run -0 env -u HOME bash -euc ". \"$H/.bashrc\"; echo fine"
  [ "$output" = fine ]
}

@test "reading the block starts no process and opens one file" {
  need strace
  clean strace -f -o "$BATS_TEST_TMPDIR/trace" -e trace=fork,vfork,clone,clone3,execve,openat bash --norc -c '. "$HOME/.bashrc"'
  [ "$(grep -cE '(fork|clone3?)\(' "$BATS_TEST_TMPDIR/trace")" -eq 0 ]
  [ "$(grep -c 'execve(' "$BATS_TEST_TMPDIR/trace")" -eq 1 ]
  [ "$(sed '1,/bashrc/d' "$BATS_TEST_TMPDIR/trace" | grep -c openat)" -eq 1 ]
  clean strace -f -o "$BATS_TEST_TMPDIR/trace" -e trace=fork,vfork,clone,clone3,execve bash --norc -ic '. "$HOME/scripts/claude-resume-helpers.sh"' 2>/dev/null
  [ "$(grep -cE '(fork|clone3?|execve)\(' "$BATS_TEST_TMPDIR/trace")" -eq 1 ]
}

@test "zsh has the functions, and nothing else" {
  need zsh
  bats_require_minimum_version 1.5.0
  install_ccr >/dev/null
  run -0 clean setsid zsh -ic 'type ccr-list; ccr version; print -l $PATH' 2>/dev/null
  [[ ${lines[0]} == 'ccr-list is a shell function from'* ]]
  [[ ${lines[1]} == 'ccr 1.'* ]]
  state='print -l ${(k)parameters} | grep -v -e "^_$" -e "^[!?#@*$0-9-]" | sort; setopt; alias'
  clean zsh -fc "$state" >"$BATS_TEST_TMPDIR/before"
  clean zsh -fc ". ~/scripts/claude-resume-helpers.sh; $state" >"$BATS_TEST_TMPDIR/after"
  diff "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
}

@test "zsh may be strict, and may have aliases of the same names" {
  need zsh
  bats_require_minimum_version 1.5.0
  for how in 'set -eu' 'setopt sh_word_split ksh_arrays' 'emulate sh' 'emulate ksh' 'setopt warn_create_global no_unset'; do
    run -0 clean setsid zsh -fic "$how"$'\n. "$HOME/scripts/claude-resume-helpers.sh"\nccr version; echo reached'
    [[ $output == *reached ]] || fail_with "$how" "$output"
    [[ $output != *scripts* ]] || fail_with "$how" "$output"
  done
  run -0 clean zsh -fc $'setopt aliases; alias ccr="echo mine" ccr-list="echo mine"\n. ~/scripts/claude-resume-helpers.sh\nunalias ccr\nccr version'
  [[ $output == 'ccr 1.'* ]]
}

@test "zsh and fish find the executables without any function" {
  need zsh fish
  install_ccr >/dev/null
  run clean setsid fish -ic 'type -t ccr-list; ccr version; string match -- "$HOME/.local/bin" $PATH | count'
  [[ $output == *$'file\nccr 1.'*$'\n1' ]] || fail_with "$output"
  run clean fish -c 'ccr-list --help | head -1'
  [[ $output == *ccr* ]]
  run clean zsh -c 'PATH=~/.local/bin:$PATH; ccr version'
  [[ $output == 'ccr 1.'* ]]
}

@test "fish's own list of paths stays as it is, and nothing is left in fish" {
  need fish
  install_ccr >/dev/null
  run clean fish -ic 'set -U | grep -i ccr; count $fish_user_paths; functions -a | string match "*ccr*"; set -n | string match "*ccr*"'
  [[ $output == *$'0\n__ccr_complete' ]] || fail_with "$output"
}

@test "they pass shellcheck, and parse in bash, zsh and fish" {
  need shellcheck zsh fish
  clean shellcheck -s bash -e SC1091 "$FUNCTIONS"
  clean bash -n "$FUNCTIONS"
  clean zsh -n "$FUNCTIONS"
  clean zsh -n "$H/.local/lib/ccr/zsh/__ccr_complete"
  clean fish -n "$H/.config/fish/conf.d/ccr.fish"
  sed -n '/>>> ccr >>>/,/<<< ccr <<</p' "$H/.bashrc" | shellcheck -s sh -e SC1091 -
}
