// Everything that an archive of sessions contains, and the manifest for it.

import { closeSync, fstatSync, openSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { linesBackward } from "../claude/lines.ts";
import { configDirectory, historyFile } from "../claude/places.ts";
import { PLAN_PATH, planNamesIn } from "../claude/row-marks.ts";
import type { Entry } from "../sessions/entry.ts";
import { startDirectoryOf, titleOf } from "../sessions/session.ts";
import { home } from "../system/places.ts";
import { findHistoryLines, type HistoryLines, type LineRange } from "./history-lines.ts";
import { type Manifest, type Member, type PackedSession, SCHEMA } from "./manifest.ts";
import { sessionFiles } from "./session-files.ts";
import { memberOf, type Source, sourceSize } from "./write.ts";

/** Returns a file, or its first `end` bytes, as a source; null if there is none. */
export const fileSource = (name: string, path: string, end?: number): Source | null => {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats?.isFile() ? { name, path, mtime: stats.mtimeMs, pieces: [[0, end ?? stats.size]] } : null;
};

/** Returns where the last complete row ends: the last one of a running session may be half written. */
function endOfLastRow(path: string): number {
  const fd = openSync(path, "r");
  try {
    const { size } = fstatSync(fd);
    for (const { start, length } of linesBackward(fd, size)) return start + length < size ? size : start;
    return size;
  } finally {
    closeSync(fd);
  }
}

export type CollectOptions = {
  /** version of ccr */
  ccr: string;
  /** whether a session is being written */
  running: (id: string) => boolean;
  onProgress?: (bytes: number, all: number) => void;
  /** the sessions' lines in the history, if they are known already */
  history?: HistoryLines;
  /** called with files that cannot be archived */
  onSkipped?: (path: string) => void;
  /** replaces a source; with `--redact` by a copy without secrets */
  replace?: (source: Source) => Source;
};

/** Finds the files of sessions and computes the manifest. `bytes` is the size of all files. */
export async function collect(
  entries: readonly Entry[],
  options: CollectOptions,
): Promise<{ manifest: Manifest; sources: Source[]; bytes: number }> {
  const history = options.history ?? findHistoryLines(new Set(entries.map(({ id }) => id)));
  const manifest: Manifest = {
    schema: SCHEMA,
    createdAt: new Date().toISOString(),
    ccr: options.ccr,
    home: home(),
    config: configDirectory(),
    sessions: [],
    files: [],
  };
  const sources: Source[] = [];
  const all = entries.reduce((sum, { bytes }) => sum + bytes, 0);
  let read = 0;
  for (const entry of entries) {
    const session = await collectSession(entry, history.get(entry.id) ?? [], options);
    manifest.sessions.push(session.packed);
    manifest.files.push(...session.members);
    sources.push(...session.sources);
    options.onProgress?.((read += entry.bytes), all);
  }
  return { manifest, sources, bytes: sources.reduce((sum, source) => sum + sourceSize(source), 0) };
}

async function collectSession(
  entry: Entry,
  history: readonly LineRange[],
  { running, replace = (source) => source, onSkipped }: CollectOptions,
): Promise<{ packed: PackedSession; sources: Source[]; members: Member[] }> {
  const { id, path, facts } = entry;
  const sources: Source[] = [];
  const add = (source: Source | null): void => {
    if (source) sources.push(replace(source));
  };
  add(fileSource(`${id}/transcript.jsonl`, path, running(id) ? endOfLastRow(path) : undefined));
  // Throws the error of the file system if the transcript is missing.
  if (sources.length === 0) statSync(path);
  if (history.length > 0) {
    const mtime = statSync(historyFile()).mtimeMs;
    add({ name: `${id}/history.jsonl`, path: historyFile(), mtime, pieces: history });
  }
  const parts = sessionFiles(id, path, onSkipped);
  for (const [part, name, file] of parts) add(fileSource(`${id}/${part}/${name}`, file));

  const scan = new TranscriptScan();
  const members = [await memberOf(sources[0]!, (bytes) => scan.add(bytes))];
  for (const name of scan.plans)
    add(fileSource(`${id}/plans/${name}`, join(configDirectory(), "plans", name)));
  for (const source of sources.slice(1)) members.push(await memberOf(source));
  const time = (at: number | null | undefined): string | null => (at ? new Date(at).toISOString() : null);
  return {
    sources,
    members,
    packed: {
      id,
      title: titleOf(entry).title,
      project: startDirectoryOf(entry),
      folder: entry.folder,
      version: facts?.version ?? null,
      createdAt: time(facts?.createdAt),
      updatedAt: time(facts?.updatedAt),
      lines: scan.lines,
      subagents: parts.filter(([, name]) => /^(?:subagents\/.*|agent-[^/]*)\.jsonl$/.test(name)).length,
      prompts: history.length,
    },
  };
}

/** Length of the field with the longest path, in bytes. */
const LONGEST_PLAN_FIELD = 400;

/** Counts the lines of a transcript and finds the names of its plans, piece by piece. */
class TranscriptScan {
  lines = 0;
  readonly plans = new Set<string>();
  /** the end of the piece before: a field may lie across the boundary */
  #tail = "";

  add(bytes: Buffer): void {
    for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) this.lines++;
    this.#findPlans(this.#tail + bytes.toString("latin1", 0, LONGEST_PLAN_FIELD));
    this.#tail = bytes.toString("latin1", Math.max(0, bytes.length - LONGEST_PLAN_FIELD));
    for (let at = bytes.indexOf(PLAN_PATH); at >= 0; at = bytes.indexOf(PLAN_PATH, at + 1))
      this.#findPlans(bytes.toString("latin1", at, at + LONGEST_PLAN_FIELD));
  }

  #findPlans(text: string): void {
    for (const name of planNamesIn(text)) this.plans.add(name);
  }
}

/** Returns a file name for a session, without extension: `portfolio-com-4bb63347`. */
export const archiveName = (entry: Entry): string => {
  const project = basename(startDirectoryOf(entry) ?? "")
    .replace(/[^\w.-]+/g, "-")
    .replace(/^[-.]+|-+$/g, "");
  return `${project.slice(0, 60) || "session"}-${entry.id.slice(0, 8)}`;
};
