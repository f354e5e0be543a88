import { existsSync, readdirSync, type Stats, statSync } from "node:fs";
import { isSessionId } from "../claude/places.ts";
import { errno } from "../system/problem.ts";
import { projectFolders } from "./store.ts";

/** A file with messages: a session's transcript, or one of a subagent (`side`). Times are epoch ms. */
export type Source = {
  /** `<project folder>/<path within it>`: names the file, and gives the order */
  key: string;
  path: string;
  folder: string;
  /** id of the session; null for subagents' files of old versions, whose rows tell it */
  session: string | null;
  side: boolean;
  bytes: number;
  mtime: number;
  inode: number;
};

const SUFFIX = ".jsonl";
const ID_LENGTH = 36;
const DEEPEST = 4;
/** Subagents' files have such names; anything else is not Claude's. */
const PLAIN = /^[\w.-]+$/;

/** Every file with messages, without opening one, and the paths of what could not be looked at. */
export function sources(): { files: Source[]; unreadable: string[] } {
  const files: Source[] = [];
  const unreadable: string[] = [];
  for (const [folder, path] of projectFolders()) {
    for (const name of namesIn(path)) {
      if (name.endsWith(SUFFIX)) {
        const id = name.slice(0, -SUFFIX.length);
        if (id.length === ID_LENGTH && isSessionId(id)) add(folder, path, name, id.toLowerCase(), false);
        else if (name.startsWith("agent-") && PLAIN.test(name)) add(folder, path, name, null, true);
      } else if (name.length === ID_LENGTH && isSessionId(name) && existsSync(`${path}/${name}/subagents`)) {
        below(folder, path, `${name}/subagents`, name.toLowerCase(), 1);
      }
    }
  }
  return { files, unreadable };

  function below(folder: string, path: string, inner: string, session: string, depth: number): void {
    for (const name of namesIn(`${path}/${inner}`)) {
      if (!PLAIN.test(name)) continue;
      if (name.endsWith(SUFFIX)) add(folder, path, `${inner}/${name}`, session, true);
      else if (!name.endsWith(".json") && depth < DEEPEST)
        below(folder, path, `${inner}/${name}`, session, depth + 1);
    }
  }

  function add(folder: string, path: string, name: string, session: string | null, side: boolean): void {
    const file = `${path}/${name}`;
    let stats: Stats | undefined;
    try {
      stats = statSync(file, { throwIfNoEntry: false });
    } catch {
      unreadable.push(file);
    }
    if (!stats?.isFile()) return;
    files.push({
      key: `${folder}/${name}`,
      path: file,
      folder,
      session,
      side,
      bytes: stats.size,
      mtime: stats.mtimeMs,
      inode: stats.ino,
    });
  }

  function namesIn(path: string): string[] {
    try {
      return readdirSync(path);
    } catch (error) {
      if (errno(error) !== "ENOENT" && errno(error) !== "ENOTDIR") unreadable.push(path);
      return [];
    }
  }
}
