// Makes sure that a session is resumed by one process only, and once.
//
// Each attempt is a numbered file of its session, created with link(2): only one process gets a number. When the owner
// of an attempt has died, another process may take the next number. The started program first creates `<n>.end`; before
// taking the next number, the successor creates the same file. Only one of them succeeds. So an abandoned attempt
// cannot start later, and all processes see an attempt that has started, no matter when a process was killed.

import { linkSync, readdirSync, statSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeDirectory, readText, writeAtomic } from "../system/files.ts";
import { domain, isOurs } from "../system/pid-domain.ts";
import { state } from "../system/places.ts";
import { errno } from "../system/problem.ts";
import { startOf } from "../system/process.ts";
import { compactScript } from "../system/script.ts";
import program from "./start-claimed.sh" with { type: "text" };

/** How an attempt ended: `outcome` in JSON output. */
export type Outcome =
  | "continued"
  | "limited-again"
  | "needs-login"
  | "waiting-for-permission"
  | "trust-dialog"
  | "failed"
  | "started";

/** What an attempt is for and who makes it. Times are epoch ms. */
export type Attempt = {
  n: number;
  /** uuid of the limit row, or `plan-<epoch ms>` of a schedule */
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

/** State of an attempt: claimed but not started, abandoned before its start, or started. `alive`: its process runs. */
export type AttemptState =
  | { is: "claimed"; alive: boolean }
  | { is: "abandoned" }
  | { is: "started"; pid: number | null; alive: boolean };

export type Result = { outcome: Outcome; detail: string | null; at: number; resetsAt?: number | null };

export const claimsFolder = (): string => join(state(), "resumes");
const folderOf = (session: string): string => join(claimsFolder(), session);

/** Null when a file does not exist. A file that cannot be read is an error: it could be a claim. */
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

/** The attempts for a session, oldest first. */
export function attemptsOf(session: string): Attempt[] {
  const names = orNull(() => readdirSync(folderOf(session))) ?? [];
  return names
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .sort((a, b) => a - b)
    .flatMap((n) => {
      const found = parse<Attempt>(read(join(folderOf(session), String(n))));
      // The number of a damaged file is taken too.
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

/** After this time (ms) a claim of another pid namespace counts as abandoned: from claim to start it takes seconds. */
const FOREIGN_PATIENCE = 120_000;

const runs = (pid: number, start: string): boolean => {
  const now = pid > 0 ? startOf(pid) : null;
  return now !== null && (start === "" || now === "" || now === start);
};

/** Whether the process that made an attempt still runs. */
export const isOwned = ({ pid, start, domain: where }: Attempt): boolean => isOurs(where) && runs(pid, start);

/** The state of an attempt, from its files and the process that they name. */
export function attemptState(session: string, { n, pid, start, domain: where, at }: Attempt): AttemptState {
  const end = read(join(folderOf(session), `${n}.end`));
  if (end === null) {
    if (pid === 0) return { is: "claimed", alive: isFresh(join(folderOf(session), String(n))) };
    const alive = isOurs(where) ? runs(pid, start) : Math.abs(Date.now() - at) < FOREIGN_PATIENCE;
    return { is: "claimed", alive };
  }
  if (end.startsWith("abandoned")) return { is: "abandoned" };
  const [, started = "0", stat = ""] = /^started (\d+) ?(.*)/.exec(end) ?? [];
  // The shell creates the file, then writes one line: in between it is empty.
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
  try: Attempt;
  /** holds the files of the session's attempts */
  folder: string;
};

/**
 * Claims the session for one attempt. Null when another process has it, or when the number of the last attempt is not
 * `after`: then the plan that led here is out of date.
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
      // Its program has just started.
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

/** How many attempts for a session are kept. */
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

/** Abandons an attempt before its start. False when it has started or was abandoned before. */
export const abandon = (session: string, n: number): boolean =>
  makeOnce(join(folderOf(session), `${n}.end`), "abandoned\n");

let serial = 0;

/** Creates a file with its content. False when it exists. link(2) is atomic, also on network volumes. */
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

/** Errors of file systems without hard links. There O_EXCL is used; a reader may see the file empty for a moment. */
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
 * The beginning of the command that starts a program for a claim; the program and its arguments follow. See
 * start-claimed.sh: it becomes the program only if it can create the attempt's `.end` file.
 */
export const startCommand = ({ folder, try: { n } }: Claim): string[] => [
  "/bin/sh",
  "-c",
  compactScript(program),
  "ccr-start",
  join(folder, `${n}.end`),
];

/** Exit status of start-claimed.sh when its attempt was abandoned. */
export const ABANDONED_STATUS = 75;

/** Writes the result of an attempt. */
export function writeResult(session: string, n: number, result: Result): void {
  writeAtomic(join(folderOf(session), `${n}.result`), `${JSON.stringify(result)}\n`);
}

/** The result of an attempt. Null while it is unknown. */
export const resultOf = (session: string, n: number): Result | null =>
  parse<Result>(read(join(folderOf(session), `${n}.result`)));
