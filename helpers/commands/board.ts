import { displayedSession, SECTIONS, sectionOf, sessionOfLive } from "../board/items.ts";
import { openBoard } from "../board/open-board.ts";
import { fetchBoard } from "../board/remote-sessions.ts";
import { type Call, type Command, isSet, stringFlag } from "../cli/command.ts";
import { COLUMNS, fillTmux, sessionJson, sessionRows, tableLook } from "../cli/session-format.ts";
import { invalidValue } from "../cli/usage-error.ts";
import { type Remote, remoteOf, remotes } from "../remote/remote.ts";
import { readContext } from "../sessions/context.ts";
import { limitedSessions } from "../sessions/limited.ts";
import { type Session, sessionOf } from "../sessions/session.ts";
import { newest, newestOfAll, transcripts } from "../sessions/store.ts";
import { Problem } from "../system/problem.ts";
import { WEEK } from "../system/units.ts";
import { clean } from "../terminal/clean.ts";
import { paint } from "../terminal/colour.ts";
import { json } from "../terminal/json.ts";
import { isTerminal, writeStderr, writeStdout } from "../terminal/output.ts";
import { table } from "../terminal/table.ts";

const DEFAULT_COUNT = 20;
/** Limited sessions older than this (ms) are left out. */
const RECENT = WEEK;

export const board: Command = {
  usage: "board [n] [flags]",
  description:
    "Shows on one screen which sessions need you, which work, which are limited and which are recent, and updates as they change; ? shows the keys. Without a terminal, or with --once, it prints them, with the n newest recent ones (default 20).",
  flags: {
    on: {
      type: "string",
      value: "targets",
      description: "also the sessions of other machines (ccr remote): a,b or all; here is this machine",
    },
    once: { type: "boolean", description: "print the sessions and exit" },
  },
  maxArgs: 1,
  json: true,
  examples: [
    ["ccr board", "open the board; ccr alone does the same"],
    ["ccr board --on all", "include the sessions of every target"],
    ["ccr board --on here,web --once", "print the sessions of this machine and of web"],
    [
      "ccr board --json | jq '.sessions[] | select(.section == \"Needs you\")'",
      "sessions that need you, for a script",
    ],
  ],
  async run(call) {
    const [text = `${DEFAULT_COUNT}`] = call.positionals;
    const count = Number(text);
    if (!Number.isInteger(count) || count < 0) {
      throw invalidValue("number of sessions", text, "a whole number such as 20");
    }
    const scope = scopeOf(stringFlag(call, "on"));
    const status =
      call.json || isSet(call, "once") || !isTerminal(0) || !isTerminal(1)
        ? null
        : await openBoard(call, "", scope);
    return status ?? printBoard(call, count, scope);
  },
};

type Scope = { here: boolean; targets: Remote[] };

/** Reads --on. */
function scopeOf(names: string | undefined): Scope {
  if (names === undefined) return { here: true, targets: [] };
  if (names === "all") return { here: true, targets: remotes() };
  const list = names.split(",").filter(Boolean);
  return { here: list.includes("here"), targets: list.filter((name) => name !== "here").map(remoteOf) };
}

type Shown = { target: string | null; session: Session };

/** Prints the board without a terminal. Exit status 1 when only other machines were asked and none answered. */
async function printBoard(call: Call, count: number, { here, targets }: Scope): Promise<number> {
  const requests = targets.map(async (target) => ({ target, answer: await fetchBoard(target, count) }));
  const { sessions, unique } = here
    ? await localSessions(count)
    : { sessions: [], unique: new Map<string, number>() };
  const shown: Shown[] = sessions.map((session) => ({ target: null, session }));
  const answered = [];
  for (const { target, answer } of await Promise.all(requests)) {
    const error = "error" in answer ? answer.error : null;
    answered.push({ ...target, error: error === null ? null : clean(error) });
    if ("error" in answer)
      call.warn(new Problem("unreachable", `${target.name} unreachable: ${answer.error}`));
    else shown.push(...answer.sessions.map((session) => ({ target: target.name, session })));
  }
  const now = Date.now();
  const order = ({ session }: Shown): number => SECTIONS.indexOf(sectionOf(displayedSession(session, now)));
  shown.sort((a, b) => order(a) - order(b) || (b.session.updatedAt ?? 0) - (a.session.updatedAt ?? 0));
  if (call.json) {
    const rows = shown.map(({ target, session }) => ({
      ...sessionJson(session),
      target,
      section: sectionOf(displayedSession(session, now)),
    }));
    json("board", { targets: answered, sessions: rows }, call.warnings);
  } else if (shown.length > 0) writeStdout(boardLines(shown, unique));
  else writeStderr("no sessions\n");
  return !here && answered.every(({ error }) => error !== null) ? 1 : 0;
}

/** Returns the live sessions of this machine, those that wait for a reset, and the `count` newest others. */
async function localSessions(count: number): Promise<{ sessions: Session[]; unique: Map<string, number> }> {
  const context = readContext();
  const { unregisteredSessions } = await import("../board/unregistered-sessions.ts");
  const live = new Map([...(await unregisteredSessions()), ...context.live]);
  context.live = live;
  const found = new Map<string, Session>();
  const add = (session: Session): void => void (found.has(session.id) || found.set(session.id, session));
  const running = transcripts((id) => live.has(id.toLowerCase()));
  for (const entry of newest(running, live.size)) add(sessionOf(entry, context));
  for (const one of live.values()) add(sessionOfLive(one));
  await fillTmux([...found.values()]);
  for (const session of limitedSessions(context, context.now - RECENT).sessions)
    if (session.state === "waiting") add(session);
  const most = found.size + count;
  const { entries, unique } = newestOfAll(most);
  for (const entry of entries) if (found.size < most) add(sessionOf(entry, context));
  return { sessions: [...found.values()], unique };
}

/** Returns the rows of the board with the name of each section above its first row. */
function boardLines(shown: readonly Shown[], unique: ReadonlyMap<string, number>): string {
  const now = Date.now();
  const sessions = shown.map(({ session }) => displayedSession(session, now));
  const rows = sessionRows(sessions, { now, unique, time: "short" });
  for (const [i, { target }] of shown.entries())
    if (target !== null) rows[i]![2] = `${target}:${rows[i]![2]}`;
  const body = table(COLUMNS, rows, { ...tableLook(), header: false });
  return body
    .map((line, i) => {
      const section = sectionOf(sessions[i]!);
      const begins = i === 0 || sectionOf(sessions[i - 1]!) !== section;
      return `${begins ? `${paint(section, "bold")}\n` : ""}${line}\n`;
    })
    .join("");
}
