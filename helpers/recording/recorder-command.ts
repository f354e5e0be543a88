// What a pane prints goes into files under the state folder; here is what starts the recorder. Source: facts/tmux.md §4.

import { accessSync, constants, readFileSync, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { config } from "../system/config.ts";
import { makeDirectory, writeAtomic } from "../system/files.ts";
import { state } from "../system/places.ts";
import { DAY } from "../system/units.ts";
import { prune, recordingsDirectory } from "./cast.ts";
import nodeRecorder from "./recorder.cjs" with { type: "text" };
import perlRecorder from "./recorder.pl" with { type: "text" };

const MB = 1024 * 1024;
/** A recording is kept in so many files, of which the oldest goes when another one begins. */
const PARTS = 4;

/**
 * Keeps the pane's terminal open until tmux has heard that its program ended. Where the terminal ends first, tmux
 * starts utempter, and a death that is told meanwhile is lost: the window of a Claude that ended well stays, and looks
 * killed (measured: 50 of 120 on a loaded machine, with Debian's tmux 3.3a; with this none).
 */
const HOLD = "3<>#{pane_tty}";

/** The words of the tmux command that watches a pane: the recorder's, or where nothing is recorded what holds its end. */
export function watchCommand(id: string, target: string): string[] {
  const recorder = recorderCommand(id, target);
  return recorder.length > 0 ? recorder : ["pipe-pane", "-t", target, `exec cat >/dev/null ${HOLD}`];
}

/**
 * The words of the tmux command that records a pane, for the very call that makes the window: a later one loses what
 * is printed first. Empty where recording is off or its files cannot be written: no session fails for that.
 *
 * `id` is the Claude session's, `target` the pane's. `running`: the pane has been there for a while, so that the
 * recording begins with its screen.
 */
export function recorderCommand(id: string, target: string, running = false): string[] {
  const set = config();
  if (!set["recording.on"] || !/^[\w-]+$/.test(id)) return [];
  try {
    const folder = join(recordingsDirectory(), id.toLowerCase());
    sweep(set["recording.days"]);
    makeDirectory(folder);
    const perl = onPath("perl");
    const program = join(state(), `recorder.${perl ? "pl" : "cjs"}`);
    keep(program, perl ? perlRecorder : nodeRecorder);
    const stem = join(folder, new Date().toISOString().replace(/[:.]/g, "-"));
    const bytes = Math.ceil((set["recording.megabytes"] * MB) / PARTS);
    const words = [
      ...(perl
        ? ["exec", shellWord(perl)]
        : ["NODE_OPTIONS= NODE_EXTRA_CA_CERTS= exec", shellWord(process.execPath)]),
      shellWord(program),
      shellWord(stem),
      // tmux fills these in: of a socket's path only what no shell takes for anything else
      "'#{pane_id}' #{s|[^0-9A-Za-z/._-]|@|:socket_path}",
      String(bytes),
      String(PARTS),
      ...(running ? ["now"] : []),
      HOLD,
    ];
    return ["pipe-pane", "-t", target, words.join(" ")];
  } catch {
    return [];
  }
}

/**
 * A text as one word for sh that neither a shell nor tmux (formats, then strftime) can take for anything else: all but
 * plain characters in octal.
 */
export const shellWord = (text: string): string =>
  PLAIN.test(text)
    ? text
    : `"$(printf '${[...Buffer.from(text)].map((byte) => octal(String.fromCharCode(byte), byte)).join("")}')"`;

const PLAIN = /^[\w/.-]+$/;
const octal = (character: string, byte: number): string =>
  PLAIN.test(character) ? character : `\\${byte.toString(8).padStart(3, "0")}`;

function onPath(name: string): string | null {
  for (const directory of (process.env.PATH ?? "").split(delimiter)) {
    const file = join(directory, name);
    try {
      accessSync(file, constants.X_OK);
      if (file.startsWith("/")) return file;
    } catch {
      // not here
    }
  }
  return null;
}

/** Deletes old recordings, once a day. */
function sweep(days: number): void {
  const stamp = join(recordingsDirectory(), ".swept");
  const now = Date.now();
  if (now - (statSync(stamp, { throwIfNoEntry: false })?.mtimeMs ?? 0) < DAY) return;
  writeAtomic(stamp, "");
  prune(days, now);
}

function keep(file: string, text: string): void {
  try {
    if (readFileSync(file, "utf8") === text) return;
  } catch {
    // it is written now
  }
  writeAtomic(file, text);
}
