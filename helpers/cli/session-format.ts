// How a session is shown: the same columns, signs and words in every command.

import { uniqueLengths } from "../sessions/catalogue.ts";
import { type Session, sessionOf } from "../sessions/session.ts";
import type { Entry } from "../sessions/store.ts";
import { DAY } from "../system/units.ts";
import { plural } from "../terminal/amount.ts";
import { clean } from "../terminal/clean.ts";
import { type Colour, paint } from "../terminal/colour.ts";
import { iso } from "../terminal/json.ts";
import { columns, isTerminal, unicode } from "../terminal/output.ts";
import { type Cell, type Column, type Part, table } from "../terminal/table.ts";
import { duration, type TimeStyle, time } from "../terminal/time.ts";
import { wrap } from "../terminal/wrap.ts";
import { type Call, stringFlag } from "./command.ts";
import { invalidValue } from "./usage-error.ts";

const WARN_BEFORE_SWEEP = 7 * DAY;
const SHORT_ID = 8;
const MIN_UNIQUE = 4;

/** Returns the first characters of an id: those that must be typed bold, the rest of the first eight dim. */
export function idCell(id: string, unique: ReadonlyMap<string, number>): Part[] {
  const length = unique.get(id) ?? MIN_UNIQUE;
  return [
    { text: id.slice(0, length), colour: "bold" },
    { text: id.slice(length, Math.max(SHORT_ID, length)), colour: "dim" },
  ];
}

/** Returns a function that names directories: by the last part, with the parent's name when two of `paths` share it. */
export function projectNames(paths: Iterable<string | null>): (path: string | null) => string {
  const all = [...new Set(paths)].filter((path): path is string => path !== null);
  const name = (path: string, parts: number): string =>
    path.split("/").filter(Boolean).slice(-parts).join("/") || "/";
  const count = new Map<string, number>();
  for (const path of all) count.set(name(path, 1), (count.get(name(path, 1)) ?? 0) + 1);
  return (path) => (path === null ? "-" : clean(name(path, (count.get(name(path, 1)) ?? 0) > 1 ? 2 : 1)));
}

/** Returns the state of a session in colour: sign and words, in ASCII for locales without Unicode. */
export function stateCell(session: Session, now: number, ascii: boolean): Part[] {
  const [colour, signs, word] = describeState(session, now);
  if (word === "") return [];
  return [
    { text: `${ascii ? signs[1] : signs[0]} `, colour },
    { text: ascii ? word.replaceAll("→", "->") : word, colour },
  ];
}

/** Returns colour, both signs (Unicode, ASCII) and words of a state. */
function describeState(session: Session, now: number): [Colour | undefined, string, string] {
  const { state, verdict, live } = session;
  if (live) {
    if (live.status === "waiting")
      return ["yellow", "◐?", live.waitingFor === "dialog open" ? "needs you: dialog" : "needs you"];
    if (live.status === "busy" || live.status === "shell") return ["green", "●*", "working"];
    return ["green", "○.", "live"];
  }
  if (state === "waiting") {
    const until = verdict.state === "limited" ? verdict.resetsAt : null;
    return ["magenta", "◷~", until === null ? "limited" : `limited → ${time(until, "short", now)}`];
  }
  if (state === "ready") return ["cyan", "▸>", "ready"];
  if (state === "blocked")
    return ["red", "✕x", `blocked: ${verdict.state === "blocked" ? verdict.by : "error"}`];
  if (state === "gone") return ["dim", "··", "deleted"];
  return session.damaged ? ["red", "!!", "damaged"] : [undefined, "  ", ""];
}

export type RowOptions = { now: number; unique: ReadonlyMap<string, number>; time: TimeStyle };

export const COLUMNS: readonly Column[] = [
  { title: "TIME" },
  { title: "SESSION" },
  { title: "PROJECT", flexible: true },
  { title: "STATE" },
  { title: "TITLE", flexible: true },
];

/** Returns one row for each session, in the columns of {@link COLUMNS}. */
export function sessionRows(sessions: readonly Session[], look: RowOptions): Cell[][] {
  const name = projectNames(sessions.map((session) => session.project));
  const ascii = !unicode();
  return sessions.map((session) => [
    time(session.updatedAt, look.time, look.now),
    idCell(session.id, look.unique),
    name(session.project),
    stateCell(session, look.now, ascii),
    titleCell(session, look.now),
  ]);
}

