#!/bin/sh
# Installs ccr into the home of a workspace. The program does not fit into one start script (a script is one argument of
# a program, and Linux takes no argument over 128 KiB), so several start scripts with this same text bring one piece each.
# They run at every start of the workspace, as its user, without a terminal, all at once and in any order.
#
# Each script stores its piece. The first one also prepares the home and finds Node. Whichever script sees that nothing
# is missing joins the pieces and installs the program. If a script is killed, the next start completes the work.
# POSIX sh: bash, dash and busybox ash run it alike.
#
# The template puts lines in front of this file that set ccr_number (of this script, from 1), ccr_count (of scripts),
# ccr_piece (a piece of the program: gzip, base64), ccr_sha256 (of the joined text), ccr_join (join.cjs), ccr_version,
# ccr_name and ccr_node_*. The environment takes precedence: CCR_NAME, CCR_NODE_VERSION, CCR_NODE_SHA256,
# CCR_NODE_BASE_URL. CCR_ROOT, for tests: a folder that stands for / where the script looks for Node and /etc/skel.
#
# Exit status: 0, with warnings too; 1 only when nothing can be written to the home.
set +e +f -u
unset IFS
umask 077

home=${HOME:-}
name=${CCR_NAME:-${ccr_name:-ccr}}
root=${CCR_ROOT:-}
skel=$root/etc/skel
lib=$home/.local/lib/ccr
bin=$home/.local/bin
state=${XDG_STATE_HOME:-$home/.local/state}/ccr
# The pieces of a program lie in a folder named after their checksum, so pieces of two versions are never mixed.
pieces=$lib/pieces/${ccr_sha256:?}
number=${ccr_number:?}
count=${ccr_count:?}
work=$lib/.work.$$
warnings=
newline='
'

say() { printf '%s\n' "$*"; }

warn() {
  printf 'warning: %s\n' "$*" >&2
  warnings=$warnings$*$newline
}

broken_home() {
  printf 'ccr could not be set up: %s\n' "$*" >&2
  exit 1
}

no_room() { broken_home "no room for it in $home. Check: df -h \"$home\""; }

trap 'rm -rf "$work"' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# --- the home ---------------------------------------------------------------------------------------------------

directories() {
  [ -n "$home" ] || broken_home 'HOME is not set.'
  [ -d "$home" ] || broken_home "the home $home does not exist. Is its volume mounted?"
  if mkdir -p "$lib" "$bin" "$state" 2>/dev/null && mkdir -p "$work" 2>/dev/null &&
    printf '%01024d' 0 2>/dev/null >"$work/room"; then
    rm -f "$work/room"
    return
  fi
  if [ -w "$home" ]; then
    broken_home "$home takes no more files. Is the disk full? Check: df -h \"$home\""
  fi
  broken_home "$home is not writable for $(id -un 2>/dev/null || id -u). Check: ls -ld \"$home\""
}

# Removes what killed runs and other versions left behind, once it is an hour old: a younger file may still be in use.
# (.part.* is what version 1.0.0 called its temporary files.)
sweep() {
  rm -f "$state/setup-warnings"
  for old in "$lib"/.work.* "$lib"/.part.* "$lib"/pieces/*; do
    if [ "$old" != "$pieces" ] && [ -e "$old" ]; then
      find "$old" -prune -mmin +60 -exec rm -rf {} + 2>/dev/null
    fi
  done
}

# Copies the files of /etc/skel to a fresh volume, which hides the image's home. Without .profile, a login shell does not
# read .bashrc.
skeleton() {
  for file in .profile .bash_profile .bash_login .bashrc; do
    if present "$home/$file"; then return; fi
  done
  copied=0
  for from in "$skel"/* "$skel"/.[!.]* "$skel"/..?*; do
    to=$home/${from##*/}
    if ! present "$from" || present "$to"; then continue; fi
    rm -rf "$work/skel"
    # Another start script may create the same file: a link or mv -n never overwrites it.
    if cp -RPp "$from" "$work/skel" 2>/dev/null &&
      { ln "$work/skel" "$to" 2>/dev/null || mv -n "$work/skel" "$to" 2>/dev/null; }; then
      copied=$((copied + 1))
    else
      warn "$to could not be copied from $skel."
    fi
  done
  rm -rf "$work/skel"
  if [ "$copied" -gt 0 ]; then say "fresh home: $copied files copied from $skel"; fi
}

present() { [ -e "$1" ] || [ -L "$1" ]; }

# --- Node -------------------------------------------------------------------------------------------------------

run_node() { NODE_OPTIONS='' NODE_EXTRA_CA_CERTS='' "$node" "$@"; }

