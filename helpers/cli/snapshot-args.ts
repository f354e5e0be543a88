import { listSnapshots as all, type Snapshot, takeSnapshot } from "../history/snapshot.ts";
import { currentBranch } from "../sessions/current-branch.ts";
import { startDirectoryOf } from "../sessions/session.ts";
import type { Entry } from "../sessions/store.ts";
import { Problem } from "../system/problem.ts";
import { warnLeftOut } from "./choose-sessions.ts";
import type { Call } from "./command.ts";
import { resolveEntry } from "./resolve-session.ts";

/** Returns the commit and branch that are checked out in a directory; null outside git. */
export async function checkedOutCommit(directory: string | null): Promise<Snapshot["git"]> {
  if (!directory?.startsWith("/") || directory.includes("\0")) return null;
  const { capture } = await import("../system/run.ts");
  const commit = (await capture("git", ["-C", directory, "rev-parse", "HEAD"]))?.trim() ?? "";
  return /^[0-9a-f]{40,64}$/.test(commit) ? { commit, branch: currentBranch(directory) } : null;
}

/** Saves the present state of a session. */
export const takeSnapshotOf = async (call: Call, entry: Entry, note: string | null) =>
  takeSnapshot(entry, note, await checkedOutCommit(startDirectoryOf(entry)), warnLeftOut(call));

/** Returns a snapshot in the form of JSON output. */
export const snapshotJson = ({ files, ...rest }: Snapshot) => ({
  ...rest,
  bytes: files.reduce((sum, file) => sum + file.size, 0),
});

/** Returns the snapshot whose id starts with a word. Throws a Problem when there is none or more than one. */
export function snapshotNamed(some: readonly Snapshot[], word: string, hint: string): Snapshot {
  const [found, ...others] = word === "" ? [] : some.filter(({ id }) => id.startsWith(word.toLowerCase()));
  if (found && others.length === 0) return found;
  const what = found ? `"${word}" matches ${others.length + 1} snapshots` : `no snapshot matches "${word}"`;
  throw new Problem("no-snapshot", what, { hint, exit: found ? 2 : 1 });
}

/** Returns the snapshots of the session that a word names, all snapshots without a word. A deleted session is named by its id. */
export function snapshotsOf(word: string | undefined): Snapshot[] {
  if (word === undefined) return all();
  const found = word.length < 4 ? [] : all((id) => id.startsWith(word.toLowerCase()));
  if (new Set(found.map(({ session }) => session)).size === 1) return found;
  const { id } = resolveEntry(word);
  return all((session) => session === id);
}
