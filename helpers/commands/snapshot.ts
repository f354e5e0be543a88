import { type Command, stringFlag } from "../cli/command.ts";
import { resolveEntry } from "../cli/resolve-session.ts";
import { nextSteps } from "../cli/session-format.ts";
import { snapshotJson, takeSnapshotOf } from "../cli/snapshot-args.ts";
import { usageError } from "../cli/usage-error.ts";
import { size } from "../terminal/amount.ts";
import { json } from "../terminal/json.ts";
import { writeStdout } from "../terminal/output.ts";

export const snapshot: Command = {
  usage: "snapshot <session> [-m note]",
  description:
    "Saves the current state of a session, so that ccr rollback can go back to it. The git commit of the project is noted. Snapshots share equal files on disk, and Claude Code does not delete them.",
  flags: {
    message: { type: "string", short: "m", value: "note", description: "note to show in ccr snapshots" },
  },
  positionals: "session",
  maxArgs: 1,
  json: true,
  examples: [
    ['ccr snapshot 4bb6 -m "before the refactoring"', "save its state with a note"],
    ["ccr snapshot .", "save the newest session of this directory"],
  ],
  async run(call) {
    const [word] = call.positionals;
    if (word === undefined) throw usageError("missing argument: <session>", "run: ccr snapshot --help");
    const { snapshot: saved, fresh } = await takeSnapshotOf(
      call,
      resolveEntry(word),
      stringFlag(call, "message") ?? null,
    );
    if (call.json) json("snapshot", { snapshot: snapshotJson(saved) }, call.warnings);
    else {
      const short = saved.session.slice(0, 8);
      writeStdout(
        `${short}: snapshot ${saved.id}, ${size(snapshotJson(saved).bytes)}, ${size(fresh)} more on disk\n`,
      );
      writeStdout(nextSteps([`go back  ccr rollback ${short} ${saved.id}`]));
    }
    return 0;
  },
};
