# The executables in ~/.local/bin: how they start the helper, and hand over to another program.

setup() {
  load support
  make_home
  install_ccr >/dev/null
  SHIM=$H/.local/bin/ccr
}

teardown() { end_terminal; }

# Runs a test's lines with each shell that may be the system's sh, as $sh. (No `||` here: it would switch set -e off.)
each_sh() {
  need dash busybox
  for sh in dash "bash --posix" "busybox ash"; do
    echo "with $sh:"
    "$@"
  done
}

@test "they pass words, input, output and the exit status through" {
  fake_helper '
    const fs = require("fs");
    process.stdout.write(JSON.stringify(process.argv.slice(2)) + fs.readFileSync(0, "utf8"));
    process.stderr.write("talk");
    process.exitCode = 7;'
  check() {
    run -7 --separate-stderr clean $sh "$H/.local/bin/ccr-list" 'a b' "it's" '' '$(id)' '*' <<<"input"
    [ "$output" = '["list","a b","it'\''s","","$(id)","*"]input' ]
    [ "$stderr" = talk ]
  }
  bats_require_minimum_version 1.5.0
  each_sh check
}

@test "the settings of Node are kept from the helper's own start, and told to it" {
  fake_helper '
    const names = ["NODE_OPTIONS", "NODE_EXTRA_CA_CERTS", "CCR_NODE_OPTIONS", "CCR_NODE_EXTRA_CA_CERTS", "CCR_HANDOFF"];
    process.stdout.write(names.map((name) => process.env[name] ?? "-").join("|"));'
  check() {
    run clean $sh "$SHIM"
    [ "$output" = '-|-|-|-|3' ]
    run clean NODE_OPTIONS= NODE_EXTRA_CA_CERTS=/no/file CCR_NODE_OPTIONS=stale $sh "$SHIM"
    [ "$output" = '-|-||/no/file|3' ]
    run clean NODE_OPTIONS='--require "/no/such file"' $sh "$SHIM"
    [ "$output" = '-|-|--require "/no/such file"|-|3' ]
  }
  each_sh check
}

@test "the folder of compiled code is made for this user alone, and named to the helper's own start" {
  fake_helper '
    const { NODE_COMPILE_CACHE: ours, CCR_NODE_COMPILE_CACHE: theirs } = process.env;
    process.stdout.write([ours, theirs].map((value) => value ?? "-").join("|"));'
  check() {
    rm -rf "$H/.cache" "$BATS_TEST_TMPDIR/xdg"
    run clean $sh "$SHIM"
    [ "$output" = "$H/.cache/ccr/compiled|-" ]
    [ "$(stat -c %a "$H/.cache" "$H/.cache/ccr" "$H/.cache/ccr/compiled")" = $'700\n700\n700' ]
    run clean NODE_COMPILE_CACHE="/their's own" CCR_NODE_COMPILE_CACHE=stale $sh "$SHIM"
    [ "$output" = "$H/.cache/ccr/compiled|/their's own" ]
    run clean XDG_CACHE_HOME="$BATS_TEST_TMPDIR/xdg" $sh "$SHIM"
    [ "$output" = "$BATS_TEST_TMPDIR/xdg/ccr/compiled|-" ]
    run clean XDG_CACHE_HOME=relative $sh "$SHIM"
    [ "$output" = "$H/.cache/ccr/compiled|-" ]
  }
  each_sh check
}

@test "a folder of compiled code that is not ours alone is left out" {
  bats_require_minimum_version 1.5.0
  fake_helper 'process.stdout.write(process.env.NODE_COMPILE_CACHE ?? "-")'
  folder=$H/.cache/ccr/compiled
  left_out() {
    run -0 --separate-stderr clean NODE_COMPILE_CACHE=/theirs $sh "$SHIM"
    [ "$output" = - ] || fail_with "$1: $output"
    [ "$stderr" = '' ] || fail_with "$1: $stderr"
  }
  check() {
    local mode
    for mode in 777 770 707 755 711 1777 2770; do
      rm -rf "$H/.cache"
      mkdir -p "$folder"
      chmod "$mode" "$folder"
      left_out "mode $mode"
      chmod 700 "$folder"
      chmod "$mode" "$H/.cache/ccr"
      case $mode in *[2367] | *[2367]?) left_out "mode $mode of the folder around it" ;; esac
    done
    chmod 700 "$H/.cache/ccr"
    run clean $sh "$SHIM"
    [ "$output" = "$folder" ]
    if [ "$(id -u)" -eq 0 ]; then
      chown 65534 "$folder"
      left_out "another owner"
    fi
    rm -rf "$folder"
    mkdir -m 700 "$H/elsewhere"
    ln -s "$H/elsewhere" "$folder"
    left_out 'a link'
    rm -rf "$H/elsewhere" "$H/.cache"
    touch "$H/.cache"
    left_out 'no room for it'
    rm "$H/.cache"
    run -0 --separate-stderr env -i HOME="$H" PATH=/no/where "$(command -v ${sh% *})" ${sh#"${sh%% *}"} "$SHIM"
    [ "$output$stderr" = - ]
  }
  each_sh check
}

@test "root leaves no compiled code in somebody else's home" {
  [ "$(id -u)" -eq 0 ] || skip 'needs root'
  fake_helper 'process.stdout.write(process.env.NODE_COMPILE_CACHE ?? "-")'
  chown 65534 "$H"
  run clean "$SHIM"
  [ "$output" = - ]
  [ ! -e "$H/.cache" ]
}

@test "every name is a link to one script, and puts its command first" {
  fake_helper 'process.stdout.write(JSON.stringify(process.argv.slice(2)))'
  check() {
    local name command
    while read -r name command; do
      run clean $sh "$H/.local/bin/$name" 'a b'
      [ "$output" = "[${command:+\"$command\",}\"a b\"]" ] || fail_with "$name: $output"
    done <<'NAMES'
ccr
ccr-list list
ccr-find find
ccr-current current
ccr-stats stats
ccr-check-limits check-limits
ccr-export export
ccr-import import
ccr-archive archive
ccra resume-all
cct open
cct-list ps
cct-kill stop
NAMES
  }
  each_sh check
  [ "$(find "$H/.local/bin" -type f)" = "$H/.local/bin/ccr" ]
  [ "$(find "$H/.local/bin" -type l -lname ccr | wc -l)" -eq 12 ]
}

@test "links to the names work: in another folder, one after another, and under names of the person's own" {
  fake_helper 'process.stdout.write(process.argv.slice(2).join(" "))'
  mkdir "$H/links"
  ln -s "$H/.local/bin/ccr-list" "$H/links/ccr-list"
  ln -s ../.local/bin/ccr-find "$H/links/search"
  ln -s search "$H/links/s"
  check() {
    run clean $sh "$H/links/ccr-list" 5
    [ "$output" = 'list 5' ]
    run clean $sh "$H/links/s" word
    [ "$output" = 'find word' ]
    cd "$H/links"
    run clean $sh ./s word
    [ "$output" = 'find word' ]
    run clean $sh s word
    [ "$output" = 'find word' ]
    run clean PATH="$H/links:/usr/bin:/bin" s word
    [ "$output" = 'find word' ]
  }
  each_sh check
}

@test "what the helper hands over runs in place of the shim, in the caller's environment" {
  mkdir "$H/a 'dir'"
  printf %s "cd \"\$HOME/a 'dir'\" && exec env" >"$H/plan"
  fake_helper 'const fs = require("fs"); fs.writeSync(3, fs.readFileSync(process.env.HOME + "/plan"))'
  check() {
    printf 'export NODE_OPTIONS="--max-old-space-size=90" NODE_COMPILE_CACHE=/theirs __ccr_plan=theirs node=1 plan=2 status=3
      echo "pid $$"
      env | grep -v -e ^_= -e ^PWD= -e ^OLDPWD= -e ^SHLVL= | sort
      echo --
      exec "$@"\n' >"$BATS_TEST_TMPDIR/caller"
    run clean bash "$BATS_TEST_TMPDIR/caller" $sh "$SHIM"
    local before after
    before=$(sed -n '/^pid/d; /^--$/q; p' <<<"$output" | grep -v ^__ccr_plan=)
    after=$(sed '1,/^--$/d' <<<"$output")
    has_line "$after" "PWD=$H/a 'dir'"
    after=$(grep -v -e ^_= -e ^PWD= -e ^OLDPWD= -e ^SHLVL= -e ^__ccr_plan= <<<"$after" | sort)
    [ "$before" = "$after" ] || fail_with "before:" "$before" "after:" "$after"
  }
  each_sh check
}

@test "no Node process, no shell and no descriptor stays behind the program handed over" {
  cat >"$H/plan" <<'PLAN'
exec bash -c 'echo $$ $PPID; ls -l /proc/self/fd | grep -cE " [3-9] -> pipe"; cat /proc/$PPID/comm'
PLAN
  fake_helper 'const fs = require("fs"); fs.writeSync(3, fs.readFileSync(process.env.HOME + "/plan"))'
  check() {
    run clean bash -c 'echo $$; "$@" 2>/dev/null | cat; :' caller $sh "$SHIM" 3>&-
    [ "${lines[0]}" = "${lines[1]#* }" ]
    [ "${lines[2]}" = 0 ]
    [ "${lines[3]}" = bash ]
  }
  each_sh check
}

@test "nothing is run when the helper fails, and a plan that fails gives its status" {
  bats_require_minimum_version 1.5.0
  fake_helper 'require("fs").writeSync(3, process.argv[2]); process.exitCode = Number(process.argv[3])'
  check() {
    run -5 clean $sh "$SHIM" 'echo ran' 5
    [ "$output" = '' ]
    run -0 clean $sh "$SHIM" 'echo ran' 0
    [ "$output" = ran ]
    run -9 clean $sh "$SHIM" 'exit 9' 0
    run -127 clean $sh "$SHIM" 'exec /no/such/program' 0
    run clean $sh "$SHIM" 'cd /no/such/dir && exec echo ran' 0
    [ "$status" -ne 0 ]
    [[ $output != *ran* ]]
  }
  each_sh check
}

@test "closed input, output and error are no trouble" {
  bats_require_minimum_version 1.5.0
  fake_helper 'const fs = require("fs");
    fs.writeSync(3, "echo planned >\"$HOME/planned\"");
    fs.writeSync(1, "out"); fs.readFileSync(0);
    // bash itself may have its script on a closed 2
    try { fs.writeSync(2, "err"); } catch {}'
  check() {
    local how
    for how in '<&-' '>&-' '2>&-' '<&- >&-' '>&- 2>&-' '<&- >&- 2>&-'; do
      rm -f "$H/planned"
      run -0 clean bash -c "\"\$@\" $how" caller $sh "$SHIM" </dev/null
      [ -s "$H/planned" ] || fail_with "with $how: $output"
    done
    run -0 clean bash -c '"$@" 2>&-' caller $sh "$SHIM" </dev/null
    [ "$output" = out ]
  }
  each_sh check
}

@test "descriptors 3 and 4 of the caller reach the program handed over, not the helper" {
  fake_helper 'require("fs").writeSync(3, "echo three >&3; echo four >&4")'
  check() {
    run clean bash -c '"$@" 3>"$HOME/three" 4>"$HOME/four"' caller $sh "$SHIM"
    [ "$(cat "$H/three" "$H/four")" = $'three\nfour' ]
  }
  each_sh check
}

@test "a caller's set -eu, noglob and noclobber in the environment change nothing" {
  bats_require_minimum_version 1.5.0
  fake_helper 'process.exitCode = 4'
  run -4 clean SHELLOPTS=errexit:nounset:noglob:noclobber bash --posix "$SHIM"
  [ "$output" = '' ]
  fake_helper 'require("fs").writeSync(3, "echo ran")'
  run -0 clean SHELLOPTS=errexit:nounset:noglob:noclobber bash --posix "$SHIM"
  [ "$output" = ran ]
}

@test "they work without HOME, as in a crontab" {
  fake_helper 'process.stdout.write(process.argv.slice(2).join(" "))'
  check() {
    run env -i PATH=/usr/bin:/bin $sh "$H/.local/bin/ccr-list" 5
    [ "$output" = 'list 5' ]
  }
  each_sh check
}

@test "they find their program when the home was moved" {
  fake_helper 'process.stdout.write("here")'
  mv "$H" "$BATS_TEST_TMPDIR/moved"
  H=$BATS_TEST_TMPDIR/moved
  run clean "$H/.local/bin/ccr"
  [ "$output" = here ]
}

@test "a missing program is one clear error" {
  bats_require_minimum_version 1.5.0
  rm "$H/.local/lib/ccr/ccr.cjs"
  run -127 clean "$SHIM"
  [ "${#lines[@]}" -eq 2 ]
  [ "${lines[0]}" = "ccr: its program is missing: $H/.local/lib/ccr/ccr.cjs" ]
}

# A home whose recorded Node was removed, and a PATH without any.
lose_node() {
  fake_helper 'process.stdout.write(process.execPath)'
  sed -i "s|^__ccr_node=.*|__ccr_node='/gone/bin/node'|; s| /usr/local/bin/node /usr/bin/node | |" "$SHIM"
  mkdir "$BATS_TEST_TMPDIR/bin" "$BATS_TEST_TMPDIR/old"
  printf '#!/bin/sh\necho v16.20.2\n' >"$BATS_TEST_TMPDIR/old/node"
  chmod +x "$BATS_TEST_TMPDIR/old/node"
}

@test "another Node is used if the recorded one was removed: on PATH, after one that is too old" {
  lose_node
  ln -s "$NODE" "$BATS_TEST_TMPDIR/bin/node"
  check() {
    run clean PATH="$BATS_TEST_TMPDIR/old:$BATS_TEST_TMPDIR/bin:relative" NODE_OPTIONS=--no-such "$(command -v ${sh% *})" ${sh#"${sh%% *}"} "$SHIM"
    [ "$output" = "$(realpath "$NODE")" ] || fail_with "$output"
  }
  each_sh check
}

@test "another Node is used if the recorded one was removed: nvm's, the private one, ~/.local" {
  lose_node
  local place
  for place in .nvm/versions/node/v20.1.0/bin .local/lib/ccr/node/v22.1.0/bin .local/bin .volta/tools/image/node/20.1.0/bin; do
    mkdir -p "$H/$place"
    ln -s "$NODE" "$H/$place/node"
    run clean PATH="$BATS_TEST_TMPDIR/old" /bin/sh "$SHIM"
    [ "$output" = "$(realpath "$NODE")" ] || fail_with "$place: $output"
    rm "$H/$place/node"
  done
}

@test "no Node anywhere is one clear error" {
  bats_require_minimum_version 1.5.0
  lose_node
  check() {
    run -127 clean PATH="$BATS_TEST_TMPDIR/old" "$(command -v ${sh% *})" ${sh#"${sh%% *}"} "$SHIM"
    [ "${#lines[@]}" -eq 2 ]
    [ "${lines[0]}" = 'ccr: no Node.js 18.19 or newer found' ]
    [[ ${lines[1]} == *'install one'* ]]
  }
  each_sh check
}

@test "on their usual way they start nothing but ls, which looks at the cache's mode, and one shell for Node" {
  need strace
  fake_helper ''
  clean dash "$SHIM"
  clean strace -f -o "$BATS_TEST_TMPDIR/trace" -e trace=fork,vfork,clone,clone3,execve dash "$SHIM"
  # Two forks without CLONE_THREAD, and three programs: the shell, ls and Node.
  [ "$(grep -E '(fork|clone3?)\(' "$BATS_TEST_TMPDIR/trace" | grep -vc CLONE_THREAD)" -eq 2 ]
  [ "$(grep -c 'execve(.*= 0' "$BATS_TEST_TMPDIR/trace")" -eq 3 ]
}

@test "the helper has the terminal, and Ctrl-C ends it first, then the line that called it" {
  fake_helper '
    console.log("terminal", process.stdin.isTTY, process.stdout.isTTY);
    process.on("SIGINT", () => setTimeout(() => { console.log("tidied up"); process.exit(130); }, 300));
    setTimeout(() => {}, 60000);'
  open_terminal bash -i
  shows 'prompt>'
  type_words 'ccr; echo "not reached"'
  press Enter
  shows 'terminal true true'
  press C-c
  shows 'tidied up'
  type_words 'echo "status $?"'
  press Enter
  shows 'status 130'
  [[ $(screen) != *$'\nnot reached'* ]]
}

@test "Ctrl-Z and fg stop it and let it go on" {
  fake_helper '
    const fs = require("fs");
    console.log("ready");
    process.stdin.once("data", (line) => { fs.writeSync(3, `echo planned ${line}`); process.exit(); });'
  open_terminal bash -i
  shows 'prompt>'
  type_words 'ccr'
  press Enter
  shows 'ready'
  press C-z
  shows 'Stopped'
  type_words 'fg'
  press Enter
  shows $'prompt> fg\n.'
  type_words 'word'
  press Enter
  shows 'planned word'
}

@test "they pass shellcheck" {
  need shellcheck
  run shellcheck -s sh -S style "$SHIM" "$H/.local/bin/ccr-list"
  [ "$output" = '' ]
}
