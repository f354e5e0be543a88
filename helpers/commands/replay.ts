import { liveSessions } from "../claude/registry.ts";
import { type Call, type Command, isSet, stringFlag } from "../cli/command.ts";
import { durationFlag } from "../cli/parse-time.ts";
import { resolveSessionId } from "../cli/resolve-live-session.ts";
import { tableLook } from "../cli/session-format.ts";
import { entries } from "../live/journal.ts";
import { isAlive, type Recording, recordedSessions, recordingsOf, secondsOf } from "../recording/cast.ts";
import { type Pace, pieces } from "../recording/cast-play.ts";
import { AnsiFilter, ORDER } from "../recording/cast-text.ts";
import { Problem } from "../system/problem.ts";
import { SECOND } from "../system/units.ts";
import { size } from "../terminal/amount.ts";
import { iso, json } from "../terminal/json.ts";
import { isTerminal, writeStderr, writeStdout } from "../terminal/output.ts";
import { Screen } from "../terminal/screen.ts";
import { table } from "../terminal/table.ts";
import { dayAndTime, duration } from "../terminal/time.ts";

export const replay: Command = {
  usage: "replay <session> [n] [flags]",
  description:
    "Plays what a session printed, on this terminal: its newest recording, or the n-th newest. Blank pauses, q or ctrl-c ends it. A full-screen recording stays on its last screen until a key. The files are asciicasts: asciinema plays them too. Nothing is recorded while recording.on is off (ccr config).",
  flags: {
    speed: { type: "string", value: "n", description: "so many times as fast (default 1)" },
    idle: { type: "string", value: "time", description: "no pause is longer: 500ms, 1s (default 2s)" },
    last: { type: "string", value: "time", description: "only the end: 30s, 5m, 1h" },
    list: { type: "boolean", description: "only list the recordings and their files" },
  },
  positionals: "session",
  maxArgs: 2,
  json: true,
  examples: [
    ["ccr replay 4bb6", "the newest recording"],
    ["ccr replay 4bb6 --speed 4 --idle 500ms", "in a hurry"],
    ["ccr replay 4bb6 --last 5m", "its last five minutes"],
    ["ccr replay 4bb6 --list", "which there are, and where"],
  ],
  async run(call) {
    const [word, nth = "1"] = call.positionals;
    if (word === undefined) throw wrong("which session?", "ccr replay <id or title>");
    const speed = Number(stringFlag(call, "speed") ?? 1);
    if (!(speed > 0)) throw wrong("--speed is a number above 0.", "--speed 2");
    const idle = durationFlag(call, "idle", { unit: "s", example: "500ms or 1s" }) ?? 2 * SECOND;
    const last = durationFlag(call, "last", { unit: "s", example: "30s or 5m" });
    const all = recordingsOf(recordedNamed(word));
    if (call.json || isSet(call, "list")) return list(call, all);
    const recording = all[Number(nth) - 1];
    if (!recording)
      throw new Problem("no-recording", `there is no recording ${nth} of it.`, {
        hint: `ccr replay ${word} --list`,
      });
    if (!isTerminal(1)) {
      throw new Problem("no-terminal", "a recording can be played on a terminal only.", {
        hint: [`ccr replay ${word} --list`, "ccr-find WORDS --recordings"],
      });
    }
    return new Player(recording, { speed, idle, last }).play();
  },
};

const wrong = (message: string, hint: string): Problem => new Problem("usage", message, { hint, exit: 2 });

/** The id of the recorded session that a word names: one that has no transcript (any more) too. */
export function recordedNamed(word: string): string {
  const ids = recordedSessions();
  const prefix = word.toLowerCase();
  const fits = ids.filter((id) => id.startsWith(prefix));
  if (fits.length === 1) return fits[0]!;
  const id = resolveSessionId(word);
  if (ids.includes(id)) return id;
  // After /clear a session goes on under another id.
  const key = entries().find(({ current }) => current === id)?.id;
  if (key !== undefined && ids.includes(key)) return key;
  const live = liveSessions().has(id);
  throw new Problem("no-recording", `there is no recording of ${id.slice(0, 8)}.`, {
    hint: live ? "only sessions that ccr has started in tmux are recorded" : `ccr logs ${id.slice(0, 8)}`,
  });
}

