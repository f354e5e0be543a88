import { closeSync, fsyncSync, openSync, renameSync, rmSync, type Stats, statSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { makeDirectory } from "./files.ts";
import { Problem } from "./problem.ts";
import { sweepTemporaryFiles, temporaryPath } from "./temporary-files.ts";

export const statOrNull = (path: string): Stats | null => statSync(path, { throwIfNoEntry: false }) ?? null;

/** Whether a file is still the one that was looked at, nothing added. */
export const isUnchanged = (a: Stats | null, b: Stats | null): boolean =>
  a === b || (a !== null && b !== null && a.ino === b.ino && a.size === b.size && a.mtimeMs === b.mtimeMs);

const PAGE = 1 << 20;

/** A file (0600) that is written beside its place and comes there whole, by rename, or not at all. */
export class StagedFile {
  readonly #path: string;
  readonly #temporary: string;
  #fd: number | null;
  #page: Buffer | null = null;
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
      this.#send(data);
      return;
    }
    // A buffer for each line would be memory that is given back late.
    this.#page ??= Buffer.allocUnsafeSlow(PAGE);
    if (this.#used + data.length * 3 > PAGE) this.#flush();
    if (data.length * 3 > PAGE) this.#send(Buffer.from(data));
    else this.#used += this.#page.write(data, this.#used);
  }

  #flush(): void {
    const used = this.#used;
    this.#used = 0;
    if (used > 0) this.#send(this.#page!.subarray(0, used));
  }

  #send(bytes: Uint8Array): void {
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(this.#fd!, bytes, at);
    } catch (error) {
      this.discard();
      if (error instanceof Error) Object.assign(error, { path: this.#path });
      throw error;
    }
  }

  /** Puts it in its place. `base` is what must still be there (null: nothing), else it is a Problem. */
  commit(base?: Stats | null): Stats {
    this.#flush();
    try {
      fsyncSync(this.#fd!);
      if (base !== undefined && !isUnchanged(statOrNull(this.#path), base)) {
        throw new Problem("changed", `${this.#path} was written to meanwhile.`, {
          hint: "leave the session first, then run it again",
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
