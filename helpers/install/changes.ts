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

/** A path as people write it. */
export function tilde(path: string): string {
  const base = home();
  return path === base || path.startsWith(`${base}/`) ? `~${path.slice(base.length)}` : path;
}

/** Bytes of a file as latin1; null when there is none (a link that leads nowhere too). */
export function bytesOf(path: string): string | null {
  try {
    return readText(path, "latin1");
  } catch (error) {
    if (errno(error) === "ENOENT") return null;
    throw error;
  }
}

export function lstat(path: string): Stats | null {
  try {
    return lstatSync(path);
  } catch {
    return null;
  }
}

let counter = 0;

/**
 * Changes to files, each whole or not at all, with a record of what was done. With `dry` nothing is written.
 * A file that has the right bytes already is not touched. What fails becomes a Problem, and the rest goes on.
 */
export class Changes {
  readonly done: Change[] = [];
  readonly problems: Problem[] = [];
  readonly #dry: boolean;
  readonly #swept = new Set<string>();
  /** folder and kind of what failed: one line says so, not one a file */
  readonly #told = new Set<string>();

  constructor(dry: boolean) {
    this.#dry = dry;
  }

  /** Writes a file of ours: 0600, `executable` ones 0700. A link in its place is replaced. */
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
   * Turns a person's file into what `change` gives for its bytes (latin1; null: there is none, or there shall be
   * none). Mode and, as root, owner stay; a link stays a link and its target is replaced.
   */
  edit(path: string, change: (text: string | null) => string | null, hint: string): boolean {
    return this.attempt(path, () => {
      let target = path;
      try {
        for (let tries = 1; ; tries++) {
          target = linkTarget(path);
          const old = bytesOf(target);
          const next = change(old);
          if (next === old) return "unchanged";
          const action = next === null ? "removed" : old === null ? "created" : "updated";
          if (this.#dry) return action;
          const stat = old === null ? null : statSync(target);
          // Other start scripts append to these files, or link them, at the same moment: neither is lost.
          const still = (): boolean => tries > 9 || (linkTarget(path) === target && bytesOf(target) === old);
          if (next === null) {
            if (!still()) continue;
            unlinkSync(target);
          } else {
            const mode = stat ? stat.mode & 0o7777 : 0o600;
            if (!this.#replace(target, Buffer.from(next, "latin1"), mode, stat, still)) continue;
          }
          return action;
        }
      } catch (error) {
        if (error instanceof Problem) throw error;
        const { kind, message } = problemOf(error);
        const busy = errno(error) === "EBUSY";
        const lead = target === path ? "" : `${path} leads to `;
        throw new Problem(kind, lead + (busy ? `${target}: it is a mount of its own.` : message), { hint });
      }
    });
  }

  /** Puts a symbolic link in place of whatever stands there; as root it belongs to whom its folder belongs. */
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

  remove(path: string): boolean {
    return this.attempt(path, () => {
      if (!this.#dry) rmSync(path, { recursive: true, force: true });
      return "removed";
    });
  }

  /** Gives a file another name, unless that is taken. */
  rename(from: string, to: string): boolean {
    return this.attempt(from, () => {
      if (lstat(to))
        throw new Problem("name-taken", `${to} is there already.`, { hint: `move it or ${from} away` });
      if (!this.#dry) renameSync(from, to);
      return "removed";
    });
  }

  /** Removes folders that are empty; says nothing of others. */
  removeEmpty(...folders: string[]): void {
    for (const folder of folders) {
      try {
        if (!this.#dry) rmdirSync(folder);
      } catch {
        // not empty, or not there
      }
    }
  }

  /** Whether it was done (or needed no doing). */
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

  fail(path: string, error: unknown): void {
    this.done.push({ path, action: "failed" });
    const { kind, message, hint, exit } = problemOf(error);
    // A full disk names no place.
    const told = message.startsWith("/") ? `${dirname(path)} ${kind}` : message;
    if (!(error instanceof Problem) && this.#told.has(told)) return;
    this.#told.add(told);
    this.problems.push(new Problem(kind, message.replaceAll(`${home()}/`, "~/"), { hint, exit }));
  }

  /** False when `still` said no at the last moment, and nothing was changed. */
  #replace(
    target: string,
    bytes: Uint8Array,
    mode: number,
    old: Stats | null = null,
    still = (): boolean => true,
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
      const go = still();
      if (go) renameSync(temporary, target);
      else unlinkSync(temporary);
      return go;
    } catch (error) {
      rmSync(temporary, { force: true });
      throw at(error, target);
    }
  }

  /** A folder and its parents, 0700; as root they belong to whom the first existing one belongs. */
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

  /** A name beside the target. What a killed run left there an hour ago or earlier goes. */
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

/** Names in a folder; none when it cannot be read. */
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

/** The same error about the file that people know, not about the temporary one. */
function at(error: unknown, path: string): unknown {
  if (error instanceof Error && "path" in error) error.path = path;
  return error;
}
