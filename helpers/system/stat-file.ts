import { statSync } from "node:fs";

/** Of a file: whether it is one, its size, time of change (epoch ms) and inode. */
export type FileStat = { isFile: boolean; bytes: number; mtime: number; inode: number };

type Stat = (path: string, big: false, request: undefined, context: object) => Float64Array | undefined;

const REGULAR = 0o100000;
const KIND = 0o170000;
const [major] = process.versions.node.split(".");
let stat: Stat | undefined;

/**
 * Looks at a file; undefined where there is none. Throws Node's file errors. Makes no `Stats` where Node makes four
 * dates for each: for 5,000 files that takes twice as long as the looking. Other versions may have other arguments.
 */
export function statFile(path: string): FileStat | undefined {
  if (major === "18" || major === "20" || major === "22") {
    try {
      stat ??= (process as unknown as { binding(name: string): { stat: Stat } }).binding("fs").stat;
      const seen = stat(path, false, undefined, {});
      if (seen)
        return {
          isFile: (seen[1]! & KIND) === REGULAR,
          bytes: seen[8]!,
          mtime: seen[12]! * 1000 + seen[13]! / 1e6,
          inode: seen[7]!,
        };
    } catch {
      // below it is said why
    }
  }
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats && { isFile: stats.isFile(), bytes: stats.size, mtime: stats.mtimeMs, inode: stats.ino };
}
