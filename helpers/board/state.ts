// The picker as a state machine: a key or what was read goes in, a new state and what is to be done come out. Pure.

import { clean } from "../terminal/clean.ts";
import type { Key } from "../terminal/keys.ts";
import { filter, wordsOf } from "./filter.ts";
import { type Item, SECTIONS, type Section } from "./items.ts";

export type Row = { section: Section } | { item: Item } | { note: string };

export type State = {
  /** lines of the list on the screen */
  height: number;
  /** the directory of "here", a real path */
  here: string;
  query: string;
  /** "/" was pressed: letters are text even where nothing is typed yet */
  typing: boolean;
  scope: "all" | "here" | "project";
  /** what was marked when "all" was left: its directory is the scope "project" */
  anchor: Item | undefined;
  /** everything that was read, newest first */
  items: readonly Item[];
  /** number of sessions; null until they are counted */
  total: number | null;
  /** whether everything was read */
  complete: boolean;
  /** what is said above the list: machines that do not answer */
  notes: readonly string[];
  /** what the search and the scope leave, in the order of the screen */
  found: readonly Item[];
  /** the same with the names of the sections */
  rows: readonly Row[];
  /** key of the marked session */
  marked: string | undefined;
  /** the mark was moved or has been seen: it stays on its session whatever is still read */
  settled: boolean;
  /** first row on the screen */
  top: number;
  /** what is said above the key line until the next key */
  notice: { lines: readonly string[]; bad: boolean } | null;
  help: boolean;
  /** letters do something where nothing is typed yet */
  board: boolean;
  /** a letter that wants Enter; another letter goes on with a search that begins with it */
  asks: { letter: string; effect: Effect | null } | null;
};

/** What a letter does to a session. */
export type Act = { do: "stop" | "resume" | "logs"; item: Item };

export type Effect =
  | { do: "choose"; item: Item }
  | Act
  | { do: "copy"; item: Item }
  | { do: "quit"; status: number }
  | { do: "suspend" }
  | { do: "redraw" };

const LONGEST_QUERY = 200;

export const start = (query: string, here: string, height: number, board = false): State => ({
  height,
  here,
  query: typed(query),
  typing: false,
  scope: "all",
  anchor: undefined,
  items: [],
  total: null,
  complete: false,
  notes: [],
  found: [],
  rows: [],
  marked: undefined,
  settled: false,
  top: 0,
  notice: null,
  help: false,
  board,
  asks: null,
});

/** More was read. */
export const arrive = (
  state: State,
  news: Pick<State, "items" | "total" | "complete" | "settled"> & Partial<Pick<State, "notes">>,
): State => refresh({ ...state, ...news }, news.settled ? state.marked : undefined);

export const markedItem = (state: State): Item | undefined =>
  state.found.find(({ key }) => key === state.marked);

/** The directory that the scope is about. */
export const placeOf = ({ scope, here, anchor }: State): string | null =>
  scope === "here" ? here : scope === "project" ? (anchor?.place ?? null) : null;

/** What Tab leads to. */
export function nextScope({ scope, here, anchor }: State): State["scope"] {
  if (scope === "all") return "here";
  return scope === "here" && anchor?.place && anchor.place !== here ? "project" : "all";
}

export function press(before: State, key: Key): [State, Effect?] {
  const state: State = { ...before, settled: true, notice: null, help: false, asks: null };
  const leaves = "key" in key && (key.key === "ctrl-c" || key.key === "ctrl-z");
  if (before.help && !leaves) return [state];
  const { asks } = before;
  if ("key" in key) {
    if (asks && key.key === "enter") return asks.effect ? [state, asks.effect] : [state];
    return asks && key.key === "escape" ? [state] : named(state, key.key);
  }
  const { text } = key;
  if (asks) return [search(state, asks.letter + typed(text))];
  if (state.query === "" && !state.typing && !key.pasted) {
    const item = state.board ? markedItem(state) : undefined;
    if (item && text === "l") return [state, { do: "logs", item }];
    if (item && (text === "s" || text === "r")) return [ask(state, text, item)];
    if (text === "q") return [state, { do: "quit", status: 0 }];
    if (text === "?") return [{ ...state, help: true }];
    if (text[0] === "/") return [search({ ...state, typing: true }, typed(text.slice(1)))];
  }
  return [search(state, state.query + typed(text))];
}

