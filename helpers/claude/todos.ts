// The tasks that sessions keep: `todos/<session>-agent-<agent>.json` (older CLIs), `tasks/<list>/<n>.json`.

import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { readText } from "../system/files.ts";
import { isSessionId } from "./places.ts";
import { object, string } from "./rows.ts";

export type Todo = {
  /** its list: a session's id, or a name that several sessions share */
  list: string;
  session: string | null;
  id: string | null;
  text: string;
  status: "pending" | "in_progress" | "completed";
  file: string;
  /** epoch ms */
  updatedAt: number;
};

const names = (folder: string): string[] => {
  try {
    return readdirSync(folder).sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
  } catch {
    return [];
  }
};

/** Every task below a configuration directory, and the files that could not be read. */
export function todosIn(directory: string): { todos: Todo[]; damaged: string[] } {
  const todos: Todo[] = [];
  const damaged: string[] = [];
  const read = (file: string, list: string): void => {
    try {
      const value: unknown = JSON.parse(readText(file));
      const updatedAt = statSync(file).mtimeMs;
      for (const one of Array.isArray(value) ? value : [value]) {
        const row = object(one);
        const text = string(row?.subject) ?? string(row?.content);
        const status = row?.status;
        if (!row || text === null) continue;
        if (status !== "pending" && status !== "in_progress" && status !== "completed") continue;
        const session = isSessionId(list) ? list.toLowerCase() : null;
        todos.push({ list, session, id: string(row.id), text, status, file, updatedAt });
      }
    } catch {
      damaged.push(file);
    }
  };
  for (const name of names(join(directory, "todos")))
    if (name.endsWith(".json")) read(join(directory, "todos", name), name.slice(0, -5).split("-agent-")[0]!);
  for (const list of names(join(directory, "tasks")))
    for (const name of names(join(directory, "tasks", list)))
      if (/^[^.].*\.json$/.test(name)) read(join(directory, "tasks", list, name), list);
  return { todos, damaged };
}
