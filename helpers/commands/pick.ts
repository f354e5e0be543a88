import { surroundings } from "../sessions/context.ts";
import { sessionOf } from "../sessions/session.ts";
import { type Entry, newestOfAll, read } from "../sessions/store.ts";
import { Problem } from "../system/problem.ts";
import { clean } from "../terminal/clean.ts";
import { out, say } from "../terminal/output.ts";
import { table } from "../terminal/table.ts";
import { type Call, type Command, on } from "../cli/command.ts";
import { rank, wordsOf } from "../board/filter.ts";
import { type Item, itemOf } from "../board/items.ts";
import { type Board, pickOne } from "../board/loop.ts";
import type { Plan } from "./resume.ts";
import { COLUMNS, sessionRows, tableLook } from "../cli/session-format.ts";

const PLAIN_COUNT = 20;

export const pick: Command = {
  usage: "pick [words…] [flags]",
  about:
    "Shows the recent sessions of all projects on the whole screen: type to search, Enter resumes the marked one in its own directory, ? tells the other keys. ccr alone does the same. Without a terminal it is a plain list.",
  flags: {
    "print-id": { type: "boolean", about: "print the id of the chosen session instead of resuming it" },
  },
  examples: [
    ["ccr", "choose among all sessions"],
    ["ccr pick retry gateway", "… beginning with this search"],
    ['ccr "$(ccr pick --print-id)" "go on"', "choose, and give a prompt"],
  ],
  async run(call) {
    const query = call.words.join(" ");
    return (await onScreen(call, query, { here: true, targets: [] })) ?? plain(call, query);
  },
};

/** The exit status of what was chosen on the whole screen, or of leaving it; null where there is no terminal. */
export async function onScreen(
  call: Call,
  query: string,
  scope: Pick<Board, "here" | "targets">,
): Promise<number | null> {
  if ((process.env.TERM ?? "dumb") === "dumb") return null;
  const board: Board = { ...scope, act, logs };
  const outcome = await pickOne<Chosen>({
    query,
    coloured: isColoured(call),
    ...(on(call, "print-id") ? { choose: idOf } : { choose: planFor, board }),
  });
  if (!outcome) return null;
  if ("status" in outcome) return outcome.status === 0 && on(call, "print-id") ? 1 : outcome.status;
  const { chosen } = outcome;
  if (typeof chosen === "string") {
    out(`${chosen}\n`);
    return 0;
  }
  if ("go" in chosen) return chosen.go();
  for (const note of chosen.notes) say(`ccr: ${clean(note)}\n`);
  const { handOver } = await import("../system/handoff.ts");
  return handOver(chosen.directory, chosen.argv);
}

type Chosen = string | Plan | { go(): Promise<number> };

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
  const { planOf } = await import("./resume.ts");
  const call: Call = { flags: {}, words: [], json: false, warn() {}, warnings: [] };
  return planOf(call, entry, sessionOf(entry, surroundings()), undefined);
}

/** The picker may draw on another descriptor than the ones that colours are known of. */
const isColoured = ({ flags }: Call): boolean =>
  flags["no-color"] !== true && (flags.color === true || !process.env.NO_COLOR);

/** What can be said without taking a screen: the newest, and how to go on. */
function plain(call: Call, query: string): number {
  if (on(call, "print-id")) {
    throw new Problem("no-terminal", "there is no terminal to choose a session on.", {
      hint: "ccr-list --json",
    });
  }
  const around = surroundings();
  const words = wordsOf(query);
  const fits = (entry: Entry): boolean => rank(itemOf(entry, around, true), words) > 0;
  const { entries, unique } = newestOfAll(PLAIN_COUNT, words.length > 0 ? fits : undefined);
  const sessions = entries.map((entry) => sessionOf(entry, around));
  const rows = sessionRows(sessions, { now: around.now, unique, time: "short" });
  const [first] = sessions;
  if (first) out(`${table(COLUMNS, rows, tableLook()).join("\n")}\n`);
  say(
    first
      ? `resume  ccr ${first.id.slice(0, unique.get(first.id))}\n`
      : "no session fits\n     all  ccr-list\n",
  );
  return first ? 0 : 1;
}
