// Temporary files. Their names never look like a session's, and name the process, so that leftovers of dead ones are removed.

import {
  copyFileSync,
  type Dirent,
  existsSync,
  linkSync,
  readdirSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { domain } from "./pid-domain.ts";
import { errno, Problem } from "./problem.ts";
import { startOf } from "./process.ts";

const NAME = /^\.ccr-h([0-9a-z]+)-(\d+)-(\d*)-\d+\.tmp$/;
/** Leftovers of another machine or container are removed at this age (ms). */
const OLD = 86_400_000;

/** Returns a short hash of machine, boot and pid namespace. */
function domainHash(): string {
  let hash = 5381;
  for (const letter of domain()) hash = (Math.imul(hash, 33) ^ letter.charCodeAt(0)) >>> 0;
  return hash.toString(36);
}

let counter = 0;
/** Returns a new path in a directory, for a temporary file or folder of this process. */
export const temporaryPath = (directory: string): string =>
  join(directory, `.ccr-h${domainHash()}-${process.pid}-${startOf(process.pid) ?? ""}-${counter++}.tmp`);

/** Deletes the temporary files of dead processes in a directory. */
export function sweepTemporaryFiles(directory: string): void {
  let entries: Dirent[];
  try {
    entries = readdirSync(directory, { withFileTypes: true });
  } catch {
    return;
  }
  for (const { name } of entries) {
    const [, where, pid, start] = NAME.exec(name) ?? [];
    if (where === undefined) continue;
    const path = join(directory, name);
    try {
      const dead =
        where === domainHash()
          ? startOf(Number(pid)) === null || (startOf(Number(pid)) !== start && start !== "")
          : Date.now() - statSync(path).mtimeMs > OLD;
      if (dead) rmSync(path, { recursive: true, force: true });
    } catch {
      // another process was faster
    }
  }
}

/** Throws a Problem unless the disk of a directory has this many bytes free. */
export function requireFreeSpace(directory: string, bytes: number): void {
  const { bavail, bsize } = statfsSync(directory);
  const free = bavail * bsize;
  if (free >= bytes) return;
  const mb = (n: number): string => `${Math.ceil(n / 1e5) / 10} MB`;
  throw new Problem(
    "enospc",
    `the disk is full: ${directory} has ${mb(free)} free, ${mb(bytes)} are needed`,
    {
      hint: "free some space, then run it again: df -h ~",
    },
  );
}

/** Moves a temporary file to its destination. Throws `taken()` if there is a file already, and never replaces it. */
export function linkInto(path: string, to: string, taken: () => Error): void {
  try {
    linkSync(path, to);
  } catch (error) {
    if (existsSync(to)) throw taken();
    if (errno(error) !== "EXDEV") {
      // A file system without hard links, or a folder that is not writable.
      renameSync(path, to);
      return;
    }
    const near = temporaryPath(dirname(to));
    try {
      copyFileSync(path, near);
      linkInto(near, to, taken);
    } finally {
      rmSync(near, { force: true });
    }
  }
}
