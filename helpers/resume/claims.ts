// Who may continue a session, and that nobody does it twice.
//
// Each try is a numbered file of its session, made by link(2): of several processes one gets a number. A try whose
// owner has died may be followed by the next number. What the started program does first is to make `<n>.end`; a
// successor makes the same file before it takes the next number. Only one of them can, so a try that was given up
// cannot start later, and a try that has started is seen by all, wherever a process was killed in between.

import { linkSync, readdirSync, statSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeDirectory, readText, writeAtomic } from "../system/files.ts";
import { domain, isOurs } from "../system/pid-domain.ts";
import { state } from "../system/places.ts";
import { errno } from "../system/problem.ts";
import { startOf } from "../system/process.ts";
import { compactScript } from "../system/script.ts";
import program from "./start-claimed.sh" with { type: "text" };

/** How a try ended: `design.md` §8's outcomes. */
export type Outcome =
  | "continued"
  | "limited-again"
  | "needs-login"
  | "waiting-for-permission"
  | "trust-dialog"
  | "failed"
  | "started";

/** What a try is for and who makes it. Times are epoch ms. */
export type Attempt = {
  n: number;
  /** uuid of the limit row, or `plan-<epoch>` of a person's plan */
  row: string;
  window: string | null;
  resetsAt: number | null;
  at: number;
  pid: number;
  start: string;
  domain: string;
  /** by a person (`ccra`) or by `supervise` */
  by: "person" | "supervise";
};

/** What became of a try: not known yet, given up before its start, or started by a process that runs or has ended. */
export type AttemptState =
  | { is: "claimed"; alive: boolean }
  | { is: "abandoned" }
  | { is: "started"; pid: number | null; alive: boolean };

export type Result = { outcome: Outcome; detail: string | null; at: number; resetsAt?: number | null };

export const claimsFolder = (): string => join(state(), "resumes");
const folderOf = (session: string): string => join(claimsFolder(), session);

/** null where there is no such thing; what may not be looked at is an error: a claim could stand there. */
function orNull<T>(look: () => T): T | null {
  try {
    return look();
  } catch (error) {
    if (["ENOENT", "ENOTDIR", "EISDIR"].includes(errno(error) ?? "")) return null;
    throw error;
  }
}

const read = (path: string): string | null => orNull(() => readText(path));

function parse<T>(text: string | null): T | null {
  if (text === null) return null;
  try {
    const value = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : null;
  } catch {
    return null;
  }
}

/** The tries of a session, oldest first. */
export function attemptsOf(session: string): Attempt[] {
  const names = orNull(() => readdirSync(folderOf(session))) ?? [];
  return names
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .sort((a, b) => a - b)
    .flatMap((n) => {
      const found = parse<Attempt>(read(join(folderOf(session), String(n))));
      // A file that cannot be read is still a number that is taken.
      return [found ? { ...found, n } : { ...UNKNOWN, n }];
    });
}

const UNKNOWN = {
  row: "",
  window: null,
  resetsAt: null,
  at: 0,
  pid: 0,
  start: "",
  domain: "",
  by: "person",
} as const;

/** A claim of another pid namespace is thought of as given up after this long: from claim to start it takes seconds. */
const FOREIGN_PATIENCE = 120_000;

const runs = (pid: number, start: string): boolean => {
  const now = pid > 0 ? startOf(pid) : null;
  return now !== null && (start === "" || now === "" || now === start);
};

/** Whether the process that made a try still runs. */
export const isOwned = ({ pid, start, domain: where }: Attempt): boolean => isOurs(where) && runs(pid, start);

export function attemptState(session: string, { n, pid, start, domain: where, at }: Attempt): AttemptState {
  const end = read(join(folderOf(session), `${n}.end`));
  if (end === null) {
    if (pid === 0) return { is: "claimed", alive: isFresh(join(folderOf(session), String(n))) };
    const alive = isOurs(where) ? runs(pid, start) : Math.abs(Date.now() - at) < FOREIGN_PATIENCE;
    return { is: "claimed", alive };
  }
  if (end.startsWith("abandoned")) return { is: "abandoned" };
  const [, started = "0", stat = ""] = /^started (\d+) ?(.*)/.exec(end) ?? [];
  // The starting shell makes the file and then writes one line into it: between the two it is empty.
  if (started === "0")
    return { is: "started", pid: null, alive: isFresh(join(folderOf(session), `${n}.end`)) };
  const startedAt = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
  return { is: "started", pid: Number(started), alive: isOurs(where) && runs(Number(started), startedAt) };
}

