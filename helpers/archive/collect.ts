import { findHistoryLines, type HistoryLines } from "./history-lines.ts";
import { sessionFiles } from "./session-files.ts";
// What belongs to a session, wherever Claude Code keeps it.

import { closeSync, fstatSync, openSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { backward } from "../claude/lines.ts";
import { configDirectory, historyFile } from "../claude/places.ts";
import type { Entry } from "../sessions/entry.ts";
import { startOf, titleOf } from "../sessions/session.ts";
import { home } from "../system/places.ts";
import { type Manifest, type Member, type PackedSession, SCHEMA } from "./manifest.ts";
import { memberOf, type Source, sourceSize } from "./write.ts";

const PLAN_PATH = /"planFilePath":"[^"]*\/([\w-]+\.md)"/g;
/** A plan's path is not longer. */
const LONGEST_PLAN_PATH = 400;

/** A whole file, or its beginning, as a part of an archive; null where there is none. */
export const fileSource = (name: string, path: string, end?: number): Source | null => {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats?.isFile() ? { name, path, mtime: stats.mtimeMs, pieces: [[0, end ?? stats.size]] } : null;
};

/** Where the last whole row ends: of a running session the one after it is being written. */
function endOfLastRow(path: string): number {
  const fd = openSync(path, "r");
  try {
    const { size } = fstatSync(fd);
    for (const { start, length } of backward(fd, size)) return start + length < size ? size : start;
    return size;
  } finally {
    closeSync(fd);
  }
}

/** A session's files, with what the manifest says of each. */
async function collectSession(
  entry: Entry,
  running: boolean,
  history: readonly (readonly [number, number])[],
  clean: (one: Source) => Source = (one) => one,
  onSkipped?: (path: string) => void,
): Promise<{ packed: PackedSession; sources: Source[]; members: Member[] }> {
  const { id, path, facts } = entry;
  const sources: Source[] = [];
  const add = (one: Source | null): void => {
    if (one) sources.push(clean(one));
  };
  add(fileSource(`${id}/transcript.jsonl`, path, running ? endOfLastRow(path) : undefined));
  if (sources.length === 0) statSync(path);
  if (history.length > 0) {
    const mtime = statSync(historyFile()).mtimeMs;
    add({ name: `${id}/history.jsonl`, path: historyFile(), mtime, pieces: history });
  }
  const parts = sessionFiles(id, path, onSkipped);
  for (const [part, name, file] of parts) add(fileSource(`${id}/${part}/${name}`, file));

  const members: Member[] = [];
  const plans = new Set<string>();
  let lines = 0;
  let before = "";
  members.push(
    await memberOf(sources[0]!, (bytes) => {
      for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) lines++;
      const edge = before + bytes.toString("latin1", 0, LONGEST_PLAN_PATH);
      for (const [, name] of edge.matchAll(PLAN_PATH)) plans.add(name!);
      before = bytes.toString("latin1", Math.max(0, bytes.length - LONGEST_PLAN_PATH));
      for (
        let at = bytes.indexOf('"planFilePath":"');
        at >= 0;
        at = bytes.indexOf('"planFilePath":"', at + 1)
      ) {
        for (const [, name] of bytes.toString("latin1", at, at + LONGEST_PLAN_PATH).matchAll(PLAN_PATH))
          plans.add(name!);
      }
    }),
  );
  for (const name of plans) add(fileSource(`${id}/plans/${name}`, join(configDirectory(), "plans", name)));
  for (const one of sources.slice(1)) members.push(await memberOf(one));
  const time = (at: number | null | undefined): string | null => (at ? new Date(at).toISOString() : null);
  return {
    sources,
    members,
    packed: {
      id,
      title: titleOf(entry).title,
      project: startOf(entry),
      folder: entry.folder,
      version: facts?.version ?? null,
      createdAt: time(facts?.createdAt),
      updatedAt: time(facts?.updatedAt),
      lines,
      subagents: parts.filter(([, name]) => /^(?:subagents\/.*|agent-[^/]*)\.jsonl$/.test(name)).length,
      prompts: history.length,
    },
  };
}

/** The manifest of sessions, and where their files are. `running` tells which of them are being written. */
export async function collect(
  entries: readonly Entry[],
  options: {
    ccr: string;
    running: (id: string) => boolean;
    done?: (bytes: number, all: number) => void;
    /** where the history has their lines, if that is known already */
    history?: HistoryLines;
    /** is told of files that cannot be packed */
    onSkipped?: (path: string) => void;
    /** another source in place of one: with `--redact` a copy without secrets */
    clean?: (one: Source) => Source;
  },
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
    const lines = history.get(entry.id) ?? [];
    const one = await collectSession(
      entry,
      options.running(entry.id),
      lines,
      options.clean,
      options.onSkipped,
    );
    manifest.sessions.push(one.packed);
    manifest.files.push(...one.members);
    sources.push(...one.sources);
    options.done?.((read += entry.bytes), all);
  }
  return { manifest, sources, bytes: sources.reduce((sum, one) => sum + sourceSize(one), 0) };
}

/** `portfolio-com-4bb63347`: what a file of this session may be called. */
export const archiveName = (entry: Entry): string => {
  const project = basename(startOf(entry) ?? "")
    .replace(/[^\w.-]+/g, "-")
    .replace(/^[-.]+|-+$/g, "");
  return `${project.slice(0, 60) || "session"}-${entry.id.slice(0, 8)}`;
};
