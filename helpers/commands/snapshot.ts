import { type Command, stringFlag } from "../cli/command.ts";
import { resolveEntry } from "../cli/resolve-session.ts";
import { nextSteps } from "../cli/session-format.ts";
import { snapshotJson, snapshotUsage, takeSnapshotOf } from "../cli/snapshot-args.ts";
import { size } from "../terminal/amount.ts";
import { json } from "../terminal/json.ts";
import { writeStdout } from "../terminal/output.ts";

export const snapshot: Command = {
  usage: "snapshot <session> [-m note]",
  description:
    "Keeps the present state of a session, to come back to with ccr rollback; the commit of its project is noted. Snapshots share what is equal. Claude Code does not delete them.",
  flags: { message: { type: "string", short: "m", value: "note", description: "a note, for the list" } },
  positionals: "session",
  maxArgs: 1,
  json: true,
  examples: [
    ['ccr snapshot 4bb6 -m "before the refactoring"', "keep it"],
    ["ccr snapshot .", "the newest session here"],
  ],
  async run(call) {
    const [word] = call.positionals;
    if (word === undefined) throw snapshotUsage("snapshot", "which session?");
    const { snapshot: made, fresh } = await takeSnapshotOf(
      call,
      resolveEntry(word),
      stringFlag(call, "message") ?? null,
    );
    if (call.json) json("snapshot", { snapshot: snapshotJson(made) }, call.warnings);
    else {
      const short = made.session.slice(0, 8);
      writeStdout(
        `${short}: snapshot ${made.id}, ${size(snapshotJson(made).bytes)}, ${size(fresh)} more on disk\n`,
      );
      writeStdout(nextSteps([`go back  ccr rollback ${short} ${made.id}`]));
    }
    return 0;
  },
};
