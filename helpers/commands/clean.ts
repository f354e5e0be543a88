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

/** What may grow old: each entry of these folders by itself. Nothing here holds a conversation. */
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
    "Lists what is left of old sessions: their session-env, task lists, logs, caches; asks, and removes it. Transcripts, the history and settings are never touched, nor what a running session has.",
  flags: {
    "older-than": { type: "string", value: "time", description: "untouched for so long: 30d (default), 12h" },
    yes: { type: "boolean", short: "y", description: "do not ask" },
  },
  maxArgs: 0,
  json: true,
  examples: [
    ["ccr clean", "see what there is, then decide"],
    ["ccr clean --older-than 90d --yes", "for cron"],
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
        // A session may have come back to it while we asked.
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
      writeStderr(`nothing is older than ${stringFlag(call, "older-than") ?? "30d"}\n`);
    else if (yes) writeStderr(`${plural(gone, "item")} removed (${size(sum)})\n`);
    else writeStderr("nothing removed     remove  ccr clean --yes\n");
    return call.warnings.length > 0 ? 1 : 0;
  },
};

/** Entries of a folder that nobody has written to since, with all that is in them. */
function old(kind: Kind, folder: string, before: number): Item[] {
  // Where a link leads to the transcripts, or to a folder around them, nothing is old.
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

/** Bytes and newest time of a file, or of a folder with all below; `sessions`: what looks like a transcript. */
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
