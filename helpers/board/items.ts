// Sessions in the form that the board and the picker show and search. Pure except for resolving symbolic links.
import type { Live } from "../claude/registry.ts";
import { stateCell } from "../cli/session-format.ts";
import { realPath } from "../sessions/lookup.ts";
import { blank, type Context, type Session, sessionOf } from "../sessions/session.ts";
import type { Entry } from "../sessions/store.ts";
import { clean } from "../terminal/clean.ts";
import type { Part } from "../terminal/table.ts";
import { duration, time } from "../terminal/time.ts";
import { fold, type Searchable } from "./filter.ts";

/** In the order of the screen; empty sections are not shown. */
export const SECTIONS = ["Needs you", "Working", "Idle", "Limited", "Recent"] as const;
export type Section = (typeof SECTIONS)[number];

export type Item = Searchable & {
  /** unique on the screen: the same session may exist on several machines */
  key: string;
  id: string;
  /** name of the remote machine; null for this one */
  target: string | null;
  /** path of the transcript; empty when there is none on this machine */
  path: string;
  folder: string;
  /** without control characters; may be empty */
  title: string;
  /** start directory, as the session has it */
  project: string | null;
  /** the start directory without symbolic links, to compare with the current directory */
  realProject: string | null;
  branch: string | null;
  /** time of the last record, epoch ms */
  updatedAt: number;
  section: Section;
  /** sign and word of the state; empty for an ended session */
  state: readonly Part[];
  /** the time shown in its row */
  timeText: string;
  /** reset of its limit, epoch ms; the row counts down to it */
  until: number | null;
  /** whether its last turn hit a usage limit, even if the reset has passed */
  limited: boolean;
  live: boolean;
};

const MAX_PROMPT_LENGTH = 2000;

/** Returns the item of a transcript on this machine. */
export function itemOfEntry(entry: Entry, context: Context, ascii: boolean): Item {
  const session = sessionOf(entry, context);
  const prompts = [entry.facts?.firstPrompt, entry.facts?.lastPrompt].map(
    (text) => text?.slice(0, MAX_PROMPT_LENGTH) ?? "",
  );
  return {
    ...itemOfSession(session, context.now, ascii, prompts.join(" ")),
    path: entry.path,
    folder: entry.folder,
  };
}

/** Returns the item of a session; `prompts` is text that is searched but not shown. */
export function itemOfSession(
  original: Session,
  now: number,
  ascii: boolean,
  prompts = "",
  target: string | null = null,
): Item {
  const session = displayedSession(original, now);
  const title = clean(session.title ?? "");
  const waitingFor = clean(session.live?.waitingFor ?? "");
  const { state, verdict } = session;
  return {
    key: target === null ? session.id : `${target}:${session.id}`,
    id: session.id,
    target,
    path: "",
    folder: "",
    title: waitingFor === "" || waitingFor === "dialog open" ? title : `${waitingFor}?  ${title}`,
    project: session.project,
    realProject: realProjectOf(session.project, target),
    branch: session.gitBranch === null ? null : clean(session.gitBranch),
    updatedAt: session.updatedAt ?? 0,
    section: sectionOf(session),
    state: stateCell(session, now, ascii),
    timeText: timeTextOf(session, now),
    until: state === "waiting" && verdict.state === "limited" ? verdict.resetsAt : null,
    limited: state === "waiting" || state === "ready",
    live: original.live !== null,
    head: fold(`${session.id}\n${title}\n${session.project ?? ""}\n${target ?? ""}`),
    body: fold(clean(prompts)),
  };
}

/** Returns the session as it is shown: a live but idle session that waits for its reset counts as limited. */
export function displayedSession(session: Session, now: number): Session {
  const { live, verdict } = session;
  const waitsForReset =
    live &&
    !/busy|shell|waiting/.test(live.status ?? "") &&
    verdict.state === "limited" &&
    (verdict.resetsAt ?? now + 1) > now;
  return waitsForReset ? { ...session, live: null, state: "waiting" } : session;
}

/** Returns the section that a displayed session belongs to. */
export function sectionOf({ live, state }: Session): Section {
  if (live?.status === "waiting") return "Needs you";
  if (live) return live.status === "busy" || live.status === "shell" ? "Working" : "Idle";
  return state === "waiting" ? "Limited" : "Recent";
}

function timeTextOf(session: Session, now: number): string {
  if (session.live) return session.updatedAt === null ? "" : duration(now - session.updatedAt);
  const { verdict } = session;
  if (session.state === "waiting" && verdict.state === "limited" && verdict.resetsAt !== null) {
    return duration(verdict.resetsAt - now);
  }
  return time(session.updatedAt, "short", now);
}

const realPaths = new Map<string, string>();

function realProjectOf(project: string | null, target: string | null): string | null {
  if (project === null) return null;
  if (target !== null) return `${target}:${project}`;
  let found = realPaths.get(project);
  if (found === undefined) realPaths.set(project, (found = realPath(project)));
  return found;
}

/** Returns a session for a running Claude that has no transcript yet. */
export const sessionOfLive = (live: Live): Session => ({
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
