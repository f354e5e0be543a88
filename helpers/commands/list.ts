import { existsSync } from "node:fs";
import { projectsDirectory } from "../claude/places.ts";
import { type Call, type Command, isSet, stringFlag } from "../cli/command.ts";
import {
  COLUMNS,
  fillTmux,
  nextSteps,
  sessionJson,
  sessionRows,
  tableLook,
  timeStyle,
} from "../cli/session-format.ts";
import { usageError } from "../cli/usage-error.ts";
import { readContext } from "../sessions/context.ts";
import { deletedSessions } from "../sessions/deleted.ts";
import { realPath } from "../sessions/lookup.ts";
import { type Session, sessionOf } from "../sessions/session.ts";
import { allSessionIds, newestOfAll } from "../sessions/store.ts";
import { Problem } from "../system/problem.ts";
import { DAY } from "../system/units.ts";
import { json } from "../terminal/json.ts";
import { isTerminal, writeStderr, writeStdout } from "../terminal/output.ts";
import { table } from "../terminal/table.ts";

const DEFAULT_COUNT = 20;

export const list: Command = {
  usage: "list [n] [flags]",
  description:
    "Lists the newest sessions of all projects (20 unless you give a number), sorted by the time of their last record. To resume one, type ccr and the bright part of its id.",
  flags: {
    here: { type: "boolean", description: "only sessions started in this directory" },
    project: {
      type: "string",
      value: "name",
      description: "only sessions of projects whose path contains this",
      completes: "project",
    },
    limited: { type: "boolean", description: "only sessions that hit a usage limit" },
    live: { type: "boolean", description: "only live sessions" },
    all: {
      type: "boolean",
      short: "a",
      description: "all sessions, also those whose transcript was deleted",
    },
    time: {
      type: "string",
      value: "how",
      description: "format of times: short, iso, local or relative",
      completes: ["short", "iso", "local", "relative"],
    },
  },
  maxArgs: 1,
  json: true,
  examples: [
    ["ccr-list 5", "list the five newest sessions"],
    ["ccr-list --here", "list the sessions of this directory"],
    ["ccr-list --project web --limited", "list limited sessions of projects with web in their path"],
    ["ccr-list 100 --json | jq -r '.sessions[].id'", "print ids for a script"],
  ],
  async run(call) {
    const style = timeStyle(call);
    const limit = countOf(call);
    const context = readContext();
    if (!existsSync(projectsDirectory())) return printNoSessions(call);
    const keep = filterOf(call);
    const { entries, unique, twins } = hasFilter(call)
      ? newestOfAll(limit, (entry) => keep(sessionOf(entry, context)))
      : newestOfAll(limit);
    const sessions = entries.map((entry) => sessionOf(entry, context));
    if (isSet(call, "all"))
      sessions.push(
        ...deletedSessions(new Set(allSessionIds()))
          .filter(keep)
          .slice(0, limit - sessions.length),
      );
    warnAboutTwins(call, twins, sessions);
    if (call.json) {
      await fillTmux(sessions);
      json("list", { sessions: sessions.map(sessionJson) }, call.warnings);
      return 0;
    }
    if (sessions.length === 0) {
      writeStderr(
        hasFilter(call)
          ? "no matching sessions\n     list all: ccr-list\n"
          : "no sessions yet\n     start one: claude\n",
      );
      return 0;
    }
    const look = tableLook();
    writeStdout(
      `${table(COLUMNS, sessionRows(sessions, { now: context.now, unique, time: style }), look).join("\n")}\n`,
    );
    if (isTerminal(1)) writeStdout(footer(sessions, unique, context.now));
    return 0;
  },
};

/** Returns the line below the table that says what to type next. */
function footer(sessions: readonly Session[], unique: ReadonlyMap<string, number>, now: number): string {
  const short = (session: Session): string => session.id.slice(0, unique.get(session.id) ?? 8);
  const first =
    sessions.find((session) => session.state !== "live" && session.state !== "gone") ?? sessions[0]!;
  const soonDeleted = sessions.find(
    (session) => session.deletedAfter !== null && session.deletedAfter - now < 7 * DAY && !session.live,
  );
  const parts = [`resume  ccr ${short(first)}`, "find  ccr-find WORDS"];
  if (soonDeleted) parts.push("keep  cleanupPeriodDays in ~/.claude/settings.json");
  return nextSteps(parts);
}

function printNoSessions(call: Call): number {
  if (call.json) json("list", { sessions: [] }, call.warnings);
  else
    writeStderr(
      `no Claude Code sessions in ${projectsDirectory()}\n     start one: claude\n     use another directory: CLAUDE_CONFIG_DIR=/path ccr-list\n`,
    );
  return 0;
}

function countOf(call: Call): number {
  const [word] = call.positionals;
  if (word === undefined) return isSet(call, "all") ? Number.POSITIVE_INFINITY : DEFAULT_COUNT;
  const count = Number(word);
  if (Number.isInteger(count) && count > 0) return count;
  throw usageError(`"${word}" is not a number of sessions`, [
    `list sessions: ccr-list ${DEFAULT_COUNT}`,
    `find sessions: ccr-find ${word}`,
  ]);
}

const hasFilter = (call: Call): boolean =>
  isSet(call, "here") ||
  isSet(call, "limited") ||
  isSet(call, "live") ||
  stringFlag(call, "project") !== undefined;

function filterOf(call: Call): (session: Session) => boolean {
  const here = isSet(call, "here") ? realPath(process.cwd()) : null;
  const project = stringFlag(call, "project")?.toLowerCase();
  return (session) =>
    (here === null ||
      session.project === here ||
      (session.project !== null && realPath(session.project) === here)) &&
    (project === undefined || (session.project?.toLowerCase().includes(project) ?? false)) &&
    (!isSet(call, "limited") || session.state === "waiting" || session.state === "ready") &&
    (!isSet(call, "live") || session.live !== null);
}

/** Warns about ids that are stored in several project folders. */
function warnAboutTwins(call: Call, twins: ReadonlyMap<string, number>, sessions: readonly Session[]): void {
  for (const { id } of sessions) {
    const count = twins.get(id) ?? 1;
    if (count > 1) {
      const message = `${id.slice(0, 8)} is stored in ${count} project folders; the newest file is shown`;
      call.warn(new Problem("duplicate-id", message));
    }
  }
}
