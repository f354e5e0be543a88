import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeDirectory } from "../system/files.ts";
import { domain } from "../system/pid-domain.ts";
import { errno, Problem } from "../system/problem.ts";
import { startOf } from "../system/process.ts";
import { statOrNull } from "../system/staged-file.ts";

/** After this time (ms) the lock of a machine or container whose processes are not visible from here is taken over. */
const MAX_AGE = 3_600_000;
/** The same for a lock file without a pid, which was not written completely. */
const MAX_AGE_INCOMPLETE = 10_000;
/** So often, every 100 ms, a lock that is held is tried again: the other sync may be about to end. */
const MAX_TRIES = 20;

/** Takes the lock of a directory. Returns the function that releases it. Throws a Problem if another sync has it. */
export function acquireLock(directory: string): () => void {
  makeDirectory(directory);
  const path = join(directory, ".ccr-sync.lock");
  const own = JSON.stringify([process.pid, startOf(process.pid), domain()]);
  for (let tries = 0; ; tries++) {
    try {
      writeFileSync(path, own, { flag: "wx", mode: 0o600 });
      return () => rmSync(path, { force: true });
    } catch (error) {
      if (errno(error) !== "EEXIST") throw error;
    }
    const { pid, isDead } = readHolder(path);
    if (tries >= MAX_TRIES + (isDead ? 4 : 0))
      throw new Problem("locked", `another sync is running${pid ? `: pid ${pid}` : ""}`, {
        hint: ["wait for it, then run this again", `or, if none is running: rm ${path}`],
      });
    if (isDead) breakLock(path);
    else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
  }
}

/** Reads who has the lock, and whether that process has ended. `pid` is 0 if the file is incomplete. */
function readHolder(path: string): { pid: number; isDead: boolean } {
  let [pid, start, where]: [number, unknown, unknown] = [0, null, null];
  try {
    [pid, start, where] = JSON.parse(readFileSync(path, "utf8"));
    pid = Number(pid) || 0;
  } catch {
    // incomplete or deleted meanwhile
  }
  if (where === domain()) return { pid, isDead: startOf(pid) !== start };
  const age = Date.now() - (statOrNull(path)?.mtimeMs ?? 0);
  return { pid, isDead: age > MAX_AGE || (pid === 0 && age > MAX_AGE_INCOMPLETE) };
}

/** Removes a lock by rename first, so that only one of several processes does it. */
function breakLock(path: string): void {
  const away = `${path}.${process.pid}`;
  try {
    renameSync(path, away);
    rmSync(away, { force: true });
  } catch {
    // another process was faster
  }
}
