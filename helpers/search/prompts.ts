import { closeSync, existsSync, fstatSync, statSync } from "node:fs";
import { openHistory } from "../claude/history.ts";
import { readCounts } from "../claude/lines.ts";
import { isSessionId, projectsDirectory, slug } from "../claude/places.ts";
import { type Row, string } from "../claude/rows.ts";
import { historyField } from "../claude/visible-text.ts";
import type { Entry, Transcript } from "../sessions/entry.ts";
import { projectFolders, readTranscript } from "../sessions/store.ts";
import { collect } from "../system/heap.ts";
import { makeKernel } from "./kernel.ts";
import { type Match, Matches } from "./matches.ts";
import { matchProject, type ProjectMatch, type Query } from "./query.ts";
import { Scan } from "./scan.ts";
import { wordsIn } from "./words.ts";

/** A session of the history. `at` is its newest prompt that fits; `present`: its transcript is there; `entry` reads it. */
export type PromptHit = {
  id: string;
  at: number;
  project: string | null;
  present: boolean;
  entry: () => Entry | null;
  hits: number;
  matches: Match[];
};

type SessionPrompts = { found: Matches; project: number; at: number; directories: Set<string> };

/** So many prompts take memory: what is thrown away meanwhile should not. */
const MANY = 1000;

/** Searches the prompts of `history.jsonl` alone. `withoutSession`: matching prompts that name no session. */
export async function findPrompts(
  wanted: Query,
  limit: number,
  since: number,
): Promise<{
  sessions: PromptHit[];
  searched: { files: number; bytes: number };
  withoutSession: number;
  more: boolean;
}> {
  const seen = new Map<string, SessionPrompts>();
  const all = 2 ** wanted.words.length - 1;
  const projects = new Map<string, ProjectMatch>();
  let withoutSession = 0;
  let taken = 0;

  const take = (row: Row, order: number): void => {
    if (++taken % MANY === 0) collect();
    const { display, timestamp } = row;
    const path = string(row.project);
    if (typeof display !== "string" || typeof timestamp !== "number" || !(timestamp >= since)) return;
    const project = matchProject(path, wanted, projects);
    if (project.excluded) return;
    const id = string(row.sessionId)?.toLowerCase() ?? "";
    if (!isSessionId(id)) {
      if (wordsIn(wanted.words, display) === all) withoutSession++;
      return;
    }
    let session = seen.get(id);
    if (!session) {
      session = {
        found: new Matches(wanted.words, wanted.complete),
        project: 0,
        at: 0,
        directories: new Set(),
      };
      seen.set(id, session);
    }
    session.found.add({ role: "user", at: timestamp, text: display }, order);
    session.project |= project.mask;
    session.at = Math.max(session.at, timestamp);
    if (path !== null) session.directories.add(path);
  };

  const searched = scanHistory(wanted, take);
  const fitting = [...seen].filter(([, { found, project }]) => (found.mask | project) === all);
  fitting.sort(([, a], [, b]) => b.at - a.at);
  const sessions = fitting.slice(0, limit).map(([id, { found, at, directories }]): PromptHit => {
    const transcript = findTranscript(id, directories);
    return {
      id,
      at,
      project: [...directories][0] ?? null,
      present: transcript !== null,
      entry: () => transcript && readTranscript(transcript),
      hits: found.hits,
      matches: found.best,
    };
  });
  return { sessions, searched, withoutSession, more: fitting.length > limit };
}

function scanHistory(
  wanted: Query,
  take: (row: Row, order: number) => void,
): { files: number; bytes: number } {
  const fd = openHistory();
  if (fd === null) return { files: 0, bytes: 0 };
  readCounts.opens++;
  try {
    const { size } = fstatSync(fd);
    const scan = new Scan(makeKernel(), wanted.words, historyField);
    const order = wanted.words.map((_, i) => i);
    scan.read(fd, size, order, ({ rows, start }) => {
      for (const row of rows()) take(row, start);
      return false;
    });
    return { files: 1, bytes: size };
  } finally {
    closeSync(fd);
  }
}

/** Where a session's transcript is: in the folder of a directory it was used in, else in any. */
function findTranscript(id: string, directories: Iterable<string>): Transcript | null {
  const root = projectsDirectory();
  for (const directory of directories) {
    const folder = slug(directory);
    const found = look(id, folder, `${root}/${folder}/${id}.jsonl`);
    if (found) return found;
  }
  for (const [folder, path] of existsSync(root) ? projectFolders() : []) {
    const found = look(id, folder, `${path}/${id}.jsonl`);
    if (found) return found;
  }
  return null;
}

function look(id: string, folder: string, path: string): Transcript | null {
  try {
    const stats = statSync(path, { throwIfNoEntry: false });
    return stats?.isFile() ? { id, folder, path, bytes: stats.size, mtime: stats.mtimeMs } : null;
  } catch {
    return null;
  }
}
