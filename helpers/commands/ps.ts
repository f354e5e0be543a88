import { type Call, type Command, isSet } from "../cli/command.ts";
import { liveCell, sessionsOfLive, uniqueLiveIds } from "../cli/live-session-format.ts";
import { sessionsInDirectory } from "../cli/resolve-live-session.ts";
import { idCell, nextSteps, projectNames, sessionJson, tableLook } from "../cli/session-format.ts";
import { entryOf } from "../live/journal.ts";
import { displayName, type Live, liveSessions } from "../live/live-sessions.ts";
import { memoryOf, processes } from "../live/process-tree.ts";
import type { Session } from "../sessions/session.ts";
import { size } from "../terminal/amount.ts";
import { iso, json } from "../terminal/json.ts";
import { columns, isTerminal, unicode, writeStderr, writeStdout } from "../terminal/output.ts";
import { type Column, table } from "../terminal/table.ts";
import { duration } from "../terminal/time.ts";

/** A narrower terminal has no room for columns that mostly repeat the name. */
const MIN_WIDE_COLUMNS = 110;

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
    "Lists live sessions: those that ccr started in tmux, those in other terminals, and background sessions of Claude Code. MEMORY is the private memory of all processes of a session.",
  flags: { here: { type: "boolean", description: "only sessions of this directory" } },
  maxArgs: 0,
  json: true,
  examples: [
    ["cct-list", "list live sessions and what each one is doing"],
    [
      "cct-list --json | jq -r '.sessions[] | select(.doing == \"waiting\") | .name'",
      "print the names of sessions that need you",
    ],
  ],
  async run(call) {
    const now = Date.now();
    const listing = liveSessions();
    // Read while tmux answers.
    const running = processes();
    const all = await listing;
    const lives = isSet(call, "here") ? sessionsInDirectory(process.cwd(), all) : all;
    const sessions = sessionsOfLive(lives, now);
    const memory = lives.map((live) => memoryOfLive(live, running));
    if (call.json) printJson(call, lives, sessions, memory);
    else if (lives.length === 0) writeStderr("no live sessions\n     start one: cct\n");
    else printTable(lives, sessions, memory, now);
    return 0;
  },
};

function printJson(
  call: Call,
  lives: readonly Live[],
  sessions: readonly Session[],
  memory: readonly (number | null)[],
): void {
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
}

function printTable(
  lives: readonly Live[],
  sessions: readonly Session[],
  memory: readonly (number | null)[],
  now: number,
): void {
  const ascii = !unicode();
  const unique = uniqueLiveIds(lives);
  const project = projectNames(lives.map((live) => live.project));
  const wide = !isTerminal(1) || columns() >= MIN_WIDE_COLUMNS;
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
  if (!isTerminal(1)) return;
  const name = displayName(lives.find(({ state }) => state !== "exited") ?? lives[0]!);
  writeStdout(nextSteps([`go there  cct ${name}`, `end  cct-kill ${name}`, `send  ccr send ${name} TEXT`]));
}

/** The time since the start, in its largest unit. */
const ageOf = ({ startedAt }: Live, now: number): string =>
  startedAt === null
    ? "-"
    : duration(now - startedAt)
        .split(" ", 2)
        .join(" ");

/** The memory of its windows and of Claude in bytes; null if no process of it can be seen. */
function memoryOfLive(live: Live, all: ReturnType<typeof processes>): number | null {
  const roots = [live.panePid, live.pid].filter((pid): pid is number => pid !== null);
  return !live.here || roots.length === 0 || all.size === 0
    ? null
    : memoryOf(live.ours ? roots : roots.slice(-1), all);
}
