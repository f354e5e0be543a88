import { closeSync, fstatSync, openSync } from "node:fs";
import { rowKeys } from "../archive/compare.ts";
import { readFacts } from "../claude/transcript.ts";
import { TranscriptIndex } from "../conversation/main-chain.ts";
import { forkLines } from "../history/fork.ts";
import { StagedFile } from "../system/staged-file.ts";
import { spoolPath } from "./peer.ts";

// The fork that a sync makes of a session which went on differently on both sides.

/** Returns whether an id is one of such a fork: these are UUIDs of version 8, Claude Code's are of version 4. */
export const isConflictId = (id: string): boolean => id[14] === "8";

/**
 * Writes a fork of the session `from` to a temporary file. `start` is the offset after the last row that both sides have.
 * Returns null if nothing follows it. `name` is the side that it comes from.
 */
export async function writeConflictFork(
  path: string,
  start: number,
  from: string,
  name: string,
): Promise<{ id: string; file: string } | null> {
  const fd = openSync(path, "r");
  try {
    const { size } = fstatSync(fd);
    const index = new TranscriptIndex(fd, size);
    const cut = index.tip;
    const first = rowKeys(fd, start).next().value?.key;
    if (cut < 0 || first === undefined) return null;
    const id = await conflictId(from, JSON.parse(first).uuid);
    const { customTitle, aiTitle, firstPrompt } = readFacts(path);
    const title = `${(customTitle ?? aiTitle ?? firstPrompt ?? from).slice(0, 100)} (from ${name})`;
    const file = spoolPath();
    const staged = new StagedFile(file);
    try {
      for (const piece of forkLines(fd, size, index, cut, { from, id, title })) staged.write(piece);
      staged.commit(null);
    } finally {
      staged.discard();
    }
    return { id, file };
  } finally {
    closeSync(fd);
  }
}

/** Returns an id that is the same whenever the fork is made again. */
async function conflictId(session: string, firstRow: string): Promise<string> {
  const { createHash } = await import("node:crypto");
  const sum = createHash("sha256").update(`${session} ${firstRow}`).digest("hex");
  return `${sum.slice(0, 8)}-${sum.slice(8, 12)}-8${sum.slice(13, 16)}-8${sum.slice(17, 20)}-${sum.slice(20, 32)}`;
}