function named(state: State, key: string): [State, Effect?] {
  const { query } = state;
  const item = markedItem(state);
  const page = Math.max(1, state.height - 1);
  switch (key) {
    case "up":
    case "ctrl-p":
      return [move(state, -1)];
    case "down":
    case "ctrl-n":
      return [move(state, 1)];
    case "pageup":
      return [move(state, -page)];
    case "pagedown":
      return [move(state, page)];
    case "home":
      return [move(state, -state.found.length)];
    case "end":
      return [move(state, state.found.length)];
    case "tab":
      return [turn(state, item)];
    case "enter":
      return item ? [state, { do: "choose", item }] : [state];
    case "ctrl-y":
      return item ? [state, { do: "copy", item }] : [state];
    case "backspace":
      return [search(state, query.replace(/(?:\P{M}\p{M}*|\p{M}+)$/u, ""))];
    case "ctrl-w":
      return [search(state, query.replace(/\S*\s*$/, ""))];
    case "ctrl-c":
      return [state, { do: "quit", status: 130 }];
    case "escape":
    case "ctrl-d":
      if (query === "") return [state, { do: "quit", status: 0 }];
      return key === "escape" ? named(state, "ctrl-u") : [state];
    case "ctrl-u":
      return [search({ ...state, typing: false }, "")];
    case "ctrl-z":
      return [state, { do: "suspend" }];
    case "ctrl-l":
      return [state, { do: "redraw" }];
    default:
      return [state];
  }
}

function ask(state: State, letter: "s" | "r", item: Item): State {
  const name = `${item.id.slice(0, 8)} ${item.title}`;
  const { live } = item;
  const [can, question, not] =
    letter === "s"
      ? [live, `stop ${name}${item.section === "Working" ? ", which is working" : ""}?`, "is not running"]
      : [item.limited && !live, `resume ${name} now?`, live ? "is running" : "waits for no limit"];
  const lines = can ? [question, "enter yes, esc no"] : [`${name} ${not}`];
  const effect: Effect | null = can ? { do: letter === "s" ? "stop" : "resume", item } : null;
  return { ...state, asks: { letter, effect }, notice: { lines, bad: false } };
}

/** One line of harmless text; a blank at either end stays, as the next word begins there. */
const typed = (given: string): string =>
  given
    .slice(0, LONGEST_QUERY)
    .replace(/\S(?:.*\S)?/s, (core) => clean(core))
    .replace(/\s+/g, " ");

/** Another search marks what fits best; without a search the marked session stays marked. */
function search(state: State, wanted: string): State {
  const query = wanted.slice(0, LONGEST_QUERY).replace(/[\ud800-\udbff]$/, "");
  if (query === state.query) return state;
  return refresh({ ...state, query, top: 0 }, query.trim() === "" ? state.marked : undefined);
}

function turn(state: State, item: Item | undefined): State {
  const scope = nextScope(state);
  const anchor = state.scope === "all" ? item : state.anchor;
  return refresh({ ...state, scope, anchor, top: 0 }, (scope === "all" ? anchor : item)?.key);
}

function move(state: State, by: number): State {
  const { found, marked } = state;
  const to = found.findIndex(({ key }) => key === marked) + by;
  return scroll({ ...state, marked: found[Math.max(0, Math.min(found.length - 1, to))]?.key });
}

/** Works out what is shown; `marked` stays marked where it is among it, else the first is. */
function refresh(state: State, marked: string | undefined): State {
  const place = placeOf(state);
  const near = state.scope === "all" ? state.items : state.items.filter((item) => item.place === place);
  const words = wordsOf(state.query);
  let found: readonly Item[];
  let rows: Row[];
  if (words.length > 0 || near.every(({ section }) => section === "Recent")) {
    found = filter(near, words);
    rows = found.map((item) => ({ item }));
  } else {
    rows = SECTIONS.flatMap((section): Row[] => {
      const own = near.filter((item) => item.section === section).map((item) => ({ item }));
      return own.length > 0 ? [{ section }, ...own] : [];
    });
    found = rows.flatMap((row) => ("item" in row ? row.item : []));
  }
  if (words.length === 0) rows.unshift(...state.notes.map((note) => ({ note })));
  const stays = found.some(({ key }) => key === marked);
  return scroll({ ...state, found, rows, marked: stays ? marked : found[0]?.key });
}

/** Moves the list so that the marked row is on the screen, with the name of its section where it is the first there. */
export function scroll(state: State): State {
  const { rows, marked, height } = state;
  const at = rows.findIndex((row) => "item" in row && row.item.key === marked);
  let above = at;
  while (above > 0 && !("item" in rows[above - 1]!) && at - above < height - 1) above--;
  const top = Math.min(state.top, Math.max(0, rows.length - height), Math.max(0, above));
  return { ...state, top: Math.max(top, at - height + 1) };
}
