// What belongs to a session, wherever Claude Code keeps it.

import { closeSync, fstatSync, openSync, readdirSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { backward, forward, readAt } from "../claude/lines.ts";
import { configDirectory, historyFile } from "../claude/places.ts";
import type { Entry } from "../sessions/entry.ts";
import { startOf, titleOf } from "../sessions/session.ts";
import { openFile } from "../system/files.ts";
import { home } from "../system/places.ts";
import { errno } from "../system/problem.ts";
import {
  AGENT,
  foldedName,
  isName,
  type Manifest,
  type Member,
  type Packed,
  type Part,
  SCHEMA,
} from "./manifest.ts";
import { member, type Source, sizeOf } from "./write.ts";

const PLAN = /"planFilePath":"[^"]*\/([\w-]+\.md)"/g;
/** A plan's path is not longer. */
const OVERLAP = 400;

/** Plain files below a directory, by their path in it; no links, nothing hidden. */
export function filesBelow(directory: string, before = ""): string[] {
  try {
    return readdirSync(join(directory, before), { withFileTypes: true })
      .filter(({ name }) => !name.startsWith("."))
      .flatMap((entry) => {
        const path = before + entry.name;
        return entry.isDirectory() ? filesBelow(directory, `${path}/`) : entry.isFile() ? [path] : [];
      });
  } catch {
    return [];
  }
}

/** Where a part of a session lies; `own` is the session's folder beside its transcript. */
export function placeOf(part: Part, id: string, own: string): string {
  const config = configDirectory();
  if (part === "files") return own;
  if (part === "agents") return dirname(own);
  return part === "file-history" || part === "tasks" ? join(config, part, id) : join(config, part);
}

/** The folder of a transcript's further files. */
export const ownFolder = (transcript: string): string => transcript.slice(0, -".jsonl".length);

const agents = new Map<string, [name: string, id: string][]>();

/** Subagents' transcripts in a project folder that are a session's, as their first rows say. */
function agentsOf(folder: string, id: string): string[] {
  let known = agents.get(folder);
  if (!known) {
    known = [];
    const buffer = Buffer.alloc(1 << 16);
    for (const { name } of readdirSync(folder, { withFileTypes: true }).filter(
      (entry) => entry.isFile() && AGENT.test(entry.name),
    )) {
      const fd = openSync(join(folder, name), "r");
      const text = buffer.toString("latin1", 0, readAt(fd, buffer, 0));
      closeSync(fd);
      known.push([name, /"sessionId":"([^"]*)"/.exec(text)?.[1]?.toLowerCase() ?? ""]);
    }
    agents.set(folder, known);
  }
  return known.flatMap(([name, of]) => (of === id ? name : []));
}

/**
 * Every file of a session but its transcript, history and plans: `[part, path in it, absolute path]`. `left` is told of
 * those with names that no archive takes: not UTF-8, control characters, or the same as another one's but for its case.
 */
export function partsOfSession(
  id: string,
  transcript: string,
  left: (path: string) => void = () => {},
): [Part, string, string][] {
  const own = ownFolder(transcript);
  const taken = new Set<string>();
  return (["files", "agents", "file-history", "todos", "tasks"] as const).flatMap((part) => {
    const place = placeOf(part, id, own);
    const names = part === "agents" ? agentsOf(place, id) : filesBelow(place);
    return names
      .filter((path) => part !== "todos" || (path.includes(id) && !path.includes("/")))
      .map((path): [Part, string, string] => [part, path, join(place, path)])
      .filter(([, name, path]) => {
        const folded = foldedName(`${id}/${part}/${name}`);
        const good = !taken.has(folded) && !name.includes("\ufffd") && isName(`${id}/${part}/${name}`);
        if (!good) left(path);
        taken.add(folded);
        return good;
      });
  });
}

/** Start and length of each line of a session. */
export type History = ReadonlyMap<string, readonly (readonly [number, number])[]>;

