import { closeSync, fstatSync, openSync } from "node:fs";
import { promptOf, timeOf } from "../claude/rows.ts";
import { type Call, type Command, isSet, stringFlag } from "../cli/command.ts";
import { resolveEntry } from "../cli/resolve-session.ts";
import { nextSteps, sessionJson, tableLook } from "../cli/session-format.ts";
import { usageError } from "../cli/usage-error.ts";
import { TranscriptIndex, type Turn } from "../conversation/main-chain.ts";
import { findCut, writeFork } from "../history/fork.ts";
import { readContext } from "../sessions/context.ts";
import type { Entry } from "../sessions/entry.ts";
import { sessionOf, titleOf } from "../sessions/session.ts";
import { readTranscript } from "../sessions/store.ts";
import { collect } from "../system/heap.ts";
import { Problem } from "../system/problem.ts";
import { plural } from "../terminal/amount.ts";
import { clean } from "../terminal/clean.ts";
import { iso, jsonList } from "../terminal/json.ts";
import { writeStdout } from "../terminal/output.ts";
import { table } from "../terminal/table.ts";
import { time } from "../terminal/time.ts";

export const fork: Command = {
  usage: "fork <session> [--at message] [flags]",
  description:
    "Copies a session under a new id, up to a message. The original stays unchanged and may be running. A fork from before a compaction has the full conversation again.",
  flags: {
    at: {
      type: "string",
      value: "message",
      description:
        "the last message to keep: the number of a turn, or a uuid or its first characters; at the uuid of a prompt, the copy ends before the prompt",
    },
    list: { type: "boolean", short: "l", description: "only list the turns" },
    title: { type: "string", value: "text", description: "title of the copy" },
  },
  positionals: "session",
  maxArgs: 1,
  json: true,
  examples: [
    ["ccr fork 4bb6 --list", "list the turns of a session"],
    ["ccr fork 4bb6 --at 3", "try something else after the third turn"],
    ["ccr fork .", "copy the newest session of this directory"],
  ],
  async run(call) {
    const [word] = call.positionals;
    if (word === undefined) throw usageError("missing argument: <session>", "run: ccr fork --help");
    const entry = resolveEntry(word);
    const fd = openSync(entry.path, "r");
    try {
      return await forkSession(call, entry, fd);
    } finally {
      closeSync(fd);
    }
  },
};

async function forkSession(call: Call, entry: Entry, fd: number): Promise<number> {
  const context = readContext();
  const short = entry.id.slice(0, 8);
  const { size } = fstatSync(fd);
  const at = stringFlag(call, "at");
  const list = isSet(call, "list");
  const found = new TranscriptIndex(fd, size, at?.toLowerCase());
  const warnDamaged = (): void => {
    const lines = plural(found.damagedLines, "damaged line");
    if (found.damagedLines > 0) call.warn(new Problem("damaged", `left out ${lines} of ${short}`));
  };
  if (!found.hasCutPoint())
    throw new Problem("empty", `${short} has no messages to copy`, { hint: "run: ccr-list" });
  if (list && !call.json) {
    warnDamaged();
    printTurns(found, context.now);
    return 0;
  }
  const cut = at === undefined ? found.tip : findCut(found, at);
  const title = stringFlag(call, "title") ?? `${titleOf(entry).title ?? short} (fork)`;
  const made = list
    ? null
    : readTranscript(await writeFork(fd, size, found, cut, { from: entry.id, path: entry.path, title }));
  warnDamaged();
  if (call.json) {
    const session = made && sessionJson(sessionOf(made, context));
    const fields = { session, from: entry.id, at: made && found.uuid(cut), turns: [] };
    jsonList("fork", fields, "turns", turnsJson(found), call.warnings);
    return 0;
  }
  let [kept, turns] = [0, 0];
  for (const { row } of found.turns()) {
    turns++;
    if (row <= cut) kept++;
  }
  writeStdout(`${made!.id.slice(0, 8)}: ${kept} of ${turns} turns of ${short}\n`);
  writeStdout(nextSteps([`resume  ccr ${made!.id.slice(0, 8)}`]));
  return 0;
}

/** Prompts are cut to this many characters. */
const LONGEST_PROMPT = 80;
/** Lines of the table that are in memory at once. */
const LINES = 2000;

function* turnsOf(
  found: TranscriptIndex,
): Generator<Turn & { turn: number; at: number | null; prompt: string }> {
  let turn = 0;
  for (const { row, last } of found.turns()) {
    const message = found.row(row) ?? {};
    const prompt = (promptOf(message) ?? "").slice(0, LONGEST_PROMPT);
    yield { row, last, turn: ++turn, at: timeOf(message), prompt };
  }
}

/** Prints the turns as a table, in blocks: a transcript may have a great many. */
function printTurns(found: TranscriptIndex, now: number): void {
  const titles = ["TURN", "TIME", "ENDS WITH", "PROMPT"].map((title, i) => ({ title, flexible: i === 3 }));
  const look = tableLook();
  let rows: string[][] = [];
  const flush = (): void => {
    writeStdout(`${table(titles, rows, look).join("\n")}\n`);
    look.header = false;
    collect();
    rows = [];
  };
  for (const { last, turn, at, prompt } of turnsOf(found)) {
    rows.push([String(turn), time(at, "short", now), found.uuid(last).slice(0, 8), prompt]);
    if (rows.length === LINES) flush();
  }
  flush();
}

function* turnsJson(found: TranscriptIndex): Generator<unknown> {
  for (const { row, last, turn, at, prompt } of turnsOf(found))
    yield {
      turn,
      at: iso(at),
      prompt: clean(prompt),
      promptUuid: found.uuid(row),
      lastUuid: found.uuid(last),
    };
}
