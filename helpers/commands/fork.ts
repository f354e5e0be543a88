import { closeSync, fstatSync, openSync } from "node:fs";
import { cutAt, survey, uuidsOf, writeFork } from "../archive/fork.ts";
import { surroundings } from "../sessions/around.ts";
import { sessionOf, titleOf } from "../sessions/session.ts";
import { read } from "../sessions/store.ts";
import { smallHeap } from "../system/heap.ts";
import { Problem } from "../system/problem.ts";
import { clean } from "../terminal/clean.ts";
import { iso, json } from "../terminal/json.ts";
import { out } from "../terminal/output.ts";
import { table } from "../terminal/table.ts";
import { time } from "../terminal/time.ts";
import { type Command, on, text } from "./command.ts";
import { entryNamed } from "./named.ts";
import { nextLine, sessionJson, tableLook } from "./view.ts";

export const fork: Command = {
  usage: "fork <session> [--at message] [flags]",
  about:
    "Copies a session under a new id, up to a message; the session stays as it is, and may be running. A fork from\nbefore a compaction has the full conversation again.",
  flags: {
    at: {
      type: "string",
      value: "message",
      about: "the last one to keep: a turn's number, or a uuid or its beginning; a prompt's: cut before it",
    },
    list: { type: "boolean", short: "l", about: "only list the turns" },
    title: { type: "string", value: "text", about: "the fork's title" },
  },
  words: "session",
  most: 1,
  json: true,
  examples: [
    ["ccr fork 4bb6 --list", "its turns, to choose from"],
    ["ccr fork 4bb6 --at 3", "try something else after the third turn"],
    ["ccr fork .", "a copy of the newest session here"],
  ],
  async run(call) {
    const [word] = call.words;
    if (word === undefined)
      throw new Problem("usage", "which session?", { hint: "ccr fork --help", exit: 2 });
    await smallHeap();
    const around = surroundings();
    const entry = entryNamed(word);
    const short = entry.id.slice(0, 8);
    const fd = openSync(entry.path, "r");
    try {
      const { size } = fstatSync(fd);
      const told = call.json || on(call, "list");
      const found = survey(fd, size, told);
      const { chain, turns, kinds } = found;
      const uuids = told ? uuidsOf(found) : [];
      if (chain.length === 0 || !kinds.includes("good"))
        throw new Problem("empty", `${short} has no message to cut at.`, { hint: "ccr-list" });
      if (found.lost > 0)
        call.warn(
          new Problem("damaged", `lines of ${short} that cannot be read are left out: ${found.lost}.`),
        );
      if (on(call, "list") && !call.json) {
        const rows = turns.map(({ last, at, prompt }, i) => [
          String(i + 1),
          time(at, "short", around.now),
          uuids[last]!.slice(0, 8),
          prompt,
        ]);
        const titles = ["TURN", "TIME", "ENDS WITH", "PROMPT"].map((title, i) => ({
          title,
          flexible: i === 3,
        }));
        out(`${table(titles, rows, tableLook()).join("\n")}\n`);
        return 0;
      }
      const words = text(call, "at");
      const cut = words === undefined ? chain.at(-1)! : cutAt(found, words);
      const title = text(call, "title") ?? `${titleOf(entry).title ?? short} (fork)`;
      const made = on(call, "list")
        ? null
        : read(await writeFork(fd, size, found, cut, { from: entry.id, path: entry.path, title }));
      if (call.json) {
        json(
          "fork",
          {
            session: made && sessionJson(sessionOf(made, around)),
            from: entry.id,
            at: made && uuids[cut],
            turns: turns.map(({ row, last, at, prompt }, i) => ({
              turn: i + 1,
              at: iso(at),
              prompt: clean(prompt),
              promptUuid: uuids[row],
              lastUuid: uuids[last],
            })),
          },
          call.warnings,
        );
        return 0;
      }
      const kept = turns.filter(({ row }) => row <= cut).length;
      out(`${made!.id.slice(0, 8)}: ${kept} of ${turns.length} turns of ${short}\n`);
      out(nextLine([`resume  ccr ${made!.id.slice(0, 8)}`]));
      return 0;
    } finally {
      closeSync(fd);
    }
  },
};
