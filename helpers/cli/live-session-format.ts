// How a live session is shown.

import { cleanupPeriod } from "../claude/settings.ts";
import type { Live } from "../live/live-sessions.ts";
import { uniqueLengths } from "../sessions/catalogue.ts";
import { blank, type Session, sessionOf } from "../sessions/session.ts";
import { newest, transcripts } from "../sessions/store.ts";
import type { Part } from "../terminal/table.ts";
import { stateCell } from "./session-format.ts";

/** Returns live sessions with what their transcripts say. One without a transcript has little more than its id. */
export function sessionsOfLive(lives: readonly Live[], now = Date.now()): Session[] {
  const ids = new Set(lives.map(({ id }) => id));
  const context = {
    now,
    live: new Map(lives.flatMap(({ id, claude }) => (claude ? [[id, claude] as const] : []))),
    cleanupPeriod: cleanupPeriod(),
  };
  const found = newest(
    transcripts((id) => ids.has(id.toLowerCase())),
    ids.size,
  );
  const entries = new Map(found.map((entry) => [entry.id, entry]));
  return lives.map((live) => {
    const { id, claude, project, name } = live;
    const entry = entries.get(id);
    const session: Session = entry
      ? sessionOf(entry, context)
      : { ...blank(id), ...(claude ? { state: "live", live: { ...claude, tmux: null } } : {}) };
    // A transcript names no directory before the first prompt.
    session.project ??= project;
    session.cwd ??= project;
    if (session.live) session.live.tmux = name;
    if (claude?.name && session.titleFrom === "none") session.title = claude.name;
    return session;
  });
}

/**
 * Returns the state of a live session in colour: sign and words, or the limit that it waits for. With `whole` also the
 * question that it asks.
 */
export function liveCell(live: Live, session: Session, now: number, ascii: boolean, whole = true): Part[] {
  const { verdict } = session;
  const limited = live.state === "idle" && verdict.state === "limited" && (verdict.resetsAt ?? now + 1) > now;
  if (limited) return stateCell({ ...session, live: null, state: "waiting" }, now, ascii);
  const [colour, signs, words] = STATES[live.state];
  const question = whole && live.state === "waiting" && live.waitingFor ? `: ${live.waitingFor}` : "";
  const exit = live.exit ? ` (${live.exit})` : "";
  return [
    { text: `${signs[ascii ? 1 : 0]} `, colour },
    { text: words + question + exit, colour },
  ];
}

/** Colour, signs (Unicode, ASCII) and words of each state. */
const STATES = {
  busy: ["green", "●*", "working"],
  waiting: ["yellow", "◐?", "needs you"],
  idle: ["green", "○.", "idle"],
  starting: ["green", "○.", "starting"],
  lazy: ["dim", "··", "starts on Enter"],
  exited: ["dim", "✕x", "exited"],
} as const;

/** Returns how many characters of each live session's id make it unique among them. */
export const uniqueLiveIds = (lives: readonly Live[]): Map<string, number> =>
  uniqueLengths(lives.map(({ id }) => id));
