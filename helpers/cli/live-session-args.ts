import { displayName } from "../live/live-sessions.ts";
// What the commands of live sessions share: which one a word names, how it is shown, and how one goes there.

import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { findClaude } from "../claude/cli.ts";
import { claudeEnvironment } from "../claude/environment.ts";
import { isSessionId } from "../claude/places.ts";
import { cleanupPeriod } from "../claude/settings.ts";
import { createCapped } from "../live/cap.ts";
import { MARK, type Making, type Started } from "../live/create.ts";
import { type Entry, entryCalled } from "../live/journal.ts";
import type { Live } from "../live/live-sessions.ts";
import type { Template } from "../live/template.ts";
import { target, tmux } from "../live/tmux.ts";
import { uniqueLengths } from "../sessions/catalogue.ts";
import { realPath } from "../sessions/lookup.ts";
import { blank, type Session, sessionOf } from "../sessions/session.ts";
import { newest, transcripts } from "../sessions/store.ts";
import { config } from "../system/config.ts";
import { handOver } from "../system/handoff.ts";
import { home } from "../system/places.ts";
import { Problem } from "../system/problem.ts";
import { isTerminal, writeStdout } from "../terminal/output.ts";
import type { Part } from "../terminal/table.ts";
import type { Call } from "./command.ts";
import { resolveEntry } from "./resolve-session.ts";
import { stateCell } from "./session-format.ts";

/** Live sessions with all that their transcripts say; one that has no transcript yet says little. */
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
    // A transcript has no directory before its first prompt.
    session.project ??= project;
    session.cwd ??= project;
    if (session.live) session.live.tmux = name;
    if (claude?.name && session.titleFrom === "none") session.title = claude.name;
    return session;
  });
}

/** Colour, sign and word of what a live session does, the limit that it waits for, and what it asks where `whole`. */
export function liveCell(live: Live, session: Session, now: number, ascii: boolean, whole = true): Part[] {
  const { verdict } = session;
  const limited = live.state === "idle" && verdict.state === "limited" && (verdict.resetsAt ?? now + 1) > now;
  if (limited) return stateCell({ ...session, live: null, state: "waiting" }, now, ascii);
  const [colour, signs, words] = LOOKS[live.state];
  const more = whole && live.state === "waiting" && live.waitingFor ? `: ${live.waitingFor}` : "";
  const exit = live.exit ? ` (${live.exit})` : "";
  return [
    { text: `${signs[ascii ? 1 : 0]} `, colour },
    { text: words + more + exit, colour },
  ];
}

const LOOKS = {
  busy: ["green", "●*", "working"],
  waiting: ["yellow", "◐?", "needs you"],
  idle: ["green", "○.", "idle"],
  starting: ["green", "○.", "starting"],
  lazy: ["dim", "··", "starts on Enter"],
  exited: ["dim", "✕x", "exited"],
} as const;

const inTmux = (): boolean => {
  const [socket] = (process.env.TMUX ?? "").split(",");
  const own = config()["tmux.socket"];
  return Boolean(socket) && (own === "" || basename(socket!) === own);
};

/** Live sessions that a word names: tmux name, folder, id or its beginning, title or a part of it, `.` for this directory. */
export function matchingSessions(word: string, lives: readonly Live[]): Live[] {
  if (word === ".") return ofDirectory(process.cwd(), lives);
  const named = lives.filter(({ name, ours }) => ours && (name === word || name === `claude-${word}`));
  if (named.length > 0) return named;
  if (/^[0-9a-f][0-9a-f-]{3,35}$/i.test(word)) {
    const found = lives.filter(({ id }) => id.startsWith(word.toLowerCase()));
    if (found.length > 0) return found;
  }
  const inProject = lives.filter(({ project }) => `/${project}`.endsWith(`/${word}`));
  if (inProject.length > 0) return inProject;
  const titles = sessionsOfLive(lives).map(({ title }) => title?.toLowerCase() ?? "");
  const wanted = word.trim().toLowerCase() || "\0";
  const exact = lives.filter((_, i) => titles[i] === wanted);
  return exact.length > 0 ? exact : lives.filter((_, i) => titles[i]!.includes(wanted));
}

/** Those of a directory. */
export function ofDirectory(directory: string, lives: readonly Live[]): Live[] {
  const real = realPath(directory);
  return lives.filter(({ project }) => project !== null && realPath(project) === real);
}

/** The one live session that a word names; without a word the one of this tmux session, or the only one. */
export async function resolveLive(word: string | undefined): Promise<Live> {
  const { liveSessions } = await import("../live/live-sessions.ts");
  const lives = await liveSessions();
  const found = word === undefined ? obvious(lives) : matchingSessions(word, lives);
  if (found.length === 1) return found[0]!;
  const shown = found.length > 1 ? found : lives;
  const list = shown.slice(0, 10).map((live) => `${displayName(live)}  ${live.state}  ${live.project ?? ""}`);
  if (word === undefined) throw new Problem("usage", "which session?", { hint: listed(list), exit: 2 });
  throw found.length > 1
    ? new Problem("ambiguous", `${found.length} live sessions fit "${word}".`, { hint: list, exit: 2 })
    : new Problem("not-live", `no live session is called "${word}".`, { hint: listed(list) });
}

