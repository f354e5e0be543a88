import type { Command } from "../cli/command.ts";
import { COLUMNS, fillTmux, sessionJson, sessionRows, tableLook } from "../cli/session-format.ts";
import { uniqueLengths } from "../sessions/catalogue.ts";
import { readContext } from "../sessions/context.ts";
import { currentSession } from "../sessions/current.ts";
import { sessionOf } from "../sessions/session.ts";
import { allSessionIds } from "../sessions/store.ts";
import { json } from "../terminal/json.ts";
import { isTerminal, writeStderr, writeStdout } from "../terminal/output.ts";
import { table } from "../terminal/table.ts";

/** Why this session is the current one. */
const WHY = {
  environment: "Claude started this shell in it",
  tmux: "it runs in this tmux session",
  registry: "it runs in this directory",
  directory: "it is the newest of this directory",
  newest: "it is the newest of all; this directory has none",
} as const;

export const current: Command = {
  usage: "current [flags]",
  description:
    "Shows the session of this shell and why it is the current one. It is the first that exists of: the session in which Claude started this shell; the session that runs in this tmux session; the one that runs in this directory; the newest of this directory; the newest of all.",
  flags: { id: { type: "boolean", description: "print only the id" } },
  maxArgs: 0,
  json: true,
  examples: [
    ["ccr-current", "show the session and why it is the current one"],
    ['ccr "$(ccr-current --id)"', "resume it"],
  ],
  async run(call) {
    const context = readContext();
    const found = await currentSession(context.live);
    if (call.json) {
      const session = found && sessionOf(found.entry, context);
      if (session) await fillTmux([session]);
      json(
        "current",
        { session: session && sessionJson(session), rule: found?.rule ?? "newest" },
        call.warnings,
      );
      return found ? 0 : 1;
    }
    if (!found) {
      writeStderr("no sessions yet\n     start one: claude\n");
      return 1;
    }
    if (call.flags.id === true) {
      writeStdout(`${found.entry.id}\n`);
      return 0;
    }
    const session = sessionOf(found.entry, context);
    const unique = uniqueLengths(allSessionIds());
    const rows = sessionRows([session], { now: context.now, unique, time: "short" });
    writeStdout(`${table(COLUMNS, rows, { ...tableLook(), header: false }).join("\n")}\n`);
    writeStderr(`${isTerminal(2) ? "" : "ccr: "}${WHY[found.rule]}\n`);
    return 0;
  },
};
