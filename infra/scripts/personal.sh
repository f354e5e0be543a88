#!/bin/sh
# Installs the dotfiles and clones the repository that the user has entered in the form. Runs at every start, at the same
# time as setup.sh. The template puts lines in front of this file that set ccr_dotfiles, ccr_repository and ccr_name.
set +e -u
home=${HOME:?}
ccr=$home/.local/bin/${ccr_name:=ccr}
warn() { printf 'warning: %s\n' "$*" >&2; }

dotfiles() {
  if ! command -v coder >/dev/null; then
    warn 'dotfiles not installed: the coder command is not on PATH'
    return
  fi
  coder dotfiles -y "$ccr_dotfiles" </dev/null || warn 'dotfiles not installed; the error is above'
  # They may have replaced the rc files. If setup.sh has not come to that yet, it will see the new ones itself.
  if [ -x "$ccr" ]; then "$ccr" install --name "$ccr_name" </dev/null; fi
}

repository() {
  if ! command -v git >/dev/null; then
    warn 'repository not cloned: git is not installed in this image'
    return
  fi
  folder=${ccr_repository%/}
  folder=${folder##*/}
  folder=${folder##*:}
  folder=${folder%.git}
  case $folder in '' | .*)
    warn 'repository not cloned: the address does not end in a name'
    return
    ;;
  esac
  if [ -e "$home/$folder" ]; then
    printf '%s already exists\n' "$folder"
    return
  fi
  clone=$home/.clone.$$
  trap 'rm -rf "$clone"' EXIT
  if GIT_TERMINAL_PROMPT=0 git clone --quiet -- "$ccr_repository" "$clone" </dev/null && mv "$clone" "$home/$folder"; then
    printf '%s cloned\n' "$folder"
  else
    warn 'repository not cloned; the error is above'
  fi
}

if [ -n "${ccr_dotfiles:-}" ]; then dotfiles; fi
if [ -n "${ccr_repository:-}" ]; then repository; fi
exit 0
