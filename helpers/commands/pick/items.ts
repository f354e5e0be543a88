// Sessions as the picker keeps them: small, cleaned, and folded for the search. Pure but for real paths.
import { realPath } from "../../sessions/lookup.ts";
import { type Session, type Surroundings, sessionOf } from "../../sessions/session.ts";
import type { Entry } from "../../sessions/store.ts";
import { clean } from "../../terminal/clean.ts";
import type { Part } from "../../terminal/table.ts";
import { duration, time } from "../../terminal/time.ts";
import { stateCell } from "../view.ts";
import { fold, type Searched } from "./filter.ts";

/** In the order in which they are shown; those without sessions are not. */
export const SECTIONS = ["Needs you", "Working", "Idle", "Limited", "Recent"] as const;
export type Section = (typeof SECTIONS)[number];

export type Item = Searched & {
  id: string;
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
};

const LONGEST_PROMPT = 2000;

export function itemOf(entry: Entry, around: Surroundings, ascii: boolean): Item {
  const session = sessionOf(entry, around);
  const title = clean(session.title ?? "");
  const place = session.project === null ? null : real(session.project);
  const waits = clean(session.live?.waitingFor ?? "");
  const prompts = [entry.facts?.firstPrompt, entry.facts?.lastPrompt].map(
    (text) => text?.slice(0, LONGEST_PROMPT) ?? "",
  );
  return {
    id: session.id,
    path: entry.path,
    folder: entry.folder,
    title: waits === "" || waits === "dialog open" ? title : `${waits}?  ${title}`,
    project: session.project,
    place,
    branch: session.gitBranch === null ? null : clean(session.gitBranch),
    at: session.updatedAt ?? 0,
    section: sectionOf(session),
    state: stateCell(session, around.now, ascii),
    when: whenOf(session, around.now),
    head: fold(`${session.id}\n${title}\n${session.project ?? ""}`),
    body: fold(clean(prompts.join(" "))),
  };
}

function sectionOf({ live, state }: Session): Section {
  if (live?.status === "waiting") return "Needs you";
  if (live) return live.status === "busy" || live.status === "shell" ? "Working" : "Idle";
  return state === "waiting" ? "Limited" : "Recent";
}

function whenOf(session: Session, now: number): string {
  if (session.live) return session.updatedAt === null ? "" : duration(now - session.updatedAt);
  const { verdict } = session;
  if (session.state === "waiting" && verdict.state === "limited" && verdict.resetsAt !== null) {
    return time(verdict.resetsAt, "short", now);
  }
  return time(session.updatedAt, "short", now);
}

const places = new Map<string, string>();

function real(path: string): string {
  let found = places.get(path);
  if (found === undefined) places.set(path, (found = realPath(path)));
  return found;
}
