import { join } from "node:path";
import { liveSessions, withoutStale } from "../claude/registry.ts";
import { writeAtomic } from "../system/files.ts";
import { state } from "../system/places.ts";
import type { Candidates } from "./resume-jobs.ts";

/** One line a file, for the workspace's dashboard, which reads them with `cat`: no Node is started for it. */
export function writeDashboardRows({ sessions }: Candidates, now: number): void {
  const all = [...sessions.values()];
  const limited = all.filter(({ verdict }) => verdict.state === "limited");
  const resets = limited.flatMap(({ verdict }) =>
    verdict.state === "limited" && verdict.resetsAt !== null && verdict.resetsAt > now
      ? [verdict.resetsAt]
      : [],
  );
  const waiting = limited.filter((one) => one.state === "waiting").length;
  const ready = limited.filter((one) => one.state === "ready").length;
  const rows = {
    live: String(withoutStale(liveSessions()).size),
    limited: limited.length === 0 ? "none" : `${waiting} waiting, ${ready} ready`,
    reset:
      resets.length === 0
        ? "-"
        : `${new Date(Math.min(...resets)).toISOString().slice(0, 16).replace("T", " ")} UTC`,
  };
  for (const [name, text] of Object.entries(rows)) {
    try {
      writeAtomic(join(state(), "rows", name), `${text}\n`);
    } catch {
      // a dashboard row is not worth a failure
    }
  }
}