function titleCell(session: Session, now: number): Cell {
  const title = clean(session.title ?? "") || "(no title)";
  const left = session.deletedAfter === null || session.live ? null : session.deletedAfter - now;
  if (left === null || left > WARN_BEFORE_SWEEP)
    return [{ text: title, ...(session.title ? {} : { colour: "dim" as const }) }];
  const when =
    left <= 0
      ? "deleted at the next cleanup"
      : `deleted in ${left < DAY ? duration(left) : plural(Math.ceil(left / DAY), "day")}`;
  return [{ text: title }, { text: `  ${when}`, colour: "yellow" }];
}

/** Returns hints on what to type next: in one line if the terminal is wide enough, else one below the other. */
export function nextSteps(parts: readonly string[]): string {
  const line = parts.join("     ");
  const lines = line.length <= columns() ? [line] : parts.flatMap((part) => wrap(part, columns()));
  return `${paint(lines.join("\n"), "dim")}\n`;
}

/** Returns the options for a table on stdout: as wide as the terminal, unlimited in a pipe. */
export function tableLook(): { room: number; header: boolean; ascii: boolean } {
  const terminal = isTerminal(1);
  return { room: terminal ? columns() : Number.POSITIVE_INFINITY, header: terminal, ascii: !unicode() };
}

/** Returns a session in the form of docs/schemas/common.json. */
export function sessionJson(session: Session): Record<string, unknown> {
  const { verdict, live } = session;
  return {
    id: session.id,
    title: session.title === null ? null : clean(session.title),
    titleFrom: session.titleFrom,
    project: session.project,
    cwd: session.cwd,
    gitBranch: session.gitBranch,
    transcript: session.transcript,
    createdAt: iso(session.createdAt),
    updatedAt: iso(session.updatedAt),
    version: session.version,
    entrypoint: session.entrypoint,
    bytes: session.bytes,
    state: session.state,
    damaged: session.damaged,
    skipped: session.skipped,
    blockedBy: verdict.state === "blocked" ? verdict.by : null,
    limit:
      verdict.state === "limited"
        ? {
            window: verdict.window,
            resetsAt: iso(verdict.resetsAt),
            resetFrom: verdict.resetFrom,
            rowUuid: verdict.rowUuid,
            at: iso(verdict.at),
          }
        : null,
    live: live && {
      pid: live.pid,
      kind: live.kind,
      status: live.status,
      waitingFor: live.waitingFor,
      tmux: live.tmux,
      here: live.here,
    },
    deletedAfter: iso(session.deletedAfter),
  };
}

/** Sets the tmux session of each live session, for JSON: a script may want to attach. */
export async function fillTmux(sessions: readonly Session[]): Promise<void> {
  const live = sessions.flatMap((session) => (session.live?.here ? session.live : []));
  if (live.length === 0) return;
  const { tmuxNames } = await import("../live/tmux-names.ts");
  const names = await tmuxNames(live.map(({ pid }) => pid));
  for (const one of live) one.tmux = names.get(one.pid) ?? null;
}

/** Returns lines that list sessions below an error: `near   dae96318  portfolio-com  How to fix …`. */
export function candidates(entries: readonly Entry[], now: number, label: string): string[] {
  const context = { now, live: new Map(), cleanupPeriod: Number.POSITIVE_INFINITY };
  const sessions = entries.map((entry) => sessionOf(entry, context));
  const unique = uniqueLengths(sessions.map(({ id }) => id));
  const name = projectNames(sessions.map((session) => session.project));
  const rows = sessions.map((session, i) => [
    i === 0 ? label : "",
    session.id.slice(0, Math.max(SHORT_ID, unique.get(session.id) ?? 0)),
    name(session.project),
    time(session.updatedAt, "short", now),
    session.title ?? "(no title)",
  ]);
  const header = ["", "", "", "", ""].map((title, i) => ({ title, flexible: i === 4 }));
  return table(header, rows, { room: isTerminal(2) ? columns() - 6 : 120, header: false, ascii: !unicode() });
}

/** Returns the value of --time. Throws a Problem for a bad one. */
export function timeStyle(call: Call): TimeStyle {
  const style = stringFlag(call, "time") ?? "short";
  if (style === "short" || style === "iso" || style === "local" || style === "relative") return style;
  throw invalidValue("--time", style, "short, iso, local or relative");
}
