import { fstatSync, writeSync } from "node:fs";

/** Exit status, without a message, when the reader of a pipe has closed it (`ccr-list | head -1`). */
const BROKEN_PIPE_STATUS = 141;

function write(fd: 1 | 2, text: string | Uint8Array): void {
  const bytes = typeof text === "string" ? Buffer.from(text) : text;
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(fd, bytes, at);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === "EAGAIN") {
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2);
        continue;
      }
      if (code === "EPIPE") process.exit(BROKEN_PIPE_STATUS);
      if (fd === 1) throw error;
      return;
    }
  }
}

/** Writes data to stdout. Does not use `process.stdout`, which takes 3 ms to load. */
export const writeStdout = (text: string | Uint8Array): void => write(1, text);
/** Writes a message to stderr. */
export const writeStderr = (text: string): void => write(2, spoken(text));

const SIGNS: Record<string, string> = { "…": "...", "→": "->", "·": "-", "–": "-" };
/** Replaces the non-ASCII signs of messages for a locale that cannot show them. */
export const spoken = (text: string): string =>
  unicode() ? text : text.replace(/[\u2026\u2192\u00b7\u2013]/g, (sign) => SIGNS[sign]!);

/** Major number of /dev/null and its like on Linux. */
const MEMORY_DEVICES = 1;

/** Whether a descriptor is a terminal. Loads `node:tty` (3 ms) only for a character device. */
export function isTerminal(fd: 0 | 1 | 2): boolean {
  try {
    const stats = fstatSync(fd);
    if (!stats.isCharacterDevice() || (stats.rdev >> 8) % 4096 === MEMORY_DEVICES) return false;
  } catch {
    return false;
  }
  const name = (["stdin", "stdout", "stderr"] as const)[fd];
  return process[name].isTTY === true;
}

/** Returns the columns of the terminal on stdout: 80 if unknown, at least 20. */
export function columns(): number {
  const set = Number(process.env.COLUMNS);
  if (Number.isInteger(set) && set > 0) return Math.max(20, set);
  const size = isTerminal(1) ? process.stdout.columns : 0;
  return Math.max(20, size || 80);
}

/** Whether the locale can show more than ASCII. */
export function unicode(): boolean {
  const locale = process.env.LC_ALL || process.env.LC_CTYPE || process.env.LANG || "";
  return /utf-?8/i.test(locale);
}
