import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeDirectory } from "../system/files.ts";
import { domain } from "../system/pid-domain.ts";
import { errno, Problem } from "../system/problem.ts";
import { startOf } from "../system/process.ts";
import { statOrNull } from "../system/staged-file.ts";

/** A machine that cannot be looked at from here has this long to finish, ms. */
const MAX_AGE = 3_600_000;

/** Tenths of a second. */
const MAX_TRIES = 20;

/** Takes the one lock of a place; gives what lets it go. */
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
    const [pid, start, where] = readHolder(path);
    const age = Date.now() - (statOrNull(path)?.mtimeMs ?? 0);
    const dead =
      where === domain() ? startOf(Number(pid)) !== start : age > MAX_AGE || (pid === 0 && age > 10_000);
    // Often the other one is at its end.
    if (!dead && tries < MAX_TRIES) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
    else if (!dead || tries > MAX_TRIES + 3) {
      throw new Problem("locked", `another sync is at work${pid ? `, pid ${pid}` : ""}.`, {
        hint: ["wait for it, then run this again", `or, if that is wrong: rm ${path}`],
      });
    }
    if (!dead) continue;
    // One of several gets it away.
    const away = `${path}.${process.pid}`;
    try {
      renameSync(path, away);
      rmSync(away, { force: true });
    } catch {
      // another was faster
    }
  }
}

function readHolder(path: string): [number, unknown, unknown] {
  try {
    const [pid, start, where] = JSON.parse(readFileSync(path, "utf8"));
    return [Number(pid) || 0, start, where];
  } catch {
    return [0, null, null];
  }
}
