import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readlinkSync,
  renameSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { errno } from "./problem.ts";

/** Makes a directory and its parents, 0700 where they are new. */
export function makeDirectory(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
}

/**
 * Opens a regular file for reading. Throws Node's file errors, and EISDIR or ENXIO for what is none: a pipe without a
 * writer would keep us waiting for ever, a device might never end.
 */
export function openFile(path: string): number {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const stats = fstatSync(fd);
  if (stats.isFile()) return fd;
  closeSync(fd);
  throw Object.assign(new Error("not a regular file"), {
    code: stats.isDirectory() ? "EISDIR" : "ENXIO",
    path,
  });
}

/** A whole regular file as text. */
export function readText(path: string, encoding: "utf8" | "latin1" = "utf8"): string {
  const fd = openFile(path);
  try {
    return readFileSync(fd, encoding);
  } finally {
    closeSync(fd);
  }
}

let counter = 0;

/**
 * Writes a whole file or nothing: to a temporary file beside it, then rename.
 * A symbolic link stays one: its target is what is replaced.
 */
export function writeAtomic(path: string, data: string | Uint8Array, mode = 0o600): void {
  const target = linkTarget(path);
  makeDirectory(dirname(target));
  const temporary = join(dirname(target), `.ccr-${process.pid}-${Date.now().toString(36)}-${counter++}.tmp`);
  let made = false;
  try {
    const fd = openSync(temporary, "wx", mode);
    made = true;
    try {
      const bytes = typeof data === "string" ? Buffer.from(data) : data;
      for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, target);
  } catch (error) {
    if (made) {
      try {
        unlinkSync(temporary);
      } catch {
        // the first error is the one to tell
      }
    }
    if (error instanceof Error && "path" in error) error.path = target;
    throw error;
  }
}

/** Where a path leads when it is a symbolic link (dangling ones too), else the path itself. */
export function linkTarget(path: string): string {
  let at = path;
  for (let hops = 0; hops < 40; hops++) {
    try {
      if (!lstatSync(at).isSymbolicLink()) return at;
    } catch (error) {
      if (errno(error) === "ENOENT") return at;
      throw error;
    }
    at = resolve(dirname(at), readlinkSync(at));
  }
  return at;
}

/** Writes all bytes to a descriptor. Errors name the file. */
export const fileWriter =
  (fd: number, path: string) =>
  (bytes: Uint8Array): void => {
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
    } catch (error) {
      (error as NodeJS.ErrnoException).path = path;
      throw error;
    }
  };
