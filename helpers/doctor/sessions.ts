import { chmodSync, closeSync, fstatSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { linesForward } from "../claude/lines.ts";
import { configDirectory, historyFile } from "../claude/places.ts";
import { parseLine } from "../claude/rows.ts";
import { cleanupPeriod } from "../claude/settings.ts";
import { TranscriptIndex } from "../conversation/main-chain.ts";
import { writeFork } from "../history/fork.ts";
import { deletedSessions } from "../sessions/deleted.ts";
import { titleOf } from "../sessions/session.ts";
import { type Entry, timeOfEntry } from "../sessions/store.ts";
import { writeAtomic } from "../system/files.ts";
import { state } from "../system/places.ts";
import { quote } from "../system/shell-quote.ts";
import { statOrNull } from "../system/staged-file.ts";
import { DAY } from "../system/units.ts";
import { plural } from "../terminal/amount.ts";
import { iso } from "../terminal/json.ts";
import { dayAndTime } from "../terminal/time.ts";
import type { CheckContext, Checks, Finding } from "./finding.ts";

/** A difference of clocks that matters (ms). */
const MAX_SKEW = 120_000;
/** Warn this long before Claude Code deletes a session (ms). */
const WARN = 7 * DAY;
const short = (id: string): string => id.slice(0, 8);

/** Checks of what Claude Code has written. */
export const sessions: Checks = {
  damaged: (context) => {
    const all = context.entries.reduce((sum, { bytes }) => sum + bytes, 0);
    let done = 0;
    const found: Finding[] = [];
    for (const entry of context.entries) {
      const lines = entry.bytes === 0 ? [] : badLines(entry.path, context.live.has(entry.id));
      context.onProgress((done += entry.bytes), all);
      if (entry.unreadable === null && lines.length === 0) continue;
      const copy = findRepairedCopy(entry, context);
      found.push({
        finding: entry.unreadable
          ? `session ${short(entry.id)} cannot be read (${entry.unreadable})`
          : `session ${short(entry.id)} has ${plural(lines.length, "damaged line")}`,
        evidence: `${entry.path}${lines.length > 0 ? `:${lines[0]}` : ""}`,
        fix: damageFix(entry, copy),
        ...(copy ? { level: "note" } : {}),
        ...(entry.unreadable || copy ? {} : { apply: () => repair(entry) }),
      });
    }
    return found;
  },

  twins: ({ all }) => {
    const places = new Map<string, (typeof all)[number][]>();
    for (const one of all) places.set(one.id, [...(places.get(one.id) ?? []), one]);
    return [...places.values()]
      .filter((twins) => twins.length > 1)
      .map((twins) => {
        const [longest, ...rest] = twins.sort((a, b) => b.bytes - a.bytes);
        return {
          finding: `session ${short(longest!.id)} is in ${twins.length} project folders: it cannot be resumed from a third directory`,
          evidence: twins.map(({ path, bytes }) => `${path} (${bytes})`).join(", "),
          fix: rest.map(({ path }) => `mv -- ${quote(path)} ${quote(`${path}.twin`)}`).join("; "),
        };
      });
  },

  sweep: ({ entries, live, now }) => {
    const period = cleanupPeriod();
    const due = entries
      .filter(({ id, mtime }) => mtime > 0 && mtime + period < now + WARN && !live.has(id))
      .sort((a, b) => a.mtime - b.mtime);
    const [first] = due;
    return (
      first && {
        finding: `Claude Code will delete ${plural(due.length, "session")} within 7 days`,
        evidence: `cleanupPeriodDays is ${period / DAY}; the first is ${short(first.id)}, on ${dayAndTime(first.mtime + period, now)}`,
        fix: "ccr keep --all, or set a higher cleanupPeriodDays in ~/.claude/settings.json",
      }
    );
  },

  modes: ({ all }) => {
    const open = [
      ...all.map(({ path }) => path),
      historyFile(),
      join(configDirectory(), ".credentials.json"),
    ].filter((path) => modeOf(path) & 0o077);
    const folders = [configDirectory(), join(configDirectory(), "projects")].filter(
      (path) => modeOf(path) & 0o022,
    );
    const paths = [...open, ...folders];
    return (
      paths.length > 0 && {
        finding: `${plural(paths.length, "file")} can be read or changed by other users`,
        evidence: `${paths[0]} (${modeOf(paths[0]!).toString(8)})`,
        fix: `ccr doctor --fix, or: chmod go= ${quote(paths[0]!)}`,
        apply() {
          for (const path of paths) chmodSync(path, modeOf(path) & (open.includes(path) ? 0o700 : 0o755));
          return `${plural(paths.length, "mode")} corrected`;
        },
      }
    );
  },

  clock: ({ entries, now }) => {
    const [id, at] = entries
      .map((entry): [string, number] => [entry.id, Math.max(timeOfEntry(entry), entry.mtime)])
      .reduce((one, other) => (other[1] > one[1] ? other : one), ["", 0]);
    return (
      at > now + MAX_SKEW && {
        finding: "the clock is wrong, or was wrong",
        evidence: `session ${short(id)} is of ${iso(at)}, but now it is ${iso(now)}`,
        fix: "check the time: date -u; set it: sudo timedatectl set-ntp true, or restart the workspace",
      }
    );
  },

  "not-saved": ({ all, now }) => {
    const known = new Set(all.map(({ id }) => id));
    const lost = deletedSessions(known).filter(
      ({ updatedAt, title }) => title !== null && (updatedAt ?? 0) > now - DAY,
    );
    return (
      lost.length > 0 && {
        finding: `${plural(lost.length, "session")} of the last day ${lost.length === 1 ? "has" : "have"} no transcript`,
        evidence: `the history has prompts of ${short(lost[0]!.id)}: it was deleted, or never saved`,
        fix: "see the prompts: ccr-list --all; start claude from a new shell, not from within Claude",
        level: "note",
      }
    );
  },

  login: ({ entries }) => {
    const [newest] = entries.filter(({ facts }) => facts && facts.verdict.state !== "limited");
    const verdict = newest?.facts?.verdict;
    const written = statOrNull(join(configDirectory(), ".credentials.json"))?.mtimeMs ?? 0;
    return (
      verdict?.state === "blocked" &&
      verdict.by === "login" &&
      timeOfEntry(newest!) > written && {
        finding: "the login has expired or was revoked",
        evidence: `the newest session, ${short(newest!.id)}, ended with a login error on ${dayAndTime(timeOfEntry(newest!), Date.now())}`,
        fix: "claude, then /login; without a browser: claude setup-token",
      }
    );
  },
};

const modeOf = (path: string): number => (statOrNull(path)?.mode ?? 0) & 0o777;

const [OPEN, CLOSE, CR] = [0x7b, 0x7d, 0x0d];
const JOINT = Buffer.from('}{"');

/** Returns the numbers of the lines that are not one row. The last line of a live session may be half written. */
function badLines(path: string, live: boolean): number[] {
  const bad: number[] = [];
  const fd = openSync(path, "r");
  try {
    const { size } = fstatSync(fd);
    let number = 0;
    for (const { bytes, start, length } of linesForward(fd, size, { first: 1 << 18 })) {
      number++;
      if (!bytes) continue;
      const last = bytes[length - 1] === CR ? bytes[length - 2] : bytes[length - 1];
      // Quotes within strings are escaped, so }{" can only be where two rows meet.
      if (bytes[0] === OPEN && last === CLOSE && !bytes.includes(0) && !bytes.includes(JOINT)) continue;
      const { rows, lost } = parseLine(bytes.toString());
      if ((lost || rows.length > 1) && !(live && start + length === size)) bad.push(number);
    }
  } finally {
    closeSync(fd);
  }
  return bad;
}

/** The file that names the repaired copy of a damaged transcript of this size. */
const repairRecord = (entry: Entry): string => join(state(), "repaired", `${entry.id}-${entry.bytes}`);

function findRepairedCopy(entry: Entry, { all }: CheckContext): string | null {
  try {
    const copy = readFileSync(repairRecord(entry), "utf8");
    return all.some(({ id }) => id === copy) ? copy : null;
  } catch {
    return null;
  }
}

function damageFix(entry: Entry, copy: string | null): string {
  if (entry.unreadable) return `ls -l ${entry.path}`;
  if (copy) return `nothing to do: resume the repaired copy: ccr ${short(copy)}`;
  return "ccr doctor --fix (writes a repaired copy; this one stays)";
}

/** Writes a copy with every row that can be read. Returns what was done. */
async function repair(entry: Entry): Promise<string> {
  const fd = openSync(entry.path, "r");
  try {
    const { size } = fstatSync(fd);
    const index = new TranscriptIndex(fd, size);
    if (index.rowCount === 0) return "nothing could be repaired: no row can be read";
    const title = `${titleOf(entry).title ?? short(entry.id)} (repaired)`;
    const { id, path } = await writeFork(fd, size, index, index.rowCount - 1, {
      from: entry.id,
      path: entry.path,
      title,
    });
    writeAtomic(repairRecord(entry), id);
    return `repaired copy: ccr ${short(id)} (${path})`;
  } finally {
    closeSync(fd);
  }
}
