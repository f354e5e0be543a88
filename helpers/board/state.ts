// The board as a state machine: a key or new results go in, the next state and what to do come out. Pure.

import { clean } from "../terminal/clean.ts";
import type { Key } from "../terminal/keys.ts";
import { filter, searchWords } from "./filter.ts";
import { type Item, SECTIONS, type Section } from "./items.ts";

/** One line of the list. */
type Row = { section: Section } | { item: Item } | { note: string };

export type State = {
  /** lines of the list on the screen */
  height: number;
  /** the current directory, a real path: scope "here" */
  here: string;
  query: string;
  /** "/" was pressed: letters are text, even while the query is empty */
  typing: boolean;
  scope: "all" | "here" | "project";
  /** the session that was selected when scope "all" was left; its directory is the scope "project" */
  anchor: Item | undefined;
  /** everything that was read, newest first */
  items: readonly Item[];
  /** number of sessions; null until they are counted */
  total: number | null;
  /** whether everything was read */
  complete: boolean;
  /** lines above the list: remote machines that do not answer */
  notes: readonly string[];
  /** items that match the query and the scope, in the order of the screen */
  matches: readonly Item[];
  /** the matches with the headings of their sections */
  rows: readonly Row[];
  /** key of the selected session */
  selected: string | undefined;
  /** the person has seen or moved the selection: it stays on its session while more is read */
  settled: boolean;
  /** index of the first row on the screen */
  top: number;
  /** message above the key line until the next key; an error if `bad` */
  notice: { lines: readonly string[]; bad: boolean } | null;
  help: boolean;
  /** whether letters act on the selected session while the query is empty */
  board: boolean;
  /** a letter that waits for Enter to confirm it; any other letter continues a search that begins with it */
  confirm: { letter: string; effect: Effect | null } | null;
};

/** What a letter does to a session. */
export type Action = { do: "stop" | "resume" | "logs"; item: Item };

export type Effect =
  | { do: "choose"; item: Item }
  | Action
  | { do: "copy"; item: Item }
  | { do: "quit"; status: number }
  | { do: "suspend" }
  | { do: "redraw" };

const MAX_QUERY_LENGTH = 200;

/** Returns the state before anything was read. */
export const initialState = (query: string, here: string, height: number, board = false): State => ({
  height,
  here,
  query: cleanInput(query),
  typing: false,
  scope: "all",
  anchor: undefined,
  items: [],
  total: null,
  complete: false,
  notes: [],
  matches: [],
  rows: [],
  selected: undefined,
  settled: false,
  top: 0,
  notice: null,
  help: false,
  board,
  confirm: null,
});

/** Replaces the items by what has been read by now. */
export const addResults = (
  state: State,
  results: Pick<State, "items" | "total" | "complete" | "settled"> & Partial<Pick<State, "notes">>,
): State => refresh({ ...state, ...results }, results.settled ? state.selected : undefined);

export const selectedItem = (state: State): Item | undefined =>
  state.matches.find(({ key }) => key === state.selected);

/** Returns the directory that the scope is restricted to; null for all. */
export function scopeDirectory({ scope, here, anchor }: State): string | null {
  if (scope === "here") return here;
  return scope === "project" ? (anchor?.realProject ?? null) : null;
}

/** Returns the scope that Tab switches to. */
export function nextScope({ scope, here, anchor }: State): State["scope"] {
  if (scope === "all") return "here";
  return scope === "here" && anchor?.realProject && anchor.realProject !== here ? "project" : "all";
}

/** Returns the state after a key, and what the caller has to do. */
export function handleKey(before: State, key: Key): [State, Effect?] {
  const state: State = { ...before, settled: true, notice: null, help: false, confirm: null };
  const leaves = "key" in key && (key.key === "ctrl-c" || key.key === "ctrl-z");
  if (before.help && !leaves) return [state];
  if (before.confirm) return afterConfirm(state, before.confirm, key);
  if ("key" in key) return handleNamedKey(state, key.key);
  const lettersAct = state.query === "" && !state.typing && !key.pasted;
  return (lettersAct ? handleLetter(state, key.text) : null) ?? [appendToQuery(state, key.text)];
}

/** The key after a letter that asked for confirmation. */
function afterConfirm(
  state: State,
  { letter, effect }: NonNullable<State["confirm"]>,
  key: Key,
): [State, Effect?] {
  if ("text" in key) return [search(state, letter + cleanInput(key.text))];
  if (key.key === "enter") return effect ? [state, effect] : [state];
  return key.key === "escape" ? [state] : handleNamedKey(state, key.key);
}

/** A letter while the query is empty; null if it has no meaning of its own and begins a search. */
function handleLetter(state: State, text: string): [State, Effect?] | null {
  const item = state.board ? selectedItem(state) : undefined;
  if (item && text === "l") return [state, { do: "logs", item }];
  if (item && (text === "s" || text === "r")) return [askToConfirm(state, text, item)];
  if (text === "q") return [state, { do: "quit", status: 0 }];
  if (text === "?") return [{ ...state, help: true }];
  if (text[0] === "/") return [search({ ...state, typing: true }, cleanInput(text.slice(1)))];
  return null;
}

