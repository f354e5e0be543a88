#!/bin/sh
# Installs Claude Code with its own installer if it is missing. Runs at every start, at the same time as setup.sh.
# The template puts lines in front of this file that set ccr_claude_version and ccr_claude_installer.
set +e -u
home=${HOME:?}
PATH=$home/.local/bin:$PATH
if command -v claude >/dev/null; then
  echo 'Claude Code is already installed'
  exit 0
fi
installer=$(mktemp) || exit 0
trap 'rm -f "$installer"' EXIT
advice='Put Claude Code into the image, or set claudeInstallerUrl.'
download() {
  if command -v curl >/dev/null; then
    curl -fsSL --connect-timeout 15 --max-time 60 -o "$installer" "${ccr_claude_installer:?}" </dev/null
  elif command -v wget >/dev/null; then
    wget -q -O "$installer" "${ccr_claude_installer:?}" </dev/null
  else
    false
  fi
}
if ! download || ! [ -s "$installer" ]; then
  echo "warning: the installer of Claude Code could not be downloaded. $advice" >&2
elif ! bash "$installer" "${ccr_claude_version:?}" </dev/null; then
  echo "warning: the installer of Claude Code failed. $advice" >&2
elif command -v claude >/dev/null; then
  echo 'Claude Code installed'
else
  echo "warning: the installer of Claude Code ran, but there is no claude in ~/.local/bin or on PATH. $advice" >&2
fi
exit 0
