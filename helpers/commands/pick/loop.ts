// The picker at work: keys, reading and drawing in turns, until a session is chosen or the person leaves.
import { lastMessages } from "../../claude/recent.ts";
import { surroundings } from "../../sessions/around.ts";
import { uniqueLengths } from "../../sessions/catalogue.ts";
import { realPath } from "../../sessions/lookup.ts";
import { Reading } from "../../sessions/reading.ts";
import { smallHeap } from "../../system/heap.ts";
import { problemOf } from "../../system/problem.ts";
import { type Colour, painted } from "../../terminal/colour.ts";
import type { Key } from "../../terminal/keys.ts";
import { unicode } from "../../terminal/output.ts";
import { Screen } from "../../terminal/screen.ts";
import { projectNames } from "../view.ts";
import { type Item, itemOf } from "./items.ts";
import { layout, listHeight, type Preview } from "./layout.ts";
import { arrive, type Effect, markedItem, press, type State, scroll, start } from "./state.ts";

/** So long (ms) is read before the first paint at most, and between two looks for keys. */
const FIRST_SLICE = 6;
const SLICE = 8;
/** While reading the screen changes this often (ms) at most. */
const REPAINT = 150;
/** From so long (ms) after the first paint on, the mark stays where it is seen. */
const SEEN = 300;
const PREVIEW_MESSAGES = 24;

type Outcome<T> = { chosen: T } | { status: number };

export type Options<T> = {
  query: string;
  coloured: boolean;
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

class Picker<T> {
  readonly #screen: Screen;
  readonly #options: Options<T>;
  readonly #finish: (outcome: Outcome<T>) => void;
  readonly #ascii = !unicode();
  readonly #around = surroundings();
  readonly #reading = new Reading();
  readonly #items = new Map<string, Item>();
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
    this.#state = start(options.query, here(), listHeight(screen.size.rows));
  }

  /** Reads what is probably the newest, paints it, and reads the rest between keystrokes. */
  begin(): void {
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
      if (this.#ended || complete) return;
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
  }

  #read(steps: ReturnType<Reading["steps"]>, budget: number, stop: () => boolean): boolean {
    const end = Date.now() + budget;
    do {
      const { done, value } = steps.next();
      if (done) return true;
      if (value) {
        const item = itemOf(value, this.#around, this.#ascii);
        const twin = this.#items.get(item.id);
        if (!twin || twin.path === item.path || twin.at <= item.at) this.#items.set(item.id, item);
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
    const settled = this.#state.settled || (this.#firstPaint > 0 && Date.now() - this.#firstPaint > SEEN);
    this.#state = arrive(this.#state, { items, total, complete, settled });
    this.#news = false;
    this.#paint();
  }

  #paint(): void {
    if (this.#ended) return;
    const item = markedItem(this.#state);
    const preview = this.#preview?.of === item ? this.#preview : undefined;
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
    if (!item || preview) return;
    this.#preview = { of: item, shows: null };
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
    else this.#screen.forget();
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
      void import("../../system/run.ts").then(({ capture }) =>
        capture("tmux", ["set-buffer", "-w", "--", id]),
      );
    }
    this.#state = { ...this.#state, notice: { lines: [`copied ${id}`], bad: false } };
  }
}

function glance({ path }: Item): Preview {
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
