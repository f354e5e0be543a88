import { type Command, isSet } from "../cli/command.ts";
import { liveCell, sessionsOfLive, uniqueLiveIds } from "../cli/live-session-format.ts";
import { sessionsInDirectory } from "../cli/resolve-live-session.ts";
import { idCell, nextSteps, projectNames, sessionJson, tableLook } from "../cli/session-format.ts";
import { entryOf } from "../live/journal.ts";
import { displayName, type Live, liveSessions } from "../live/live-sessions.ts";
import { memoryOf, processes } from "../live/process-tree.ts";
import { size } from "../terminal/amount.ts";
import { iso, json } from "../terminal/json.ts";
import { columns, isTerminal, unicode, writeStderr, writeStdout } from "../terminal/output.ts";
import { type Column, table } from "../terminal/table.ts";
import { duration } from "../terminal/time.ts";

/** A terminal narrower than this has no room for what the name says nearly as well. */
const WIDE = 110;

const COLUMNS: readonly (Column & { wide?: boolean })[] = [
  { title: "NAME", flexible: true },
  { title: "SESSION" },
  { title: "PROJECT", flexible: true, wide: true },
  { title: "STATE" },
  { title: "AGE" },
  { title: "MEMORY" },
  { title: "CLIENTS", wide: true },
  { title: "TITLE", flexible: true },
];

export const ps: Command = {
  usage: "ps [flags]",
  description:
    "Lists the sessions that are live: those in tmux that ccr started, Claudes in other terminals, and the background sessions of Claude Code. Memory is what the whole tree of a session has for itself.",
  flags: { here: { type: "boolean", description: "only sessions of this directory" } },
  maxArgs: 0,
  json: true,
  examples: [
    ["cct-list", "what is live, and what each one does"],
    ["cct-list --json | jq -r '.sessions[] | select(.doing == \"waiting\") | .name'", "who needs you"],
  ],
  async run(call) {
    const now = Date.now();
    const listing = liveSessions();
    // While tmux answers.
    const table_ = processes();
    const all = await listing;
    const lives = isSet(call, "here") ? sessionsInDirectory(process.cwd(), all) : all;
    const sessions = sessionsOfLive(lives, now);
    const memory = lives.map((live) => memoryOfLive(live, table_));
    if (call.json) {
      const rows = lives.map((live, i) => ({
        ...sessionJson(sessions[i]!),
        name: live.name,
        windows: live.windows,
        clients: live.clients,
        memoryBytes: memory[i],
        startedAt: iso(live.startedAt),
        restart: entryOf(live.key)?.restart ?? null,
        doing: live.state,
      }));
      json("ps", { sessions: rows }, call.warnings);
      return 0;
    }
    const first = lives.find(({ state }) => state !== "exited") ?? lives[0];
    if (!first) {
      writeStderr("no live session\n     start one  cct\n");
      return 0;
    }
    const ascii = !unicode();
    const unique = uniqueLiveIds(lives);
    const project = projectNames(lives.map((live) => live.project));
    const wide = !isTerminal(1) || columns() >= WIDE;
    const kept = COLUMNS.flatMap((column, i) => (wide || !column.wide ? i : []));
    const rows = lives.map((live, i) => {
      const title = sessions[i]!.title;
      const cells = [
        live.name ?? [{ text: live.kind === "bg" ? "(background)" : "(terminal)", colour: "dim" as const }],
        idCell(live.id, unique),
        project(live.project),
        liveCell(live, sessions[i]!, now, ascii, wide),
        ageOf(live, now),
        memory[i] === null ? "-" : size(memory[i]!),
        String(live.clients || ""),
        [{ text: title ?? "(no title)", ...(title ? {} : { colour: "dim" as const }) }],
      ];
      return kept.map((at) => cells[at]!);
    });
    const shown = kept.map((at) => COLUMNS[at]!);
    writeStdout(`${table(shown, rows, tableLook()).join("\n")}\n`);
    if (isTerminal(1)) {
      const name = displayName(first);
      writeStdout(
        nextSteps([`go there  cct ${name}`, `end  cct-kill ${name}`, `say  ccr send ${name} TEXT`]),
      );
    }
    return 0;
  },
};

/** The first unit is enough to tell old ones from new ones. */
const ageOf = ({ startedAt }: Live, now: number): string =>
  startedAt === null
    ? "-"
    : duration(now - startedAt)
        .split(" ", 2)
        .join(" ");

/** Of its windows and of Claude, wherever that runs; null where there is no process to look at. */
function memoryOfLive(live: Live, all: ReturnType<typeof processes>): number | null {
  const roots = [live.panePid, live.pid].filter((pid): pid is number => pid !== null);
  return !live.here || roots.length === 0 || all.size === 0
    ? null
    : memoryOf(live.ours ? roots : roots.slice(-1), all);
}
