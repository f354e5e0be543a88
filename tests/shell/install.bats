# `ccr install` and `ccr uninstall` as people and the setup script run them: the built file, real shells, real signals.

setup() {
  bats_require_minimum_version 1.5.0
  load support
  make_home
  copy_bundle
  FILE=$BATS_TEST_TMPDIR/ccr.cjs
}

install_it() { clean node "$FILE" install "$@"; }

@test "it says in one line what is ready, and the second time that nothing changed" {
  run -0 --separate-stderr install_it
  [[ $output =~ ^'ccr '[0-9.]+' installed · shell files ready (bash'.*')'$ ]]
  [ "$stderr" = '' ]
  snapshot >"$BATS_TEST_TMPDIR/before"
  # A file that is written again now has another time.
  sleep 0.01
  run -0 install_it
  [[ $output == *' · nothing changed' ]]
  run -0 clean "$H/.local/bin/ccr" install
  [[ $output == *' · nothing changed' ]]
  snapshot | diff "$BATS_TEST_TMPDIR/before" -
}

@test "it speaks ASCII where the locale does" {
  run -0 clean LANG=C node "$FILE" install
  [[ $output == *' installed, shell files ready (bash'* ]]
}

@test "a dry run names every file and writes none" {
  contents >"$BATS_TEST_TMPDIR/before"
  run -0 install_it --dry-run
  has_line "$output" 'would create  ~/.local/lib/ccr/ccr.cjs'
  has_line "$output" 'would create  ~/.local/bin/ccr-list'
  has_line "$output" 'would create  ~/scripts/claude-resume-helpers.sh'
  has_line "$output" 'would update  ~/.bashrc'
  contents | grep -v /.cache/ccr/compiled/ | diff "$BATS_TEST_TMPDIR/before" -
  install_it >/dev/null
  run -0 install_it --dry-run
  [ "$output" = 'nothing would change' ]
}

@test "JSON tells files, shells and warnings" {
  run -0 --separate-stderr install_it --json
  clean ANSWER="$output" node -e '
    const { schema, name, node, shells, files, warnings } = JSON.parse(process.env.ANSWER);
    const wrong = schema !== "ccr/install@1" || name !== "ccr" || node !== process.execPath || !shells.includes("bash") ||
      !files.some(({ path, action }) => path.endsWith("/.bashrc") && action === "updated") || warnings.length > 0;
    process.exitCode = wrong ? 1 : 0;'
  run -0 clean node "$FILE" uninstall --json
  [[ $output == *'"schema": "ccr/uninstall@1"'* ]]
}

@test "uninstall leaves the home as it was, byte for byte" {
  printf 'export A=1\r\nlast \xff line' >"$H/.zshrc"
  printf 'PATH=/usr/bin:/bin' >"$H/.bash_profile"
  mkdir -p "$H/.claude/projects" "$H/.local/bin" "$H/scripts"
  echo mine | tee "$H/.claude/projects/x.jsonl" "$H/.local/bin/mine" "$H/scripts/mine.sh" >/dev/null
  contents >"$BATS_TEST_TMPDIR/before"
  install_it >/dev/null
  run -0 clean "$H/.local/bin/ccr" uninstall --dry-run
  has_line "$output" 'would remove  ~/.local/bin/ccr-list'
  has_line "$output" 'would update  ~/.bashrc'
  run -0 clean "$H/.local/bin/ccr" uninstall
  [ "$output" = 'ccr uninstalled' ]
  contents | diff "$BATS_TEST_TMPDIR/before" -
  run -0 clean node "$FILE" uninstall
  [ "$output" = 'ccr is not installed in this home' ]
}

@test "uninstall says what it keeps" {
  install_it >/dev/null
  mkdir -p "$H/.config/ccr" "$H/.local/state/ccr"
  run -0 clean "$H/.local/bin/ccr" uninstall
  [ "$output" = 'ccr uninstalled · kept: ~/.config/ccr, ~/.local/state/ccr' ]
}

@test "a damaged block is named with file and line, left as it is, and the rest is done" {
  printf 'a\n# >>> ccr >>> x\nb\n' >>"$H/.bashrc"
  cp "$H/.bashrc" "$BATS_TEST_TMPDIR/before"
  run -1 --separate-stderr install_it
  [[ $stderr == *'~/.bashrc:8: the ccr block has no end line'* ]]
  [ "${#stderr_lines[@]}" -eq 1 ]
  [[ $output != *'(bash'* ]]
  cmp "$H/.bashrc" "$BATS_TEST_TMPDIR/before"
  [ -x "$H/.local/bin/ccr-list" ]
  run -1 clean "$H/.local/bin/ccr" uninstall
  [[ $output == *'~/.bashrc:8:'* ]]
  cmp "$H/.bashrc" "$BATS_TEST_TMPDIR/before"
}

