import { type Call, isSet } from "../cli/command.ts";
import type { ResumeCommand } from "../cli/resume-command.ts";
import { readContext } from "../sessions/context.ts";
import { sessionOf } from "../sessions/session.ts";
import { read } from "../sessions/store.ts";
import { Problem } from "../system/problem.ts";
import { clean } from "../terminal/clean.ts";
import { writeStderr, writeStdout } from "../terminal/output.ts";
import type { Item } from "./items.ts";
import { type Board, pickOne } from "./loop.ts";

/** The exit status of what was chosen on the whole screen, or of leaving it; null where there is no terminal. */
export async function openBoard(
  call: Call,
  query: string,
  scope: Pick<Board, "here" | "targets">,
): Promise<number | null> {
  if ((process.env.TERM ?? "dumb") === "dumb") return null;
  const board: Board = { ...scope, act, logs };
  const outcome = await pickOne<Chosen>({
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

const act: Board["act"] = async (effect) => (await import("../board/actions.ts")).act(effect);

/** What happened, and what does where it runs; Ctrl-C ends that, and is not meant for us. */
const logs: Board["logs"] = async (item) => {
  const { command } = await import("../board/actions.ts");
  return ["sh", "-c", LOGS, "sh", ...command(item, ["logs", ...(item.live ? ["-f"] : []), item.id])];
};

const LOGS = `trap : INT; echo "ctrl-c  back to the board"; "$@"; [ $? = 130 ] || { printf '\\nenter  back to the board '; read -r _; }`;

const idOf = ({ id }: Item): Chosen => id;

/** Plans as `ccr attach` and `ccr resume` do, from what the files say now. */
async function planFor(item: Item): Promise<Chosen> {
  const { id, folder, path, target } = item;
  if (target !== null) {
    const { command } = await import("../board/actions.ts");
    return { directory: "/", argv: command(item, [item.live ? "attach" : "resume", id]), notes: [] };
  }
  if (item.live) return (await import("../board/actions.ts")).goThere(id);
  const entry = read({ id, folder, path, bytes: 0, mtime: 0 });
  if (!entry) throw new Problem("deleted", `the transcript of ${id.slice(0, 8)} was deleted meanwhile.`);
  const { resumeCommand } = await import("../cli/resume-command.ts");
  const call: Call = { flags: {}, positionals: [], json: false, warn() {}, warnings: [] };
  return resumeCommand(call, entry, sessionOf(entry, readContext()), undefined);
}

/** The picker may draw on another descriptor than the ones that colours are known of. */
const isColoured = ({ flags }: Call): boolean =>
  flags["no-color"] !== true && (flags.color === true || !process.env.NO_COLOR);
