import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import { home } from "../system/places.ts";
import { has } from "./block.ts";
import { bytesOf, lstat } from "./changes.ts";
import { profileLines, rcLines } from "./texts.ts";

/** An rc file that gets the block. */
export type Rc = { path: string; lines: readonly string[]; place: "top" | "end" };

const LOGIN_FILES = [".bash_profile", ".bash_login", ".profile"];

/**
 * Returns the rc files of bash that get the block. It goes to the top, because Debian's `.bashrc` ends early in
 * non-interactive shells. A login bash reads only the first of its three files. If that one leads to `.bashrc`, nothing
 * more is needed; else it gets the lines of `.bashrc` too. If there is none, `.profile` is created.
 */
export function bashFiles(): Rc[] {
  const rc: Rc = { path: join(home(), ".bashrc"), lines: rcLines, place: "top" };
  const login = LOGIN_FILES.map((name) => join(home(), name)).find(readable);
  if (!login) {
    // A dangling link may be there on purpose: leave it alone.
    const profile = join(home(), ".profile");
    return lstat(profile) ? [rc] : [rc, { path: profile, lines: profileLines, place: "top" }];
  }
  const text = bytesOf(login) ?? "";
  // It has the block of an earlier install: update it.
  if (has(text))
    return [rc, { path: login, lines: text.includes("__ccr_login") ? profileLines : rcLines, place: "top" }];
  return leadsToBashrc(login, 0) ? [rc] : [rc, { path: login, lines: rcLines, place: "top" }];
}

/** Returns every file of a home that may have the block, to remove it. */
export function allRcFiles(): string[] {
  const names = [".bashrc", ...LOGIN_FILES, ".zshrc"].map((name) => join(home(), name));
  return [...new Set([...names, join(zshFolder(), ".zshrc")])];
}

function readable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return lstat(path) !== null;
  } catch {
    return false;
  }
}

/** Whether a login file reads `.bashrc`, directly or through another login file. Comments do not count. */
function leadsToBashrc(path: string, depth: number): boolean {
  const code = (bytesOf(path) ?? "").split("\n").filter((line) => !/^\s*#/.test(line));
  if (code.some((line) => /\.bashrc\b/.test(line))) return true;
  return (
    depth < 2 &&
    LOGIN_FILES.some((name) => {
      const other = join(home(), name);
      return (
        other !== path &&
        code.some((line) => line.includes(`/${name}`)) &&
        readable(other) &&
        leadsToBashrc(other, depth + 1)
      );
    })
  );
}

/** Returns the rc file of zsh. The block goes to the end, because compinit must have run before. */
export const zshFile = (): Rc => ({ path: join(zshFolder(), ".zshrc"), lines: rcLines, place: "end" });

/** Returns `ZDOTDIR` from the environment, else from a plain line of `~/.zshenv`. */
function zshFolder(): string {
  const { ZDOTDIR, XDG_CONFIG_HOME } = process.env;
  if (ZDOTDIR?.startsWith("/")) return ZDOTDIR;
  const line = /^[ \t]*(?:export[ \t]+)?ZDOTDIR=("?)([^"'\s;#]+)\1[ \t]*(?:$|[;#])/m;
  let text: string | null = null;
  try {
    text = bytesOf(join(home(), ".zshenv"));
  } catch {
    // If this program cannot read it, zsh cannot either.
  }
  const value = line.exec(text ?? "")?.[2];
  if (!value) return home();
  const config = XDG_CONFIG_HOME?.startsWith("/") ? XDG_CONFIG_HOME : join(home(), ".config");
  const folder = value
    .replace(/^\$\{XDG_CONFIG_HOME:?-[^}]*\}|^\$(?:XDG_CONFIG_HOME\b|\{XDG_CONFIG_HOME\})/, config)
    .replace(/^~(?=\/)|^\$(?:HOME\b|\{HOME\})/, home());
  return folder.startsWith("/") && !/[$`*?]/.test(folder) ? folder : home();
}