@test "another ccr on PATH is noticed; with --name or CCR_NAME all names follow, and stay" {
  mkdir "$BATS_TEST_TMPDIR/npm"
  printf '#!/usr/bin/env node\nconsole.log("the router")\n' >"$BATS_TEST_TMPDIR/npm/ccr"
  chmod +x "$BATS_TEST_TMPDIR/npm/ccr"
  P="$BATS_TEST_TMPDIR/npm:${NODE%/*}:/usr/bin:/bin"
  run -0 --separate-stderr clean PATH="$P" node "$FILE" install
  [ "$stderr" = "ccr: another ccr is on PATH: $BATS_TEST_TMPDIR/npm/ccr (choose another name for this one: ccr install --name NAME)" ]
  run -0 --separate-stderr clean PATH="$P" CCR_NAME=cr node "$FILE" install
  [ "$stderr" = '' ]
  [[ $output == *'installed as cr ·'* ]]
  [ ! -e "$H/.local/bin/ccr" ]
  run -0 --separate-stderr clean PATH="$P" setsid bash -ic 'type -t cr cr-list ccr-list; ccr; cr version'
  [ "${lines[0]} ${lines[1]} ${lines[2]}" = "function function the router" ] || fail_with "$output"
  [[ ${lines[3]} == 'ccr 1.'* ]]
  run -0 clean "$H/.local/bin/cr" install
  [[ $output == *'installed as cr ·'*'nothing changed' ]]
  run -2 clean "$H/.local/bin/cr" install --name cd
  run -0 clean "$H/.local/bin/cr" uninstall
  [ -z "$(ls "$H/.local/bin")" ]
}

@test "an earlier file of helper functions is kept, and put back" {
  mkdir "$H/scripts"
  printf 'ccr() { echo old; }\n' >"$H/scripts/claude-resume-helpers.sh"
  printf 'if [ -f ~/scripts/claude-resume-helpers.sh ]; then\n  source ~/scripts/claude-resume-helpers.sh\nfi\n' >>"$H/.bashrc"
  contents >"$BATS_TEST_TMPDIR/before"
  run -0 install_it
  [[ $output == *'moved another ~/scripts/claude-resume-helpers.sh to ~/scripts/claude-resume-helpers.sh.before-ccr'* ]]
  run -0 clean setsid bash -ic 'ccr version'
  [[ ${lines[-1]} == 'ccr 1.'* ]]
  run -0 clean "$H/.local/bin/ccr" uninstall
  contents | diff "$BATS_TEST_TMPDIR/before" -
}

@test "a newer file replaces the program and nothing else" {
  install_it >/dev/null
  snapshot | grep -v ccr.cjs >"$BATS_TEST_TMPDIR/before"
  printf '\n// newer\n' >>"$FILE"
  run -0 install_it
  [[ $output != *'nothing changed'* ]]
  cmp "$FILE" "$H/.local/lib/ccr/ccr.cjs"
  snapshot | grep -v ccr.cjs | diff "$BATS_TEST_TMPDIR/before" -
}

