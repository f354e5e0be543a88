// Temporary files that are never taken for a session, and are swept when their process has died.

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
/** What another machine or container has left is swept by age. */
const OLD = 86_400_000;

/** Which boot and pid namespace this is, in a few letters. */
function domainHash(): string {
  let hash = 5381;
  for (const letter of domain()) hash = (Math.imul(hash, 33) ^ letter.charCodeAt(0)) >>> 0;
  return hash.toString(36);
}

let counter = 0;
/** A name of our own in a directory, for a file or a folder. */
export const temporaryPath = (directory: string): string =>
  join(directory, `.ccr-h${domainHash()}-${process.pid}-${startOf(process.pid) ?? ""}-${counter++}.tmp`);

/** Removes what dead processes have left in a directory. */
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
      // another run was faster
    }
  }
}

/** A Problem unless a directory's disk has this much room. */
export function requireFreeSpace(directory: string, bytes: number): void {
  const { bavail, bsize } = statfsSync(directory);
  const room = bavail * bsize;
  if (room >= bytes) return;
  const mb = (n: number): string => `${Math.ceil(n / 1e5) / 10} MB`;
  throw new Problem(
    "enospc",
    `the disk is full: ${directory} has ${mb(room)} left, ${mb(bytes)} are needed.`,
    {
      hint: "make room, then run it again: df -h ~",
    },
  );
}

/** Gives a file its name, and never takes one from another file. */
export function linkInto(path: string, to: string, taken: () => Error): void {
  try {
    linkSync(path, to);
  } catch (error) {
    if (existsSync(to)) throw taken();
    if (errno(error) !== "EXDEV") {
      // A file system without hard links, or a folder that cannot be written.
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
