import { liveSessions } from "../claude/registry.ts";
import { type Call, type Command, isSet, stringFlag } from "../cli/command.ts";
import { durationFlag } from "../cli/parse-time.ts";
import { resolveSessionId } from "../cli/resolve-live-session.ts";
import { tableLook } from "../cli/session-format.ts";
import { invalidValue, usageError } from "../cli/usage-error.ts";
import { entries } from "../live/journal.ts";
import { isAlive, type Recording, recordedSessions, recordingsOf, secondsOf } from "../recording/cast.ts";
import { Player } from "../recording/player.ts";
import { Problem } from "../system/problem.ts";
import { SECOND } from "../system/units.ts";
import { size } from "../terminal/amount.ts";
import { iso, json } from "../terminal/json.ts";
import { isTerminal, writeStderr, writeStdout } from "../terminal/output.ts";
import { table } from "../terminal/table.ts";
import { dayAndTime, duration } from "../terminal/time.ts";

export const replay: Command = {
  usage: "replay <session> [n] [flags]",
  description:
    "Plays the newest recording of a session on this terminal, or the n-th newest. Press space to pause, and q or Ctrl-C to quit. A full-screen recording stays on its last screen until you press a key. The files are asciicasts, which asciinema plays too. Nothing is recorded while the setting recording.on is off.",
  flags: {
    speed: { type: "string", value: "n", description: "play n times as fast (default 1)" },
    idle: { type: "string", value: "time", description: "longest pause: 500ms, 1s (default 2s)" },
    last: { type: "string", value: "time", description: "play only the end: 30s, 5m, 1h" },
    list: { type: "boolean", description: "only list the recordings and their files" },
  },
  positionals: "session",
  maxArgs: 2,
  json: true,
  examples: [
    ["ccr replay 4bb6", "play the newest recording"],
    ["ccr replay 4bb6 --speed 4 --idle 500ms", "play it fast"],
    ["ccr replay 4bb6 --last 5m", "play the last five minutes"],
    ["ccr replay 4bb6 --list", "list the recordings and their files"],
  ],
  async run(call) {
    const [word, nth = "1"] = call.positionals;
    if (word === undefined) throw usageError("missing argument: <session>", "run: ccr replay <id or title>");
    const speedText = stringFlag(call, "speed") ?? "1";
    const speed = Number(speedText);
    if (!(speed > 0)) throw invalidValue("--speed", speedText, "a number above 0, such as 2");
    const idle = durationFlag(call, "idle", { unit: "s", example: "500ms or 1s" }) ?? 2 * SECOND;
    const last = durationFlag(call, "last", { unit: "s", example: "30s or 5m" });
    const all = recordingsOf(recordedIdOf(word));
    if (call.json) printJson(call, all);
    else if (isSet(call, "list")) printList(all);
    if (call.json || isSet(call, "list")) return 0;
    const recording = all[Number(nth) - 1];
    if (!recording)
      throw new Problem("no-recording", `no recording ${nth} of ${word}`, {
        hint: `list them: ccr replay ${word} --list`,
      });
    if (!isTerminal(1)) {
      throw new Problem("no-terminal", "a recording can only be played on a terminal", {
        hint: [
          `list the files: ccr replay ${word} --list`,
          "search in recordings: ccr-find WORDS --recordings",
        ],
      });
    }
    const { status, tooSmall } = await new Player(recording, { speed, idle, last }).play();
    if (tooSmall !== null) {
      const [recorded, own] = [tooSmall.recorded, tooSmall.terminal].map(
        (size) => `${size.columns}x${size.rows}`,
      );
      writeStderr(`ccr: recorded at ${recorded}, but this terminal has ${own}: lines were cut or wrapped\n`);
    }
    return status;
  },
};

/** Returns the id of the recorded session that an argument names. The session may have no transcript (any more). */
function recordedIdOf(word: string): string {
  const ids = recordedSessions();
  const prefix = word.toLowerCase();
  const matches = ids.filter((id) => id.startsWith(prefix));
  if (matches.length === 1) return matches[0]!;
  const id = resolveSessionId(word);
  if (ids.includes(id)) return id;
  // After /clear a session continues under another id.
  const key = entries().find(({ current }) => current === id)?.id;
  if (key !== undefined && ids.includes(key)) return key;
  const live = liveSessions().has(id);
  throw new Problem("no-recording", `no recording of ${id.slice(0, 8)}`, {
    hint: live
      ? "only sessions that ccr has started in tmux are recorded"
      : `see what happened: ccr logs ${id.slice(0, 8)}`,
  });
}

function printJson(call: Call, all: readonly Recording[]): void {
  const recordings = all.map((recording) => ({
    session: recording.session,
    startedAt: iso(recording.startedAt),
    updatedAt: iso(recording.updatedAt),
    seconds: secondsOf(recording),
    bytes: recording.bytes,
    recording: isAlive(recording),
    files: recording.parts,
  }));
  json("replay", { recordings }, call.warnings);
}

function printList(all: readonly Recording[]): void {
  const now = Date.now();
  const rows = all.map((recording, i) => [
    String(i + 1),
    dayAndTime(recording.startedAt, now),
    isAlive(recording) ? "recording" : duration(secondsOf(recording) * SECOND),
    size(recording.bytes),
    recording.parts.join(" "),
  ]);
  const columns = ["N", "STARTED", "LENGTH", "SIZE", "FILES"].map((title) => ({ title }));
  // Paths are not cut: they are there to be copied.
  const look = { ...tableLook(), room: Number.POSITIVE_INFINITY };
  writeStdout(`${table(columns, rows, look).join("\n")}\n`);
}
