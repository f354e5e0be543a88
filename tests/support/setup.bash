# For the tests of the setup scripts: a home, a machine to look at, and Coder's way to run the scripts.

# Once per file: the scripts that install ccr in $SETUP_SCRIPTS/1, $SETUP_SCRIPTS/2, …; their number in $COUNT.
compose_setup() {
  export SETUP_SCRIPTS="$BATS_FILE_TMPDIR/setup-scripts" COUNT REAL_NODE
  mkdir -p "$SETUP_SCRIPTS"
  (cd "$BATS_TEST_DIRNAME/../.." && node --import tsx tests/support/compose-setup.ts "$SETUP_SCRIPTS")
  COUNT=$(find "$SETUP_SCRIPTS" -type f | wc -l)
  REAL_NODE=$(node -p process.execPath)
}

# An empty home, a machine with /etc/skel and Node ($MACHINE stands for /), and a PATH without Node.
make_machine() {
  umask 022
  THERE="$BATS_TEST_TMPDIR/there"
  MACHINE="$THERE/machine"
  HERE="$THERE/home"
  LINKS="$THERE/links"
  mkdir -p "$MACHINE/usr/bin" "$HERE" "$LINKS"
  mkdir -p "$MACHINE/etc/skel"
  printf '%s\n' '# skel profile' '[ -n "$BASH_VERSION" ] && . "$HOME/.bashrc"' >"$MACHINE/etc/skel/.profile"
  printf '# skel bashrc\n' >"$MACHINE/etc/skel/.bashrc"
  ln -s "$REAL_NODE" "$MACHINE/usr/bin/node"
  tools_without node nodejs
}

# PATH for the script: the programs of this machine, but for some.
tools_without() {
  local name
  rm -rf "$THERE/tools"
  mkdir -p "$THERE/tools"
  ln -s /bin/* "$THERE/tools" 2>/dev/null || true
  ln -sf /usr/bin/* "$THERE/tools"
  for name in "$@"; do rm -f "$THERE/tools/$name"; done
}

# Runs all setup scripts as the agent does, one after the other, the first one last; gives the first status other than 0.
# Words in front of -c can be given: as_agent bash -eu
as_agent() {
  local number status=0
  for number in $(seq 2 "$COUNT") 1; do
    run_script "$SETUP_SCRIPTS/$number" "$@" || { status=$?; break; }
  done
  return "$status"
}

# Runs them all at once.
all_at_once() {
  local number pids=() status=0
  for number in $(seq "$COUNT"); do
    run_script "$SETUP_SCRIPTS/$number" "$@" &
    pids+=($!)
  done
  for number in "${pids[@]}"; do wait "$number" || status=$?; done
  return "$status"
}

# Runs a function once under dash and once under busybox ash, each time with an empty home.
under_each_shell() {
  command -v dash >/dev/null || skip "dash is missing"
  command -v busybox >/dev/null || skip "busybox is missing"
  for SETUP_SHELL in dash "busybox ash"; do
    rm -rf "$HERE"
    mkdir "$HERE"
    "$@"
  done
  unset SETUP_SHELL
}

# Runs one script.
run_script() {
  local script=$1
  shift
  # shellcheck disable=SC2086
  [ $# -gt 0 ] || set -- ${SETUP_SHELL:-/bin/sh}
  env -i HOME="$HERE" USER="$(id -un)" SHELL=/bin/bash PATH="$THERE/tools" CCR_ROOT="$MACHINE" \
    CODER_SCRIPT_BIN_DIR="$LINKS" "${EXTRA[@]}" "$@" -c "$(cat "$script")" </dev/null
}
EXTRA=()

# Paths, sizes, times and inode numbers of all files in the home, without compiled code and the pieces, which each start
# writes again.
inventory() {
  (cd "$HERE" && find . -type f -not -path './.cache/ccr/compiled/*' -not -path './.local/lib/ccr/pieces/*' -printf '%p %s %T@ %i\n' | sort)
}

# Waits until a command line succeeds, for ten seconds at most.
wait_until() {
  local i
  for i in {1..200}; do
    if eval "$1"; then return 0; fi
    sleep 0.05
  done
  echo "not within 10 s: $1" >&2
  return 1
}