const isFresh = (path: string): boolean => {
  try {
    return Math.abs(Date.now() - statSync(path).mtimeMs) < 10_000;
  } catch {
    return false;
  }
};

export type Claim = {
  session: string;
  try: Attempt /** the folder and number that the started shell is given */;
  folder: string;
};

/**
 * Takes the session for one try, or null where another process has it. Whether a further try is wanted at all is
 * the plan's matter; what it was planned upon is `after`: the number of tries that it had seen.
 */
export function claim(
  session: string,
  wanted: Pick<Attempt, "row" | "window" | "resetsAt" | "by">,
  after: number,
): Claim | null {
  const folder = folderOf(session);
  makeDirectory(folder);
  const before = attemptsOf(session).at(-1);
  if ((before?.n ?? 0) !== after) return null;
  if (before) {
    const stage = attemptState(session, before);
    if (stage.is !== "abandoned" && stage.alive) return null;
    if (stage.is === "claimed" && !abandon(session, before.n)) {
      // Its program has started at this very moment.
      return null;
    }
  }
  const n = after + 1;
  const own: Attempt = {
    ...wanted,
    n,
    at: Date.now(),
    pid: process.pid,
    start: startOf(process.pid) ?? "",
    domain: domain(),
  };
  if (!makeOnce(join(folder, String(n)), JSON.stringify(own))) return null;
  forget(folder, n - KEPT);
  return { session, try: own, folder };
}

/** So many tries of a session are remembered. */
const KEPT = 50;

function forget(folder: string, n: number): void {
  for (const name of n > 0 ? [String(n), `${n}.end`, `${n}.result`] : []) {
    try {
      unlinkSync(join(folder, name));
    } catch {
      // gone already, or never there
    }
  }
}

/** Gives a try up before its start; false when it has started (or was given up) already. */
export const abandon = (session: string, n: number): boolean =>
  makeOnce(join(folderOf(session), `${n}.end`), "abandoned\n");

let serial = 0;

/** Makes a file with its content, or says false where it exists: link(2) does both at once, on network volumes too. */
function makeOnce(path: string, content: string): boolean {
  const temporary = `${path}.${process.pid}.${serial++}.tmp`;
  writeFileSync(temporary, content, { mode: 0o600 });
  try {
    linkSync(temporary, path);
    return true;
  } catch (error) {
    if (errno(error) === "EEXIST") return false;
    if (!NO_LINKS.has(errno(error) ?? "")) throw error;
    return makeExclusive(path, content);
  } finally {
    try {
      unlinkSync(temporary);
    } catch {
      // nothing depends on it
    }
  }
}

/** File systems without hard links: O_EXCL is as good, but a reader may see the file empty for a moment. */
const NO_LINKS = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"]);

function makeExclusive(path: string, content: string): boolean {
  try {
    writeFileSync(path, content, { mode: 0o600, flag: "wx" });
    return true;
  } catch (error) {
    if (errno(error) === "EEXIST") return false;
    throw error;
  }
}

/**
 * Words that start a program for a claim: sh takes the try's `.end` first (noclobber is O_EXCL) and, only when it
 * got it, becomes the program. Give them to spawn or tmux; the program's own words follow.
 */
export const startCommand = ({ folder, try: { n } }: Claim): string[] => [
  "/bin/sh",
  "-c",
  compactScript(program),
  "ccr-start",
  join(folder, `${n}.end`),
];

/** Exit status of a started shell that found its try given up. */
export const ABANDONED_STATUS = 75;

export function writeResult(session: string, n: number, result: Result): void {
  writeAtomic(join(folderOf(session), `${n}.result`), `${JSON.stringify(result)}\n`);
}

export const resultOf = (session: string, n: number): Result | null =>
  parse<Result>(read(join(folderOf(session), `${n}.result`)));

/** Ids of all sessions that were ever tried. */
export function tried(): string[] {
  try {
    return readdirSync(claimsFolder());
  } catch {
    return [];
  }
}
