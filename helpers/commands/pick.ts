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

const DEFAULT_COUNT = 20;

export const pick: Command = {
  usage: "pick [words…] [flags]",
  description:
    "Shows the recent sessions of all projects on the whole screen. Type to search, press Enter to resume the selected session in its own directory, and ? to see the other keys. ccr without arguments does the same. Without a terminal it prints a list.",
  flags: {
    "print-id": { type: "boolean", description: "print the id of the chosen session instead of resuming it" },
  },
  examples: [
    ["ccr", "pick one of all sessions"],
    ["ccr pick retry gateway", "start with this search"],
    ['ccr "$(ccr pick --print-id)" "go on"', "pick a session and give it a prompt"],
  ],
  async run(call) {
    const query = call.positionals.join(" ");
    return (await openBoard(call, query, { here: true, targets: [] })) ?? printList(call, query);
  },
};

/** Prints the newest matching sessions, and how to resume the first. */
function printList(call: Call, query: string): number {
  if (isSet(call, "print-id")) {
    throw new Problem("no-terminal", "--print-id needs a terminal to pick a session on", {
      hint: "for scripts: ccr-list --json",
    });
  }
  const context = readContext();
  const words = searchWords(query);
  const matches = (entry: Entry): boolean => rank(itemOfEntry(entry, context, true), words) > 0;
  const { entries, unique } = newestOfAll(DEFAULT_COUNT, words.length > 0 ? matches : undefined);
  const sessions = entries.map((entry) => sessionOf(entry, context));
  const rows = sessionRows(sessions, { now: context.now, unique, time: "short" });
  const [first] = sessions;
  if (first) writeStdout(`${table(COLUMNS, rows, tableLook()).join("\n")}\n`);
  writeStderr(
    first
      ? `resume  ccr ${first.id.slice(0, unique.get(first.id))}\n`
      : "no matching sessions\n     list all: ccr-list\n",
  );
  return first ? 0 : 1;
}
