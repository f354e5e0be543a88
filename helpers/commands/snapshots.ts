import { type Call, type Command, isSet } from "../cli/command.ts";
import { idCell, nextSteps, projectNames, tableLook } from "../cli/session-format.ts";
import { snapshotJson, snapshotNamed, snapshotsOf } from "../cli/snapshot-args.ts";
import { usageError } from "../cli/usage-error.ts";
import { listSnapshots as all, deleteSnapshots, type Snapshot } from "../history/snapshot.ts";
import { uniqueLengths } from "../sessions/catalogue.ts";
import { allSessionIds } from "../sessions/store.ts";
import { Problem } from "../system/problem.ts";
import { plural, size } from "../terminal/amount.ts";
import { ask } from "../terminal/ask.ts";
import { json } from "../terminal/json.ts";
import { writeStderr, writeStdout } from "../terminal/output.ts";
import { table } from "../terminal/table.ts";
import { time } from "../terminal/time.ts";

export const snapshots: Command = {
  usage: "snapshots [session] | --delete <snapshot…> [flags]",
  description:
    "Lists snapshots, newest first, including those of deleted sessions. With --delete it deletes the named snapshots; the sessions themselves stay.",
  flags: {
    delete: { type: "boolean", description: "delete the named snapshots" },
    force: { type: "boolean", short: "f", description: "do not ask for confirmation" },
  },
  positionals: "session",
  json: true,
  examples: [
    ["ccr snapshots 4bb6", "list the snapshots of one session"],
    ["ccr snapshots --delete 9f3a 01c2", "delete two snapshots, by the first characters of their ids"],
  ],
  run(call) {
    if (isSet(call, "delete")) return deleteNamed(call);
    if (call.positionals.length > 1)
      throw usageError(`unexpected argument: "${call.positionals[1]}"`, "run: ccr snapshots --help");
    const found = snapshotsOf(call.positionals[0]);
    if (call.json) printJson(call, found);
    else if (found.length === 0) writeStderr("no snapshots yet\n     save one: ccr snapshot SESSION\n");
    else printTable(found);
    return 0;
  },
};

function printTable(found: readonly Snapshot[]): void {
  const name = projectNames(found.map(({ project }) => project));
  const unique = uniqueLengths([...new Set([...allSessionIds(), ...found.map(({ session }) => session)])]);
  const now = Date.now();
  const rows = found.map((one) => [
    time(Date.parse(one.at), "short", now),
    one.id,
    idCell(one.session, unique),
    name(one.project),
    size(snapshotJson(one).bytes),
    one.git?.commit.slice(0, 7) ?? "",
    one.note ?? one.lastPrompt ?? "",
  ]);
  const titles = ["TIME", "SNAPSHOT", "SESSION", "PROJECT", "SIZE", "COMMIT", "NOTE"];
  const columns = titles.map((title) => ({ title, flexible: title === "PROJECT" || title === "NOTE" }));
  writeStdout(`${table(columns, rows, tableLook()).join("\n")}\n`);
  writeStdout(nextSteps(["go back  ccr rollback SESSION SNAPSHOT"]));
}

const printJson = (call: Call, list: Snapshot[], deleted: string[] = [], freed = 0): void =>
  json("snapshots", { snapshots: list.map(snapshotJson), deleted, freed }, call.warnings);

function deleteNamed(call: Call): number {
  if (call.positionals.length === 0)
    throw usageError("missing argument: <snapshot>", "list them: ccr snapshots");
  const known = all();
  const chosen = [
    ...new Set(call.positionals.map((word) => snapshotNamed(known, word, "list them: ccr snapshots"))),
  ];
  const bytes = size(chosen.reduce((sum, one) => sum + snapshotJson(one).bytes, 0));
  if (!isSet(call, "force")) {
    const answer = call.json ? null : ask(`Delete ${plural(chosen.length, "snapshot")} (${bytes})?`);
    if (answer === null)
      throw new Problem("not-asked", "deleting a snapshot cannot be undone, so it needs confirmation", {
        hint: `do not ask: ccr snapshots --delete --force ${chosen.map(({ id }) => id).join(" ")}`,
        exit: 2,
      });
    if (!answer) return 1;
  }
  const freed = deleteSnapshots(chosen);
  const ids = chosen.map(({ id }) => id);
  if (call.json) printJson(call, all(), ids, freed);
  else writeStderr(`${plural(chosen.length, "snapshot")} deleted, ${size(freed)} freed\n`);
  return 0;
}
