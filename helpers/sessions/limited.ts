import { type Stats, statSync } from "node:fs";
import { verdictAt } from "../limits/tail.ts";
import { stateOf } from "../limits/verdict.ts";
import { errno } from "../system/problem.ts";
import { type Session, type Surroundings, sessionOf } from "./session.ts";
import { idsIn, projectFolders, read } from "./store.ts";

/**
 * Every session whose last message says that it is limited or blocked, newest first; `since` (epoch ms) leaves out
 * files that were not written to since then, without opening them. `searched` counts the files that were opened.
 */
export function stoppedSessions(
  around: Surroundings,
  since: number | null = null,
): { sessions: Session[]; searched: number; unreadable: string[] } {
  const sessions = new Map<string, Session>();
  const unreadable: string[] = [];
  let searched = 0;
  for (const [folder, path] of projectFolders()) {
    for (const id of idsIn(path)) {
      const file = `${path}/${id}.jsonl`;
      try {
        let stats: Stats | undefined;
        if (since !== null) {
          stats = statSync(file, { throwIfNoEntry: false });
          if (!stats || stats.mtimeMs < since) continue;
        }
        searched++;
        const verdict = verdictAt(file);
        if (verdict.state === "none") continue;
        stats ??= statSync(file);
        if (!stats.isFile()) continue;
        const entry = read({
          id: id.toLowerCase(),
          folder,
          path: file,
          bytes: stats.size,
          mtime: stats.mtimeMs,
        });
        if (!entry) continue;
        const session = sessionOf(entry, around);
        session.verdict = verdict;
        if (!session.live) session.state = stateOf(verdict, around.now);
        const twin = sessions.get(session.id);
        if (!twin || (twin.updatedAt ?? 0) < (session.updatedAt ?? 0)) sessions.set(session.id, session);
      } catch (error) {
        if (errno(error) !== "ENOENT") unreadable.push(file);
      }
    }
  }
  const found = [...sessions.values()].sort((a, b) => (b.updatedAt ?? 0) - (a.updatedAt ?? 0));
  return { sessions: found, searched, unreadable };
}