@test "all names are linked into Coder's folder; one that cannot be written is a warning" {
  mkdir -m 755 "$BATS_TEST_TMPDIR/bin"
  chmod 777 "$H"
  run -0 clean CODER_SCRIPT_BIN_DIR="$BATS_TEST_TMPDIR/bin" node "$FILE" install
  [ "$(ls "$BATS_TEST_TMPDIR/bin")" = "$(ls "$H/.local/bin")" ]
  run -0 clean PATH="$BATS_TEST_TMPDIR/bin:/usr/bin:/bin" ccr-list --help
  clean node "$FILE" uninstall >/dev/null
  rm "$BATS_TEST_TMPDIR/bin"/*
  mkdir -m 777 "$BATS_TEST_TMPDIR/home"
  H=$BATS_TEST_TMPDIR/home
  run -0 --separate-stderr nobody CODER_SCRIPT_BIN_DIR="$BATS_TEST_TMPDIR/closed/bin" node "$FILE" install
  [ "${#stderr_lines[@]}" -eq 1 ]
  [[ $stderr == *"$BATS_TEST_TMPDIR/closed/bin/ccr"* ]]
  [[ $output == *'shell files ready'* ]]
}

@test "a home that cannot be written is one clear line, and nothing is left there" {
  chmod 555 "$H"
  run -1 --separate-stderr nobody node "$FILE" install
  [ "$output" = '' ]
  [ "$stderr" = $'ccr: ~/.local: permission denied\n     check owner and mode: ls -ld' ] || fail_with "$stderr"
  [ "$(ls -A "$H")" = $'.bashrc\n.profile' ]
  chmod 755 "$H"
}

@test "a disk that takes no more is one clear line, and no file is torn" {
  install_it >/dev/null
  printf '// newer\n' >>"$FILE"
  snapshot >"$BATS_TEST_TMPDIR/before"
  run -1 clean bash -c 'ulimit -f 16; trap "" XFSZ; node "$@"' limited "$FILE" install
  [ "${#lines[@]}" -le 2 ]
  snapshot | diff "$BATS_TEST_TMPDIR/before" -
  [ -z "$(find "$H" -name '*.tmp')" ]
}

@test "an rc file that cannot be replaced is named with what to do, and the rest is done" {
  mkdir "$BATS_TEST_TMPDIR/store"
  mv "$H/.bashrc" "$BATS_TEST_TMPDIR/store/bashrc"
  ln -s "$BATS_TEST_TMPDIR/store/bashrc" "$H/.bashrc"
  chmod 777 "$H"
  chmod 555 "$BATS_TEST_TMPDIR/store"
  run -1 --separate-stderr nobody node "$FILE" install
  chmod 755 "$BATS_TEST_TMPDIR/store"
  [ "$stderr" = "ccr: ~/.bashrc leads to $BATS_TEST_TMPDIR/store/bashrc: permission denied (add this line to it yourself: . ~/scripts/claude-resume-helpers.sh)" ] || fail_with "$stderr"
  [ -L "$H/.bashrc" ]
  [ "$(ls "$BATS_TEST_TMPDIR/store")" = bashrc ]
  run -0 clean bash -c '. ~/scripts/claude-resume-helpers.sh; type -t ccr-list'
  [ "$output" = function ]
}

@test "an rc file keeps its mode, and its owner when root installs" {
  chmod 444 "$H/.bashrc"
  if [ "$(id -u)" -eq 0 ]; then chown -R 65534:65534 "$H"; fi
  owner=$(stat -c %u:%g "$H")
  run -0 install_it
  [ "$(stat -c '%a %u:%g' "$H/.bashrc")" = "444 $owner" ]
  [ "$(find "$H" -printf '%u:%g\n' | sort -u | wc -l)" -eq 1 ]
  [ -z "$(find "$H/.local" "$H/scripts" ! -type l -perm /077)" ]
}

@test "eight at once leave one block and whole files" {
  cp "$H/.bashrc" "$BATS_TEST_TMPDIR/rc"
  for round in 1 2 3; do
    local pids=()
    for i in 1 2 3 4 5 6 7 8; do
      install_it >/dev/null 2>"$BATS_TEST_TMPDIR/said.$i" &
      pids+=($!)
    done
    local failed=0
    for pid in "${pids[@]}"; do wait "$pid" || failed=$?; done
    run cat "$BATS_TEST_TMPDIR"/said.*
    [ "$output" = '' ]
    [ "$failed" -eq 0 ]
    [ "$(grep -c '>>> ccr >>>' "$H/.bashrc")" -eq 1 ]
    cmp "$FILE" "$H/.local/lib/ccr/ccr.cjs"
    [ -z "$(find "$H" -name '*.tmp')" ]
    run -0 install_it
    [[ $output == *'nothing changed' ]]
    clean node "$FILE" uninstall >/dev/null
    cmp "$BATS_TEST_TMPDIR/rc" "$H/.bashrc"
  done
}

@test "what another install is about to rename stays" {
  run -0 install_it
  cp "$H/.local/bin/ccra" "$H/.local/bin/.ccr-install-99999999-0.tmp"
  run -0 install_it
  [ -e "$H/.local/bin/.ccr-install-99999999-0.tmp" ]
}

@test "killed at any moment it leaves whole files, and the next run completes it" {
  cp "$H/.bashrc" "$BATS_TEST_TMPDIR/rc"
  for delay in 0.01 0.02 0.03 0.035 0.04 0.045 0.05 0.055 0.06 0.065 0.07 0.08 0.09 0.1 0.12 0.15; do
    clean timeout -s KILL "$delay" node "$FILE" install >/dev/null 2>&1 || true
    # Every shell starts, and what is there runs.
    run -0 clean setsid bash -ic 'if type ccr >/dev/null 2>&1; then ccr version; fi; echo fine' 2>/dev/null
    [ "${lines[-1]}" = fine ]
    [ "$(sed '/>>> ccr >>>/,/<<< ccr <<</d' "$H/.bashrc" | cksum)" = "$(cksum <"$BATS_TEST_TMPDIR/rc")" ]
    [ ! -e "$H/.local/lib/ccr/ccr.cjs" ] || cmp "$FILE" "$H/.local/lib/ccr/ccr.cjs"
    clean timeout -s KILL "$delay" node "$FILE" uninstall >/dev/null 2>&1 || true
    run -0 clean setsid bash -ic 'echo fine' 2>/dev/null
  done
  run -0 install_it
  run -0 clean setsid bash -ic 'ccr version'
  run -0 clean node "$FILE" uninstall
  cmp "$BATS_TEST_TMPDIR/rc" "$H/.bashrc"
}

@test "a source file is no program to install" {
  run -1 clean node --import "$ROOT/node_modules/tsx/dist/esm/index.mjs" "$ROOT/helpers/bin.ts" install
  [[ $output == *'npm run build'* ]]
}
