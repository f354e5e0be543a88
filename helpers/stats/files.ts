import { existsSync, readdirSync } from "node:fs";
import { isSessionId } from "../claude/places.ts";
import { projectFolders } from "../sessions/store.ts";
import { errno } from "../system/problem.ts";
import { type FileStat, statFile } from "../system/stat-file.ts";

/**
 * Files with messages, in columns (of 5,000 objects the collector would take longer than the disk): transcripts of
 * sessions, and those of subagents. `names` are paths within the project folder. Times are epoch ms.
 */
export class Files {
  readonly folders: string[] = [];
  readonly paths: string[] = [];
  readonly names: string[] = [];
  readonly sides: boolean[] = [];
  readonly bytes: number[] = [];
  readonly times: number[] = [];
  readonly inodes: number[] = [];
  readonly unreadable: string[] = [];

  get count(): number {
    return this.names.length;
  }
  /** names a file, and gives the order */
  key(i: number): string {
    return `${this.folders[i]}/${this.names[i]}`;
  }
  path(i: number): string {
    return `${this.paths[i]}/${this.names[i]}`;
  }
  /** The id that a file's name tells; null for subagents' files of old versions, whose rows tell it. */
  session(i: number): string | null {
    const name = this.names[i]!;
    return this.sides[i] && !name.includes("/") ? null : name.slice(0, ID_LENGTH).toLowerCase();
  }
}

const SUFFIX = ".jsonl";
const ID_LENGTH = 36;
const DEEPEST = 4;
/** Subagents' files have such names; anything else is not Claude's. */
const PLAIN = /^[\w.-]+$/;

/** Every file with messages, without opening one. */
export function filesWithMessages(): Files {
  const files = new Files();
  for (const [folder, path] of projectFolders()) {
    for (const name of namesIn(path)) {
      if (name.endsWith(SUFFIX)) {
        const session = name.length === ID_LENGTH + SUFFIX.length && isSessionId(name.slice(0, ID_LENGTH));
        if (session || (name.startsWith("agent-") && PLAIN.test(name))) add(folder, path, name, !session);
      } else if (name.length === ID_LENGTH && isSessionId(name) && existsSync(`${path}/${name}/subagents`)) {
        below(folder, path, `${name}/subagents`, 1);
      }
    }
  }
  return files;

  function below(folder: string, path: string, inner: string, depth: number): void {
    for (const name of namesIn(`${path}/${inner}`)) {
      if (!PLAIN.test(name)) continue;
      if (name.endsWith(SUFFIX)) add(folder, path, `${inner}/${name}`, true);
      else if (!name.endsWith(".json") && depth < DEEPEST) below(folder, path, `${inner}/${name}`, depth + 1);
    }
  }

  function add(folder: string, path: string, name: string, side: boolean): void {
    const file = `${path}/${name}`;
    let seen: FileStat | undefined;
    try {
      seen = statFile(file);
    } catch {
      files.unreadable.push(file);
    }
    if (!seen?.isFile) return;
    files.folders.push(folder);
    files.paths.push(path);
    files.names.push(name);
    files.sides.push(side);
    files.bytes.push(seen.bytes);
    files.times.push(seen.mtime);
    files.inodes.push(seen.inode);
  }

  function namesIn(path: string): string[] {
    try {
      return readdirSync(path);
    } catch (error) {
      if (errno(error) !== "ENOENT" && errno(error) !== "ENOTDIR") files.unreadable.push(path);
      return [];
    }
  }
}
