import { lstatSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { configDirectory, projectsDirectory } from "../claude/places.ts";
import { liveSessions } from "../claude/registry.ts";
import { type Command, isSet, stringFlag } from "../cli/command.ts";
import { timeFlag } from "../cli/parse-time.ts";
import { tableLook } from "../cli/session-format.ts";
import { tilde } from "../install/changes.ts";
import { logsDirectory } from "../resume/resume-log.ts";
import { realPath } from "../sessions/lookup.ts";
import { cache } from "../system/places.ts";
import { problemOf } from "../system/problem.ts";
import { DAY } from "../system/units.ts";
import { plural, size } from "../terminal/amount.ts";
import { ask } from "../terminal/ask.ts";
import { iso, json } from "../terminal/json.ts";
import { writeStderr, writeStdout } from "../terminal/output.ts";
import { table } from "../terminal/table.ts";
import { time } from "../terminal/time.ts";

const DEFAULT_AGE = 30 * DAY;

type Kind = "session-env" | "todos" | "tasks" | "logs" | "caches";
type Item = { kind: Kind; path: string; bytes: number; modifiedAt: number };

/** Folders with leftovers: each entry of them is removed on its own. None holds a conversation. */
const places = (): [Kind, string][] => [
  ["session-env", join(configDirectory(), "session-env")],
  ["todos", join(configDirectory(), "todos")],
  ["tasks", join(configDirectory(), "tasks")],
  ["logs", logsDirectory()],
  ["logs", join(configDirectory(), "logs")],
  ["logs", join(configDirectory(), "debug")],
  ["caches", join(configDirectory(), "cache")],
  ["caches", join(configDirectory(), "statsig")],
  ["caches", join(configDirectory(), "shell-snapshots")],
  ["caches", cache()],
];

export const cleanUp: Command = {
  usage: "clean [--older-than 30d] [--yes]",
  description:
    "Lists leftovers of old sessions (session-env, task lists, logs, caches), asks, and removes them. It never touches transcripts, the history, settings or files of a running session.",
  flags: {
    "older-than": {
      type: "string",
      value: "time",
      description: "only leftovers older than this: 30d (default), 12h",
    },
    yes: { type: "boolean", short: "y", description: "remove without asking" },
  },
  maxArgs: 0,
  json: true,
  examples: [
    ["ccr clean", "list leftovers, then ask"],
    ["ccr clean --older-than 90d --yes", "remove them without asking, for cron"],
  ],
  run(call) {
    const now = Date.now();
    const before = timeFlag(call, "older-than", { now, direction: "past" }) ?? now - DEFAULT_AGE;
    const items = places().flatMap(([kind, folder]) => old(kind, folder, before));
    const sum = items.reduce((bytes, item) => bytes + item.bytes, 0);
    if (!call.json && items.length > 0) {
      const rows = items.map(({ kind, path, bytes, modifiedAt }) => [
        time(modifiedAt, "short", now),
        kind,
        size(bytes),
        tilde(path),
      ]);
      const columns = ["TIME", "KIND", "SIZE", "PATH"].map((title, i) => ({ title, flexible: i === 3 }));
      writeStdout(`${table(columns, rows, tableLook()).join("\n")}\n`);
    }
    const yes =
      isSet(call, "yes") ||
      (!call.json &&
        items.length > 0 &&
        ask(`remove ${plural(items.length, "item")} (${size(sum)})?`) === true);
    let gone = 0;
    for (const { kind, path } of yes ? items : []) {
      try {
        // A session may have used it again during the question.
        if (!old(kind, join(path, ".."), before).some((item) => item.path === path)) continue;
        rmSync(path, { recursive: true, force: true });
        gone++;
      } catch (error) {
        call.warn(problemOf(error));
      }
    }
    if (call.json) {
      const fields = items.map(({ modifiedAt, ...item }) => ({ ...item, modifiedAt: iso(modifiedAt) }));
      json("clean", { removed: yes, items: fields }, call.warnings);
    } else if (items.length === 0)
      writeStderr(`no leftovers are older than ${stringFlag(call, "older-than") ?? "30d"}\n`);
    else if (yes) writeStderr(`${plural(gone, "item")} removed (${size(sum)})\n`);
    else writeStderr("nothing removed     remove them  ccr clean --yes\n");
    return call.warnings.length > 0 ? 1 : 0;
  },
};

/** Returns the entries of a folder in which nothing changed since `before` (epoch ms). */
function old(kind: Kind, folder: string, before: number): Item[] {
  // A link may lead to the transcripts or to a folder that contains them: leave it alone.
  const [real, projects] = [`${realPath(folder)}/`, `${realPath(projectsDirectory())}/`];
  if (real.startsWith(projects) || projects.startsWith(real)) return [];
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    return [];
  }
  const live = liveSessions();
  return names.flatMap((name): Item[] => {
    if (live.has(name.slice(0, 36).toLowerCase())) return [];
    const path = join(folder, name);
    try {
      const { bytes, modifiedAt, sessions } = weight(path);
      if (modifiedAt > before || sessions) return [];
      return [{ kind, path, bytes, modifiedAt }];
    } catch {
      return [];
    }
  });
}

/** Returns size and newest change of a file or of a folder with its contents; `sessions`: it contains a transcript. */
function weight(path: string): { bytes: number; modifiedAt: number; sessions: boolean } {
  const stat = lstatSync(path);
  const sum = {
    bytes: stat.isFile() ? stat.size : 0,
    modifiedAt: stat.mtimeMs,
    sessions: /^[0-9a-f-]{36}\.jsonl$/i.test(path.slice(-42)),
  };
  if (!stat.isDirectory()) return sum;
  for (const name of readdirSync(path)) {
    const { bytes, modifiedAt, sessions } = weight(join(path, name));
    sum.bytes += bytes;
    sum.modifiedAt = Math.max(sum.modifiedAt, modifiedAt);
    sum.sessions ||= sessions;
  }
  return sum;
}
