#!/usr/bin/env bats
# Where the setup scripts find Node, and what they do where there is none.

setup_file() {
  load ../support/setup.bash
  compose_setup
  # A download server on loopback with one archive, laid out as nodejs.org does.
  export SERVED="$BATS_FILE_TMPDIR/served" VERSION=24.21.0
  case $(uname -m) in aarch64 | arm64) arch=arm64 ;; *) arch=x64 ;; esac
  export ARCHIVE="v$VERSION/node-v$VERSION-linux-$arch.tar.gz"
  local folder="$BATS_FILE_TMPDIR/node-v$VERSION-linux-$arch"
  mkdir -p "$SERVED/v$VERSION" "$folder/bin" "$folder/lib"
  cp "$REAL_NODE" "$folder/bin/node"
  echo more >"$folder/lib/other"
  (cd "$BATS_FILE_TMPDIR" && GZIP=-1 tar -czf "$SERVED/$ARCHIVE" "${folder##*/}" 2>/dev/null)
  CHECKSUM=$(sha256sum "$SERVED/$ARCHIVE")
  export CHECKSUM="${CHECKSUM%% *}"
  node -e '
    const http = require("http"), fs = require("fs"), [folder, note] = process.argv.slice(1);
    const server = http.createServer((request, answer) => {
      fs.appendFileSync(note + ".log", request.method + " " + request.url + "\n");
      const file = fs.createReadStream(folder + request.url);
      file.on("error", () => answer.writeHead(404).end());
      file.pipe(answer);
    });
    server.listen(0, "127.0.0.1", () => fs.writeFileSync(note, String(server.address().port)));
  ' "$SERVED" "$BATS_FILE_TMPDIR/port" >/dev/null 2>&1 3>&- &
  echo $! >"$BATS_FILE_TMPDIR/server.pid"
  wait_until '[ -s "$BATS_FILE_TMPDIR/port" ]'
  export BASE="http://127.0.0.1:$(cat "$BATS_FILE_TMPDIR/port")"
}

teardown_file() {
  kill "$(cat "$BATS_FILE_TMPDIR/server.pid")"
}

setup() {
  load ../support/setup.bash
  make_machine
  : >"$BATS_FILE_TMPDIR/port.log"
}

no_node() { rm "$MACHINE/usr/bin/node"; }
from_server() { EXTRA=(CCR_NODE_BASE_URL="$BASE" CCR_NODE_VERSION="$VERSION" CCR_NODE_SHA256="$CHECKSUM"); }
asked() { cat "$BATS_FILE_TMPDIR/port.log"; }

