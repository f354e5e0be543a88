// Sessions as the picker keeps them: small, cleaned, and folded for the search. Pure but for real paths.
import type { Live } from "../claude/registry.ts";
import { stateCell } from "../cli/session-format.ts";
import { realPath } from "../sessions/lookup.ts";
import { blank, type Context, type Session, sessionOf } from "../sessions/session.ts";
import type { Entry } from "../sessions/store.ts";
import { clean } from "../terminal/clean.ts";
import type { Part } from "../terminal/table.ts";
import { duration, time } from "../terminal/time.ts";
import { fold, type Searched } from "./filter.ts";

/** In the order in which they are shown; those without sessions are not. */
export const SECTIONS = ["Needs you", "Working", "Idle", "Limited", "Recent"] as const;
export type Section = (typeof SECTIONS)[number];

export type Item = Searched & {
  /** what names it on the screen: several machines may have the same session */
  key: string;
  id: string;
  /** the machine that it is of; null for this one */
  target: string | null;
  /** of the transcript */
  path: string;
  folder: string;
  /** cleaned; empty where there is none */
  title: string;
  /** start directory, as the session has it */
  project: string | null;
  /** the same without symbolic links: what "here" is compared with */
  place: string | null;
  branch: string | null;
  /** time of the last record, epoch ms */
  at: number;
  section: Section;
  /** sign and word of its state; empty for one that has just ended */
  state: readonly Part[];
  /** the time that its row shows */
  when: string;
  /** when its limit ends, epoch ms: its row counts down */
  until: number | null;
  /** whether a limit has stopped it, be it over or not */
  limited: boolean;
  live: boolean;
};

const LONGEST_PROMPT = 2000;

/** A session of this machine. */
export function itemOf(entry: Entry, context: Context, ascii: boolean): Item {
  const session = sessionOf(entry, context);
  const prompts = [entry.facts?.firstPrompt, entry.facts?.lastPrompt].map(
    (text) => text?.slice(0, LONGEST_PROMPT) ?? "",
  );
  return {
    ...itemFrom(session, context.now, ascii, prompts.join(" ")),
    path: entry.path,
    folder: entry.folder,
  };
}

/** A session as it is shown; `prompts` are searched. */
export function itemFrom(
  whole: Session,
  now: number,
  ascii: boolean,
  prompts = "",
  target: string | null = null,
): Item {
  const session = shownAs(whole, now);
  const title = clean(session.title ?? "");
  const place =
    session.project === null
      ? null
      : target === null
        ? real(session.project)
        : `${target}:${session.project}`;
  const waits = clean(session.live?.waitingFor ?? "");
  const { state, verdict } = session;
  return {
    key: target === null ? session.id : `${target}:${session.id}`,
    id: session.id,
    target,
    path: "",
    folder: "",
    title: waits === "" || waits === "dialog open" ? title : `${waits}?  ${title}`,
    project: session.project,
    place,
    branch: session.gitBranch === null ? null : clean(session.gitBranch),
    at: session.updatedAt ?? 0,
    section: sectionOf(session),
    state: stateCell(session, now, ascii),
    when: whenOf(session, now),
    until: state === "waiting" && verdict.state === "limited" ? verdict.resetsAt : null,
    limited: state === "waiting" || state === "ready",
    live: whole.live !== null,
    head: fold(`${session.id}\n${title}\n${session.project ?? ""}\n${target ?? ""}`),
    body: fold(clean(prompts)),
  };
}

/** A live one that waits for the end of its limit is shown as a limited one. */
export function shownAs(session: Session, now: number): Session {
  const { live, verdict } = session;
  const waits =
    live &&
    !/busy|shell|waiting/.test(live.status ?? "") &&
    verdict.state === "limited" &&
    (verdict.resetsAt ?? now + 1) > now;
  return waits ? { ...session, live: null, state: "waiting" } : session;
}

export function sectionOf({ live, state }: Session): Section {
  if (live?.status === "waiting") return "Needs you";
  if (live) return live.status === "busy" || live.status === "shell" ? "Working" : "Idle";
  return state === "waiting" ? "Limited" : "Recent";
}

function whenOf(session: Session, now: number): string {
  if (session.live) return session.updatedAt === null ? "" : duration(now - session.updatedAt);
  const { verdict } = session;
  if (session.state === "waiting" && verdict.state === "limited" && verdict.resetsAt !== null) {
    return duration(verdict.resetsAt - now);
  }
  return time(session.updatedAt, "short", now);
}

const places = new Map<string, string>();

function real(path: string): string {
  let found = places.get(path);
  if (found === undefined) places.set(path, (found = realPath(path)));
  return found;
}

/** A session of which nothing is known but that it runs. */
export const bareSession = (live: Live): Session => ({
  ...blank(live.session),
  title: live.name,
  project: live.cwd,
  cwd: live.cwd,
  createdAt: live.startedAt,
  updatedAt: live.startedAt,
  entrypoint: live.entrypoint,
  state: "live",
  live: { ...live, tmux: null },
});
