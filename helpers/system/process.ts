import { accessSync, constants, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { errno } from "./problem.ts";

/**
 * When a process was started, as the kernel counts it (field 22 of `/proc/<pid>/stat`): with the pid it names one
 * process for ever. Null: no such process. Empty: it runs, but its start cannot be known (no /proc: macOS).
 */
export function startOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    // fields[0] is field 3, the state; a zombie has ended
    return fields[0] === "Z" || fields[0] === "X" ? null : (fields[19] ?? "");
  } catch (error) {
    if (errno(error) !== "ENOENT") return null;
  }
  if (process.platform === "linux") return null;
  try {
    process.kill(pid, 0);
    return "";
  } catch (error) {
    return errno(error) === "EPERM" ? "" : null;
  }
}

/** Whether a program can be called by its name. */
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

/** A process and its ancestors, nearest first; empty where /proc cannot tell. */
export function ancestors(pid: number): number[] {
  const found: number[] = [];
  for (let at = pid; at > 1 && found.length < DEEPEST; ) {
    found.push(at);
    try {
      const stat = readFileSync(`/proc/${at}/stat`, "utf8");
      at = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
    } catch {
      break;
    }
  }
  return found;
}
