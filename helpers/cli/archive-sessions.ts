import { accessSync, constants } from "node:fs";
import { join, resolve } from "node:path";
import { findHistoryLines } from "../archive/history-lines.ts";
import { keep } from "../archive/keep.ts";
import { liveSessions, withoutStale } from "../claude/registry.ts";
import { startDirectoryOf, titleOf } from "../sessions/session.ts";
import type { Entry } from "../sessions/store.ts";
import { makeDirectory } from "../system/files.ts";
import { state } from "../system/places.ts";
import { problemOf } from "../system/problem.ts";
import { plural, size } from "../terminal/amount.ts";
import { clean } from "../terminal/clean.ts";
import { json } from "../terminal/json.ts";
import { writeStderr, writeStdout } from "../terminal/output.ts";
import { archiveOptions, chooseSessions } from "./choose-sessions.ts";
import { type Call, type Flag, isSet, stringFlag } from "./command.ts";

export const ARCHIVE_FLAGS: Record<string, Flag> = {
  to: {
    type: "string",
    value: "dir",
    description: "directory for the archives (default ~/.local/state/ccr/archives)",
    completes: "directory",
  },
  "dry-run": { type: "boolean", description: "only list the sessions that would be archived" },
};

type Result = { file: string | null; deleted: boolean; detail: string | null };

/** These concern every session after this one too: no room on the disk, or a bug of ccr. */
const FATAL = ["enospc", "edquot", "internal"];

/**
 * Archives the chosen sessions, the smallest first, so that on a full disk each deleted one makes room for the next.
 * Returns the exit status.
 */
export async function archiveSessions(
  call: Call,
  command: "archive" | "keep",
  remove: boolean,
): Promise<number> {
  const directory = resolve(stringFlag(call, "to") ?? join(state(), "archives"));
  const entries: Entry[] = chooseSessions(call, call.positionals).sort((a, b) => a.bytes - b.bytes);
  const dryRun = isSet(call, "dry-run");
  if (!dryRun && entries.length > 0) {
    makeDirectory(directory);
    accessSync(directory, constants.W_OK);
  }
  const running = (id: string): boolean => withoutStale(liveSessions()).has(id);
  const history = findHistoryLines(new Set(entries.map(({ id }) => id)));
  const archiveOne = async (entry: Entry): Promise<Result> => {
    if (dryRun) return { file: null, deleted: false, detail: null };
    try {
      const options = { ...archiveOptions(call), history, running, remove };
      const { file, deleted } = await keep(entry, directory, options);
      return { file, deleted, detail: null };
    } catch (error) {
      const problem = problemOf(error);
      call.warn(problem);
      if (FATAL.includes(problem.kind)) throw error;
      return { file: null, deleted: false, detail: clean(problem.message) };
    }
  };
  const sessions: (Result & { id: string; project: string | null; bytes: number })[] = [];
  for (const entry of entries) {
    const result = await archiveOne(entry);
    sessions.push({ id: entry.id, project: startDirectoryOf(entry), bytes: entry.bytes, ...result });
    if (!call.json && result.detail === null) writeStdout(lineOf(entry, dryRun, result.deleted));
  }
  if (call.json) json(command, { directory, sessions, cleanupPeriodDays: null }, call.warnings);
  else if (entries.length === 0) writeStderr("ccr: no matching sessions\n");
  else if (!dryRun) {
    const deleted = sessions.reduce((sum, one) => sum + (one.deleted ? one.bytes : 0), 0);
    const archived = sessions.filter(({ detail }) => detail === null).length;
    const room = deleted > 0 ? `, ${size(deleted)} deleted here` : "";
    writeStderr(`${plural(archived, "session")} in ${directory}${room}\n`);
  }
  return call.warnings.length > 0 ? 1 : 0;
}

function lineOf(entry: Entry, dryRun: boolean, deleted: boolean): string {
  const archived = deleted ? "archived, deleted" : "archived";
  const title = clean(titleOf(entry).title ?? "");
  return `${dryRun ? "would archive" : archived}  ${entry.id.slice(0, 8)}  ${size(entry.bytes)}  ${title}\n`;
}
