# Tab in real shells, with titles that would like to be code.

setup() {
  load support
  make_home
  printf 'autoload -Uz compinit && compinit -D\nPS1="prompt> "\n' >"$H/.zshrc"
  install_ccr >/dev/null
  mkdir -p "$H/work/my shop" "$H/work/api"
  session 4bb63347-9c0d-4e1f-a2b3-c4d5e6f70819 'Say "hi" $(touch ~/pwned-1) `touch ~/pwned-2`; touch ~/pwned-3' "$H/work/my shop" 2026-11-20T12:00:00Z
  session 4bc11111-9c0d-4e1f-a2b3-c4d5e6f70819 $'two\nlines\x1b[31m %F{red} \\ it\'s' "$H/work/api" 2026-11-19T12:00:00Z
  session dae96318-0b1c-4d2e-8f3a-4b5c6d7e8f90 'Plain title' "$H/work/api" 2026-11-18T12:00:00Z
}

teardown() {
  end_terminal
  local left=("$H"/pwned*)
  [ ! -e "${left[0]}" ] || fail_with "a title was run: ${left[*]}"
}

@test "the script of each shell can be sourced, and says so where the shell is unknown" {
  need zsh fish
  bats_require_minimum_version 1.5.0
  local ccr="$H/.local/bin/ccr"
  run -0 clean PROGRAM="$ccr" bash --norc -euc '. <("$PROGRAM" completion bash); complete -p ccr-list'
  [ "$output" = 'complete -F __ccr_complete ccr-list' ]
  run -0 clean PROGRAM="$ccr" zsh -fuc 'autoload -Uz compinit; compinit -D; . <("$PROGRAM" completion zsh); print $_comps[ccr-list]'
  [ "$output" = __ccr_complete ]
  run -0 clean PROGRAM="$ccr" fish -c '"$PROGRAM" completion fish | source; complete -c ccr-list'
  [[ $output == *__ccr_complete* ]]
  run -2 clean "$ccr" completion tcsh
  [[ ${lines[0]} == *'invalid shell "tcsh": use bash, zsh or fish'* ]]
  run -2 clean "$ccr" completion
}

@test "candidates are commands, flags, values and the newest sessions, a line each" {
  bats_require_minimum_version 1.5.0
  local ccr="$H/.local/bin/ccr"
  run -0 clean "$ccr" completion zsh -- ccr 4
  [ "${#lines[@]}" -eq 2 ]
  [ "${lines[0]}" = $'4bb63347\tSay "hi" $(touch ~/pwned-1) `touch ~/pwned-2`; touch ~/pwned-3 · my shop' ]
  [ "${lines[1]}" = $'4bc11111\ttwo lines [31m %F{red} \\ it\'s · api' ]
  run -0 clean "$ccr" completion fish -- ccr-list --time=
  [ "${lines[0]%%$'\t'*}" = --time=short ]
  run -0 clean "$ccr" completion bash -- ccr-list --project my
  [ "$output" = "my\\ shop"$'\t'"$H/work/my shop" ]
  run -0 clean "$ccr" completion bash -- ccr resume x --dir ''
  [ "$output" = ':directory' ]
  run -0 clean "$ccr" completion bash -- ccr 4bb63347 ''
  [ "$output" = '' ]
  run -0 clean "$ccr" completion bash -- ccr '' 
  [[ $output == *$'list\t'*$'4bb63347\t'*$'4bc11111\t'*$'dae96318\t'* ]]
}

@test "candidates do not fail in a home without sessions, or with one that cannot be read" {
  bats_require_minimum_version 1.5.0
  rm -r "$H/.claude"
  run -0 clean "$H/.local/bin/ccr" completion bash -- ccr 4
  [ "$output" = '' ]
  touch "$H/.claude"
  run clean bash -ic 'COMP_WORDS=(ccr 4) COMP_CWORD=1; __ccr_complete; echo "${#COMPREPLY[@]} left"' 2>/dev/null
  [ "${lines[-1]}" = '0 left' ]
}

