import { listSnapshots as all, type Snapshot, takeSnapshot } from "../history/snapshot.ts";
import { checkedOut } from "../sessions/branch.ts";
import { startOf } from "../sessions/session.ts";
import type { Entry } from "../sessions/store.ts";
import { Problem } from "../system/problem.ts";
import { warnLeftOut } from "./choose-sessions.ts";
import type { Call } from "./command.ts";
import { resolveEntry } from "./resolve-session.ts";

export async function checkedOutCommit(directory: string | null): Promise<Snapshot["git"]> {
  if (!directory?.startsWith("/") || directory.includes("\0")) return null;
  const { capture } = await import("../system/run.ts");
  const commit = (await capture("git", ["-C", directory, "rev-parse", "HEAD"]))?.trim() ?? "";
  return /^[0-9a-f]{40,64}$/.test(commit) ? { commit, branch: checkedOut(directory) } : null;
}

export const takeSnapshotOf = async (call: Call, entry: Entry, note: string | null) =>
  takeSnapshot(entry, note, await checkedOutCommit(startOf(entry)), warnLeftOut(call));

export const snapshotJson = ({ files, ...rest }: Snapshot) => ({
  ...rest,
  bytes: files.reduce((sum, file) => sum + file.size, 0),
});

/** The snapshot whose id starts with a word. */
export function snapshotNamed(some: readonly Snapshot[], word: string, hint: string): Snapshot {
  const [found, ...others] = word === "" ? [] : some.filter(({ id }) => id.startsWith(word.toLowerCase()));
  if (found && others.length === 0) return found;
  throw new Problem(
    "no-snapshot",
    `${found ? "several snapshots start" : "no snapshot starts"} with "${word}".`,
    {
      hint,
      exit: found ? 2 : 1,
    },
  );
}

/** The snapshots of the session that a word names; of all without one. A deleted session is named by its id. */
export function snapshotsOf(word: string | undefined): Snapshot[] {
  if (word === undefined) return all();
  const found = word.length < 4 ? [] : all((id) => id.startsWith(word.toLowerCase()));
  if (new Set(found.map(({ session }) => session)).size === 1) return found;
  const { id } = resolveEntry(word);
  return all((session) => session === id);
}
