// The processes of a session, and how they are ended. A process is its pid and its start: pids are used again.

import { setTimeout as sleep } from "node:timers/promises";
import {
  allPids,
  anonymousMemoryOf,
  hasEnded,
  type ProcessStat,
  readStat,
  startOf,
  wasStartedWith,
} from "../system/process.ts";
import { MARK } from "./create.ts";

type Processes = ReadonlyMap<number, ProcessStat>;

/** Every visible process except zombies, by pid. Empty when there is no /proc. */
export function processes(): Map<number, ProcessStat> {
  const found = new Map<number, ProcessStat>();
  for (const pid of allPids()) {
    const stat = readStat(pid);
    if (stat && !hasEnded(stat)) found.set(pid, stat);
  }
  return found;
}

/** The roots that still run, and all their descendants. */
export function treeOf(roots: Iterable<number>, all: Processes): number[] {
  const children = new Map<number, number[]>();
  for (const [pid, { parent }] of all) children.set(parent, [...(children.get(parent) ?? []), pid]);
  const tree = new Set<number>([...roots].filter((pid) => all.has(pid)));
  // A set also visits what is added during the loop.
  for (const pid of tree) for (const child of children.get(pid) ?? []) tree.add(child);
  return [...tree];
}

/** Bytes of memory that a tree does not share with others; program files, for example, are shared. */
export function memoryOf(roots: Iterable<number>, all: Processes = processes()): number {
  return treeOf(roots, all).reduce((bytes, pid) => bytes + anonymousMemoryOf(pid), 0);
}

/** The tmux server belongs to all sessions. */
const isTmux = ({ name }: ProcessStat): boolean => name.startsWith("tmux");

/** Processes with a session's mark in their environment, also those that have left its tree. */
const markedWith = (mark: string, all: Processes): number[] =>
  [...all].flatMap(([pid, stat]) => (!isTmux(stat) && wasStartedWith(pid, MARK, mark) ? pid : []));

/** How long (ms) Claude may take to end by itself, with its tools. */
const GRACE = 3000;
const STEP = 30;
const MAX_ROUNDS = 50;

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // it has ended, or belongs to another user
  }
}

type Tree = { claude: number | null; roots: readonly number[]; mark: string | null };

/**
 * Ends a whole tree. First Claude, which ends its tools; then `close` ends the windows; then everything that is left:
 * descendants, marked processes, and those that were seen in the tree before. Returns the pids that cannot be ended
 * because they belong to another user.
 */
export async function endTree(options: Tree & { close(): Promise<unknown> }): Promise<number[]> {
  const left = trackTree(options);
  left();
  await endGracefully(options.claude);
  await options.close();
  return killAll(left);
}

/** Returns a function that returns the pids of a tree which still run, including those that have moved out of it. */
function trackTree({ roots, mark }: Tree): () => number[] {
  const starts = new Map(roots.map((pid) => [pid, startOf(pid) ?? undefined]));
  const seen = new Map<number, string>();
  return () => {
    const all = processes();
    const isSame = (pid: number, start: string | undefined): boolean => all.get(pid)?.start === start;
    const known = [...seen].flatMap(([pid, start]) => (isSame(pid, start) ? pid : []));
    const own = roots.filter((pid) => isSame(pid, starts.get(pid)));
    const tree = treeOf([...own, ...known, ...(mark === null ? [] : markedWith(mark, all))], all);
    const left = tree.filter((pid) => pid !== process.pid && !isTmux(all.get(pid)!));
    for (const pid of left) seen.set(pid, all.get(pid)!.start);
    return left;
  };
}

async function endGracefully(pid: number | null): Promise<void> {
  const start = pid === null ? null : startOf(pid);
  if (pid === null || start === null) return;
  signal(pid, "SIGTERM");
  for (let left = GRACE; left > 0 && startOf(pid) === start; left -= STEP) await sleep(STEP);
}

async function killAll(left: () => number[]): Promise<number[]> {
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const pids = left();
    if (pids.length === 0) return [];
    // Stop them first: a stopped process cannot fork while others of its tree are killed.
    for (const pid of pids) signal(pid, "SIGSTOP");
    for (const pid of left()) signal(pid, "SIGKILL");
    await sleep(round < 5 ? 5 : STEP);
  }
  return left();
}
