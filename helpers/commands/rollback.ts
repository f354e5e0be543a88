import type { Command } from "../cli/command.ts";
import { resolveEntry } from "../cli/resolve-session.ts";
import { nextSteps } from "../cli/session-format.ts";
import {
  checkedOutCommit,
  snapshotJson,
  snapshotNamed,
  snapshotsOf,
  takeSnapshotOf,
} from "../cli/snapshot-args.ts";
import { usageError } from "../cli/usage-error.ts";
import { rollBack } from "../history/snapshot.ts";
import { readContext } from "../sessions/context.ts";
import type { Entry } from "../sessions/store.ts";
import { Problem } from "../system/problem.ts";
import { quote } from "../system/shell-quote.ts";
import { statOrNull } from "../system/staged-file.ts";
import { clean } from "../terminal/clean.ts";
import { json } from "../terminal/json.ts";
import { writeStdout } from "../terminal/output.ts";
import { time } from "../terminal/time.ts";

export const rollback: Command = {
  usage: "rollback <session> <snapshot>",
  description:
    "Returns a session to a snapshot. Its current state is saved as a snapshot first, so this can be undone. Live sessions are not changed. A deleted session is restored.",
  flags: {},
  positionals: "session",
  maxArgs: 2,
  json: true,
  examples: [
    ["ccr rollback 4bb6 9f3a", "go back to the snapshot whose id starts with 9f3a"],
    ["ccr snapshots 4bb6", "list the snapshots"],
  ],
  async run(call) {
    const [word, wanted] = call.positionals;
    if (word === undefined || wanted === undefined)
      throw usageError(
        `missing argument: ${word === undefined ? "<session>" : "<snapshot>"}`,
        "run: ccr rollback --help",
      );
    const target = snapshotNamed(snapshotsOf(word), wanted, `list them: ccr snapshots ${quote(word)}`);
    const { session } = target;
    const short = session.slice(0, 8);
    const requireEnded = (): void => {
      if (!readContext().live.has(session)) return;
      throw new Problem("live", `${short} is running`, {
        hint: [`end it first: cct-kill ${short}`, `or work in a copy: ccr fork ${short}`],
      });
    };
    requireEnded();
    const present = findEntry(session);
    const stats = present && statOrNull(present.path);
    const before =
      present && (await takeSnapshotOf(call, present, `before the rollback to ${target.id}`)).snapshot;
    await rollBack(target, present && stats && { path: present.path, stats }, requireEnded);
    if (call.json) {
      json(
        "rollback",
        { snapshot: snapshotJson(target), before: before && snapshotJson(before) },
        call.warnings,
      );
      return 0;
    }
    writeStdout(
      `${short}: back at snapshot ${target.id} of ${time(Date.parse(target.at), "local", Date.now())}\n`,
    );
    const { commit } = target.git ?? {};
    const project = target.project ?? "";
    writeStdout(
      nextSteps([
        `resume  ccr ${short}`,
        ...(before ? [`undo  ccr rollback ${short} ${before.id}`] : []),
        ...(commit !== undefined && commit !== (await checkedOutCommit(project))?.commit
          ? [`its code  git -C ${quote(clean(project))} checkout ${commit.slice(0, 12)}`]
          : []),
      ]),
    );
    return 0;
  },
};

/** Returns the entry of a session, or null if it has no transcript. */
function findEntry(id: string): Entry | null {
  try {
    return resolveEntry(id);
  } catch (error) {
    if (error instanceof Problem && ["deleted", "no-session"].includes(error.kind)) return null;
    throw error;
  }
}
