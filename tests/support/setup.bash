# For the tests of the setup script: a home, a machine to look at, and Coder's way to run the script.

# Once a file: the setup script in $SCRIPT, those that bring the later parts in $PART and $REST.
compose_setup() {
  export SCRIPT="$BATS_FILE_TMPDIR/setup-script" PART="$BATS_FILE_TMPDIR/part-script" REST="$BATS_FILE_TMPDIR/rest-script"
  compose setup "$SCRIPT"
  compose part "$PART"
  compose rest "$REST"
  REAL_NODE=$(node -p process.execPath)
  export REAL_NODE
}

# A start script of the template, by its name, into a file.
compose() {
  (cd "$BATS_TEST_DIRNAME/../.." && node --import tsx tests/support/compose-setup.ts "$1") >"$2"
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

# Runs the setup script as the agent does; words in front of -c can be given: as_agent bash -eu
as_agent() { run_script "$SCRIPT" "$@"; }

# The same with any script.
run_script() {
  local script=$1
  shift
  [ $# -gt 0 ] || set -- /bin/sh
  env -i HOME="$HERE" USER="$(id -un)" SHELL=/bin/bash PATH="$THERE/tools" CCR_ROOT="$MACHINE" \
    CODER_SCRIPT_BIN_DIR="$LINKS" "${EXTRA[@]}" "$@" -c "$(cat "$script")" </dev/null
}
EXTRA=()

# Paths, sizes, times and inode numbers of all files in the home; but for compiled code, which each start may add to.
inventory() {
  (cd "$HERE" && find . -type f -not -path './.cache/ccr/compiled/*' -printf '%p %s %T@ %i\n' | sort)
}
