// Which sessions of the journal have ended with their tmux server and can be restored. Nothing here starts anything.

import { mkdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { liveSessions as registered, withoutStale } from "../claude/registry.ts";
import { isUsable } from "../resume/run.ts";
import { makeDirectory } from "../system/files.ts";
import { state } from "../system/places.ts";
import { errno, Problem } from "../system/problem.ts";
import { ancestors } from "../system/process.ts";
import {
  deleteEntry,
  type Entry,
  entries,
  isOnServer,
  lifeOf,
  updateEntry,
  useServerOfNewest,
} from "./journal.ts";
import { liveSessions } from "./live-sessions.ts";
import { hasTmux, tmux } from "./tmux.ts";

/**
 * Why a session is not restored. `closed`: a person closed it in tmux, whose server still runs; `live`: its Claude runs
 * outside of tmux; `ending`: it has lost its terminal and is about to end.
 */
type Reason =
  | "running"
  | "live"
  | "ending"
  | "stopped"
  | "closed"
  | "other-machine"
  | "directory-gone"
  | "other-server";
export type Plan = { entry: Entry; reason: Reason | null };

/** The session and the server may have started in either order, at most this far apart (ms). */
const SLACK = 15_000;
/** How long (ms) a stopped session can be restored by its name. */
const KEPT = 7 * 86_400_000;

/** When the tmux server was started (epoch ms). Null: none runs. Throws a Problem when that is unknown. */
async function serverStart(): Promise<number | null> {
  if (!hasTmux())
    throw new Problem("no-tmux", "tmux is not installed", { hint: "install tmux: apt-get install tmux" });
  const { ok, out, err } = await tmux(["list-sessions", "-F", "#{start_time}"]);
  if (ok) return Number(/\d+/.exec(out)?.[0] ?? 0) * 1000 || null;
  if (/no server running|error connecting|no sessions/.test(err)) return null;
  throw new Problem("tmux", `tmux does not answer: ${err || "no reason given"}`, { hint: "run: tmux ls" });
}

/** Which sessions would be restored. Those in `named` (tmux names, ids or their beginnings) even if a person stopped them. */
export async function restorePlan(named: readonly string[] = []): Promise<Plan[]> {
  const all = entries();
  const chosen = all.filter(
    ({ name, id }) => named.length === 0 || named.some((word) => word === name || id.startsWith(word)),
  );
  if (chosen.length === 0) return [];
  useServerOfNewest(all);
  const started = await serverStart();
  const here = new Set(
    started === null ? [] : (await liveSessions()).flatMap(({ ours, key }) => (ours ? key : [])),
  );
  const now: Now = { started, here, live: withoutStale(registered()), named: named.length > 0 };
  return chosen.map((entry) => ({ entry, reason: reasonOf(entry, now) }));
}

/** What runs now: the start of the tmux server, ids of our live sessions, all registered ones; whether a person named some. */
type Now = {
  started: number | null;
  here: ReadonlySet<string>;
  live: ReturnType<typeof withoutStale>;
  named: boolean;
};

/** Why a session is not restored. Null: it is. */
function reasonOf(entry: Entry, { started, here, live, named }: Now): Reason | null {
  const life = lifeOf(entry);
  if (life !== "elsewhere" && here.has(entry.id)) return "running";
  const claude = live.get(entry.current);
  if (claude) return claude.here && ancestors(claude.pid).length === 1 ? "ending" : "live";
  if (!isUsable(entry.project)) return "directory-gone";
  return named ? null : reasonUnlessNamed(entry, life, started);
}

function reasonUnlessNamed(
  entry: Entry,
  life: ReturnType<typeof lifeOf>,
  started: number | null,
): Reason | null {
  if (entry.stoppedAt !== null) return "stopped";
  if (life === "elsewhere") return "other-machine";
  if (life === "before") return null;
  if (!isOnServer(entry)) return "other-server";
  return started !== null && started <= entry.launchedAt + SLACK ? "closed" : null;
}

/** How long (ms) a restore may take; after that its lock is ignored. */
const TURN = 30_000;

/** Waits until no other process restores sessions. Returns the function that ends our turn. The turn of a killed process expires. */
export async function takeTurn(): Promise<() => void> {
  const lock = join(state(), "restoring");
  makeDirectory(state());
  for (;;) {
    try {
      mkdirSync(lock);
      return () => rmSync(lock, { recursive: true, force: true });
    } catch (error) {
      if (errno(error) !== "EEXIST") throw error;
    }
    const { mtimeMs = 0 } = statSync(lock, { throwIfNoEntry: false }) ?? {};
    if (mtimeMs > 0 && Math.abs(Date.now() - mtimeMs) > TURN) rmSync(lock, { recursive: true, force: true });
    else await sleep(50);
  }
}

/** Updates the journal from a plan: marks sessions that were closed in tmux, deletes those that were stopped long ago. */
export function settleJournal(plans: readonly Plan[], now: number): void {
  for (const { entry, reason } of plans) {
    if (reason === "closed") updateEntry(entry.id, { stoppedAt: now });
    if (reason === "stopped" && now - entry.stoppedAt! > KEPT) deleteEntry(entry.id);
  }
}
