import { closeSync, fstatSync, openSync } from "node:fs";
import { rowKeys } from "../archive/compare.ts";
import { readFacts } from "../claude/transcript.ts";
import { TranscriptIndex } from "../conversation/main-chain.ts";
import { forkLines } from "../history/fork.ts";
import { StagedFile } from "../system/staged-file.ts";
import { spoolPath } from "./peer.ts";

/** Ids of conflicts' forks are of UUID version 8; Claude Code's are of version 4. */
export const isConflictId = (id: string): boolean => id[14] === "8";

export async function writeConflictFork(
  path: string,
  start: number,
  from: string,
  place: string,
): Promise<{ id: string; file: string } | null> {
  const { createHash } = await import("node:crypto");
  const fd = openSync(path, "r");
  try {
    const { size } = fstatSync(fd);
    const found = new TranscriptIndex(fd, size);
    const cut = found.tip;
    const first = rowKeys(fd, start).next().value?.key;
    if (cut < 0 || first === undefined) return null;
    const { uuid } = JSON.parse(first);
    const sum = createHash("sha256").update(`${from} ${uuid}`).digest("hex");
    const id = `${sum.slice(0, 8)}-${sum.slice(8, 12)}-8${sum.slice(13, 16)}-8${sum.slice(17, 20)}-${sum.slice(20, 32)}`;
    const { customTitle, aiTitle, firstPrompt } = readFacts(path);
    const title = `${(customTitle ?? aiTitle ?? firstPrompt ?? from).slice(0, 100)} (from ${place})`;
    const file = spoolPath();
    const staged = new StagedFile(file);
    try {
      for (const piece of forkLines(fd, size, found, cut, { from, id, title })) staged.write(piece);
      staged.commit(null);
    } finally {
      staged.discard();
    }
    return { id, file };
  } finally {
    closeSync(fd);
  }
}
