#!/bin/sh
# Brings ccr into the home of a workspace. Runs at every start of the workspace, as its user, without a terminal,
# beside the other start scripts. POSIX sh: bash, dash and busybox ash run it alike.
#
# The template puts lines in front of this file that set ccr_payload (the helper, gzip and base64), ccr_version,
# ccr_name and ccr_node_*. The environment wins: CCR_NAME, CCR_NODE_VERSION, CCR_NODE_SHA256, CCR_NODE_BASE_URL.
# CCR_ROOT, for tests: a folder that stands for / where the script looks for the machine's Node and /etc/skel.
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
part=$lib/.part.$$
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

trap 'rm -rf "$part"' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# --- the home ---------------------------------------------------------------------------------------------------

directories() {
  [ -n "$home" ] || broken_home 'HOME is not set.'
  [ -d "$home" ] || broken_home "the home $home does not exist. Is its volume mounted?"
  if mkdir -p "$lib" "$bin" "$state" 2>/dev/null && mkdir -p "$part" 2>/dev/null &&
    printf '%01024d' 0 2>/dev/null >"$part/room"; then
    rm -f "$part/room"
    # What a killed run left behind an hour ago or earlier.
    find "$lib" -name '.part.*' -prune -mmin +60 -exec rm -rf {} + 2>/dev/null
    return
  fi
  if [ -w "$home" ]; then
    broken_home "$home takes no more files. Is the disk full? Look: df -h \"$home\""
  fi
  broken_home "$home cannot be written by $(id -un 2>/dev/null || id -u). Look: ls -ld \"$home\""
}

# A fresh volume hides the image's home, and a login shell without .profile reads no .bashrc.
skeleton() {
  for file in .profile .bash_profile .bash_login .bashrc; do
    if present "$home/$file"; then return; fi
  done
  copied=0
  for from in "$skel"/* "$skel"/.[!.]* "$skel"/..?*; do
    to=$home/${from##*/}
    if ! present "$from" || present "$to"; then continue; fi
    rm -rf "$part/skel"
    # Another start script may write the same file: a link or mv -n never replaces it.
    if cp -RPp "$from" "$part/skel" 2>/dev/null &&
      { ln "$part/skel" "$to" 2>/dev/null || mv -n "$part/skel" "$to" 2>/dev/null; }; then
      copied=$((copied + 1))
    else
      warn "$to could not be copied from $skel."
    fi
  done
  rm -rf "$part/skel"
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

# A private Node for ccr alone, under ~/.local/lib/ccr/node: nobody else's node changes.
install_node() {
  version=${CCR_NODE_VERSION:-${ccr_node_version:-}}
  base=${CCR_NODE_BASE_URL:-${ccr_node_base_url:-https://nodejs.org/dist}}
  advice='Put Node 18.19 or newer into the image.'
  case $(uname -s)-$(uname -m) in
    Linux-x86_64 | Linux-amd64) arch=x64 wanted=${ccr_node_sha256_x64:-} ;;
    Linux-aarch64 | Linux-arm64) arch=arm64 wanted=${ccr_node_sha256_arm64:-} ;;
    *)
      warn "no Node to download for $(uname -s) $(uname -m). $advice"
      return 1
      ;;
  esac
  # A version from the environment is another file: the template's checksum says nothing about it.
  if [ "$version" != "${ccr_node_version:-}" ]; then wanted=; fi
  wanted=${CCR_NODE_SHA256:-$wanted}
  if [ -z "$version" ] || [ -z "$wanted" ]; then
    warn "no Node found, and none is downloaded without a version and its checksum (CCR_NODE_VERSION, CCR_NODE_SHA256). $advice"
    return 1
  fi
  folder=node-v$version-linux-$arch
  url=${base%/}/v$version/$folder.tar.gz
  say "no Node 18.19 or newer found: downloading $url"
  if ! why=$(download "$url" "$part/node.tar.gz" 2>&1); then
    warn "Node could not be downloaded (${why##*"$newline"}). $advice"
    return 1
  fi
  actual=$(checksum "$part/node.tar.gz")
  if [ "$actual" != "$wanted" ]; then
    warn "the Node from $url is not the expected one (sha256 ${actual:-unknown}, not $wanted). $advice"
    return 1
  fi
  if ! why=$(cd "$part" && tar -xzf node.tar.gz "$folder/bin/node" 2>&1); then
    warn "Node could not be unpacked (${why##*"$newline"}). $advice"
    return 1
  fi
  rm -f "$part/node.tar.gz"
  if ! try_node "$part/$folder/bin/node"; then
    warn "the downloaded Node $version does not run here. $advice"
    return 1
  fi
  node=$lib/node/v$version/bin/node
  if ! { mkdir -p "${node%/*}" && mv -f "$part/$folder/bin/node" "$node"; }; then
    warn "Node could not be put into $lib/node."
    return 1
  fi
}