function list(call: Call, all: readonly Recording[]): number {
  if (call.json) {
    json(
      "replay",
      {
        recordings: all.map((recording) => ({
          session: recording.session,
          startedAt: iso(recording.startedAt),
          updatedAt: iso(recording.updatedAt),
          seconds: secondsOf(recording),
          bytes: recording.bytes,
          recording: isAlive(recording),
          files: recording.parts,
        })),
      },
      call.warnings,
    );
    return 0;
  }
  const now = Date.now();
  const rows = all.map((recording, i) => [
    String(i + 1),
    dayAndTime(recording.startedAt, now),
    isAlive(recording) ? "recording" : duration(secondsOf(recording) * SECOND),
    size(recording.bytes),
    recording.parts.join(" "),
  ]);
  writeStdout(
    `${table([{ title: "N" }, { title: "STARTED" }, { title: "LENGTH" }, { title: "SIZE" }, { title: "FILES" }], rows, { ...tableLook(), room: Number.POSITIVE_INFINITY }).join("\n")}\n`,
  );
  return 0;
}

class Player {
  readonly #recording: Recording;
  readonly #pace: Pace;
  readonly #tame = new AnsiFilter();
  #screen!: Screen;
  #paused = false;
  #over = false;
  #status: number | undefined;
  #failure: unknown;
  #wake = (): void => {};
  #largest = [0, 0];

  constructor(recording: Recording, pace: Pace) {
    this.#recording = recording;
    this.#pace = pace;
  }

  async play(): Promise<number> {
    const end = (status: number): void => {
      this.#status ??= status;
      this.#wake();
    };
    const order = (): void => {
      if (this.#tame.alternate) this.#write("\x1b[?1049l");
      this.#write(`${ORDER}\r\n\x1b[?1049h`);
    };
    const screen = Screen.open({
      keys: (keys) => {
        for (const one of keys) {
          const key = "key" in one ? one.key : one.text[0];
          if (key === "ctrl-c") end(130);
          else if (this.#over || key === "escape" || key === "q") end(0);
          else if (key === " ") this.#paused = !this.#paused;
        }
        this.#wake();
      },
      resize: () => {},
      end,
      fail: (error) => {
        this.#failure = error;
        end(1);
      },
    });
    if (!screen) throw new Problem("no-terminal", "there is no terminal.");
    this.#screen = screen;
    try {
      // On the person's own screen, as it was recorded: what stands there goes up.
      this.#write(`\x1b[?1049l\x1b[999;1H${"\n".repeat(screen.size.rows)}\x1b[H\x1b[?7;25h`);
      await this.#pieces();
      this.#over = true;
      if (this.#status === undefined && this.#tame.alternate) await this.#wait(2 ** 50);
    } finally {
      // Screen gives back what it took: the alternate screen among it.
      order();
      screen.close();
    }
    if (this.#failure !== undefined) throw this.#failure;
    const [columns = 0, rows = 0] = this.#largest;
    const { size: own } = screen;
    if (columns > own.columns || rows > own.rows)
      writeStderr(
        `ccr: recorded at ${columns}x${rows}, this terminal has ${own.columns}x${own.rows}: lines were cut or wrapped\n`,
      );
    return this.#status ?? 0;
  }

  async #pieces(): Promise<void> {
    let count = 0;
    for (const piece of pieces(this.#recording, this.#tame, this.#pace)) {
      // keys and signals are to be heard while nothing waits
      if (++count % 64 === 0) await new Promise(setImmediate);
      if ("wait" in piece && piece.wait > 0) await this.#wait(piece.wait);
      if (this.#status !== undefined) return;
      if ("wait" in piece) this.#write(piece.text);
      else this.#size(piece.columns, piece.rows);
    }
  }

  #size(columns: number, rows: number): void {
    this.#largest = [Math.max(this.#largest[0]!, columns), Math.max(this.#largest[1]!, rows)];
  }

  #write(text: string): void {
    if (text !== "") this.#screen.write(text);
  }

  /** Waits so long (ms), and while it is paused; `end` ends that. */
  async #wait(ms: number): Promise<void> {
    const until = Date.now() + ms;
    for (;;) {
      const left = this.#paused ? 2 ** 30 : Math.min(until - Date.now(), 2 ** 30);
      if (this.#status !== undefined || left <= 0) return;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }
}
