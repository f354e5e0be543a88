import { accessSync, constants, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { delimiter, join } from "node:path";
import { errno } from "./problem.ts";

/** A process as the kernel describes it in `/proc/<pid>/stat`. */
export type ProcessStat = {
  /** the program's name, at most 15 bytes of it */
  name: string;
  /** one letter: `R`, `S`, …; `Z` or `X` when it has ended */
  state: string;
  parent: number;
  /** when it was started, in clock ticks (10 ms) since boot: with the pid it identifies one process for ever */
  start: string;
};

/** Parses the text of `/proc/<pid>/stat`, see proc(5). Fields that the text lacks are empty or NaN. */
function parseStat(text: string): ProcessStat {
  // The name is in parentheses and may contain any character, parentheses too.
  const nameEnd = text.lastIndexOf(")");
  // fields[0] is field 3
  const fields = text.slice(nameEnd + 2).split(" ");
  return {
    name: text.slice(text.indexOf("(") + 1, nameEnd),
    state: fields[0]!,
    parent: Number(fields[1]),
    start: fields[19] ?? "",
  };
}

/** A file of `/proc/<pid>/`. Null when it cannot be read: the process has ended, is not ours, or there is no /proc. */
function readFileOf(pid: number | "self", name: string, encoding: "utf8" | "latin1" = "utf8"): string | null {
  try {
    return readFileSync(`/proc/${pid}/${name}`, encoding);
  } catch {
    return null;
  }
}

/** Reads what the kernel knows of a process. Null when there is no such process, or no /proc (macOS). */
export function readStat(pid: number | "self"): ProcessStat | null {
  const text = readFileOf(pid, "stat");
  return text === null ? null : parseStat(text);
}

/** Whether a process has ended and only waits for its parent to notice. */
export const hasEnded = ({ state }: ProcessStat): boolean => state === "Z" || state === "X";

/** Pids of all processes that can be seen; empty when there is no /proc. */
export function allPids(): number[] {
  try {
    return readdirSync("/proc").flatMap((name) => (/^\d+$/.test(name) ? Number(name) : []));
  } catch {
    return [];
  }
}

/**
 * Returns when a process was started, see {@link ProcessStat}. Null: no such process, or it has ended. Empty: it runs,
 * but its start is unknown (no /proc: macOS).
 */
export function startOf(pid: number): string | null {
  const stat = readStat(pid);
  if (stat) return hasEnded(stat) ? null : stat.start;
  if (process.platform === "linux") return null;
  try {
    process.kill(pid, 0);
    return "";
  } catch (error) {
    return errno(error) === "EPERM" ? "" : null;
  }
}

/** Length of the clock ticks in /proc in ms, on every Linux known. */
export const TICK = 10;

/** For how long (ms) a process has run. Null when that is unknown. */
export function ageOf(pid: number): number | null {
  const [start, own] = [startOf(pid), startOf(process.pid)];
  return start && own ? (Number(own) - Number(start)) * TICK + process.uptime() * 1000 : null;
}

/** The working directory of a process. Null when it cannot be read. */
export function directoryOf(pid: number): string | null {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return null;
  }
}

/** The program of a process and its arguments. Empty when they cannot be read. */
export const argvOf = (pid: number): string[] => readFileOf(pid, "cmdline")?.split("\0").slice(0, -1) ?? [];

/** Whether a process was started with this environment variable. */
export const wasStartedWith = (pid: number, name: string, value: string): boolean =>
  `\0${readFileOf(pid, "environ", "latin1") ?? ""}\0`.includes(`\0${name}=${value}\0`);

/** Bytes of a line such as `RssAnon: 12 kB`; 0 when there is none. */
const sizeIn = (text: string | null, name: string): number =>
  Number(new RegExp(`^${name}:\\s*(\\d+) kB`, "m").exec(text ?? "")?.[1] ?? 0) * 1024;

/** Bytes of memory that a process shares with no file. 0 when it cannot be read. */
export const anonymousMemoryOf = (pid: number): number => sizeIn(readFileOf(pid, "status"), "RssAnon");

/** Bytes of memory of a process, with its part of shared pages. Ten times as slow as {@link anonymousMemoryOf}. */
export const proportionalMemoryOf = (pid: number): number => sizeIn(readFileOf(pid, "smaps_rollup"), "Pss");

/** Our own control group (cgroup v2), as a path below its root. Null when there is none. */
export const ownControlGroup = (): string | null =>
  /^0::(\/.*)$/m.exec(readFileOf("self", "cgroup") ?? "")?.[1] ?? null;

/** The pid namespace of this process, as `pid:[4026531836]`. Null when it is unknown. */
export function pidNamespace(): string | null {
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch {
    return null;
  }
}

/** Whether a program of this name is on PATH. */
export const isOnPath = (name: string): boolean =>
  (process.env.PATH ?? "").split(delimiter).some((directory) => {
    try {
      accessSync(join(directory || ".", name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });

const DEEPEST = 64;

/** A process and its ancestors, nearest first; only the process itself when there is no /proc. */
export function ancestors(pid: number): number[] {
  const found: number[] = [];
  for (let at = pid; at > 1 && found.length < DEEPEST; at = readStat(at)?.parent ?? 0) found.push(at);
  return found;
}