@test "bash: Tab completes commands, flags and ids, and lists sessions with their titles" {
  open_terminal bash -i
  shows 'prompt>'
  type_words 'ccr-li'
  press Tab
  shows 'prompt> ccr-list'
  type_words '--ti'
  press Tab
  shows 'prompt> ccr-list --time'
  type_words 're'
  press Tab
  shows 'prompt> ccr-list --time relative'
  press C-u
  type_words 'ccr da'
  press Tab
  shows 'prompt> ccr dae96318'
  press C-u
  type_words 'ccr 4b'
  press Tab Tab
  shows '4bb63347  \(Say "hi" \$\(touch ~/pwned-1\)'
  shows '4bc11111  \(two lines \[31m %F\{red\}'
  # the newest first, and the line itself untouched
  [[ $(screen) == *'(Say "hi"'*'(two lines'*$'\nprompt> ccr 4b'* ]]
  type_words 'b'
  press Tab
  shows 'prompt> ccr 4bb63347'
  press C-u
  type_words 'echo done; declare -F | grep -c __ccr'
  press Enter
  shows $'done\n1'
}

@test "bash: show-all-if-ambiguous and menu-complete insert ids only" {
  printf 'set show-all-if-ambiguous on\n"\\C-t": menu-complete\n' >"$H/.inputrc"
  open_terminal bash -i
  shows 'prompt>'
  type_words 'ccr 4'
  press Tab
  shows 'prompt> ccr 4\n?.*4bb63347  \(Say'
  shows 'prompt> ccr 4b'
  press C-u
  type_words 'echo 4'
  press C-u
  type_words 'ccr 4b'
  press C-t
  shows 'prompt> ccr 4b[bc][0-9]+'
}

@test "bash: names with blanks are quoted, directories are bash's own, strict shells stay alive" {
  open_terminal bash -i
  shows 'prompt>'
  type_words 'set -eu; ccr-list --project my'
  press Tab
  shows 'project my\\ shop'
  press C-u
  type_words 'ccr resume x --dir wor'
  press Tab
  shows 'dir work/'
  press C-u
  type_words 'set -o noglob -o noclobber; ccr da'
  press Tab
  shows 'ccr dae96318'
  press C-u
  type_words 'set +eu; echo alive'
  press Enter
  shows $'\nalive'
}

@test "zsh: Tab completes, and lists sessions with their titles, newest first" {
  need zsh
  open_terminal zsh -i
  shows 'prompt>'
  type_words 'ccr-list --ti'
  press Tab
  shows 'prompt> ccr-list --time'
  press C-u
  type_words 'ccr da'
  press Tab
  shows 'prompt> ccr dae96318'
  press C-u
  type_words 'ccr 4b'
  press Tab
  shows '4bb63347  Say "hi" \$\(touch ~/pwned-1\)'
  shows '4bc11111  two lines \[31m %F\{red\}'
  [[ $(screen) == *'Say "hi"'*'two lines'* ]]
  press Tab Tab Enter
  # Gives a title time to run as code; teardown looks for its traces.
  sleep 1
  press C-u
  type_words 'ccr-list --project my'
  press Tab
  shows 'project my\\ shop'
  press C-u
  type_words 'ccr resume x --dir wor'
  press Tab
  shows 'dir work/'
}

@test "zsh: a compinit that runs after the block finds the script too" {
  need zsh
  clean node "$BUNDLE" uninstall >/dev/null
  printf 'PS1="prompt> "\n' >"$H/.zshrc"
  install_ccr >/dev/null
  printf 'autoload -Uz compinit && compinit -D\n' >>"$H/.zshrc"
  open_terminal zsh -i
  shows 'prompt>'
  type_words 'ccr-list --ti'
  press Tab
  shows 'prompt> ccr-list --time'
}

@test "fish: Tab completes, and lists sessions with their titles" {
  need fish
  run clean fish -ic 'complete -C "ccr 4"'
  [ "${lines[0]}" = $'4bb63347\tSay "hi" $(touch ~/pwned-1) `touch ~/pwned-2`; touch ~/pwned-3 · my shop' ] || fail_with "$output"
  [[ ${lines[1]} == 4bc11111* ]]
  run clean fish -ic 'complete -C "ccr-list --project my"'
  [[ $output == 'my shop'$'\t'* ]] || fail_with "$output"
  run clean fish -ic 'cd; complete -C "ccr resume x --dir wor"'
  [[ $output == work/* ]] || fail_with "$output"
  open_terminal fish -i
  shows '~[>#]'
  type_words 'ccr da'
  press Tab
  shows 'ccr dae96318'
  press C-c
  type_words 'ccr 4b'
  press Tab
  shows '4bb63347 .*Say "hi" \$\(touch ~/pwned-1\)'
  press Tab Tab Enter
  # Gives a title time to run as code; teardown looks for its traces.
  sleep 1
}
