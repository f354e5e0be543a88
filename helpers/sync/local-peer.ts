import { closeSync, lstatSync, openSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { appendTail, copyInto } from "../archive/append.ts";
import { rowKeys } from "../archive/compare.ts";
import { isSessionId } from "../claude/places.ts";
import { liveSessions, withoutStale } from "../claude/registry.ts";
import { object, string } from "../claude/rows.ts";
import { idsIn, projectFolders } from "../sessions/store.ts";
import { Problem } from "../system/problem.ts";
import { StagedFile, statOrNull } from "../system/staged-file.ts";
import { type Peer, spoolPath, type TranscriptFile, type TranscriptSummary } from "./peer.ts";

/** Summarizes a transcript: all rows, the first `at` rows, and whether the row `uuid` is there. */
export async function summarize(path: string, at: number, uuid?: string): Promise<TranscriptSummary> {
  const { createHash } = await import("node:crypto");
  const hash = createHash("sha256");
  const sum: TranscriptSummary = { rows: 0, all: "", at: null, end: 0, echo: null, has: false };
  let last = "{}";
  const fd = openSync(path, "r");
  try {
    if (at === 0) sum.at = hash.copy().digest("hex");
    for (const { key, end } of rowKeys(fd, 0)) {
      hash.update(key).update("\n");
      if (key.includes(`"uuid":"${uuid}"`)) sum.has = true;
      last = key;
      if (++sum.rows !== at) continue;
      sum.at = hash.copy().digest("hex");
      sum.end = end;
    }
  } finally {
    closeSync(fd);
  }
  const row = object(JSON.parse(last));
  const from = string(object(row?.forkedFrom)?.sessionId);
  if (from !== null) sum.echo = [from, String(row!.uuid)];
  sum.all = hash.digest("hex");
  return sum;
}

/** Returns a file with everything from byte `from` on: the transcript itself if that is all of it. */
export function spoolTail(path: string, from: number): string {
  if (from === 0) return path;
  const file = spoolPath();
  const staged = new StagedFile(file);
  copyInto(path, from, staged);
  staged.commit(null);
  return file;
}

/** A directory like `~/.claude` on this machine. */
export class LocalPeer implements Peer {
  readonly #directory: string;
  readonly home: string;
  constructor(directory: string, home: string) {
    this.#directory = directory;
    this.home = home;
  }
  path({ folder, id }: Pick<TranscriptFile, "folder" | "id">): string {
    if (!isSessionId(id) || basename(folder) !== folder || folder.startsWith("."))
      throw new Problem("sync", "the other side sent an invalid session name");
    return join(this.#directory, "projects", folder, `${id}.jsonl`);
  }
  #item(id: string, folder: string): TranscriptFile {
    const { size: bytes, mtimeMs: mtime } = statSync(this.path({ id, folder }));
    return { id, folder, bytes, mtime };
  }
  async list(): Promise<TranscriptFile[]> {
    return projectFolders(join(this.#directory, "projects")).flatMap(([folder, path]) =>
      idsIn(path).flatMap((id) => {
        // Links are skipped: they could lead to any file of this machine.
        const stats = lstatSync(join(path, `${id}.jsonl`), { throwIfNoEntry: false });
        return stats?.isFile() && !folder.startsWith(".") ? this.#item(id, folder) : [];
      }),
    );
  }
  sum = async (item: TranscriptFile, at: number, uuid?: string): Promise<TranscriptSummary> =>
    summarize(this.path(item), at, uuid);
  fetch = async (item: TranscriptFile, from: number): Promise<string> => spoolTail(this.path(item), from);
  async put(id: string, folder: string, bytes: number | null, file: string): Promise<TranscriptFile> {
    const path = this.path({ id, folder });
    const isRunning = (): boolean => withoutStale(liveSessions(join(this.#directory, "sessions"))).has(id);
    if (bytes === null) {
      const staged = new StagedFile(path);
      try {
        copyInto(file, 0, staged);
        staged.commit(null);
      } finally {
        staged.discard();
      }
    } else if (statOrNull(path)?.size === bytes) appendTail(path, file, 0, isRunning);
    else throw new Problem("changed", `${id.slice(0, 8)} has changed meanwhile`);
    return this.#item(id, folder);
  }
}
