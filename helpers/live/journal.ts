// What is needed to restore a live session: a small file for each, written before the launch and on every change.
// It is deleted only a week after a person has stopped the session, never because a check has failed.

import { readdirSync, readFileSync, unlinkSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { isSessionId } from "../claude/places.ts";
import { config } from "../system/config.ts";
import { writeAtomic } from "../system/files.ts";
import { containerStart, domain, sharesHome } from "../system/pid-domain.ts";
import { state } from "../system/places.ts";

/** A window other than Claude's. Without a command it is a shell. */
export type Window = { name: string; directory: string; command: readonly string[] };

export type Restart = "no" | "on-failure";

/** A live session, as it was launched. Times are epoch ms, sizes bytes, unknown is null. */
export type Entry = {
  /** tmux session, and its server's name (`tmux -L`); "" is the person's own */
  name: string;
  socket: string;
  /** TMUX_TMPDIR there, where tmux looks for its server; "" is its own place */
  tmpdir: string;
  /** Claude's session at the launch, and now: /clear takes a new one */
  id: string;
  current: string;
  /** where Claude runs */
  project: string;
  windows: readonly Window[];
  template: string | null;
  model: string | null;
  permissionMode: string | null;
  /** further words for claude, as a person gave them */
  flags: readonly string[];
  /** names of variables that are passed on; their values are never kept */
  environment: readonly string[];
  memory: number | null;
  restart: Restart;
  createdAt: number;
  launchedAt: number;
  changedAt: number;
  /** boot and pid namespace, machine, and Coder workspace of the last launch */
  domain: string;
  host: string;
  workspace: string;
  /** when a person stopped it: it is neither restarted nor restored */
  stoppedAt: number | null;
  /** when it was restarted after a failure */
  restarts: readonly number[];
  /** when it was found to use more memory than it may */
  warnedAt: number | null;
};

/** What a launch must provide; the rest has defaults. */
export type Launch = Pick<Entry, "name" | "id" | "project"> & Partial<Entry>;

const folder = (): string => join(state(), "live");
const fileOf = (id: string): string => join(folder(), `${id}.json`);

const workspace = (): string => {
  const { CODER_WORKSPACE_ID: id, CODER_WORKSPACE_AGENT_NAME: agent = "" } = process.env;
  return id ? `${id} ${agent}` : "";
};

/** Where and when we are. */
const here = (): Pick<Entry, "changedAt" | "domain" | "host" | "workspace" | "tmpdir"> => ({
  changedAt: Date.now(),
  domain: domain(),
  host: hostname(),
  workspace: workspace(),
  tmpdir: tmpdir(),
});

const tmpdir = (): string => process.env.TMUX_TMPDIR ?? "";

/** Whether a session was created on the tmux server that we use. */
export const isOnServer = (entry: Entry): boolean =>
  entry.tmpdir === tmpdir() && entry.socket === config()["tmux.socket"];

/** Uses the tmux server of the newest session where TMUX_TMPDIR is not set, as in cron and at a workspace's start. */
export function useServerOfNewest(all: readonly Entry[]): void {
  const { tmpdir: place } = all.at(-1) ?? {};
  if (place && tmpdir() === "") process.env.TMUX_TMPDIR = place;
}

const fill = (launch: Launch): Entry => ({
  socket: "",
  windows: [],
  template: null,
  model: null,
  permissionMode: null,
  flags: [],
  environment: [],
  memory: null,
  restart: "no",
  createdAt: Date.now(),
  launchedAt: Date.now(),
  stoppedAt: null,
  restarts: [],
  warnedAt: null,
  current: launch.id,
  ...here(),
  ...launch,
});

/** Adds a session to the journal before it is launched on this machine. */
export function writeEntry(launch: Launch): Entry {
  const entry = { ...fill(launch), ...here(), launchedAt: Date.now() };
  writeAtomic(fileOf(entry.id), `${JSON.stringify(entry)}\n`);
  return entry;
}

/** Changes the entry of a session, if there is one. */
export function updateEntry(id: string, changes: Partial<Entry>): void {
  const entry = entryOf(id);
  if (entry) writeAtomic(fileOf(id), `${JSON.stringify({ ...entry, changedAt: Date.now(), ...changes })}\n`);
}

export const markStopped = (id: string): void => updateEntry(id, { stoppedAt: Date.now() });

/** Deletes the entry of a session. */
export function deleteEntry(id: string): void {
  try {
    unlinkSync(fileOf(id));
  } catch {
    // it does not exist, or cannot be deleted
  }
}

const isText = (value: unknown): boolean => typeof value === "string";

/** The entry of a Claude session; null where there is none, or none that can be read. */
export function entryOf(id: string): Entry | null {
  try {
    const found: Launch = JSON.parse(readFileSync(fileOf(id), "utf8"));
    const { name, project, windows, flags, environment, restarts } = fill(found);
    const known = found.id === id && isText(name) && isText(project) && project.startsWith("/");
    return known && [windows, flags, environment, restarts].every(Array.isArray) ? fill(found) : null;
  } catch {
    return null;
  }
}

/** All entries, oldest first. */
export function entries(): Entry[] {
  let names: string[];
  try {
    names = readdirSync(folder());
  } catch {
    return [];
  }
  return names
    .map((name) => name.replace(/\.json$/, ""))
    .flatMap((id) => (isSessionId(id) ? (entryOf(id) ?? []) : []))
    .sort((a, b) => a.createdAt - b.createdAt);
}

/** The newest entry with a tmux name, with or without `claude-`. */
export const entryNamed = (word: string): Entry | undefined =>
  entries()
    .filter(({ name }) => name === word || name === `claude-${word}`)
    .sort((a, b) => b.launchedAt - a.launchedAt)[0];

/** The entry of a session by its current id or the one it was launched with. */
export const launchOf = (id: string): Entry | undefined =>
  entries().find((one) => one.current === id || one.id === id);

/**
 * Whose an entry is: of this life of this machine; of a life before its restart; or of another machine or container,
 * where it may well run.
 */
export function lifeOf(entry: Entry): "here" | "before" | "elsewhere" {
  if (entry.domain === domain()) return "here";
  const same = entry.workspace === "" ? entry.host === hostname() : entry.workspace === workspace();
  const born = containerStart();
  return same && !sharesHome() && (born === null || entry.changedAt < born) ? "before" : "elsewhere";
}