/** Where in the history the lines of sessions are, in one reading. */
export function historyOf(ids: ReadonlySet<string>): History {
  const found = new Map<string, [number, number][]>();
  let fd: number;
  try {
    fd = openFile(historyFile());
  } catch (error) {
    if (["ENOENT", "ENOTDIR", "EISDIR", "ENXIO"].includes(errno(error) ?? "")) return found;
    throw error;
  }
  try {
    const { size } = fstatSync(fd);
    for (const { bytes, start, length } of forward(fd, size, { first: 1 << 18 })) {
      const at = bytes?.lastIndexOf('"sessionId":"') ?? -1;
      if (!bytes || at < 0) continue;
      const id = bytes.toString("latin1", at + 13, at + 49).toLowerCase();
      if (!ids.has(id)) continue;
      const piece: [number, number] = [start, Math.min(length + 1, size - start)];
      const others = found.get(id);
      if (others) others.push(piece);
      else found.set(id, [piece]);
    }
  } finally {
    closeSync(fd);
  }
  return found;
}

/** A whole file, or its beginning, as a part of an archive; null where there is none. */
export const sourceOf = (name: string, path: string, end?: number): Source | null => {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats?.isFile() ? { name, path, mtime: stats.mtimeMs, pieces: [[0, end ?? stats.size]] } : null;
};

/** Where the last whole row ends: of a running session the one after it is being written. */
function wholeRows(path: string): number {
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
async function pack(
  entry: Entry,
  running: boolean,
  history: readonly (readonly [number, number])[],
  clean: (one: Source) => Source = (one) => one,
  left?: (path: string) => void,
): Promise<{ packed: Packed; sources: Source[]; members: Member[] }> {
  const { id, path, facts } = entry;
  const sources: Source[] = [];
  const add = (one: Source | null): void => {
    if (one) sources.push(clean(one));
  };
  add(sourceOf(`${id}/transcript.jsonl`, path, running ? wholeRows(path) : undefined));
  if (sources.length === 0) statSync(path);
  if (history.length > 0) {
    const mtime = statSync(historyFile()).mtimeMs;
    add({ name: `${id}/history.jsonl`, path: historyFile(), mtime, pieces: history });
  }
  const parts = partsOfSession(id, path, left);
  for (const [part, name, file] of parts) add(sourceOf(`${id}/${part}/${name}`, file));

  const members: Member[] = [];
  const plans = new Set<string>();
  let lines = 0;
  let before = "";
  members.push(
    await member(sources[0]!, (bytes) => {
      for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) lines++;
      const edge = before + bytes.toString("latin1", 0, OVERLAP);
      for (const [, name] of edge.matchAll(PLAN)) plans.add(name!);
      before = bytes.toString("latin1", Math.max(0, bytes.length - OVERLAP));
      for (
        let at = bytes.indexOf('"planFilePath":"');
        at >= 0;
        at = bytes.indexOf('"planFilePath":"', at + 1)
      ) {
        for (const [, name] of bytes.toString("latin1", at, at + OVERLAP).matchAll(PLAN)) plans.add(name!);
      }
    }),
  );
  for (const name of plans) add(sourceOf(`${id}/plans/${name}`, join(configDirectory(), "plans", name)));
  for (const one of sources.slice(1)) members.push(await member(one));
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
    history?: History;
    /** is told of files that cannot be packed */
    left?: (path: string) => void;
    /** another source in place of one: with `--redact` a copy without secrets */
    clean?: (one: Source) => Source;
  },
): Promise<{ manifest: Manifest; sources: Source[]; bytes: number }> {
  const history = options.history ?? historyOf(new Set(entries.map(({ id }) => id)));
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
    const one = await pack(entry, options.running(entry.id), lines, options.clean, options.left);
    manifest.sessions.push(one.packed);
    manifest.files.push(...one.members);
    sources.push(...one.sources);
    options.done?.((read += entry.bytes), all);
  }
  return { manifest, sources, bytes: sources.reduce((sum, one) => sum + sizeOf(one), 0) };
}

/** `portfolio-com-4bb63347`: what a file of this session may be called. */
export const fileName = (entry: Entry): string => {
  const project = basename(startOf(entry) ?? "")
    .replace(/[^\w.-]+/g, "-")
    .replace(/^[-.]+|-+$/g, "");
  return `${project.slice(0, 60) || "session"}-${entry.id.slice(0, 8)}`;
};
