// Full-screen mode: takes the whole terminal and restores it, however the program ends.
import { closeSync, openSync, writeSync } from "node:fs";
import { isatty, ReadStream, WriteStream } from "node:tty";
import { type Key, Keys } from "./keys.ts";

/** Alternate screen, no line wrap, pasted text marked, cursor hidden. */
const ENTER = "\u001b[?1049h\u001b[?7l\u001b[?2004h\u001b[?25l\u001b[H\u001b[J";
/** The same in reverse. Also clears the screen, for terminals without an alternate screen. */
const LEAVE = "\u001b[?2026l\u001b[0m\u001b[H\u001b[J\u001b[?25h\u001b[?2004l\u001b[?7h\u001b[?1049l";

/** A lone Esc is a key after this long (ms); the rest of a sequence may take longer on a slow line. */
const ESCAPE_WAIT = 50;
const SEQUENCE_WAIT = 500;
/** After this time (ms) a stop had no effect: the kernel does not stop an orphaned process group. */
const STOP_WAIT = 20;

const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
const GONE = SIGNALS.SIGHUP;

export type Size = { columns: number; rows: number };

export type Handlers = {
  keys(keys: Key[]): void;
  resize(): void;
  /** called for a signal or when the terminal is closed, with the exit status for it */
  end(status: number): void;
  /** called for anything that is thrown in full-screen mode */
  fail(error: unknown): void;
};

type Listener = (value?: unknown) => void;

/** Returns descriptors to read keys from and to draw on, never stdout, which is for data. Null without a terminal. */
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

  /** Starts full-screen mode; null without a terminal. */
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

  /** Shows lines and writes only the changed ones. The rest of each row is cleared. */
  draw(lines: readonly string[]): void {
    let text = "";
    for (let i = 0; i < lines.length; i++) {
      if (lines[i] !== this.#shown[i]) text += `\u001b[${i + 1};1H\u001b[2K${lines[i]}\u001b[0m`;
    }
    this.#shown = [...lines];
    if (text !== "") this.write(`\u001b[?2026h${text}\u001b[?2026l`);
  }

  /** Makes the next draw write every line. */
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
          // The terminal is closed.
          if (this.#entered) setImmediate(() => this.#handlers.end(GONE));
          return;
        }
      }
    }
  }

  /** Ends full-screen mode. */
  close(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#stopTimer);
    this.#leave();
    for (const [event, listener] of this.#listeners) process.off(event, listener);
    this.#input.off("data", this.#read);
    this.#input.pause();
    this.#input.unref();
  }

  /** Leaves full-screen mode while another program uses the terminal. */
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

  /** Stops the whole job as Ctrl-Z does in cooked mode; the shell can continue it. */
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
    // Node refreshes only the size of stdout and stderr; no public call refreshes that of another stream.
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
    // Runs when the process is continued, or soon if it was not stopped.
    this.#stopTimer = setTimeout(() => {
      process.off("SIGTSTP", listener).on("SIGTSTP", listener);
      this.#back();
    }, STOP_WAIT);
  }

  /** SIGSTOP cannot be caught: the shell has used the terminal, so set it up again. */
  #continued(): void {
    if (!this.#entered) return;
    this.#leave();
    this.#back();
  }
}
