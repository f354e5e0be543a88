import { Problem } from "../system/problem.ts";
import type { Key } from "../terminal/keys.ts";
import { Screen } from "../terminal/screen.ts";
import type { Recording } from "./cast.ts";
import { type Pace, playback } from "./cast-play.ts";
import { AnsiFilter, RESET } from "./cast-text.ts";

type Size = { columns: number; rows: number };

/** Plays a recording on this terminal. Space pauses; q, Escape and Ctrl-C end it. */
export class Player {
  readonly #recording: Recording;
  readonly #pace: Pace;
  readonly #filter = new AnsiFilter();
  #screen!: Screen;
  #paused = false;
  /** everything was played: the next key ends it */
  #finished = false;
  #status: number | undefined;
  #failure: unknown;
  #wake = (): void => {};
  /** the largest size that the recording has had so far */
  #recordedSize: Size = { columns: 0, rows: 0 };

  constructor(recording: Recording, pace: Pace) {
    this.#recording = recording;
    this.#pace = pace;
  }

  /** Plays until the end or a key. Returns the exit status, and the sizes if this terminal is too small. */
  async play(): Promise<{ status: number; tooSmall: { recorded: Size; terminal: Size } | null }> {
    const screen = Screen.open({
      keys: (keys) => this.#onKeys(keys),
      resize: () => {},
      end: (status) => this.#end(status),
      fail: (error) => {
        this.#failure = error;
        this.#end(1);
      },
    });
    if (!screen) throw new Problem("no-terminal", "a recording can only be played on a terminal");
    this.#screen = screen;
    try {
      // It plays on the normal screen, as it was recorded. What is there scrolls up.
      this.#write(`\x1b[?1049l\x1b[999;1H${"\n".repeat(screen.size.rows)}\x1b[H\x1b[?7;25h`);
      await this.#writePieces();
      this.#finished = true;
      if (this.#status === undefined && this.#filter.alternate) await this.#wait(2 ** 50);
    } finally {
      this.#resetTerminal();
      screen.close();
    }
    if (this.#failure !== undefined) throw this.#failure;
    const { size: terminal } = screen;
    const { columns, rows } = this.#recordedSize;
    const fits = columns <= terminal.columns && rows <= terminal.rows;
    return { status: this.#status ?? 0, tooSmall: fits ? null : { recorded: this.#recordedSize, terminal } };
  }

  #onKeys(keys: readonly Key[]): void {
    for (const one of keys) {
      const key = "key" in one ? one.key : one.text[0];
      if (key === "ctrl-c") this.#end(130);
      else if (this.#finished || key === "escape" || key === "q") this.#end(0);
      else if (key === " ") this.#paused = !this.#paused;
    }
    this.#wake();
  }

  #end(status: number): void {
    this.#status ??= status;
    this.#wake();
  }

  /** Undoes what the recording changed. `Screen` expects to leave the alternate screen, so that is entered again. */
  #resetTerminal(): void {
    if (this.#filter.alternate) this.#write("\x1b[?1049l");
    this.#write(`${RESET}\r\n\x1b[?1049h`);
  }

  async #writePieces(): Promise<void> {
    let count = 0;
    for (const piece of playback(this.#recording, this.#filter, this.#pace)) {
      // Keys and signals are handled even if nothing waits.
      if (++count % 64 === 0) await new Promise(setImmediate);
      if ("wait" in piece && piece.wait > 0) await this.#wait(piece.wait);
      if (this.#status !== undefined) return;
      if ("wait" in piece) this.#write(piece.text);
      else {
        const { columns, rows } = this.#recordedSize;
        this.#recordedSize = {
          columns: Math.max(columns, piece.columns),
          rows: Math.max(rows, piece.rows),
        };
      }
    }
  }

  #write(text: string): void {
    if (text !== "") this.#screen.write(text);
  }

  /** Waits for `ms` and for as long as the player is paused, but not after the end. */
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
