import { type Stats, statSync } from "node:fs";
import { join } from "node:path";
import { projectsDirectory } from "../claude/places.ts";
import { verdictAt } from "../limits/tail.ts";
import { stateOf, type Verdict } from "../limits/verdict.ts";
import { readText, writeAtomic } from "../system/files.ts";
import { cache } from "../system/places.ts";
import { errno } from "../system/problem.ts";
import { type Context, type Session, sessionOf } from "./session.ts";
import { type Entry, idsIn, projectFolders, read } from "./store.ts";

const ACTIVE = 15 * 3_600_000;

/** A transcript whose last message is an error, and what that says. */
type Stopped = { entry: Entry; verdict: Verdict };

/**
 * Every session whose last message says that it is limited or blocked, newest first; `since` (epoch ms) leaves out
 * files that were not written to since then, without opening them. What was found is remembered by size and time of
 * each file, so that only changed ones are opened again. `active`: files that were written to in the last 15 hours.
 */
export function stoppedSessions(
  context: Context,
  since: number | null = null,
): { sessions: Session[]; unreadable: string[]; active: string[] } {
  const active: string[] = [];
  const sessions = new Map<string, Session>();
  const unreadable: string[] = [];
  const memory = new Memory(context.now);
  for (const [folder, path] of projectFolders()) {
    for (const id of idsIn(path)) {
      const file = `${path}/${id}.jsonl`;
      try {
        const stats = statSync(file, { throwIfNoEntry: false });
        if (!stats?.isFile() || (since !== null && stats.mtimeMs < since)) continue;
        if (stats.mtimeMs > context.now - ACTIVE) active.push(file);
        const stopped = memory.of(file, stats) ?? memory.keep(file, stats, look(id, folder, file, stats));
        if (!stopped) continue;
        const session = { ...sessionOf(stopped.entry, context), verdict: stopped.verdict };
        if (!session.live) session.state = stateOf(stopped.verdict, context.now);
        const twin = sessions.get(session.id);
        if (!twin || (twin.updatedAt ?? 0) < (session.updatedAt ?? 0)) sessions.set(session.id, session);
      } catch (error) {
        if (errno(error) !== "ENOENT") unreadable.push(file);
      }
    }
  }
  if (since === null) memory.save();
  const found = [...sessions.values()].sort((a, b) => (b.updatedAt ?? 0) - (a.updatedAt ?? 0));
  return { sessions: found, unreadable, active };
}

function look(id: string, folder: string, path: string, stats: Stats): Stopped | false {
  const verdict = stats.isFile() ? verdictAt(path) : null;
  if (!verdict || verdict.state === "none") return false;
  const entry = read({ id: id.toLowerCase(), folder, path, bytes: stats.size, mtime: stats.mtimeMs });
  return entry ? { entry, verdict } : false;
}

const VERSION = 2;
/** A file that changed so lately may change again within the same time stamp. */
const RACY = 2000;
/** So few files are looked at without writing anything down. */
const FEW = 200;

/** One line a transcript: path, size, time, and what was found where it was stopped. May vanish at any time. */
class Memory {
  #known: Map<string, string> | undefined;
  readonly #kept: string[] = [];
  readonly #now: number;
  #fresh = 0;

  constructor(now: number) {
    this.#now = now;
  }

  #load(): Map<string, string> {
    const known = new Map<string, string>();
    try {
      const [head, ...lines] = readText(file()).split("\n");
      if (head !== header()) return known;
      for (const line of lines) known.set(line.slice(0, line.indexOf("\t")), line);
    } catch {
      // no memory yet
    }
    return known;
  }

  /** What is known of a file as it is now: stopped, not stopped (false), or nothing (null). */
  of(path: string, stats: Stats): Stopped | false | null {
    this.#known ??= this.#load();
    const line = this.#known.get(path);
    if (line === undefined) return null;
    const key = keyOf(path, stats);
    if (!line.startsWith(key)) return null;
    try {
      const found = line.length === key.length ? false : (JSON.parse(line.slice(key.length)) as Stopped);
      this.#kept.push(line);
      return found;
    } catch {
      return null;
    }
  }

  keep(path: string, stats: Stats, stopped: Stopped | false): Stopped | false {
    this.#fresh++;
    if (!/[\t\n]/.test(path) && this.#now - stats.mtimeMs > RACY) {
      this.#kept.push(keyOf(path, stats) + (stopped ? JSON.stringify(stopped) : ""));
    }
    return stopped;
  }

  save(): void {
    if (this.#kept.length < FEW || this.#fresh * 50 < this.#kept.length) return;
    try {
      writeAtomic(file(), [header(), ...this.#kept].join("\n"));
    } catch {
      // it only makes the next look quicker
    }
  }
}

const file = (): string => join(cache(), "stopped.tsv");
const header = (): string => `ccr stopped ${VERSION}\t${projectsDirectory()}`;
const keyOf = (path: string, stats: Stats): string => `${path}\t${stats.size}\t${stats.mtimeMs}\t`;
