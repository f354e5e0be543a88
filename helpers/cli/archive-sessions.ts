import { accessSync, constants } from "node:fs";
import { join, resolve } from "node:path";
import { findHistoryLines } from "../archive/history-lines.ts";
import { keep } from "../archive/keep.ts";
import { liveSessions, withoutGhosts } from "../claude/registry.ts";
import { startOf, titleOf } from "../sessions/session.ts";
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
    description: "where archives go (default ~/.local/state/ccr/archives)",
    completes: "directory",
  },
  "dry-run": { type: "boolean", description: "only list the sessions" },
};

/** Archives what was chosen, the smallest first: on a full disk each one makes room for the next. */
export async function archiveSessions(
  call: Call,
  command: "archive" | "keep",
  remove: boolean,
): Promise<number> {
  const directory = resolve(stringFlag(call, "to") ?? join(state(), "archives"));
  const entries: Entry[] = chooseSessions(call, call.positionals).sort((a, b) => a.bytes - b.bytes);
  const dry = isSet(call, "dry-run");
  if (!dry && entries.length > 0) {
    makeDirectory(directory);
    accessSync(directory, constants.W_OK);
  }
  const running = (id: string): boolean => withoutGhosts(liveSessions()).has(id);
  const history = findHistoryLines(new Set(entries.map(({ id }) => id)));
  const sessions: Record<string, unknown>[] = [];
  let deleted = 0;
  for (const entry of entries) {
    const { id, bytes } = entry;
    const shown = `${id.slice(0, 8)}  ${size(bytes)}  ${clean(titleOf(entry).title ?? "")}`;
    let result = { file: null as string | null, deleted: false, detail: null as string | null };
    try {
      if (!dry) {
        const kept = await keep(entry, directory, { ...archiveOptions(call), history, running, remove });
        result = { file: kept.file, deleted: kept.deleted, detail: null };
      }
    } catch (error) {
      const problem = problemOf(error);
      call.warn(problem);
      result.detail = clean(problem.message);
      // The next one would not fit either, and a fault of ours will not go away.
      if (["enospc", "edquot", "internal"].includes(problem.kind)) throw error;
    }
    if (result.deleted) deleted += bytes;
    sessions.push({ id, project: startOf(entry), bytes, ...result });
    if (!call.json && result.detail === null)
      writeStdout(`${dry ? "would archive" : result.deleted ? "archived, deleted" : "archived"}  ${shown}\n`);
  }
  if (call.json) json(command, { directory, sessions, cleanupPeriodDays: null }, call.warnings);
  else if (entries.length === 0) writeStderr("ccr: no session fits\n");
  else if (!dry) {
    const room = deleted > 0 ? `, ${size(deleted)} deleted here` : "";
    const kept = sessions.filter(({ detail }) => detail === null).length;
    writeStderr(`${plural(kept, "session")} in ${directory}${room}\n`);
  }
  return call.warnings.length > 0 ? 1 : 0;
}
