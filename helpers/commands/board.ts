import { displayedSession, SECTIONS, sectionOf, sessionOfLive } from "../board/items.ts";
import { openBoard } from "../board/open-board.ts";
import { fetchBoard } from "../board/remote-sessions.ts";
import { type Call, type Command, isSet, stringFlag } from "../cli/command.ts";
import { COLUMNS, fillTmux, sessionJson, sessionRows, tableLook } from "../cli/session-format.ts";
import { type Remote, remoteOf, remotes } from "../remote/remote.ts";
import { readContext } from "../sessions/context.ts";
import { stoppedSessions } from "../sessions/limited.ts";
import { type Session, sessionOf } from "../sessions/session.ts";
import { newest, newestOfAll, transcripts } from "../sessions/store.ts";
import { Problem } from "../system/problem.ts";
import { clean } from "../terminal/clean.ts";
import { paint } from "../terminal/colour.ts";
import { json } from "../terminal/json.ts";
import { isTerminal, writeStderr, writeStdout } from "../terminal/output.ts";
import { table } from "../terminal/table.ts";

const DEFAULT_COUNT = 20;
const RECENT = 7 * 86_400_000;

export const board: Command = {
  usage: "board [n] [flags]",
  description:
    "One screen of what needs you, what works, what a limit has stopped, and the recent sessions; it changes with them, and ? tells its keys. Without a terminal, or with --once, it is printed: n recent ones (20).",
  flags: {
    on: {
      type: "string",
      value: "targets",
      description: "of other machines (ccr remote): a,b or all; here is this one",
    },
    once: { type: "boolean", description: "print it, and end" },
  },
  maxArgs: 1,
  json: true,
  examples: [
    ["ccr board", "the screen; ccr alone does the same"],
    ["ccr board --on all", "with the sessions of every target"],
    ["ccr board --on here,web --once", "of this machine and of web, printed"],
    ["ccr board --json | jq '.sessions[] | select(.section == \"Needs you\")'", "for a script"],
  ],
  async run(call) {
    const [word = `${DEFAULT_COUNT}`] = call.positionals;
    const count = Number(word);
    if (!Number.isInteger(count) || count < 0) {
      throw new Problem("usage", `"${word}" is not a number of sessions.`, { hint: "ccr board 20", exit: 2 });
    }
    const scope = scopeOf(stringFlag(call, "on"));
    const status =
      call.json || isSet(call, "once") || !isTerminal(0) || !isTerminal(1)
        ? null
        : await openBoard(call, "", scope);
    return status ?? once(call, count, scope);
  },
};

type Scope = { here: boolean; targets: Remote[] };

function scopeOf(words: string | undefined): Scope {
  if (words === undefined) return { here: true, targets: [] };
  if (words === "all") return { here: true, targets: remotes() };
  const names = words.split(",").filter(Boolean);
  return { here: names.includes("here"), targets: names.filter((name) => name !== "here").map(remoteOf) };
}

type Shown = { target: string | null; session: Session };

async function once(call: Call, count: number, { here, targets }: Scope): Promise<number> {
  const asked = targets.map(async (target) => ({ target, answer: await fetchBoard(target, count) }));
  const { sessions, unique } = here
    ? await ofHere(count)
    : { sessions: [], unique: new Map<string, number>() };
  const shown: Shown[] = sessions.map((session) => ({ target: null, session }));
  const told = [];
  for (const { target, answer } of await Promise.all(asked)) {
    const error = "error" in answer ? answer.error : null;
    told.push({ ...target, error: error === null ? null : clean(error) });
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
    json("board", { targets: told, sessions: rows }, call.warnings);
  } else if (shown.length > 0) writeStdout(lines(shown, unique));
  else writeStderr("no sessions\n");
  return !here && told.every(({ error }) => error !== null) ? 1 : 0;
}

/** The live ones, those that wait for a limit, and the newest others. */
async function ofHere(count: number): Promise<{ sessions: Session[]; unique: Map<string, number> }> {
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
  for (const session of stoppedSessions(context, context.now - RECENT).sessions)
    if (session.state === "waiting") add(session);
  const most = found.size + count;
  const { entries, unique } = newestOfAll(most);
  for (const entry of entries) if (found.size < most) add(sessionOf(entry, context));
  return { sessions: [...found.values()], unique };
}

function lines(shown: readonly Shown[], unique: ReadonlyMap<string, number>): string {
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