# Not set up for want of Node: status 0, one warning, the home whole, the agent usable.
does_without() {
  run as_agent
  [ "$status" -eq 0 ]
  [[ $output == *"warning: "*"$1"*"Put Node 18.19 or newer into the image."* ]]
  [ "$(grep -c warning: <<<"$output")" -eq 1 ]
  [ ! -e "$HERE/.local/bin/ccr" ]
  [ -z "$(find "$HERE/.local/lib/ccr" -type f -not -path '*/pieces/*')" ]
  [ -z "$(find "$HERE/.local/lib/ccr/pieces" -name node)" ]
  grep -q "$1" "$HERE"/.local/lib/ccr/pieces/*/warnings-1
  grep -q 'skel bashrc' "$HERE/.bashrc"
}

finds_in() {
  no_node
  mkdir -p "$HERE/$1"
  ln -s "$REAL_NODE" "$HERE/$1/node"
  run as_agent
  [ "$status" -eq 0 ]
  [[ $output == *" found ($HERE/$1/node)"* ]]
  "$HERE/.local/bin/ccr" --version
}

@test "Node under nvm alone is found" { finds_in .nvm/versions/node/v22.11.0/bin; }
@test "Node under fnm alone is found" { finds_in .local/share/fnm/node-versions/v22.11.0/installation/bin; }
@test "Node under volta alone is found" { finds_in .volta/tools/image/node/22.11.0/bin; }
@test "Node under asdf alone is found" { finds_in .asdf/installs/nodejs/22.11.0/bin; }
@test "Node under mise alone is found" { finds_in .local/share/mise/installs/node/22/bin; }
@test "Node in ~/.local/bin alone is found" { finds_in .local/bin; }

@test "Node on PATH is found first" {
  ln -s "$REAL_NODE" "$THERE/tools/node"
  run as_agent
  [[ $output == *" found ($THERE/tools/node)"* ]]
}

@test "Node under the snap, /usr/local and /opt is found" {
  for place in snap/bin usr/local/bin opt/node-v22/bin usr/local/share/nvm/versions/node/v20/bin; do
    rm -rf "$MACHINE" && mkdir -p "$MACHINE/$place"
    ln -s "$REAL_NODE" "$MACHINE/$place/node"
    run as_agent
    [[ $output == *" found ($MACHINE/$place/node)"* ]]
  done
}

@test "a Node that is too old, broken or no Node is passed over" {
  for name in node nodejs; do
    printf '#!/bin/sh\necho 18.18.2\n' >"$THERE/tools/$name"
    chmod +x "$THERE/tools/$name"
  done
  mkdir -p "$HERE"/.nvm/versions/node/v{1,2,3,4}/bin
  printf '#!/bin/sh\nexit 1\n' >"$HERE/.nvm/versions/node/v1/bin/node"
  printf '#!/bin/sh\necho "v; rm -rf /"\n' >"$HERE/.nvm/versions/node/v2/bin/node"
  printf 'garbage' >"$HERE/.nvm/versions/node/v3/bin/node"
  chmod +x "$HERE"/.nvm/versions/node/v{1,2,3}/bin/node
  ln -s "$REAL_NODE" "$HERE/.nvm/versions/node/v4/bin/node"
  run as_agent
  [ "$status" -eq 0 ]
  [[ $output == *" found ($HERE/.nvm/versions/node/v4/bin/node)"* ]]
}

@test "NODE_OPTIONS and certificates of the environment do not reach the helper" {
  EXTRA=(NODE_OPTIONS=--no-such-option NODE_EXTRA_CA_CERTS=/nowhere)
  run as_agent
  [ "$status" -eq 0 ]
  [[ $output != *warning* ]]
  [ -x "$HERE/.local/bin/ccr" ]
}

@test "without Node it downloads one, checks it, and uses it from then on" {
  no_node
  from_server
  run as_agent
  [ "$status" -eq 0 ]
  [[ $output == *"downloading $BASE/$ARCHIVE"* ]]
  [[ $output == *"installed ($HERE/.local/lib/ccr/node/v$VERSION/bin/node)"* ]]
  [[ $output != *warning* ]]
  "$LINKS/ccr" --version
  [ "$(find "$HERE/.local/lib/ccr/node" -type f | wc -l)" -eq 1 ]
  run as_agent
  [[ $output == *" found ($HERE/.local/lib/ccr/node/v$VERSION/bin/node)"* ]]
  [ "$(asked)" = "GET /$ARCHIVE" ]
}

@test "the Node that the first script has downloaded is used by the script that comes last" {
  no_node
  from_server
  run run_script "$SETUP_SCRIPTS/1"
  [[ $output == *"downloading $BASE/$ARCHIVE"* ]]
  [ ! -e "$HERE/.local/bin/ccr" ]
  for number in $(seq 2 "$COUNT"); do run_script "$SETUP_SCRIPTS/$number"; done
  "$LINKS/ccr" --version
  [ "$(asked)" = "GET /$ARCHIVE" ]
}

@test "a Node that is gone since the last start is looked for again" {
  as_agent
  no_node
  from_server
  run run_script "$SETUP_SCRIPTS/2"
  [ "$status" -eq 0 ]
  [[ $output == *"the first script is still looking for Node" ]]
  run run_script "$SETUP_SCRIPTS/1"
  [[ $output == *"installed ($HERE/.local/lib/ccr/node/v$VERSION/bin/node)"* ]]
  "$LINKS/ccr" --version
}

@test "busybox ash with busybox wget downloads one too" {
  command -v busybox >/dev/null || skip "busybox is missing"
  no_node
  from_server
  tools_without node nodejs curl wget
  ln -s "$(command -v busybox)" "$THERE/tools/wget"
  run as_agent busybox ash
  [ "$status" -eq 0 ]
  "$LINKS/ccr" --version
}

@test "two runs at once download twice and leave one whole Node" {
  no_node
  from_server
  as_agent >"$THERE/one" 2>&1 &
  as_agent >"$THERE/two" 2>&1
  wait
  run grep warning "$THERE/one" "$THERE/two"
  [ -z "$output" ]
  "$LINKS/ccr" --version
  [ -z "$(find "$HERE" -name '.work.*')" ]
}

@test "a download with another checksum is not used" {
  no_node
  from_server
  EXTRA+=(CCR_NODE_SHA256="${CHECKSUM/[0-9a-f]/x}")
  does_without 'has the wrong checksum'
}

@test "an archive that is not there is a warning" {
  no_node
  from_server
  EXTRA+=(CCR_NODE_BASE_URL="$BASE/nowhere")
  does_without 'could not be downloaded'
}

@test "an archive without Node in it is a warning" {
  no_node
  from_server
  mkdir -p "$SERVED/empty/v$VERSION"
  tar -czf "$SERVED/empty/$ARCHIVE" -C "$THERE" home
  sum=$(sha256sum "$SERVED/empty/$ARCHIVE")
  EXTRA+=(CCR_NODE_BASE_URL="$BASE/empty" CCR_NODE_SHA256="${sum%% *}")
  does_without 'could not be unpacked'
}

@test "without Node and without network it says what to do, with status 0" {
  no_node
  EXTRA=(CCR_NODE_BASE_URL=http://127.0.0.1:1)
  does_without 'could not be downloaded'
}

@test "without Node, curl and wget it says so" {
  no_node
  from_server
  tools_without node nodejs curl wget
  does_without 'neither curl nor wget'
}

@test "another version is not downloaded without its checksum" {
  no_node
  EXTRA=(CCR_NODE_BASE_URL="$BASE" CCR_NODE_VERSION=23.0.0)
  does_without 'to download one, set its version and checksum'
  [ -z "$(asked)" ]
}

@test "the checksums of the template are those of the built-in version" {
  grep -qx "ccr_node_version='$VERSION'" "$SETUP_SCRIPTS/1"
  [ "$(grep -c "^ccr_node_sha256_[a-z0-9]*='[0-9a-f]\{64\}'$" "$SETUP_SCRIPTS/1")" -eq 2 ]
}

@test "neither base64 nor gunzip nor a checksum program is needed" {
  tools_without node nodejs base64 gunzip gzip zcat sha256sum shasum openssl
  run as_agent
  [ "$status" -eq 0 ]
  "$LINKS/ccr" --version
}
