// The event loop of the board and the picker: handles keys, reads sessions and draws, until one is chosen or the person quits.
import { lastMessages } from "../claude/recent.ts";
import type { Live } from "../claude/registry.ts";
import { projectNames } from "../cli/session-format.ts";
import type { Remote } from "../remote/remote.ts";
import { uniqueLengths } from "../sessions/catalogue.ts";
import { readContext } from "../sessions/context.ts";
import { realPath } from "../sessions/lookup.ts";
import { SessionReader } from "../sessions/session-reader.ts";
import { type Entry, readTranscript } from "../sessions/store.ts";
import { problemOf } from "../system/problem.ts";
import { type Colour, painted } from "../terminal/colour.ts";
import type { Key } from "../terminal/keys.ts";
import { unicode } from "../terminal/output.ts";
import { Screen } from "../terminal/screen.ts";
import { type Item, itemOfEntry, itemOfSession, sessionOfLive } from "./items.ts";
import { layout, listHeight, type Preview } from "./layout.ts";
import type { RemoteSessions } from "./remote-sessions.ts";
import {
  type Action,
  addResults,
  type Effect,
  handleKey,
  initialState,
  type State,
  scroll,
  selectedItem,
} from "./state.ts";
import type { Changes, SessionWatcher } from "./watch.ts";

/** Milliseconds of reading before the first paint, and between two checks for keys. */
const FIRST_SLICE = 6;
const SLICE = 8;
/** Milliseconds between two repaints while sessions are read. */
const REPAINT = 150;
/** Milliseconds after the first paint until the selection counts as seen and stays where it is. */
const SEEN = 300;
const PREVIEW_MESSAGES = 24;
/** Milliseconds between two checks of the running sessions when no file changes. */
const CHECK_INTERVAL = 5000;
/** In the last minute before a reset (ms) the countdown is redrawn every second. */
const LAST_MINUTE = 60_000;
/** Number of recent sessions that each remote machine is asked for. */
const REMOTE_COUNT = 100;

type Outcome<T> = { chosen: T } | { status: number };

export type Options<T> = {
  query: string;
  coloured: boolean;
  /** set for a board: letters act on sessions, and the screen is kept up to date */
  board?: BoardOptions;
  /** called on Enter; an error is shown and the picker stays open */
  choose(item: Item): T | Promise<T>;
};

/** Returns what was chosen, or the exit status if the person quit; null if there is no terminal. */
export async function runPicker<T>(options: Options<T>): Promise<Outcome<T> | null> {
  let finish!: (outcome: Outcome<T>) => void;
  let fail!: (error: unknown) => void;
  const outcome = new Promise<Outcome<T>>((resolve, reject) => {
    finish = resolve;
    fail = reject;
  });
  let picker: Picker<T> | undefined;
  const screen = Screen.open({
    keys: (keys) => picker?.keys(keys),
    resize: () => picker?.resize(),
    end: (status) => finish({ status }),
    fail,
  });
  if (!screen) return null;
  try {
    picker = new Picker(screen, options, finish);
    picker.begin();
    return await outcome;
  } finally {
    picker?.end();
    screen.close();
  }
}

/** What a board shows, and what its letters do. */
export type BoardOptions = {
  /** whether to show the sessions of this machine */
  here: boolean;
  /** remote machines whose sessions are shown */
  targets: readonly Remote[];
  /** stops or resumes a session, and returns the lines to show */
  runAction(action: Action): Promise<{ lines: string[]; bad: boolean }>;
  /** returns the command that shows a session's log */
  logsCommand(item: Item): Promise<string[]>;
};

