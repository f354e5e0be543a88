import { closeSync, fsyncSync, openSync, renameSync, rmSync, type Stats, statSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { makeDirectory } from "./files.ts";
import { Problem } from "./problem.ts";
import { sweepTemporaryFiles, temporaryPath } from "./temporary-files.ts";

/** Returns what is at a path, links followed; null if there is nothing. Throws Node's other file errors. */
export const statOrNull = (path: string): Stats | null => statSync(path, { throwIfNoEntry: false }) ?? null;

/** Returns whether two results of {@link statOrNull} show the same file with the same contents. */
export const isUnchanged = (a: Stats | null, b: Stats | null): boolean =>
  a === b || (a !== null && b !== null && a.ino === b.ino && a.size === b.size && a.mtimeMs === b.mtimeMs);

/** Bytes that are collected before they are written. */
const BUFFER = 1 << 20;

/**
 * A file (0600) that is written under a temporary name beside its destination, synced to disk and renamed. It is there
 * completely or not at all. Call {@link discard} in any case; after a commit it does nothing.
 */
export class StagedFile {
  readonly #path: string;
  readonly #temporary: string;
  #fd: number | null;
  #buffer: Buffer | null = null;
  #used = 0;

  constructor(path: string) {
    this.#path = path;
    makeDirectory(dirname(path));
    sweepTemporaryFiles(dirname(path));
    this.#temporary = temporaryPath(dirname(path));
    this.#fd = openSync(this.#temporary, "wx", 0o600);
  }

  write(data: string | Uint8Array): void {
    if (typeof data !== "string") {
      this.#flush();
      this.#write(data);
      return;
    }
    // One buffer for all texts: the memory of one for each line would be freed late.
    this.#buffer ??= Buffer.allocUnsafeSlow(BUFFER);
    if (this.#used + data.length * 3 > BUFFER) this.#flush();
    if (data.length * 3 > BUFFER) this.#write(Buffer.from(data));
    else this.#used += this.#buffer.write(data, this.#used);
  }

  #flush(): void {
    const used = this.#used;
    this.#used = 0;
    if (used > 0) this.#write(this.#buffer!.subarray(0, used));
  }

  #write(bytes: Uint8Array): void {
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(this.#fd!, bytes, at);
    } catch (error) {
      this.discard();
      if (error instanceof Error) Object.assign(error, { path: this.#path });
      throw error;
    }
  }

  /** Renames the file to its destination. Throws a Problem if what is there now differs from `base` (null: nothing). */
  commit(base?: Stats | null): Stats {
    this.#flush();
    try {
      fsyncSync(this.#fd!);
      if (base !== undefined && !isUnchanged(statOrNull(this.#path), base)) {
        throw new Problem("changed", `${this.#path} was written to meanwhile`, {
          hint: "end the session, then run it again",
        });
      }
      renameSync(this.#temporary, this.#path);
    } catch (error) {
      this.discard();
      throw error;
    }
    closeSync(this.#fd!);
    this.#fd = null;
    return statSync(this.#path);
  }

  discard(): void {
    if (this.#fd === null) return;
    closeSync(this.#fd);
    this.#fd = null;
    rmSync(this.#temporary, { force: true });
  }
}