function handleNamedKey(state: State, key: string): [State, Effect?] {
  const { query } = state;
  const item = selectedItem(state);
  const page = Math.max(1, state.height - 1);
  switch (key) {
    case "up":
    case "ctrl-p":
      return [moveSelection(state, -1)];
    case "down":
    case "ctrl-n":
      return [moveSelection(state, 1)];
    case "pageup":
      return [moveSelection(state, -page)];
    case "pagedown":
      return [moveSelection(state, page)];
    case "home":
      return [moveSelection(state, -state.matches.length)];
    case "end":
      return [moveSelection(state, state.matches.length)];
    case "tab":
      return [changeScope(state, item)];
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
      return key === "escape" ? handleNamedKey(state, "ctrl-u") : [state];
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

/** Asks before a session is stopped or resumed, or says why that is not possible. */
function askToConfirm(state: State, letter: "s" | "r", item: Item): State {
  const name = `${item.id.slice(0, 8)} ${item.title}`;
  const problem = letter === "s" ? whyNotStop(item) : whyNotResume(item);
  const working = item.section === "Working" ? ", which is working" : "";
  const question = letter === "s" ? `stop ${name}${working}?` : `resume ${name} now?`;
  const lines = problem === null ? [question, "enter yes, esc no"] : [`${name} ${problem}`];
  const effect: Effect | null = problem === null ? { do: letter === "s" ? "stop" : "resume", item } : null;
  return { ...state, confirm: { letter, effect }, notice: { lines, bad: false } };
}

const whyNotStop = ({ live }: Item): string | null => (live ? null : "is not running");

function whyNotResume({ live, limited }: Item): string | null {
  if (live) return "is running";
  return limited ? null : "is not limited";
}

/** Makes one line of typed or pasted text, without control characters. Spaces at both ends stay: more may follow. */
function cleanInput(text: string): string {
  return text
    .slice(0, MAX_QUERY_LENGTH)
    .replace(/\S(?:.*\S)?/s, (core) => clean(core))
    .replace(/\s+/g, " ");
}

const appendToQuery = (state: State, text: string): State => search(state, state.query + cleanInput(text));

/** Sets the query. A new query selects the best match; an empty one keeps the selected session. */
function search(state: State, text: string): State {
  // A surrogate pair is not cut in half.
  const query = text.slice(0, MAX_QUERY_LENGTH).replace(/[\ud800-\udbff]$/, "");
  if (query === state.query) return state;
  return refresh({ ...state, query, top: 0 }, query.trim() === "" ? state.selected : undefined);
}

function changeScope(state: State, item: Item | undefined): State {
  const scope = nextScope(state);
  const anchor = state.scope === "all" ? item : state.anchor;
  return refresh({ ...state, scope, anchor, top: 0 }, (scope === "all" ? anchor : item)?.key);
}

function moveSelection(state: State, by: number): State {
  const { matches, selected } = state;
  const to = matches.findIndex(({ key }) => key === selected) + by;
  return scroll({ ...state, selected: matches[Math.max(0, Math.min(matches.length - 1, to))]?.key });
}

/** Computes matches and rows again. `selected` stays selected if it is still a match, otherwise the first match is. */
function refresh(state: State, selected: string | undefined): State {
  const directory = scopeDirectory(state);
  const items =
    state.scope === "all" ? state.items : state.items.filter((item) => item.realProject === directory);
  const words = searchWords(state.query);
  let matches: readonly Item[];
  let rows: Row[];
  if (words.length > 0 || items.every(({ section }) => section === "Recent")) {
    matches = filter(items, words);
    rows = matches.map((item) => ({ item }));
  } else {
    rows = SECTIONS.flatMap((section): Row[] => {
      const members = items.filter((item) => item.section === section).map((item) => ({ item }));
      return members.length > 0 ? [{ section }, ...members] : [];
    });
    matches = rows.flatMap((row) => ("item" in row ? row.item : []));
  }
  if (words.length === 0) rows.unshift(...state.notes.map((note) => ({ note })));
  const stays = matches.some(({ key }) => key === selected);
  return scroll({ ...state, matches, rows, selected: stays ? selected : matches[0]?.key });
}

/** Scrolls so that the selected row is visible, with the heading of its section if it is the first of it. */
export function scroll(state: State): State {
  const { rows, selected, height } = state;
  const at = rows.findIndex((row) => "item" in row && row.item.key === selected);
  let above = at;
  while (above > 0 && !("item" in rows[above - 1]!) && at - above < height - 1) above--;
  const top = Math.min(state.top, Math.max(0, rows.length - height), Math.max(0, above));
  return { ...state, top: Math.max(top, at - height + 1) };
}
