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

/** Reads what the kernel knows of a process. Null when there is no such process, or no /proc (macOS). */
export function readStat(pid: number | "self"): ProcessStat | null {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return null;
  }
  // The name is in parentheses and may contain any character, parentheses too.
  const nameEnd = stat.lastIndexOf(")");
  const fields = stat.slice(nameEnd + 2).split(" ");
  // See proc(5): fields[0] is field 3.
  return {
    name: stat.slice(stat.indexOf("(") + 1, nameEnd),
    state: fields[0]!,
    parent: Number(fields[1]),
    start: fields[19] ?? "",
  };
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
