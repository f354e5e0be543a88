import { rank, searchWords } from "../board/filter.ts";
import { itemOfEntry } from "../board/items.ts";
import { openBoard } from "../board/open-board.ts";
import { type Call, type Command, isSet } from "../cli/command.ts";
import { COLUMNS, sessionRows, tableLook } from "../cli/session-format.ts";
import { readContext } from "../sessions/context.ts";
import { sessionOf } from "../sessions/session.ts";
import { type Entry, newestOfAll } from "../sessions/store.ts";
import { Problem } from "../system/problem.ts";
import { writeStderr, writeStdout } from "../terminal/output.ts";
import { table } from "../terminal/table.ts";

const PLAIN_COUNT = 20;

export const pick: Command = {
  usage: "pick [words…] [flags]",
  description:
    "Shows the recent sessions of all projects on the whole screen: type to search, Enter resumes the marked one in its own directory, ? tells the other keys. ccr alone does the same. Without a terminal it is a plain list.",
  flags: {
    "print-id": { type: "boolean", description: "print the id of the chosen session instead of resuming it" },
  },
  examples: [
    ["ccr", "choose among all sessions"],
    ["ccr pick retry gateway", "… beginning with this search"],
    ['ccr "$(ccr pick --print-id)" "go on"', "choose, and give a prompt"],
  ],
  async run(call) {
    const query = call.positionals.join(" ");
    return (await openBoard(call, query, { here: true, targets: [] })) ?? plain(call, query);
  },
};

/** What can be said without taking a screen: the newest, and how to go on. */
function plain(call: Call, query: string): number {
  if (isSet(call, "print-id")) {
    throw new Problem("no-terminal", "there is no terminal to choose a session on.", {
      hint: "ccr-list --json",
    });
  }
  const context = readContext();
  const words = searchWords(query);
  const fits = (entry: Entry): boolean => rank(itemOfEntry(entry, context, true), words) > 0;
  const { entries, unique } = newestOfAll(PLAIN_COUNT, words.length > 0 ? fits : undefined);
  const sessions = entries.map((entry) => sessionOf(entry, context));
  const rows = sessionRows(sessions, { now: context.now, unique, time: "short" });
  const [first] = sessions;
  if (first) writeStdout(`${table(COLUMNS, rows, tableLook()).join("\n")}\n`);
  writeStderr(
    first
      ? `resume  ccr ${first.id.slice(0, unique.get(first.id))}\n`
      : "no session fits\n     all  ccr-list\n",
  );
  return first ? 0 : 1;
}
