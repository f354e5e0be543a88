// Starts the recorder, which writes what a pane prints to files in the state folder. Source: docs/developing/tmux.md,
// "Recording".

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
/** Into how many files a recording is split. The oldest is deleted when another begins. */
const PARTS = 4;

/**
 * Keeps the pane's terminal open until tmux has noticed that its program ended. If the terminal closes first, tmux
 * starts utempter and misses a SIGCHLD meanwhile: the window of a Claude that ended normally stays and looks killed
 * (50 of 120 on a loaded machine with Debian's tmux 3.3a; none with this).
 */
const HOLD = "3<>#{pane_tty}";

/** The tmux command that records a pane or, when recording is off, only keeps its terminal open. */
export function watchCommand(id: string, target: string): string[] {
  const recorder = recorderCommand(id, target);
  return recorder.length > 0 ? recorder : ["pipe-pane", "-t", target, `exec cat >/dev/null ${HOLD}`];
}

/**
 * The tmux command that records a pane. It belongs in the same call that creates the window: later, the first output
 * would be lost. Empty when recording is off or its files cannot be written; a session starts all the same.
 *
 * `id` is the Claude session's, `target` the pane's. `running`: the pane already has a screen, with which the recording
 * begins.
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
      // tmux expands these; in the path of the socket, characters special to a shell are replaced
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
 * Quotes a text as one word for sh that also tmux (formats, then strftime) leaves alone: everything except plain
 * characters is written in octal.
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
    // it does not exist yet
  }
  writeAtomic(file, text);
}
