// The picker at work: keys, reading and drawing in turns, until a session is chosen or the person leaves.
import { lastMessages } from "../claude/recent.ts";
import type { Live } from "../claude/registry.ts";
import { projectNames } from "../cli/session-format.ts";
import type { Remote } from "../remote/remote.ts";
import { uniqueLengths } from "../sessions/catalogue.ts";
import { readContext } from "../sessions/context.ts";
import { realPath } from "../sessions/lookup.ts";
import { Reading } from "../sessions/reading.ts";
import { type Entry, read } from "../sessions/store.ts";
import { smallHeap } from "../system/heap.ts";
import { problemOf } from "../system/problem.ts";
import { type Colour, painted } from "../terminal/colour.ts";
import type { Key } from "../terminal/keys.ts";
import { unicode } from "../terminal/output.ts";
import { Screen } from "../terminal/screen.ts";
import { bareSession, type Item, itemFrom, itemOf } from "./items.ts";
import { layout, listHeight, type Preview } from "./layout.ts";
import type { RemoteSessions } from "./remote-sessions.ts";
import { type Act, arrive, type Effect, markedItem, press, type State, scroll, start } from "./state.ts";
import type { News, Watch } from "./watch.ts";

/** So long (ms) is read before the first paint at most, and between two looks for keys. */
const FIRST_SLICE = 6;
const SLICE = 8;
/** While reading the screen changes this often (ms) at most. */
const REPAINT = 150;
/** From so long (ms) after the first paint on, the mark stays where it is seen. */
const SEEN = 300;
const PREVIEW_MESSAGES = 24;
/** How often (ms) what runs is looked at while nothing tells of a change; in its last minute a limit counts seconds. */
const SLOW_TICK = 5000;
/** So many recent sessions of each other machine are shown. */
const FAR = 100;
const LAST_SECONDS = 60_000;

type Outcome<T> = { chosen: T } | { status: number };

export type Options<T> = {
  query: string;
  coloured: boolean;
  /** whether letters act on sessions, and the screen follows what happens */
  board?: Board;
  /** what Enter does; what it throws is shown, and the choice goes on */
  choose(item: Item): T | Promise<T>;
};

