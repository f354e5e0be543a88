import { type Call, isSet } from "../cli/command.ts";
import type { ResumeCommand } from "../cli/resume-command.ts";
import { readContext } from "../sessions/context.ts";
import { sessionOf } from "../sessions/session.ts";
import { readTranscript } from "../sessions/store.ts";
import { Problem } from "../system/problem.ts";
import { clean } from "../terminal/clean.ts";
import { writeStderr, writeStdout } from "../terminal/output.ts";
import type { Item } from "./items.ts";
import { type BoardOptions, runPicker } from "./loop.ts";

/**
 * Shows the board (or the plain picker with --print-id) and runs what was chosen. Returns the exit status; null if
 * there is no terminal to draw on.
 */
export async function openBoard(
  call: Call,
  query: string,
  scope: Pick<BoardOptions, "here" | "targets">,
): Promise<number | null> {
  if ((process.env.TERM ?? "dumb") === "dumb") return null;
  const board: BoardOptions = { ...scope, runAction, logsCommand };
  const outcome = await runPicker<Chosen>({
    query,
    coloured: isColoured(call),
    ...(isSet(call, "print-id") ? { choose: idOf } : { choose: planFor, board }),
  });
  if (!outcome) return null;
  if ("status" in outcome) return outcome.status === 0 && isSet(call, "print-id") ? 1 : outcome.status;
  const { chosen } = outcome;
  if (typeof chosen === "string") {
    writeStdout(`${chosen}\n`);
    return 0;
  }
  if ("go" in chosen) return chosen.go();
  for (const note of chosen.notes) writeStderr(`ccr: ${clean(note)}\n`);
  const { handOver } = await import("../system/handoff.ts");
  return handOver(chosen.directory, chosen.argv);
}

type Chosen = string | ResumeCommand | { go(): Promise<number> };

const runAction: BoardOptions["runAction"] = async (action) =>
  (await import("./actions.ts")).runAction(action);

/** Returns the command that shows the logs of a session. Ctrl-C ends the command, not the board. */
const logsCommand: BoardOptions["logsCommand"] = async (item) => {
  const { commandFor } = await import("./actions.ts");
  return ["sh", "-c", LOGS, "sh", ...commandFor(item, ["logs", ...(item.live ? ["-f"] : []), item.id])];
};

const LOGS = `trap : INT; echo "ctrl-c returns to the board"; "$@"; [ $? = 130 ] || { printf '\\nenter returns to the board '; read -r _; }`;

const idOf = ({ id }: Item): Chosen => id;

/** Plans what `ccr attach` or `ccr resume` would do, from the current state of the files. */
async function planFor(item: Item): Promise<Chosen> {
  const { id, folder, path, target } = item;
  if (target !== null) {
    const { commandFor } = await import("./actions.ts");
    return { directory: "/", argv: commandFor(item, [item.live ? "attach" : "resume", id]), notes: [] };
  }
  if (item.live) return (await import("./actions.ts")).planAttach(id);
  const entry = readTranscript({ id, folder, path, bytes: 0, mtime: 0 });
  if (!entry) throw new Problem("deleted", `the transcript of ${id.slice(0, 8)} was just deleted`);
  const { resumeCommand } = await import("../cli/resume-command.ts");
  const call: Call = { flags: {}, positionals: [], json: false, warn() {}, warnings: [] };
  return resumeCommand(call, entry, sessionOf(entry, readContext()), undefined);
}

/** Whether to draw in colour. The picker may draw on a descriptor of its own, so only flags and NO_COLOR count. */
const isColoured = ({ flags }: Call): boolean =>
  flags["no-color"] !== true && (flags.color === true || !process.env.NO_COLOR);