download() {
  if command -v curl >/dev/null; then
    curl -fsSL --connect-timeout 15 --max-time 480 -o "$2" "$1" </dev/null
  elif command -v wget >/dev/null; then
    # Some busybox ones know no -T.
    case $(wget --help 2>&1) in *' -T'*) set -- "$1" "$2" -T 60 ;; esac
    from=$1 to=$2
    shift 2
    wget -q "$@" -O "$to" "$from" </dev/null || {
      echo "wget cannot get it"
      return 1
    }
  else
    echo 'neither curl nor wget is here'
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

# --- the helper -------------------------------------------------------------------------------------------------

# Node decodes: images without base64 or gunzip are served too. A file with the same bytes is left alone.
unpack() {
  # shellcheck disable=SC2016
  decode='
    const fs = require("fs"), file = process.argv[1], part = process.argv[2];
    try {
      const helper = require("zlib").gunzipSync(Buffer.from(fs.readFileSync(0, "latin1"), "base64"));
      let same = false;
      try { same = fs.readFileSync(file).equals(helper); } catch {}
      if (!same) { fs.writeFileSync(part, helper, { mode: 0o600 }); fs.renameSync(part, file); }
    } catch (error) {
      console.error(error.code === "ENOSPC" ? "the disk is full" : error.message);
      process.exitCode = 1;
    }'
  if ! why=$(printf '%s' "${ccr_payload:-}" | run_node -e "$decode" "$lib/ccr.cjs" "$part/ccr.cjs" 2>&1); then
    case $why in *'disk is full'*) broken_home "no room for it in $home. Look: df -h \"$home\"" ;; esac
    warn "the helper could not be unpacked (${why##*"$newline"})."
    return 1
  fi
}

install_helper() {
  unpack || return 1
  said=$(run_node "$lib/ccr.cjs" install --name "$name" </dev/null 2>&1)
  status=$?
  if [ -n "$said" ]; then say "$said"; fi
  if [ "$status" -ne 0 ]; then warn "$name ${ccr_version:-} is not installed completely: ${said##*"$newline"}"; fi
}

# Scripts, apps, dashboard rows and `coder ssh ws -- cmd` have this directory on their PATH.
links() {
  if [ -z "${CODER_SCRIPT_BIN_DIR:-}" ]; then return; fi
  for program in "$bin/$name" "$bin/$name"-* "$bin"/cct "$bin"/cct-* "$bin"/ccra; do
    [ -x "$program" ] || continue
    to=$CODER_SCRIPT_BIN_DIR/${program##*/}
    # A link of a run beside this one is as good.
    ln -sf "$program" "$to" 2>/dev/null || [ -L "$to" ] || warn "$to could not be linked."
  done
}

# For the dashboard: one warning a line, no file when there is none.
keep_warnings() {
  if [ -z "$warnings" ]; then
    rm -f "$state/setup-warnings"
  elif printf '%s' "$warnings" 2>/dev/null >"$part/warnings"; then
    mv -f "$part/warnings" "$state/setup-warnings"
  fi
}

# Sessions that were live come back, waiting for Enter. What it takes may not be here yet: part.sh does the same.
restore() {
  for entry in "$state"/live/*.json; do
    if [ -e "$entry" ]; then "$bin/$name" restore >/dev/null 2>&1 </dev/null; fi
    return
  done
}

directories
skeleton
if find_node; then
  say "node $found found ($node)"
else
  install_node && say "node $found installed ($node)"
fi && install_helper && links && restore
keep_warnings
exit 0
