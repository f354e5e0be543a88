import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import { home } from "../system/places.ts";
import { has } from "./block.ts";
import { bytesOf, lstat } from "./changes.ts";
import { profileLines, rcLines } from "./texts.ts";

/** An rc file that gets the marked lines. */
export type Rc = { path: string; lines: readonly string[]; place: "top" | "end" };

const LOGIN_FILES = [".bash_profile", ".bash_login", ".profile"];

/**
 * bash's rc files. On top, because Debian's `.bashrc` ends early where no person sits; a login bash reads only the
 * first of its three files: where that one leads to `.bashrc`, or there is none (`.profile` is made), nothing more
 * is needed; else it gets the lines of `.bashrc` too.
 */
export function bashFiles(): Rc[] {
  const rc: Rc = { path: join(home(), ".bashrc"), lines: rcLines, place: "top" };
  const login = LOGIN_FILES.map((name) => join(home(), name)).find(readable);
  if (!login) {
    // A link that leads nowhere is someone's plan: left alone.
    const profile = join(home(), ".profile");
    return lstat(profile) ? [rc] : [rc, { path: profile, lines: profileLines, place: "top" }];
  }
  const text = bytesOf(login) ?? "";
  // Ours from an earlier run: brought up to date, whichever lines it has.
  if (has(text))
    return [rc, { path: login, lines: text.includes("__ccr_login") ? profileLines : rcLines, place: "top" }];
  return leadsToBashrc(login, 0) ? [rc] : [rc, { path: login, lines: rcLines, place: "top" }];
}

/** Every file of a home that may have the lines, for taking them out. */
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

/** Whether a login file names `.bashrc`, itself or by another login file, in a line that is no comment. */
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

/** zsh's rc file, at the end: compinit must have run before. */
export const zshFile = (): Rc => ({ path: join(zshFolder(), ".zshrc"), lines: rcLines, place: "end" });

/** `ZDOTDIR` from the environment or, where only zsh would know it, from a plain line of `~/.zshenv`. */
function zshFolder(): string {
  const { ZDOTDIR, XDG_CONFIG_HOME } = process.env;
  if (ZDOTDIR?.startsWith("/")) return ZDOTDIR;
  const line = /^[ \t]*(?:export[ \t]+)?ZDOTDIR=("?)([^"'\s;#]+)\1[ \t]*(?:$|[;#])/m;
  let text: string | null = null;
  try {
    text = bytesOf(join(home(), ".zshenv"));
  } catch {
    // unreadable: zsh cannot read it either
  }
  const value = line.exec(text ?? "")?.[2];
  if (!value) return home();
  const config = XDG_CONFIG_HOME?.startsWith("/") ? XDG_CONFIG_HOME : join(home(), ".config");
  const folder = value
    .replace(/^\$\{XDG_CONFIG_HOME:?-[^}]*\}|^\$(?:XDG_CONFIG_HOME\b|\{XDG_CONFIG_HOME\})/, config)
    .replace(/^~(?=\/)|^\$(?:HOME\b|\{HOME\})/, home());
  return folder.startsWith("/") && !/[$`*?]/.test(folder) ? folder : home();
}