# Sets $node and $found when $1 is a Node of version 18.19 or newer that runs here.
try_node() {
  case $1 in /*) ;; *) return 1 ;; esac
  if ! [ -x "$1" ]; then return 1; fi
  node=$1
  found=$(run_node -p process.versions.node 2>/dev/null </dev/null) || return 1
  major=${found%%.*}
  minor=${found#*.}
  minor=${minor%%.*}
  case $major in '' | *[!0-9]*) return 1 ;; esac
  case $minor in '' | *[!0-9]*) return 1 ;; esac
  [ "$major" -gt 18 ] || { [ "$major" -eq 18 ] && [ "$minor" -ge 19 ]; }
}

find_node() {
  for candidate in \
    "$(command -v node)" \
    "$(command -v nodejs)" \
    "$bin/node" \
    "$lib"/node/*/bin/node \
    "${NVM_DIR:-$home/.nvm}"/versions/node/*/bin/node \
    "${FNM_DIR:-$home/.local/share/fnm}"/node-versions/*/installation/bin/node \
    "$home"/.fnm/node-versions/*/installation/bin/node \
    "${VOLTA_HOME:-$home/.volta}"/tools/image/node/*/bin/node \
    "${ASDF_DATA_DIR:-$home/.asdf}"/installs/nodejs/*/bin/node \
    "$home"/.local/share/mise/installs/node/*/bin/node \
    "${NODENV_ROOT:-$home/.nodenv}"/versions/*/bin/node \
    "${N_PREFIX:-$root/usr/local}"/n/versions/node/*/bin/node \
    "$home"/.nix-profile/bin/node \
    "$root"/usr/local/bin/node "$root"/usr/bin/node "$root"/usr/bin/nodejs \
    "$root"/usr/local/share/nvm/versions/node/*/bin/node \
    "$root"/usr/local/nvm/versions/node/*/bin/node \
    "$root"/opt/node*/bin/node "$root"/usr/local/node*/bin/node "$root"/usr/local/lib/nodejs/*/bin/node \
    "$root"/snap/bin/node \
    "$root"/home/linuxbrew/.linuxbrew/bin/node \
    "$root"/opt/homebrew/bin/node; do
    if try_node "$candidate"; then return 0; fi
  done
  return 1
}

# Installs a Node for ccr alone, in ~/.local/lib/ccr/node; the node on PATH does not change.
install_node() {
  version=${CCR_NODE_VERSION:-${ccr_node_version:-}}
  base=${CCR_NODE_BASE_URL:-${ccr_node_base_url:-https://nodejs.org/dist}}
  advice='Put Node 18.19 or newer into the image.'
  case $(uname -s)-$(uname -m) in
    Linux-x86_64 | Linux-amd64) arch=x64 wanted=${ccr_node_sha256_x64:-} ;;
    Linux-aarch64 | Linux-arm64) arch=arm64 wanted=${ccr_node_sha256_arm64:-} ;;
    *)
      warn "Node cannot be downloaded for $(uname -s) $(uname -m). $advice"
      return 1
      ;;
  esac
  # The template's checksum does not apply to a version from the environment.
  if [ "$version" != "${ccr_node_version:-}" ]; then wanted=; fi
  wanted=${CCR_NODE_SHA256:-$wanted}
  if [ -z "$version" ] || [ -z "$wanted" ]; then
    warn "no Node found; to download one, set its version and checksum (CCR_NODE_VERSION, CCR_NODE_SHA256). $advice"
    return 1
  fi
  folder=node-v$version-linux-$arch
  url=${base%/}/v$version/$folder.tar.gz
  say "no Node 18.19 or newer found: downloading $url"
  if ! why=$(download "$url" "$work/node.tar.gz" 2>&1); then
    warn "Node could not be downloaded (${why##*"$newline"}). $advice"
    return 1
  fi
  actual=$(checksum "$work/node.tar.gz")
  if [ "$actual" != "$wanted" ]; then
    warn "the Node from $url has the wrong checksum (sha256 ${actual:-unknown}, expected $wanted). $advice"
    return 1
  fi
  if ! why=$(cd "$work" && tar -xzf node.tar.gz "$folder/bin/node" 2>&1); then
    warn "Node could not be unpacked (${why##*"$newline"}). $advice"
    return 1
  fi
  rm -f "$work/node.tar.gz"
  if ! try_node "$work/$folder/bin/node"; then
    warn "the downloaded Node $version does not run here. $advice"
    return 1
  fi
  node=$lib/node/v$version/bin/node
  if ! { mkdir -p "${node%/*}" && mv -f "$work/$folder/bin/node" "$node"; }; then
    warn "Node could not be moved to $lib/node."
    return 1
  fi
}

download() {
  if command -v curl >/dev/null; then
    curl -fsSL --connect-timeout 15 --max-time 480 -o "$2" "$1" </dev/null
  elif command -v wget >/dev/null; then
    # Some versions of busybox wget have no option -T.
    case $(wget --help 2>&1) in *' -T'*) set -- "$1" "$2" -T 60 ;; esac
    from=$1 to=$2
    shift 2
    wget -q "$@" -O "$to" "$from" </dev/null || {
      echo "wget failed"
      return 1
    }
  else
    echo 'neither curl nor wget is installed'
    return 1
  fi
}

checksum() {
  if command -v sha256sum >/dev/null; then
    set -- "$(sha256sum "$1")"
  elif command -v shasum >/dev/null; then
    set -- "$(shasum -a 256 "$1")"
  else
    set -- "$(openssl dgst -r -sha256 "$1")"
  fi
  printf '%s' "${1%% *}"
}

# --- the program ------------------------------------------------------------------------------------------------

store_piece() {
  if { mkdir -p "$pieces" && printf '%s\n' "${ccr_piece:-}" >"$work/piece" &&
    mv -f "$work/piece" "$pieces/$number-of-$count"; } 2>/dev/null; then return; fi
  no_room
}

# Finds Node, or installs it, and writes down where it is for the script that joins the pieces.
provide_node() {
  if find_node; then
    say "node $found found ($node)"
  else
    install_node || return 1
    say "node $found installed ($node)"
  fi
  { printf '%s\n' "$node" >"$work/node" && mv -f "$work/node" "$pieces/node"; } 2>/dev/null || no_room
}

# Uses the Node that the first script has found.
recorded_node() {
  [ "$number" -eq 1 ] || { read -r recorded <"$pieces/node" && try_node "$recorded"; } 2>/dev/null
}

# Prints what the program still lacks; nothing when it is complete.
missing() {
  wanted=1
  while [ "$wanted" -le "$count" ]; do
    if ! [ -e "$pieces/$wanted-of-$count" ]; then
      echo "piece $wanted of $count has not arrived"
      return
    fi
    wanted=$((wanted + 1))
  done
  if ! [ -e "$pieces/node" ]; then echo 'Node has not been found yet'; fi
}

join_pieces() {
  if ! why=$(run_node -e "${ccr_join:-}" "$pieces" "$count" "$ccr_sha256" "$lib/ccr.cjs" "$work/ccr.cjs" 2>&1 </dev/null); then
    case $why in *'disk is full'*) no_room ;; esac
    warn "the program could not be put together (${why##*"$newline"})."
    return 1
  fi
}

install_program() {
  join_pieces || return 1
  said=$(run_node "$lib/ccr.cjs" install --name "$name" </dev/null 2>&1)
  status=$?
  if [ -n "$said" ]; then say "$said"; fi
  if [ "$status" -eq 0 ]; then
    printf '%s\n' "${ccr_version:-}" 2>/dev/null >"$pieces/installed" || no_room
  else
    rm -f "$pieces/installed"
    warn "$name ${ccr_version:-} is not installed completely: ${said##*"$newline"}"
  fi
}

# Links the commands into a directory that scripts, apps, dashboard rows and `coder ssh ws -- cmd` have on their PATH.
links() {
  if [ -z "${CODER_SCRIPT_BIN_DIR:-}" ]; then return; fi
  for program in "$bin/$name" "$bin/$name"-* "$bin"/cct "$bin"/cct-* "$bin"/ccra; do
    [ -x "$program" ] || continue
    to=$CODER_SCRIPT_BIN_DIR/${program##*/}
    # If it is there, a script that runs at the same time has made it.
    ln -sf "$program" "$to" 2>/dev/null || [ -L "$to" ] || warn "$to could not be linked."
  done
}

# Saves the warnings for the dashboard, one per line; no file if there are none.
keep_warnings() {
  if [ -z "$warnings" ]; then
    rm -f "$pieces/warnings-$number"
  elif printf '%s' "$warnings" 2>/dev/null >"$work/warnings"; then
    mv -f "$work/warnings" "$pieces/warnings-$number"
  fi
}

# Opens the sessions again that were live; they wait for Enter.
restore() {
  for entry in "$state"/live/*.json; do
    if [ -e "$entry" ]; then "$bin/$name" restore >/dev/null 2>&1 </dev/null; fi
    return
  done
}

directories
if [ "$number" -eq 1 ]; then
  # The home is not ready yet: this keeps the other scripts from installing before this one is done.
  rm -f "$pieces/node"
  sweep
fi
store_piece
if [ "$number" -eq 1 ]; then
  skeleton
  provide_node
fi
lacking=$(missing)
if [ -n "$lacking" ]; then
  say "piece $number of $count of $name stored; $lacking"
elif recorded_node; then
  install_program && links && restore
else
  say "piece $number of $count of $name stored; the first script is still looking for Node"
fi
keep_warnings
exit 0
