// Which sessions of the journal are gone, and may come back. Nothing here starts anything.

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
 * Why a session is left as it is. `closed`: in tmux, whose server still runs; `live`: its Claude runs outside of tmux;
 * `ending`: it has lost its terminal and is about to end.
 */
export type Reason =
  | "running"
  | "live"
  | "ending"
  | "stopped"
  | "closed"
  | "other-machine"
  | "directory-gone"
  | "other-server";
export type Plan = { entry: Entry; reason: Reason | null };

/** Launch and server may have started in either order, this far apart. */
const SLACK = 15_000;
/** So long a stopped session can be asked for by its name. */
const KEPT = 7 * 86_400_000;

/** When the tmux server was started; null: there is none. Throws a Problem where that cannot be told. */
async function serverStart(): Promise<number | null> {
  if (!hasTmux())
    throw new Problem("no-tmux", "tmux is not installed.", { hint: "install it: apt-get install tmux" });
  const { ok, out, err } = await tmux(["list-sessions", "-F", "#{start_time}"]);
  if (ok) return Number(/\d+/.exec(out)?.[0] ?? 0) * 1000 || null;
  if (/no server running|error connecting|no sessions/.test(err)) return null;
  throw new Problem("tmux", `tmux does not answer: ${err || "no reason given"}.`, { hint: "tmux ls" });
}

/** What would come back; of `named` (tmux names, ids or their beginnings) also what a person has stopped. */
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
  const live = withoutStale(registered());
  return chosen.map((entry) => {
    const { id, current, stoppedAt, launchedAt, project } = entry;
    const life = lifeOf(entry);
    const reason = (): Reason | null => {
      if (life !== "elsewhere" && here.has(id)) return "running";
      const claude = live.get(current);
      if (claude) return claude.here && ancestors(claude.pid).length === 1 ? "ending" : "live";
      if (!isUsable(project)) return "directory-gone";
      if (named.length > 0) return null;
      if (stoppedAt !== null) return "stopped";
      if (life === "elsewhere") return "other-machine";
      if (life === "before") return null;
      if (!isOnServer(entry)) return "other-server";
      return started !== null && started <= launchedAt + SLACK ? "closed" : null;
    };
    return { entry, reason: reason() };
  });
}

const TURN = 30_000;

/** Waits until no other process restores sessions; gives what ends our turn. One that was killed has had its turn. */
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

/** Writes down what a look has shown: sessions that were closed in tmux, and none that were stopped long ago. */
export function settleJournal(plans: readonly Plan[], now: number): void {
  for (const { entry, reason } of plans) {
    if (reason === "closed") updateEntry(entry.id, { stoppedAt: now });
    if (reason === "stopped" && now - entry.stoppedAt! > KEPT) deleteEntry(entry.id);
  }
}
