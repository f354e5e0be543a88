import { configDirectory } from "../claude/places.ts";
import { type Todo, todosIn } from "../claude/todos.ts";
import { type Command, isSet, stringFlag } from "../cli/command.ts";
import { idCell, projectNames, tableLook } from "../cli/session-format.ts";
import { isolatedContainers } from "../devcontainer/share-folder.ts";
import { uniqueLengths } from "../sessions/catalogue.ts";
import { readContext } from "../sessions/context.ts";
import { type Session, sessionOf } from "../sessions/session.ts";
import { read, transcripts } from "../sessions/store.ts";
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
    "Lists the tasks of all sessions, on the host and in dev containers, the list that changed last first. The exit status is 1 when there is none.",
  flags: {
    open: { type: "boolean", description: "only those that are not done" },
    project: {
      type: "string",
      value: "name",
      description: "only of projects with this in their path",
      completes: "project",
    },
  },
  maxArgs: 0,
  json: true,
  examples: [
    ["ccr todos --open", "what is left to do, everywhere"],
    ["ccr todos --project shop", "the tasks of one project"],
  ],
  run(call) {
    const rows: Row[] = [];
    const places = [{ host: null, directory: configDirectory() }, ...isolatedContainers()];
    for (const { host, directory } of places) {
      const { todos, damaged } = todosIn(directory);
      for (const file of damaged)
        call.warn(
          new Problem("unreadable", `tasks that cannot be read: ${file}.`, { hint: `look at it: ${file}` }),
        );
      rows.push(...todos.map((one) => ({ ...one, isolated: host !== null, title: null, project: host })));
    }
    const sessions = named(rows);
    for (const row of rows) {
      const session = row.isolated || row.session === null ? undefined : sessions.get(row.session);
      if (session) Object.assign(row, { title: session.title, project: session.project });
    }
    const part = stringFlag(call, "project")?.toLowerCase();
    const newest = new Map<string, number>();
    for (const { list, updatedAt } of rows) newest.set(list, Math.max(newest.get(list) ?? 0, updatedAt));
    const shown = rows
      .filter((row) => !isSet(call, "open") || row.status !== "completed")
      .filter((row) => part === undefined || row.project?.toLowerCase().includes(part))
      .sort(
        (a, b) =>
          newest.get(b.list)! - newest.get(a.list)! || (a.list < b.list ? -1 : a.list > b.list ? 1 : 0),
      );
    if (call.json) {
      json("todos", { todos: shown.map(({ text, ...row }) => jsonOf({ text, ...row })) }, call.warnings);
      return shown.length > 0 ? 0 : 1;
    }
    if (shown.length === 0) {
      writeStderr(`no ${isSet(call, "open") ? "open " : ""}tasks\n`);
      return 1;
    }
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
    writeStderr(`${plural(left, "open task")}${unicode() ? " · " : ", "}${plural(newest.size, "list")}\n`);
    return 0;
  },
};

function named(rows: readonly Row[]): Map<string, Session> {
  const ids = new Set(rows.flatMap(({ session }) => session ?? []));
  const found = new Map<string, Session>();
  if (ids.size === 0) return found;
  const context = readContext();
  for (const transcript of transcripts((id) => ids.has(id.toLowerCase()))) {
    const entry = read(transcript);
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
