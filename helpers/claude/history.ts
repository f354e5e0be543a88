import { closeSync, fstatSync } from "node:fs";
import { openFile } from "../system/files.ts";
import { errno } from "../system/problem.ts";
import { linesBackward, readCounts } from "./lines.ts";
import { historyFile, isSessionId } from "./places.ts";
import { parseLine, string } from "./rows.ts";

/** A prompt that a person typed, from `history.jsonl`. `at` is epoch ms. */
export type Prompt = { text: string; at: number; project: string | null; session: string | null };

/** The history, open to be read; null where there is none, or one that may not be read. */
export function openHistory(path: string = historyFile()): number | null {
  try {
    return openFile(path);
  } catch (error) {
    if (["ENOENT", "EACCES", "ENOTDIR", "EISDIR", "ENXIO"].includes(errno(error) ?? "")) return null;
    throw error;
  }
}

/** Prompts of the history, newest first, read backwards. The consumer stops by leaving the loop. */
export function* prompts(path?: string): Generator<Prompt> {
  const fd = openHistory(path);
  if (fd === null) return;
  readCounts.opens++;
  try {
    for (const line of linesBackward(fd, fstatSync(fd).size)) {
      if (!line.bytes) continue;
      for (const row of parseLine(line.bytes.toString("utf8")).rows) {
        const at = row.timestamp;
        if (typeof row.display !== "string" || typeof at !== "number" || !Number.isFinite(at)) continue;
        const session = string(row.sessionId);
        yield {
          text: row.display,
          at,
          project: string(row.project),
          session: session !== null && isSessionId(session) ? session.toLowerCase() : null,
        };
      }
    }
  } finally {
    closeSync(fd);
  }
}

/** Whether a line of the history is a command to the CLI (`/exit`, `! ls`) and not a prompt for Claude. */
export const isCommand = (text: string): boolean => /^\s*(?:\/[a-z][\w:-]*(?:\s|$)|!)/i.test(text);
