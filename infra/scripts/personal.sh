#!/bin/sh
# What the user asked for in the form: dotfiles, and a repository. Runs at every start, beside setup.sh.
# The template puts lines in front that set ccr_dotfiles, ccr_repository and ccr_name.
set +e -u
home=${HOME:?}
ccr=$home/.local/bin/${ccr_name:=ccr}
warn() { printf 'warning: %s\n' "$*" >&2; }

dotfiles() {
  if ! command -v coder >/dev/null; then
    warn 'dotfiles: the coder command is not on PATH here.'
    return
  fi
  coder dotfiles -y "$ccr_dotfiles" </dev/null || warn 'dotfiles: they could not be installed; see above.'
  # They may have brought rc files of their own. Where setup.sh is not that far yet, it will see them itself.
  if [ -x "$ccr" ]; then "$ccr" install --name "$ccr_name" </dev/null; fi
}

repository() {
  if ! command -v git >/dev/null; then
    warn 'repository: git is not in this image.'
    return
  fi
  folder=${ccr_repository%/}
  folder=${folder##*/}
  folder=${folder##*:}
  folder=${folder%.git}
  case $folder in '' | .*)
    warn 'repository: its address has no name at its end.'
    return
    ;;
  esac
  if [ -e "$home/$folder" ]; then
    printf '%s is there already\n' "$folder"
    return
  fi
  part=$home/.clone.$$
  trap 'rm -rf "$part"' EXIT
  if GIT_TERMINAL_PROMPT=0 git clone --quiet -- "$ccr_repository" "$part" </dev/null && mv "$part" "$home/$folder"; then
    printf '%s cloned\n' "$folder"
  else
    warn 'repository: it could not be cloned; see above.'
  fi
}

if [ -n "${ccr_dotfiles:-}" ]; then dotfiles; fi
if [ -n "${ccr_repository:-}" ]; then repository; fi
exit 0
