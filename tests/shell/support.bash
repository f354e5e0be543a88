# Homes and terminals for the tests of what `ccr install` puts into a shell.

ROOT=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd)
BUNDLE=${CCR_BUNDLE:-$ROOT/dist/ccr.cjs}
NODE=$(command -v node)

# A test that needs a program which is not here is skipped; the test run counts that, and under CI=true as failed.
need() {
  local name
  for name in "$@"; do command -v "$name" >/dev/null || skip "$name is missing"; done
}

# $H: a home with a blank and a quote in its path, and Debian's rc files.
make_home() {
  H="$BATS_TEST_TMPDIR/it's a home"
  mkdir -p "$H"
  cat >"$H/.bashrc" <<'RC'
# ~/.bashrc: executed by bash(1) for non-login shells.
case $- in
    *i*) ;;
      *) return;;
esac
PS1='prompt> '
RC
  cat >"$H/.profile" <<'RC'
if [ -n "$BASH_VERSION" ]; then
    if [ -f "$HOME/.bashrc" ]; then
        . "$HOME/.bashrc"
    fi
fi
RC
}

# Runs a command with nothing of this environment but the home.
clean() {
  env -i HOME="$H" PATH="${NODE%/*}:/usr/local/bin:/usr/bin:/bin" LANG=C.UTF-8 TERM=xterm-256color \
    ${TMUX_TMPDIR:+TMUX_TMPDIR="$TMUX_TMPDIR"} "$@"
}

# The same as somebody who is not root, where only that makes a mode count.
nobody() {
  if [ "$(id -u)" -ne 0 ]; then
    clean "$@"
  else
    need setpriv
    chmod a+rx "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_TEST_TMPDIR" "$BATS_RUN_TMPDIR"/*
    clean setpriv --reuid=65534 --regid=65534 --clear-groups env "$@"
  fi
}

# The bundle where everybody may read it.
copy_bundle() {
  cp "$BUNDLE" "$BATS_TEST_TMPDIR/ccr.cjs"
  chmod 644 "$BATS_TEST_TMPDIR/ccr.cjs"
}

install_ccr() { clean node "$BUNDLE" install "$@"; }

# Puts another program in the helper's place: what is tested is how it is started.
fake_helper() { printf '%s\n' "$1" >"$H/.local/lib/ccr/ccr.cjs"; }

# Every file of the home: mode, modification time, size, checksum, name.
snapshot() {
  (cd "$H" && find . -type f -not -path './.cache/ccr/compiled/*' -printf '%m %T@ %p ' -exec cksum {} \; | sort -k3)
}

# The same without the times.
contents() {
  (cd "$H" && find . -type f -printf '%m %p ' -exec cksum {} \; -o -type l -printf '%p -> %l\n' | sort -k2)
}

has_line() { [[ $'\n'"$1"$'\n' == *$'\n'"$2"$'\n'* ]] || fail_with "no line '$2' in:" "$1"; }

fail_with() {
  printf '%s\n' "$@" >&2
  return 1
}

# --- a person at a terminal -------------------------------------------------------------------------------------

# Opens a terminal with a program in it; the home's environment. The server ends with end_terminal.
open_terminal() {
  need tmux
  export TMUX_TMPDIR=$BATS_TEST_TMPDIR
  SOCKET=$BATS_TEST_TMPDIR/tmux
  (cd "$H" && clean tmux -u -S "$SOCKET" -f /dev/null new-session -d -s t -x 110 -y 40 env -u TMUX -u TMUX_PANE "$@")
}

end_terminal() {
  [ -z "${SOCKET-}" ] || tmux -S "$SOCKET" kill-server 2>/dev/null || true
}

screen() { tmux -S "$SOCKET" capture-pane -p -t t; }
type_words() { tmux -S "$SOCKET" send-keys -t t -l -- "$1"; }
press() { tmux -S "$SOCKET" send-keys -t t "$@"; }

# Waits until the screen has a text that fits a regular expression.
shows() {
  local i
  for i in {1..600}; do
    if [[ $(screen) =~ $1 ]]; then return 0; fi
    sleep 0.1
  done
  fail_with "the screen does not show $1:" "$(screen)"
}

# A session of Claude Code in the home: id, title, project, time.
session() {
  local id=$1 title=$2 project=$3 at=$4 folder
  folder="$H/.claude/projects/$(printf '%s' "$project" | tr -c 'A-Za-z0-9' -)"
  mkdir -p "$folder"
  clean TITLE="$title" PROJECT="$project" AT="$at" ID="$id" node -e '
    const { TITLE, PROJECT, AT, ID } = process.env;
    const base = { cwd: PROJECT, sessionId: ID, version: "2.1.329", gitBranch: "main", timestamp: AT, isSidechain: false };
    const rows = [
      { ...base, type: "user", uuid: ID.replace(/^./, "1"), parentUuid: null, message: { role: "user", content: "hello" } },
      { ...base, type: "assistant", uuid: ID.replace(/^./, "2"), parentUuid: ID.replace(/^./, "1"),
        message: { role: "assistant", type: "message", id: "msg_1", model: "claude-x", content: [{ type: "text", text: "hi" }] } },
      { type: "custom-title", customTitle: TITLE, sessionId: ID },
    ];
    process.stdout.write(rows.map((row) => JSON.stringify(row) + "\n").join(""));
  ' >"$folder/$id.jsonl"
  touch -d "$at" "$folder/$id.jsonl"
}
