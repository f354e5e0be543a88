import { statSync } from "node:fs";

/** Of a file: whether it is a regular one, its size, modification time (epoch ms) and inode. */
export type FileStat = { isFile: boolean; bytes: number; mtime: number; inode: number };

/** Returns size and time of a file; undefined when it does not exist. Throws Node's file errors. */
export function statFile(path: string): FileStat | undefined {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats && { isFile: stats.isFile(), bytes: stats.size, mtime: stats.mtimeMs, inode: stats.ino };
}
