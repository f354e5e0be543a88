// The processes of a session, and their end. A process is its pid and its start: a pid alone may be another's by now.

import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { allPids, hasEnded, type ProcessStat, readStat, startOf } from "../system/process.ts";
import { MARK } from "./create.ts";

/** Every process that can be seen, without those that have ended; empty when there is no /proc. */
export function processes(): Map<number, ProcessStat> {
  const found = new Map<number, ProcessStat>();
  for (const pid of allPids()) {
    const stat = readStat(pid);
    if (stat && !hasEnded(stat)) found.set(pid, stat);
  }
  return found;
}

/** The roots that are there and all that descends from them. */
export function treeOf(roots: Iterable<number>, all: ReadonlyMap<number, ProcessStat>): number[] {
  const below = new Map<number, number[]>();
  for (const [pid, { parent }] of all) below.set(parent, [...(below.get(parent) ?? []), pid]);
  const tree = new Set<number>([...roots].filter((pid) => all.has(pid)));
  for (const pid of tree) for (const child of below.get(pid) ?? []) tree.add(child);
  return [...tree];
}

/** Bytes of memory that a tree has for itself: what it shares with others, as the program's own file, is left out. */
export function memoryOf(roots: Iterable<number>, all = processes()): number {
  let bytes = 0;
  for (const pid of treeOf(roots, all)) {
    try {
      const status = readFileSync(`/proc/${pid}/status`, "utf8");
      bytes += Number(/^RssAnon:\s*(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024;
    } catch {
      // it has ended
    }
  }
  return bytes;
}

/** Processes with a session's mark in their environment, wherever they have gone. tmux's server belongs to all. */
function marked(mark: string, all: ReadonlyMap<number, ProcessStat>): number[] {
  const words = `\0${MARK}=${mark}\0`;
  return [...all].flatMap(([pid, { name }]) => {
    if (name.startsWith("tmux")) return [];
    try {
      return `\0${readFileSync(`/proc/${pid}/environ`, "latin1")}\0`.includes(words) ? pid : [];
    } catch {
      return [];
    }
  });
}

/** So long (ms) a Claude may take to end by itself, with its tools. */
const GRACE = 3000;
const STEP = 30;
const MOST_ROUNDS = 50;

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // it has ended, or is not ours
  }
}

/**
 * Ends a whole tree: asks Claude, which ends its tools, then `close` (the windows), then whatever is left by descent,
 * by the mark, or of those that once were seen in the tree. Gives the pids that live on: none, but for another user's.
 */
export async function endTree(options: {
  claude: number | null;
  roots: readonly number[];
  mark: string | null;
  close(): Promise<unknown>;
}): Promise<number[]> {
  const { claude, roots, mark, close } = options;
  const seen = new Map<number, string>();
  const look = (): number[] => {
    const all = processes();
    const known = [...seen].flatMap(([pid, start]) => (all.get(pid)?.start === start ? pid : []));
    const own = roots.filter((pid) => starts.get(pid) === all.get(pid)?.start);
    const tree = treeOf([...own, ...known, ...(mark === null ? [] : marked(mark, all))], all);
    const left = tree.filter((pid) => pid !== process.pid && !all.get(pid)!.name.startsWith("tmux"));
    for (const pid of left) seen.set(pid, all.get(pid)!.start);
    return left;
  };
  const starts = new Map(roots.map((pid) => [pid, startOf(pid) ?? undefined]));
  const start = claude === null ? null : startOf(claude);
  look();
  if (claude !== null && start !== null) {
    signal(claude, "SIGTERM");
    for (let left = GRACE; left > 0 && startOf(claude) === start; left -= STEP) await sleep(STEP);
  }
  await close();
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const left = look();
    if (left.length === 0) return [];
    // Stopped first: what cannot run cannot fork while its relatives are ended.
    for (const pid of left) signal(pid, "SIGSTOP");
    for (const pid of look()) signal(pid, "SIGKILL");
    await sleep(round < 5 ? 5 : STEP);
  }
  return look();
}