/** What was chosen, or the exit status of leaving without a choice; null where there is no terminal. */
export async function pickOne<T>(options: Options<T>): Promise<Outcome<T> | null> {
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

/** What a board shows: sessions of this machine, of others, and what its letters do. */
export type Board = {
  here: boolean;
  targets: readonly Remote[];
  /** Does what a letter says; what is to be told of it. */
  act(effect: Act): Promise<{ lines: string[]; bad: boolean }>;
  /** the command that shows a session's log */
  logs(item: Item): Promise<string[]>;
};

class Picker<T> {
  readonly #screen: Screen;
  readonly #options: Options<T>;
  readonly #finish: (outcome: Outcome<T>) => void;
  readonly #ascii = !unicode();
  #around = readContext();
  readonly #reading = new Reading();
  readonly #items = new Map<string, Item>();
  /** of those that are shown above the others, what they were made of */
  readonly #lively = new Map<string, Entry>();
  /** what runs without having registered: restored, or just begun */
  #waiting: ReadonlyMap<string, Live> = new Map();
  #far: RemoteSessions | undefined;
  #watch: Watch | undefined;
  #tick: NodeJS.Timeout | undefined;
  #state: State;
  #names = projectNames([]);
  #unique: ReadonlyMap<string, number> = new Map();
  #preview: { of: Item; shows: Preview } | undefined;
  #news = false;
  #firstPaint = 0;
  #lastPaint = 0;
  #ended = false;

  constructor(screen: Screen, options: Options<T>, finish: (outcome: Outcome<T>) => void) {
    this.#screen = screen;
    this.#options = options;
    this.#finish = finish;
    this.#state = start(options.query, here(), listHeight(screen.size.rows), options.board !== undefined);
  }

  /** Reads what is probably the newest, paints it, and reads the rest between keystrokes. */
  begin(): void {
    const { board } = this.#options;
    if (board && board.targets.length > 0) void this.#ask(board.targets);
    if (board && !board.here) {
      this.#arrive(true);
      return;
    }
    const enough = this.#state.height;
    const steps = this.#reading.steps(enough, this.#around.live);
    const searching = this.#state.query.trim() !== "";
    // What there is to show at once: a screenful, then how many there are.
    const stage = (): number => (this.#reading.ids ? 2 : this.#items.size >= enough && !searching ? 1 : 0);
    let shown = 0;
    let complete = this.#read(steps, FIRST_SLICE, () => stage() > shown);
    shown = stage();
    this.#arrive(complete);
    this.#firstPaint = this.#lastPaint;
    const slice = (): void => {
      if (this.#ended) return;
      if (complete) {
        if (board) void this.#follow();
        return;
      }
      complete = this.#read(steps, SLICE, () => stage() > shown);
      const due = stage() > shown || (this.#news && shown > 0 && Date.now() - this.#lastPaint > REPAINT);
      shown = stage();
      if (complete || due) this.#arrive(complete);
      setImmediate(slice);
    };
    void smallHeap().then(() => setImmediate(slice));
  }

  keys(keys: readonly Key[]): void {
    for (const key of keys) {
      const [state, effect] = press(this.#state, key);
      this.#state = state;
      if (effect) this.#effect(effect);
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
    this.#watch?.close();
    this.#far?.close();
    clearTimeout(this.#tick);
  }

  /** From now on the screen changes with the sessions. */
  async #follow(): Promise<void> {
    const [{ Watch }, { whatRuns }] = await Promise.all([import("./watch.ts"), import("./running.ts")]);
    if (this.#ended) return;
    const changed = async ({ paths, running }: News): Promise<void> => {
      for (const path of paths) {
        const entry = this.#reading.again(path);
        if (entry) this.#put(entry);
        if (entry !== undefined) continue;
        for (const { path: other, key } of [...this.#items.values()]) if (other === path) this.#drop(key);
      }
      if (running) this.#waiting = await whatRuns();
      if (this.#ended) return;
      this.#revive();
      this.#arrive(true);
    };
    this.#watch = new Watch((news) => void changed(news));
  }

  /** Shows what runs as what runs, and nothing else. */
  #revive(): void {
    const before = this.#around.live;
    const context = readContext();
    const live = new Map([...this.#waiting, ...context.live]);
    this.#around = { ...context, live };
    for (const id of new Set([...before.keys(), ...live.keys()])) {
      const item = this.#items.get(id);
      const known = this.#lively.get(id);
      const entry =
        known ?? (item?.path ? read({ id, folder: item.folder, path: item.path, bytes: 0, mtime: 0 }) : null);
      const one = live.get(id);
      if (entry) this.#put(entry);
      // Nothing was said in it yet.
      else if (one) this.#items.set(id, itemFrom(bareSession(one), context.now, this.#ascii));
      else this.#drop(id);
    }
    for (const entry of this.#lively.values()) if (!live.has(entry.id)) this.#put(entry);
  }

  /** Counts down, and finds who died without a word: while there is something to count, and no oftener than needed. */
  #schedule(): void {
    clearTimeout(this.#tick);
    if (!this.#watch) return;
    const { rows, top, height } = this.#state;
    const ends = rows
      .slice(top, top + height)
      .flatMap((row) => ("item" in row ? (row.item.until ?? []) : []));
    if (ends.length === 0 && this.#around.live.size === 0) return;
    const soon = Math.min(...ends) - Date.now() < LAST_SECONDS;
    this.#tick = setTimeout(
      () => {
        const look = (): string =>
          [...this.#around.live.keys(), ...this.#lively.keys()]
            .map((key) => key + this.#items.get(key)?.when + this.#items.get(key)?.section)
            .join();
        const before = look();
        this.#revive();
        if (look() !== before) this.#arrive(true);
        else this.#schedule();
      },
      soon ? 1000 : SLOW_TICK,
    );
  }

  async #ask(targets: readonly Remote[]): Promise<void> {
    const { RemoteSessions } = await import("./remote-sessions.ts");
    if (this.#ended) return;
    this.#far = new RemoteSessions(targets, FAR, (name, sessions) => {
      for (const { key, target } of [...this.#items.values()]) if (target === name) this.#items.delete(key);
      for (const session of sessions) {
        const item = itemFrom(session, Date.now(), this.#ascii, "", name);
        this.#items.set(item.key, item);
      }
      this.#arrive(this.#state.complete);
    });
    this.#arrive(this.#state.complete);
  }

  #put(entry: Entry): void {
    const item = itemOf(entry, this.#around, this.#ascii);
    const twin = this.#items.get(item.key);
    if (twin && twin.path !== item.path && twin.at > item.at) return;
    this.#items.set(item.key, item);
    if (item.section === "Recent") this.#lively.delete(item.key);
    else this.#lively.set(item.key, entry);
  }

  #drop(key: string): void {
    this.#items.delete(key);
    this.#lively.delete(key);
  }

  #read(steps: ReturnType<Reading["steps"]>, budget: number, stop: () => boolean): boolean {
    const end = Date.now() + budget;
    do {
      const { done, value } = steps.next();
      if (done) return true;
      if (value) {
        this.#put(value);
        this.#news = true;
      }
    } while (!stop() && Date.now() < end);
    return false;
  }

  #arrive(complete: boolean): void {
    const { ids } = this.#reading;
    if (ids && this.#unique.size === 0) this.#unique = uniqueLengths(ids);
    const items = [...this.#items.values()].sort((a, b) => b.at - a.at);
    this.#names = projectNames(new Set(items.map(({ project }) => project)));
    const total = complete ? items.length : ids ? this.#unique.size : null;
    const notes = this.#far?.notes();
    const settled = this.#state.settled || (this.#firstPaint > 0 && Date.now() - this.#firstPaint > SEEN);
    this.#state = arrive(this.#state, { items, total, complete, settled, ...(notes && { notes }) });
    this.#news = false;
    this.#paint();
  }

  #paint(): void {
    if (this.#ended) return;
    const item = markedItem(this.#state);
    const preview = this.#preview?.of.key === item?.key ? this.#preview : undefined;
    const look = {
      ...this.#screen.size,
      ascii: this.#ascii,
      paint: (text: string, colour: Colour | undefined) =>
        colour && text !== "" && this.#options.coloured ? painted(text, colour) : text,
      name: this.#names,
      unique: this.#unique,
    };
    this.#screen.draw(layout(this.#state, look, preview?.shows ?? null));
    this.#lastPaint = Date.now();
    this.#schedule();
    if (!item || preview?.of === item) return;
    // What was seen of it stays until it is read again.
    this.#preview = { of: item, shows: preview?.shows ?? null };
    // After the keys that are waiting already: they may mark another one.
    setImmediate(() => {
      if (this.#preview?.of !== item || this.#ended) return;
      this.#preview = { of: item, shows: glance(item) };
      this.#paint();
    });
  }

  #effect(effect: Effect): void {
    if (effect.do === "quit") this.#finish({ status: effect.status });
    else if (effect.do === "choose") void this.#choose(effect.item);
    else if (effect.do === "copy") this.#copy(effect.item.id);
    else if (effect.do === "suspend") this.#screen.suspend();
    else if (effect.do === "redraw") this.#screen.forget();
    else void this.#act(effect);
  }

  async #act(effect: Act): Promise<void> {
    const { act, logs } = this.#options.board!;
    const tell = (lines: readonly string[], bad: boolean): void => {
      this.#state = { ...this.#state, notice: { lines, bad } };
      this.#paint();
    };
    try {
      if (effect.do === "logs") {
        const argv = await logs(effect.item);
        const { runAttached } = await import("../system/run.ts");
        await this.#screen.lend(() => runAttached("/", argv));
      } else {
        tell([`${effect.do === "stop" ? "stopping" : "resuming"} ${effect.item.id.slice(0, 8)}`], false);
        const { lines, bad } = await act(effect);
        tell(lines, bad);
      }
    } catch (error) {
      const { message, hint } = problemOf(error);
      tell([message, ...hint], true);
    }
  }

  async #choose(item: Item): Promise<void> {
    try {
      this.#finish({ chosen: await this.#options.choose(item) });
    } catch (error) {
      const { message, hint } = problemOf(error);
      this.#state = { ...this.#state, notice: { lines: [message, ...hint], bad: true } };
      this.#paint();
    }
  }

  /** Asks the terminal to copy; tmux, which by default does not pass that on, is asked too. */
  #copy(id: string): void {
    this.#screen.write(`\u001b]52;c;${Buffer.from(id).toString("base64")}\u0007`);
    if (process.env.TMUX) {
      void import("../system/run.ts").then(({ capture }) => capture("tmux", ["set-buffer", "-w", "--", id]));
    }
    this.#state = { ...this.#state, notice: { lines: [`copied ${id}`], bad: false } };
  }
}

function glance({ path }: Item): Preview {
  if (path === "") return [];
  try {
    return lastMessages(path, PREVIEW_MESSAGES);
  } catch (error) {
    return problemOf(error).message;
  }
}

function here(): string {
  try {
    return realPath(process.cwd());
  } catch {
    // a directory that is gone
    return "";
  }
}
