import { configDirectory } from "../claude/places.ts";
import { type Todo, todosIn } from "../claude/todos.ts";
import { type Call, type Command, isSet, stringFlag } from "../cli/command.ts";
import { idCell, projectNames, tableLook } from "../cli/session-format.ts";
import { isolatedContainers } from "../devcontainer/share-folder.ts";
import { uniqueLengths } from "../sessions/catalogue.ts";
import { readContext } from "../sessions/context.ts";
import { type Session, sessionOf } from "../sessions/session.ts";
import { readTranscript, transcripts } from "../sessions/store.ts";
import { Problem } from "../system/problem.ts";
import { plural } from "../terminal/amount.ts";
import { clean } from "../terminal/clean.ts";
import { iso, json } from "../terminal/json.ts";
import { unicode, writeStderr, writeStdout } from "../terminal/output.ts";
import { table } from "../terminal/table.ts";
import { time } from "../terminal/time.ts";

type Row = Todo & { isolated: boolean; title: string | null; project: string | null };

const COLUMNS = ["TIME", "SESSION", "PROJECT", "TASK"].map((title, i) => ({ title, flexible: i > 1 }));
const SIGNS = {
  pending: { sign: "○.", colour: undefined },
  in_progress: { sign: "●*", colour: "green" },
  completed: { sign: "✓v", colour: "dim" },
} as const;

export const todos: Command = {
  usage: "todos [--open] [--project name]",
  description:
    "Lists the tasks of all sessions, on the host and in dev containers. The list that changed last comes first. The exit status is 1 when there are none.",
  flags: {
    open: { type: "boolean", description: "only tasks that are not completed" },
    project: {
      type: "string",
      value: "name",
      description: "only tasks of projects whose path contains this",
      completes: "project",
    },
  },
  maxArgs: 0,
  json: true,
  examples: [
    ["ccr todos --open", "list what is left to do"],
    ["ccr todos --project shop", "list the tasks of one project"],
  ],
  run(call) {
    const rows = readTasks(call);
    const shown = filterAndSort(call, rows);
    if (call.json) json("todos", { todos: shown.map(jsonOf) }, call.warnings);
    else if (shown.length === 0) writeStderr(`no ${isSet(call, "open") ? "open " : ""}tasks\n`);
    else printTable(shown, new Set(rows.map(({ list }) => list)).size);
    return shown.length > 0 ? 0 : 1;
  },
};

/** Reads the tasks of this home and of isolated dev containers. Warns about files that cannot be read. */
function readTasks(call: Call): Row[] {
  const rows: Row[] = [];
  const places = [{ host: null, directory: configDirectory() }, ...isolatedContainers()];
  for (const { host, directory } of places) {
    const { todos, damaged } = todosIn(directory);
    for (const file of damaged)
      call.warn(
        new Problem("unreadable", `cannot read the tasks in ${file}`, { hint: `check the file: ${file}` }),
      );
    rows.push(...todos.map((one) => ({ ...one, isolated: host !== null, title: null, project: host })));
  }
  const sessions = sessionsOf(rows);
  for (const row of rows) {
    const session = row.isolated || row.session === null ? undefined : sessions.get(row.session);
    if (session) Object.assign(row, { title: session.title, project: session.project });
  }
  return rows;
}

function filterAndSort(call: Call, rows: readonly Row[]): Row[] {
  const part = stringFlag(call, "project")?.toLowerCase();
  const newest = new Map<string, number>();
  for (const { list, updatedAt } of rows) newest.set(list, Math.max(newest.get(list) ?? 0, updatedAt));
  const byName = (a: Row, b: Row): number => Number(a.list > b.list) - Number(a.list < b.list);
  return rows
    .filter((row) => !isSet(call, "open") || row.status !== "completed")
    .filter((row) => part === undefined || row.project?.toLowerCase().includes(part))
    .sort((a, b) => newest.get(b.list)! - newest.get(a.list)! || byName(a, b));
}

function printTable(shown: readonly Row[], lists: number): void {
  const look = tableLook();
  const now = Date.now();
  const name = projectNames(shown.map(({ project }) => project));
  const unique = uniqueLengths(shown.flatMap(({ session }) => session ?? []));
  const lines = shown.map((row) => {
    const { sign, colour } = SIGNS[row.status];
    const paint = colour ? { colour } : {};
    return [
      time(row.updatedAt, "short", now),
      row.session ? idCell(row.session, unique) : row.list,
      name(row.project),
      [
        { text: `${sign[look.ascii ? 1 : 0]} `, ...paint },
        { text: row.text, ...paint },
      ],
    ];
  });
  writeStdout(`${table(COLUMNS, lines, look).join("\n")}\n`);
  const left = shown.filter(({ status }) => status !== "completed").length;
  writeStderr(`${plural(left, "open task")}${unicode() ? " · " : ", "}${plural(lists, "list")}\n`);
}

/** Returns the sessions that tasks belong to, by id. */
function sessionsOf(rows: readonly Row[]): Map<string, Session> {
  const ids = new Set(rows.flatMap(({ session }) => session ?? []));
  const found = new Map<string, Session>();
  if (ids.size === 0) return found;
  const context = readContext();
  for (const transcript of transcripts((id) => ids.has(id.toLowerCase()))) {
    const entry = readTranscript(transcript);
    if (entry) found.set(entry.id, sessionOf(entry, context));
  }
  return found;
}

const jsonOf = ({ session, title, project, list, id, text, status, isolated, updatedAt, file }: Row) => ({
  session,
  title: title === null ? null : clean(title),
  project,
  list,
  id,
  text: clean(text),
  status,
  isolated,
  updatedAt: iso(updatedAt),
  file,
});