/** The id that a word names: of a live session that has no transcript yet too, and by its name in tmux, also when it has ended. */
export function resolveId(word: string): string {
  if (isSessionId(word)) return word.toLowerCase();
  return entryCalled(word)?.current ?? resolveEntry(word).id;
}

const listed = (list: readonly string[]): readonly string[] =>
  list.length > 0 ? list : ["none is live; start one: cct"];

function obvious(lives: readonly Live[]): readonly Live[] {
  const here = lives.filter(({ key, ours }) => ours && key === process.env[MARK]);
  return here.length > 0 ? here : lives.length === 1 ? lives : [];
}

/** How much of each live session's id has to be typed. */
export const uniqueOf = (lives: readonly Live[]): Map<string, number> =>
  uniqueLengths(lives.map(({ id }) => id));

/** Refuses another Claude where there are as many as the configuration allows. */
export function checkRoom(lives: readonly Live[]): void {
  const most = config().maxSessions;
  const running = lives.filter(({ here, state }) => here && state !== "exited" && state !== "lazy");
  if (running.length < most) return;
  // The one that has been idle for longest, as far as that is known.
  const idle = running.filter(({ state }) => state === "idle");
  throw new Problem("too-many", `${running.length} sessions are live, ${most} are allowed.`, {
    hint: [
      `end one: cct-kill ${displayName((idle.length > 0 ? idle : running).at(-1)!)}`,
      `or allow more: ccr config set maxSessions ${most * 2}`,
    ],
  });
}

export type AttachOptions = { readOnly?: boolean; ignoreSize?: boolean; alone?: boolean };

/** Shows a live session on this terminal; without one, its name is printed. */
export async function goTo(
  live: Pick<Live, "name" | "ours" | "pane" | "id" | "kind" | "job">,
  how: AttachOptions = {},
): Promise<number> {
  const { name, ours, pane, id, kind, job } = live;
  if (!isTerminal(0) || !isTerminal(1)) {
    writeStdout(`${name ?? id}\n`);
    return 0;
  }
  if (name === null) {
    const claude = findClaude();
    if (kind === "bg" && claude) return handOver(home(), [claude, "attach", job ?? id.slice(0, 8)]);
    throw new Problem("not-in-tmux", `${id.slice(0, 8)} runs in a terminal of its own, in no tmux.`, {
      hint: `work in a copy: ccr ${id.slice(0, 8)} --fork`,
    });
  }
  const at = ours ? target(name) : pane!;
  if (inTmux()) {
    // To Claude's window: who asks may be in another one of the same session.
    const { ok, err } = await tmux(["switch-client", ...(how.readOnly ? ["-r"] : []), "-t", pane ?? at]);
    if (ok) return 0;
    throw new Problem("tmux", `tmux could not go to ${name}: ${err}.`, { hint: `tmux attach -t '=${name}'` });
  }
  const socket = config()["tmux.socket"];
  return handOver("/", [
    ...(process.env.TMUX ? ["env", "-u", "TMUX"] : []),
    ...["tmux", "-u", ...(socket ? ["-L", socket] : []), "attach-session", "-t", at],
    ...(how.readOnly ? ["-r"] : []),
    ...(how.ignoreSize ? ["-f", "ignore-size"] : []),
    ...(how.alone ? ["-d"] : []),
  ]);
}

/** The template that was named, else the one that a directory's project brings and a person has allowed. */
export const templateFor = async (
  call: Call,
  directory: string,
  name: string | undefined,
): Promise<Template | null> =>
  name !== undefined || existsSync(join(directory, ".ccr/template.json"))
    ? (await import("./choose-template.ts")).chooseTemplate(name, directory, call.warn)
    : null;

/** What a template says of a session: flags for claude, and the rest; `given` goes before it in the journal. */
export function asTemplate(
  template: Template | null,
  given: Partial<Entry> = {},
): { flags: string[]; making: Pick<Making, "windows" | "launch"> } {
  const {
    name = null,
    model = null,
    permissionMode = null,
    environment = [],
    memory = null,
    restart = "no",
    windows = [],
  } = template ?? {};
  return {
    flags: [
      ...(model === null ? [] : ["--model", model]),
      ...(permissionMode === null ? [] : ["--permission-mode", permissionMode]),
    ],
    making: {
      ...(windows.length > 0 ? { windows } : {}),
      launch: { template: name, model, permissionMode, environment, memory, restart, ...given },
    },
  };
}

/** Starts Claude in a tmux session of its own, as large as this terminal. */
export const launch = (making: Omit<Making, "env" | "size">): Promise<Started> =>
  createCapped({
    ...making,
    env: claudeEnvironment(),
    ...(isTerminal(1) && process.stdout.columns
      ? { size: [process.stdout.columns, Math.max(2, process.stdout.rows - 1)] as const }
      : {}),
  });
