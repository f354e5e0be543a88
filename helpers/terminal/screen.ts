// A whole terminal for one screen of ours: taken and given back in one piece, whatever ends the program.
import { closeSync, openSync, writeSync } from "node:fs";
import { isatty, ReadStream, WriteStream } from "node:tty";
import { type Key, Keys } from "./keys.ts";

/** Alternate screen, no line wrap, pasted text marked, cursor hidden. */
const ENTER = "\u001b[?1049h\u001b[?7l\u001b[?2004h\u001b[?25l\u001b[H\u001b[J";
/** The same in reverse; where there is no alternate screen at least nothing of ours stays. */
const LEAVE = "\u001b[?2026l\u001b[0m\u001b[H\u001b[J\u001b[?25h\u001b[?2004l\u001b[?7h\u001b[?1049l";

/** A lone Esc is a key after this long (ms); the rest of a sequence may take longer on a slow line. */
const ESCAPE_WAIT = 50;
const SEQUENCE_WAIT = 500;
/** A stop that did not stop us: nobody could have continued an orphaned group. */
const STOP_WAIT = 20;

const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
const GONE = SIGNALS.SIGHUP;

export type Size = { columns: number; rows: number };

export type Handlers = {
  keys(keys: Key[]): void;
  resize(): void;
  /** a signal or the terminal's end; the exit status that says so */
  end(status: number): void;
  /** anything that was thrown while the screen is up */
  fail(error: unknown): void;
};

type Listener = (value?: unknown) => void;

/** Descriptors to read keys from and to draw on: never stdout, which is for data. Null: there is no terminal. */
function descriptors(): { input: number; output: number } | null {
  const open = (flags: string): number => {
    const fd = openSync("/dev/tty", flags);
    if (isatty(fd)) return fd;
    closeSync(fd);
    throw new Error("no terminal");
  };
  try {
    return { output: isatty(2) ? 2 : open("w"), input: isatty(0) ? 0 : open("r") };
  } catch {
    return null;
  }
}

export class Screen {
  readonly #input: ReadStream;
  readonly #output: WriteStream;
  readonly #fd: number;
  readonly #handlers: Handlers;
  readonly #keys = new Keys();
  #timer: NodeJS.Timeout | undefined;
  #stopTimer: NodeJS.Timeout | undefined;
  #entered = false;
  #lent = false;
  #shown: string[] = [];

  private constructor(input: number, output: number, handlers: Handlers) {
    this.#fd = output;
    this.#handlers = handlers;
    this.#input = input === 0 ? (process.stdin as ReadStream) : new ReadStream(input);
    this.#output = output === 2 ? (process.stderr as WriteStream) : new WriteStream(output);
  }

  /** Takes the terminal of this process; null where there is none. */
  static open(handlers: Handlers): Screen | null {
    const found = descriptors();
    if (!found) return null;
    const screen = new Screen(found.input, found.output, handlers);
    screen.#listen();
    screen.#enter();
    return screen;
  }

  get size(): Size {
    const { columns, rows } = this.#output;
    return { columns: columns || 80, rows: rows || 24 };
  }

  /** Shows lines, of which only the changed ones are written. Each may end anywhere: the rest of its row is empty. */
  draw(lines: readonly string[]): void {
    let text = "";
    for (let i = 0; i < lines.length; i++) {
      if (lines[i] !== this.#shown[i]) text += `\u001b[${i + 1};1H\u001b[2K${lines[i]}\u001b[0m`;
    }
    this.#shown = [...lines];
    if (text !== "") this.write(`\u001b[?2026h${text}\u001b[?2026l`);
  }

  /** The next draw writes every line. */
  forget(): void {
    this.#shown = [];
  }

  write(text: string): void {
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; ) {
      try {
        at += writeSync(this.#fd, bytes, at);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === "EAGAIN") Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2);
        else {
          // The terminal is gone: there is nobody to tell.
          if (this.#entered) setImmediate(() => this.#handlers.end(GONE));
          return;
        }
      }
    }
  }

  /** Gives the terminal back for good. */
  close(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#stopTimer);
    this.#leave();
    for (const [event, listener] of this.#listeners) process.off(event, listener);
    this.#input.off("data", this.#read);
    this.#input.pause();
    this.#input.unref();
  }

  /** Gives the terminal to somebody else, and takes it back when they have ended. */
  async lend(use: () => Promise<unknown>): Promise<void> {
    this.#lent = true;
    this.#leave();
    this.#input.pause();
    try {
      await use();
    } finally {
      this.#lent = false;
      this.#back();
    }
  }

  /** Stops as a program in cooked mode does on ctrl-z: its whole job, which the shell continues. */
  suspend(): void {
    this.#stop(() => process.kill(0, "SIGTSTP"));
  }

  readonly #listeners: [string, Listener][] = [];

  #on(event: string, listener: Listener): void {
    this.#listeners.push([event, listener]);
    process.on(event, listener);
  }

  #listen(): void {
    for (const [name, status] of Object.entries(SIGNALS))
      this.#on(name, () => {
        if (!this.#lent || name !== "SIGINT") this.#handlers.end(status);
      });
    this.#on("SIGWINCH", () => this.#resized());
    this.#on("SIGTSTP", () => {
      if (!this.#lent) this.#stop(() => process.kill(process.pid, "SIGTSTP"));
    });
    this.#on("SIGCONT", () => this.#continued());
    this.#on("uncaughtException", (error) => this.#handlers.fail(error));
    this.#on("exit", () => this.#leave());
    const gone = (): void => this.#handlers.end(GONE);
    this.#input.on("data", this.#read).on("end", gone).on("close", gone).on("error", gone);
  }

  readonly #read = (bytes: Uint8Array): void => {
    clearTimeout(this.#timer);
    this.#deliver(this.#keys.feed(bytes));
    const { pending } = this.#keys;
    if (pending === "none") return;
    const wait = pending === "escape" ? ESCAPE_WAIT : SEQUENCE_WAIT;
    this.#timer = setTimeout(() => this.#deliver(this.#keys.flush()), wait);
  };

  #deliver(keys: Key[]): void {
    if (keys.length > 0 && this.#entered) this.#handlers.keys(keys);
  }

  #enter(): void {
    if (this.#entered) return;
    this.#entered = true;
    this.#input.setRawMode(true);
    this.#input.resume();
    this.forget();
    this.write(ENTER);
  }

  #leave(): void {
    if (!this.#entered) return;
    this.#entered = false;
    this.write(LEAVE);
    this.#input.setRawMode(false);
  }

  #resized(): void {
    // Node watches stdout and stderr alone, and public calls give the size of the last look.
    (this.#output as WriteStream & { _refreshSize?(): void })._refreshSize?.();
    this.forget();
    if (this.#entered) this.#handlers.resize();
  }

  #back(): void {
    this.#enter();
    this.#resized();
  }

  #stop(stop: () => void): void {
    const [, listener] = this.#listeners.find(([event]) => event === "SIGTSTP")!;
    this.#leave();
    process.off("SIGTSTP", listener);
    stop();
    // Runs when we are continued, or soon when nothing stopped us.
    this.#stopTimer = setTimeout(() => {
      process.off("SIGTSTP", listener).on("SIGTSTP", listener);
      this.#back();
    }, STOP_WAIT);
  }

  /** After a stop that could not be announced (SIGSTOP) the terminal is the shell's: take it again. */
  #continued(): void {
    if (!this.#entered) return;
    this.#leave();
    this.#back();
  }
}
