import {
  chmodSync,
  chownSync,
  closeSync,
  fchmodSync,
  fchownSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  rmSync,
  type Stats,
  statSync,
  symlinkSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { linkTarget, readText } from "../system/files.ts";
import { home } from "../system/places.ts";
import { errno, Problem, problemOf } from "../system/problem.ts";
import { HOUR } from "../system/units.ts";

export type Action = "created" | "updated" | "unchanged" | "removed" | "failed";
export type Change = { path: string; action: Action };

/** Returns a path with `~` for the home. */
export function tilde(path: string): string {
  const base = home();
  return path === base || path.startsWith(`${base}/`) ? `~${path.slice(base.length)}` : path;
}

/** Returns the bytes of a file as latin1; null when there is none, or only a dangling link. */
export function bytesOf(path: string): string | null {
  try {
    return readText(path, "latin1");
  } catch (error) {
    if (errno(error) === "ENOENT") return null;
    throw error;
  }
}

/** Returns the status of a path without following a link; null when it does not exist. */
export function lstat(path: string): Stats | null {
  try {
    return lstatSync(path);
  } catch {
    return null;
  }
}

let counter = 0;

/** A file that other programs keep changing is replaced at this attempt. */
const MAX_ATTEMPTS = 10;

function actionOf(old: string | null, next: string | null): Action {
  if (next === null) return "removed";
  return old === null ? "created" : "updated";
}

/**
 * Makes changes to files, each whole or not at all, and records them. With `dry` it only records. A file that already
 * has the right bytes is not written. A failure becomes a Problem in `problems`, and later changes are still made.
 */
export class Changes {
  readonly done: Change[] = [];
  readonly problems: Problem[] = [];
  readonly #dry: boolean;
  readonly #swept = new Set<string>();
  /** folder and kind of failures: reported once, not once for each file */
  readonly #reported = new Set<string>();

  constructor(dry: boolean) {
    this.#dry = dry;
  }

  /** Writes a file of ccr: 0600, `executable` ones 0700. Replaces a link in its place. */
  write(path: string, data: string | Uint8Array, executable = false): boolean {
    const bytes = typeof data === "string" ? Buffer.from(data) : data;
    return this.attempt(path, () => {
      const old = lstat(path);
      const same = old?.isFile() === true && old.size === bytes.length && readFileSync(path).equals(bytes);
      if (same && (!executable || (old.mode & 0o100) !== 0)) return "unchanged";
      if (!this.#dry) {
        if (same) chmodSync(path, old.mode | 0o700);
        else this.#replace(path, bytes, executable ? 0o700 : 0o600);
      }
      return old === null ? "created" : "updated";
    });
  }

  /**
   * Edits a file of the person: `change` returns its new bytes (latin1; null: no file). Keeps the mode and, as root, the
   * owner; a link stays a link and its target is replaced. `hint` says what to do when that fails.
   */
  edit(path: string, change: (text: string | null) => string | null, hint: string): boolean {
    return this.attempt(path, () => {
      for (let attempt = 1; ; attempt++) {
        const action = this.#editOnce(path, change, hint, attempt === MAX_ATTEMPTS);
        if (action !== null) return action;
      }
    });
  }

  /** Returns null, without a change, when another program changed the file in the meantime, unless this is the last attempt. */
  #editOnce(
    path: string,
    change: (text: string | null) => string | null,
    hint: string,
    last: boolean,
  ): Action | null {
    let target = path;
    try {
      target = linkTarget(path);
      const old = bytesOf(target);
      const next = change(old);
      if (next === old) return "unchanged";
      const action = actionOf(old, next);
      if (this.#dry) return action;
      const stat = old === null ? null : statSync(target);
      // Other start scripts may append to this file, or link it, at the same moment: their change must not be lost.
      const isUnchanged = (): boolean => last || (linkTarget(path) === target && bytesOf(target) === old);
      if (next === null) {
        if (!isUnchanged()) return null;
        unlinkSync(target);
        return action;
      }
      const mode = stat ? stat.mode & 0o7777 : 0o600;
      const replaced = this.#replace(target, Buffer.from(next, "latin1"), mode, stat, isUnchanged);
      return replaced ? action : null;
    } catch (error) {
      if (error instanceof Problem) throw error;
      const { kind, message } = problemOf(error);
      const what = errno(error) === "EBUSY" ? `${target} is a mount point` : message;
      throw new Problem(kind, target === path ? what : `${path} leads to ${what}`, { hint });
    }
  }

  /** Makes a symbolic link and replaces whatever is there. As root, it gets the owner of its folder. */
  link(path: string, target: string): boolean {
    return this.attempt(path, () => {
      const old = lstat(path);
      if (old?.isSymbolicLink() && readlinkSync(path) === target) return "unchanged";
      if (!this.#dry) {
        const temporary = this.#temporary(path);
        try {
          symlinkSync(target, temporary);
          const owner = ownerOf(dirname(path));
          if (owner && process.geteuid?.() === 0) lchownSync(temporary, owner.uid, owner.gid);
          renameSync(temporary, path);
        } catch (error) {
          rmSync(temporary, { force: true });
          throw at(error, path);
        }
      }
      return old === null ? "created" : "updated";
    });
  }

  /** Removes a file, or a folder with all its contents. */
  remove(path: string): boolean {
    return this.attempt(path, () => {
      if (!this.#dry) rmSync(path, { recursive: true, force: true });
      return "removed";
    });
  }

  /** Renames a file, unless the new name exists. */
  rename(from: string, to: string): boolean {
    return this.attempt(from, () => {
      if (lstat(to))
        throw new Problem("name-taken", `${to} already exists`, {
          hint: `move it away, or move ${from} away`,
        });
      if (!this.#dry) renameSync(from, to);
      return "removed";
    });
  }

  /** Removes folders that are empty and ignores the others. */
  removeEmpty(...folders: string[]): void {
    for (const folder of folders) {
      try {
        if (!this.#dry) rmdirSync(folder);
      } catch {
        // not empty, or it does not exist
      }
    }
  }

  /** Makes a change and records it, or records its failure. Returns false when it failed. */
  attempt(path: string, act: () => Action): boolean {
    try {
      const action = act();
      this.done.push({ path, action });
      return true;
    } catch (error) {
      this.fail(path, error);
      return false;
    }
  }

  /** Records a failure. */
  fail(path: string, error: unknown): void {
    this.done.push({ path, action: "failed" });
    const { kind, message, hint, exit } = problemOf(error);
    // Failures in one folder, such as a full disk, are reported once.
    const failure = message.startsWith("/") ? `${dirname(path)} ${kind}` : message;
    if (!(error instanceof Problem) && this.#reported.has(failure)) return;
    this.#reported.add(failure);
    this.problems.push(new Problem(kind, message.replaceAll(`${home()}/`, "~/"), { hint, exit }));
  }

  /** Replaces a file. Returns false, without a change, when `mayReplace` returns false at the last moment. */
  #replace(
    target: string,
    bytes: Uint8Array,
    mode: number,
    old: Stats | null = null,
    mayReplace = (): boolean => true,
  ): boolean {
    const folder = dirname(target);
    this.#makeFolder(folder);
    const temporary = this.#temporary(target);
    const owner = old ?? ownerOf(folder);
    try {
      const fd = openSync(temporary, "wx", 0o600);
      try {
        for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
        if (owner && process.geteuid?.() === 0) fchownSync(fd, owner.uid, owner.gid);
        fchmodSync(fd, mode);
      } finally {
        closeSync(fd);
      }
      const replace = mayReplace();
      if (replace) renameSync(temporary, target);
      else unlinkSync(temporary);
      return replace;
    } catch (error) {
      rmSync(temporary, { force: true });
      throw at(error, target);
    }
  }

  /** Makes a folder and its parents, 0700. As root, they get the owner of the first existing one. */
  #makeFolder(folder: string): void {
    if (lstat(folder)) return;
    this.#makeFolder(dirname(folder));
    const owner = ownerOf(dirname(folder));
    try {
      mkdirSync(folder, { mode: 0o700 });
      if (owner && process.geteuid?.() === 0) chownSync(folder, owner.uid, owner.gid);
    } catch (error) {
      if (errno(error) !== "EEXIST") throw error;
    }
  }

  /** Returns a temporary name beside the target. Removes temporary files of killed runs that are over an hour old. */
  #temporary(target: string): string {
    const folder = dirname(target);
    if (!this.#swept.has(folder)) {
      this.#swept.add(folder);
      for (const name of entries(folder)) {
        if (!/^\.ccr-install-\d+-\d+\.tmp$/.test(name)) continue;
        const stat = lstat(join(folder, name));
        if (stat && Date.now() - stat.mtimeMs > HOUR) rmSync(join(folder, name), { force: true });
      }
    }
    for (;;) {
      const temporary = join(folder, `.ccr-install-${process.pid}-${counter++}.tmp`);
      if (!lstat(temporary)) return temporary;
    }
  }
}

/** Returns the names in a folder; none when it cannot be read. */
export function entries(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function ownerOf(folder: string): Stats | null {
  try {
    return statSync(folder);
  } catch {
    return null;
  }
}

/** Makes an error name the real file instead of the temporary one. */
function at(error: unknown, path: string): unknown {
  if (error instanceof Error && "path" in error) error.path = path;
  return error;
}