class Picker<T> {
  readonly #screen: Screen;
  readonly #options: Options<T>;
  readonly #finish: (outcome: Outcome<T>) => void;
  readonly #ascii = !unicode();
  #context = readContext();
  readonly #reading = new SessionReader();
  readonly #items = new Map<string, Item>();
  /** the entries of all items outside the section "Recent" */
  readonly #liveEntries = new Map<string, Entry>();
  /** live sessions that are not in Claude Code's registry */
  #unregistered: ReadonlyMap<string, Live> = new Map();
  #remoteSessions: RemoteSessions | undefined;
  #watcher: SessionWatcher | undefined;
  #timer: NodeJS.Timeout | undefined;
  #state: State;
  #names = projectNames([]);
  #unique: ReadonlyMap<string, number> = new Map();
  #preview: { of: Item; shows: Preview } | undefined;
  /** something was read since the last paint */
  #unpainted = false;
  #firstPaint = 0;
  #lastPaint = 0;
  #ended = false;

  constructor(screen: Screen, options: Options<T>, finish: (outcome: Outcome<T>) => void) {
    this.#screen = screen;
    this.#options = options;
    this.#finish = finish;
    this.#state = initialState(
      options.query,
      currentDirectory(),
      listHeight(screen.size.rows),
      options.board !== undefined,
    );
  }

  /** Reads the probably newest sessions, paints them, and reads the rest between keystrokes. */
  begin(): void {
    const { board } = this.#options;
    if (board && board.targets.length > 0) void this.#askRemotes(board.targets);
    if (board && !board.here) {
      this.#update(true);
      return;
    }
    const enough = this.#state.height;
    const steps = this.#reading.steps(enough, this.#context.live);
    const searching = this.#state.query.trim() !== "";
    // Worth a paint: first a screenful of sessions, then their number.
    const stage = (): number => {
      if (this.#reading.ids) return 2;
      return this.#items.size >= enough && !searching ? 1 : 0;
    };
    let shown = 0;
    let complete = this.#read(steps, FIRST_SLICE, () => stage() > shown);
    shown = stage();
    this.#update(complete);
    this.#firstPaint = this.#lastPaint;
    const slice = (): void => {
      if (this.#ended) return;
      if (complete) {
        if (board) void this.#follow();
        return;
      }
      complete = this.#read(steps, SLICE, () => stage() > shown);
      const due = stage() > shown || (this.#unpainted && shown > 0 && Date.now() - this.#lastPaint > REPAINT);
      shown = stage();
      if (complete || due) this.#update(complete);
      setImmediate(slice);
    };
    setImmediate(slice);
  }

  keys(keys: readonly Key[]): void {
    for (const key of keys) {
      const [state, effect] = handleKey(this.#state, key);
      this.#state = state;
      if (effect) this.#apply(effect);
      if (effect?.do === "quit") return;
    }
    this.#paint();
  }

  resize(): void {
    this.#state = scroll({ ...this.#state, height: listHeight(this.#screen.size.rows) });
    this.#paint();
  }

  end(): void {
    this.#ended = true;
    this.#watcher?.close();
    this.#remoteSessions?.close();
    clearTimeout(this.#timer);
  }

  /** Keeps the screen up to date from now on. */
  async #follow(): Promise<void> {
    const [{ SessionWatcher }, { unregisteredSessions }] = await Promise.all([
      import("./watch.ts"),
      import("./unregistered-sessions.ts"),
    ]);
    if (this.#ended) return;
    this.#watcher = new SessionWatcher((changes) => void this.#onChange(changes, unregisteredSessions));
  }

  async #onChange(
    { paths, running }: Changes,
    unregisteredSessions: () => Promise<Map<string, Live>>,
  ): Promise<void> {
    for (const path of paths) {
      const entry = this.#reading.reread(path);
      if (entry) this.#addEntry(entry);
      if (entry !== undefined) continue;
      for (const { path: other, key } of [...this.#items.values()]) if (other === path) this.#removeItem(key);
    }
    if (running) this.#unregistered = await unregisteredSessions();
    if (this.#ended) return;
    this.#refreshLive();
    this.#update(true);
  }

  /** Updates the items of sessions that started or ended. */
  #refreshLive(): void {
    const before = this.#context.live;
    const context = readContext();
    const live = new Map([...this.#unregistered, ...context.live]);
    this.#context = { ...context, live };
    for (const id of new Set([...before.keys(), ...live.keys()])) {
      const item = this.#items.get(id);
      const known = this.#liveEntries.get(id);
      const entry =
        known ??
        (item?.path
          ? readTranscript({ id, folder: item.folder, path: item.path, bytes: 0, mtime: 0 })
          : null);
      const one = live.get(id);
      if (entry) this.#addEntry(entry);
      // It has no transcript yet.
      else if (one) this.#items.set(id, itemOfSession(sessionOfLive(one), context.now, this.#ascii));
      else this.#removeItem(id);
    }
    for (const entry of this.#liveEntries.values()) if (!live.has(entry.id)) this.#addEntry(entry);
  }

  /**
   * Sets a timer that updates countdowns and notices sessions that ended without changing a file. Without live
   * sessions and visible countdowns there is no timer.
   */
  #schedule(): void {
    clearTimeout(this.#timer);
    if (!this.#watcher) return;
    const { rows, top, height } = this.#state;
    const resets = rows
      .slice(top, top + height)
      .flatMap((row) => ("item" in row ? (row.item.until ?? []) : []));
    if (resets.length === 0 && this.#context.live.size === 0) return;
    const soon = Math.min(...resets) - Date.now() < LAST_MINUTE;
    this.#timer = setTimeout(() => this.#check(), soon ? 1000 : CHECK_INTERVAL);
  }

  #check(): void {
    const summary = (): string =>
      [...this.#context.live.keys(), ...this.#liveEntries.keys()]
        .map((key) => key + this.#items.get(key)?.timeText + this.#items.get(key)?.section)
        .join();
    const before = summary();
    this.#refreshLive();
    if (summary() !== before) this.#update(true);
    else this.#schedule();
  }

  async #askRemotes(targets: readonly Remote[]): Promise<void> {
    const { RemoteSessions } = await import("./remote-sessions.ts");
    if (this.#ended) return;
    this.#remoteSessions = new RemoteSessions(targets, REMOTE_COUNT, (name, sessions) => {
      for (const { key, target } of [...this.#items.values()]) if (target === name) this.#items.delete(key);
      for (const session of sessions) {
        const item = itemOfSession(session, Date.now(), this.#ascii, "", name);
        this.#items.set(item.key, item);
      }
      this.#update(this.#state.complete);
    });
    this.#update(this.#state.complete);
  }

  /** Adds a session, unless a newer transcript with the same id is already there. */
  #addEntry(entry: Entry): void {
    const item = itemOfEntry(entry, this.#context, this.#ascii);
    const twin = this.#items.get(item.key);
    if (twin && twin.path !== item.path && twin.updatedAt > item.updatedAt) return;
    this.#items.set(item.key, item);
    if (item.section === "Recent") this.#liveEntries.delete(item.key);
    else this.#liveEntries.set(item.key, entry);
  }

  #removeItem(key: string): void {
    this.#items.delete(key);
    this.#liveEntries.delete(key);
  }

  /** Reads for at most `budget` ms, or until `stop` returns true. Returns whether everything was read. */
  #read(steps: ReturnType<SessionReader["steps"]>, budget: number, stop: () => boolean): boolean {
    const end = Date.now() + budget;
    do {
      const { done, value } = steps.next();
      if (done) return true;
      if (value) {
        this.#addEntry(value);
        this.#unpainted = true;
      }
    } while (!stop() && Date.now() < end);
    return false;
  }

  #update(complete: boolean): void {
    const { ids } = this.#reading;
    if (ids && this.#unique.size === 0) this.#unique = uniqueLengths(ids);
    const items = [...this.#items.values()].sort((a, b) => b.updatedAt - a.updatedAt);
    this.#names = projectNames(new Set(items.map(({ project }) => project)));
    const counted = ids ? this.#unique.size : null;
    const total = complete ? items.length : counted;
    const notes = this.#remoteSessions?.notes();
    const settled = this.#state.settled || (this.#firstPaint > 0 && Date.now() - this.#firstPaint > SEEN);
    this.#state = addResults(this.#state, { items, total, complete, settled, ...(notes && { notes }) });
    this.#unpainted = false;
    this.#paint();
  }

  #paint(): void {
    if (this.#ended) return;
    const item = selectedItem(this.#state);
    const preview = this.#preview?.of.key === item?.key ? this.#preview : undefined;
    const options = {
      ...this.#screen.size,
      ascii: this.#ascii,
      paint: (text: string, colour: Colour | undefined) =>
        colour && text !== "" && this.#options.coloured ? painted(text, colour) : text,
      name: this.#names,
      unique: this.#unique,
    };
    this.#screen.draw(layout(this.#state, options, preview?.shows ?? null));
    this.#lastPaint = Date.now();
    this.#schedule();
    if (!item || preview?.of === item) return;
    // The old preview stays until the new one is read.
    this.#preview = { of: item, shows: preview?.shows ?? null };
    // Keys that are already waiting come first: they may select another session.
    setImmediate(() => {
      if (this.#preview?.of !== item || this.#ended) return;
      this.#preview = { of: item, shows: readPreview(item) };
      this.#paint();
    });
  }

  #apply(effect: Effect): void {
    if (effect.do === "quit") this.#finish({ status: effect.status });
    else if (effect.do === "choose") void this.#choose(effect.item);
    else if (effect.do === "copy") this.#copy(effect.item.id);
    else if (effect.do === "suspend") this.#screen.suspend();
    else if (effect.do === "redraw") this.#screen.forget();
    else void this.#runAction(effect);
  }

  async #runAction(action: Action): Promise<void> {
    const { runAction, logsCommand } = this.#options.board!;
    try {
      if (action.do === "logs") {
        const argv = await logsCommand(action.item);
        const { runAttached } = await import("../system/run.ts");
        await this.#screen.lend(() => runAttached("/", argv));
      } else {
        const doing = action.do === "stop" ? "stopping" : "resuming";
        this.#notify([`${doing} ${action.item.id.slice(0, 8)}`], false);
        const { lines, bad } = await runAction(action);
        this.#notify(lines, bad);
      }
    } catch (error) {
      this.#notifyError(error);
    }
  }

  async #choose(item: Item): Promise<void> {
    try {
      this.#finish({ chosen: await this.#options.choose(item) });
    } catch (error) {
      this.#notifyError(error);
    }
  }

  #notify(lines: readonly string[], bad: boolean): void {
    this.#state = { ...this.#state, notice: { lines, bad } };
    this.#paint();
  }

  #notifyError(error: unknown): void {
    const { message, hint } = problemOf(error);
    this.#notify([message, ...hint], true);
  }

  /** Copies an id with OSC 52. tmux does not pass OSC 52 on by default, so its own clipboard command runs as well. */
  #copy(id: string): void {
    this.#screen.write(`\u001b]52;c;${Buffer.from(id).toString("base64")}\u0007`);
    if (process.env.TMUX) {
      void import("../system/run.ts").then(({ capture }) => capture("tmux", ["set-buffer", "-w", "--", id]));
    }
    this.#state = { ...this.#state, notice: { lines: [`copied ${id}`], bad: false } };
  }
}

function readPreview({ path }: Item): Preview {
  if (path === "") return [];
  try {
    return lastMessages(path, PREVIEW_MESSAGES);
  } catch (error) {
    return problemOf(error).message;
  }
}

/** The current directory without symbolic links; empty if it was deleted. */
function currentDirectory(): string {
  try {
    return realPath(process.cwd());
  } catch {
    return "";
  }
}
