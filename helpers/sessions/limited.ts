import { type Stats, statSync } from "node:fs";
import { join } from "node:path";
import { projectsDirectory } from "../claude/places.ts";
import { verdictOfFile } from "../limits/tail.ts";
import { stateOf, type Verdict } from "../limits/verdict.ts";
import { type CacheFile, isSettled, readCache, writeCache } from "../system/cache-file.ts";
import { cache } from "../system/places.ts";
import { errno } from "../system/problem.ts";
import { type Context, type Session, sessionOf } from "./session.ts";
import { type Entry, idsIn, projectFolders, readTranscript } from "./store.ts";

const ACTIVE = 15 * 3_600_000;

/** A transcript whose last message is an error, and what that says. */
type LimitedEntry = { entry: Entry; verdict: Verdict };

/**
 * Every session whose last message says that it is limited or blocked, newest first; `since` (epoch ms) leaves out
 * files that were not written to since then, without opening them. What was found is remembered by size and time of
 * each file, so that only changed ones are opened again. `active`: files that were written to in the last 15 hours.
 */
export function limitedSessions(
  context: Context,
  since: number | null = null,
): { sessions: Session[]; unreadable: string[]; active: string[] } {
  const active: string[] = [];
  const sessions = new Map<string, Session>();
  const unreadable: string[] = [];
  const memory = new VerdictCache(context.now);
  const visit = (id: string, folder: string, file: string): void => {
    const stats = statSync(file, { throwIfNoEntry: false });
    if (!stats?.isFile() || (since !== null && stats.mtimeMs < since)) return;
    if (stats.mtimeMs > context.now - ACTIVE) active.push(file);
    const limited =
      memory.recall(file, stats) ?? memory.remember(file, stats, readVerdict(id, folder, file, stats));
    if (!limited) return;
    const session = { ...sessionOf(limited.entry, context), verdict: limited.verdict };
    if (!session.live) session.state = stateOf(limited.verdict, context.now);
    const twin = sessions.get(session.id);
    if (!twin || (twin.updatedAt ?? 0) < (session.updatedAt ?? 0)) sessions.set(session.id, session);
  };
  for (const [folder, path] of projectFolders()) {
    for (const id of idsIn(path)) {
      const file = `${path}/${id}.jsonl`;
      try {
        visit(id, folder, file);
      } catch (error) {
        if (errno(error) !== "ENOENT") unreadable.push(file);
      }
    }
  }
  if (since === null) memory.save();
  const found = [...sessions.values()].sort((a, b) => (b.updatedAt ?? 0) - (a.updatedAt ?? 0));
  return { sessions: found, unreadable, active };
}

function readVerdict(id: string, folder: string, path: string, stats: Stats): LimitedEntry | false {
  const verdict = stats.isFile() ? verdictOfFile(path) : null;
  if (!verdict || verdict.state === "none") return false;
  const entry = readTranscript({
    id: id.toLowerCase(),
    folder,
    path,
    bytes: stats.size,
    mtime: stats.mtimeMs,
  });
  return entry ? { entry, verdict } : false;
}

const VERSION = 3;
/** Fewer files than this are read again each time. */
const FEW = 200;

const cacheFile = (): CacheFile => ({
  path: join(cache(), "stopped.tsv"),
  format: "stopped",
  version: VERSION,
  root: projectsDirectory(),
});

/** The cache of what was found: one line for each transcript with path, size, time and, if it is limited, what it says. */
class VerdictCache {
  #known: Map<string, string> | undefined;
  readonly #kept: string[] = [];
  readonly #now: number;
  #fresh = 0;

  constructor(now: number) {
    this.#now = now;
  }

  #load(): Map<string, string> {
    const lines = readCache(cacheFile())?.section(0)?.toString("utf8").split("\n") ?? [];
    return new Map(lines.map((line) => [line.slice(0, line.indexOf("\t")), line]));
  }

  /** What is known of a file as it is now: stopped, not stopped (false), or nothing (null). */
  recall(path: string, stats: Stats): LimitedEntry | false | null {
    this.#known ??= this.#load();
    const line = this.#known.get(path);
    if (line === undefined) return null;
    const key = keyOf(path, stats);
    if (!line.startsWith(key)) return null;
    try {
      const found = line.length === key.length ? false : (JSON.parse(line.slice(key.length)) as LimitedEntry);
      this.#kept.push(line);
      return found;
    } catch {
      return null;
    }
  }

  remember(path: string, stats: Stats, stopped: LimitedEntry | false): LimitedEntry | false {
    this.#fresh++;
    if (!/[\t\n]/.test(path) && isSettled(stats.mtimeMs, this.#now)) {
      this.#kept.push(keyOf(path, stats) + (stopped ? JSON.stringify(stopped) : ""));
    }
    return stopped;
  }

  save(): void {
    if (this.#kept.length < FEW || this.#fresh * 50 < this.#kept.length) return;
    writeCache(cacheFile(), {}, [this.#kept.join("\n")]);
  }
}

const keyOf = (path: string, stats: Stats): string => `${path}\t${stats.size}\t${stats.mtimeMs}\t`;
