// The board's state as lines of a terminal: as many as it has rows, none wider than it. Pure.
import type { Message } from "../claude/recent.ts";
import { clean, cleanLines } from "../terminal/clean.ts";
import type { Colour } from "../terminal/colour.ts";
import { cut, pad, width } from "../terminal/text.ts";
import { wrap } from "../terminal/wrap.ts";
import { matchRanges, searchWords } from "./filter.ts";
import type { Item } from "./items.ts";
import { nextScope, type State, scopeDirectory, selectedItem } from "./state.ts";

export type DrawOptions = {
  columns: number;
  rows: number;
  ascii: boolean;
  paint(text: string, colour: Colour | undefined): string;
  /** the short name of a directory */
  name(project: string | null): string;
  /** length of the shortest unique prefix of each id; empty until it is known */
  unique: ReadonlyMap<string, number>;
};

/** The end of a session's transcript, or why it cannot be read; null until it was read. */
export type Preview = readonly Message[] | string | null;

const MIN_COLUMNS_FOR_PREVIEW = 72;
/** The list shows ids, and the words of states, from this width on. */
const MIN_WIDTH_FOR_ID = 64;
const MIN_WIDTH_FOR_STATE_WORDS = 84;
const withCommas = (n: number): string => String(n).replace(/\B(?=(\d{3})+$)/g, ",");
const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
const ellipsis = (ascii: boolean): string => (ascii ? "..." : "…");

/** Returns the number of lines between the search line and the key line. A notice takes some of them. */
export const listHeight = (rows: number): number => Math.max(1, rows - 2);

/** Returns the lines of the whole screen. */
export function layout(state: State, options: DrawOptions, preview: Preview): string[] {
  const { columns, rows, ascii, paint } = options;
  const hasPreview = columns >= MIN_COLUMNS_FOR_PREVIEW && !state.help;
  const listWidth = hasPreview ? columns - Math.max(28, Math.floor(columns * 0.4)) : columns;
  const height = listHeight(rows);
  const notice = noticeLines(state, options).slice(0, height - 1);
  const list = state.help ? helpLines(state, columns) : listLines(state, options, listWidth);
  const item = selectedItem(state);
  const right =
    hasPreview && item
      ? previewLines(item, preview, options, { width: columns - listWidth - 3, height })
      : [];
  const middle = Array.from({ length: height - notice.length }, (_, i) => {
    const line = list[i] ?? "";
    if (!hasPreview) return line;
    // The separator has an absolute position, so a title that the terminal draws wider or narrower cannot move it.
    return `${line}\u001b[${listWidth + 1}G ${paint(ascii ? "|" : "│", "dim")} ${right[i] ?? ""}`;
  });
  return [searchLine(state, options), ...middle, ...notice, keyLine(state, options)].slice(0, rows);
}

const helpLines = (state: State, columns: number): string[] =>
  HELP.flatMap((line) => (!state.board && /^[srl] /.test(line) ? [] : wrap(` ${line}`, columns)));

function searchLine(state: State, options: DrawOptions): string {
  const { columns, ascii, paint } = options;
  const label = columns < 40 ? " " : " search ";
  const facts = searchFacts(state, options);
  const right = (): string => facts.join(ascii ? " - " : " · ");
  const least = label.length + Math.min(width(state.query), 12) + 3;
  while (facts.length > 0 && least + width(right()) > columns) facts.shift();
  const room = columns - label.length - 2 - width(right());
  const query = tail(state.query, room - 1, ascii);
  const gap = " ".repeat(Math.max(0, room - width(query)));
  return `${paint(label, "dim")}${query}${paint(ascii ? "_" : "▏", "cyan")}${gap}${paint(right(), "dim")}`;
}

/** The counts at the right of the search line, the least important first. */
function searchFacts(state: State, { ascii, name }: DrawOptions): string[] {
  const { items, matches, total, scope } = state;
  const limited = items.filter(({ section }) => section === "Limited").length;
  const live = items.filter((item) => item.live).length;
  const all = total === null ? "" : withCommas(total);
  const narrowed = scope !== "all" || state.query.trim() !== "";
  const count = narrowed
    ? `${withCommas(matches.length)} of ${all}`
    : `${all} session${total === 1 ? "" : "s"}`;
  return [
    live > 0 ? `${withCommas(live)} live` : "",
    limited > 0 ? `${withCommas(limited)} limited` : "",
    scope === "all" ? "" : `${scope === "here" ? scope : "in"} ${name(scopeDirectory(state))}`,
    `${count}${state.complete ? "" : ellipsis(ascii)}`,
  ].filter(Boolean);
}

/** Returns the end of a text that is too long for `room` cells. */
function tail(text: string, room: number, ascii: boolean): string {
  if (width(text) <= room) return text;
  const characters = [...text];
  while (characters.length > 0 && sum(characters.map(width)) >= room) characters.shift();
  return (ascii ? "<" : "…") + characters.join("");
}

type Column = {
  text(item: Item): string;
  paint(text: string, item: Item): string;
  max: number;
  /** 0 for the title, which takes the remaining width */
  width: number;
  alignRight?: boolean;
};

function listLines(state: State, options: DrawOptions, room: number): string[] {
  const { ascii, paint } = options;
  const shown = state.rows.slice(state.top, state.top + state.height);
  if (shown.length === 0) return emptyLines(state, options, room);
  const indent = room < 40 ? "" : " ";
  const items = shown.flatMap((row) => ("item" in row ? row.item : []));
  const columns = fitColumns(listColumns(state, options, room), items, room - indent.length);
  const cell = (column: Column, item: Item): string => {
    const text = cut(column.text(item), column.width, ellipsis(ascii));
    const gap = " ".repeat(column.width - width(text));
    return column.alignRight ? gap + column.paint(text, item) : column.paint(text, item) + gap;
  };
  return shown.map((row) => {
    if ("note" in row) return paint(cut(`${indent}${clean(row.note)}`, room - 1, ellipsis(ascii)), "yellow");
    if ("section" in row) return paint(`${indent}${row.section}`, "bold");
    const { item } = row;
    const bar = item.key === state.selected ? paint(ascii ? ">" : "▌", "cyan") : " ";
    return `${indent}${bar} ${columns.map((column) => cell(column, item)).join("  ")}`;
  });
}

/** Id, project, state, title and time; on a narrow list the less important ones get no room. */
function listColumns(state: State, options: DrawOptions, room: number): Column[] {
  const { paint, name, unique } = options;
  const words = searchWords(state.query);
  const titleColour = ({ key, title }: Item): Colour | undefined => {
    if (key === state.selected) return "bold";
    return title === "" ? "dim" : undefined;
  };
  return [
    {
      text: ({ id }) => id.slice(0, 8),
      paint: (text, { id }) => {
        const bright = unique.get(id) ?? 0;
        return paint(text.slice(0, bright), "bold") + paint(text.slice(bright), "dim");
      },
      max: room < MIN_WIDTH_FOR_ID ? 0 : 8,
      width: 1,
    },
    {
      text: ({ project, target }) => (target === null ? "" : `${target}:`) + name(project),
      paint: (text) => highlight(text, words, undefined, options),
      max: room < 36 ? 0 : Math.min(20, Math.floor(room / 4)),
      width: 1,
    },
    {
      text: ({ state: parts }) =>
        parts
          .slice(0, room < MIN_WIDTH_FOR_STATE_WORDS ? 1 : 2)
          .map(({ text }) => text)
          .join("")
          .trimEnd(),
      paint: (text, item) => paint(text, item.state[0]?.colour),
      max: room < 20 ? 0 : 20,
      width: 1,
    },
    {
      text: ({ title }) => title || "(no title)",
      paint: (text, item) => highlight(text, words, titleColour(item), options),
      max: room,
      width: 0,
    },
    {
      text: ({ timeText }) => timeText,
      paint: (text, { section }) => paint(text, section === "Limited" ? "magenta" : "dim"),
      max: room < 28 ? 0 : 10,
      width: 1,
      alignRight: true,
    },
  ];
}

/** Sets the widths of the columns so that they fit into `room` cells; leaves out those that have none. */
function fitColumns(columns: Column[], items: readonly Item[], room: number): Column[] {
  const title = columns.find((column) => column.width === 0)!;
  for (const column of columns) {
    if (column !== title)
      column.width = Math.min(column.max, Math.max(0, ...items.map((item) => width(column.text(item)))));
  }
  const used = columns.filter((column) => column.width > 0 || column === title);
  title.width = Math.max(0, room - 2 * used.length - sum(used.map((column) => column.width)) - 1);
  return used;
}

/** Paints a text, with the words of the search in another colour. */
function highlight(
  text: string,
  words: readonly string[],
  colour: Colour | undefined,
  { paint }: DrawOptions,
): string {
  let line = "";
  let at = 0;
  for (const [from, to] of matchRanges(text, words)) {
    line += paint(text.slice(at, from), colour) + paint(text.slice(from, to), "yellow");
    at = to;
  }
  return line + paint(text.slice(at), colour);
}

function emptyLines(state: State, { paint }: DrawOptions, room: number): string[] {
  const [what, hint] = whyEmpty(state);
  return ["", cut(` ${what}`, room, ""), paint(cut(` ${hint}`, room, ""), "dim")];
}

function whyEmpty({ query, complete, total }: State): [what: string, hint: string] {
  if (!complete && total !== 0) return ["reading", ""];
  if (total === 0) return ["no sessions yet", "start one: claude"];
  const words = query.trim();
  if (words !== "") return [`no session matches "${words}"`, `search the messages: ccr-find ${words}`];
  return ["no sessions in this directory", "other directories: tab"];
}

type Box = { width: number; height: number };

function previewLines(item: Item, preview: Preview, options: DrawOptions, box: Box): string[] {
  const head = previewHead(item, options, box.width);
  if (typeof preview === "string") return [...head, ...wrap(clean(preview), box.width)];
  let lines: string[] = [];
  // As many of the newest messages as fit.
  for (const message of [...(preview ?? [])].reverse()) {
    const free = box.height - head.length - lines.length;
    if (free < 1) break;
    const newest = Math.max(4, box.height - 12);
    const max = Math.min(free, lines.length === 0 ? newest : 5);
    lines = [...messageLines(message, message.by === "tool" ? 1 : max, box.width, options), ...lines];
  }
  return [...head, ...lines];
}

function previewHead(item: Item, { paint, ascii }: DrawOptions, room: number): string[] {
  const mark = ellipsis(ascii);
  const facts = [item.id.slice(0, 8), item.branch, item.timeText].filter(Boolean).join(ascii ? " - " : " · ");
  const state = item.state.map(({ text }) => text).join("");
  return [
    ...wrap(item.title || "(no title)", room)
      .slice(0, 2)
      .map((line) => paint(line, "bold")),
    paint(tail(clean(item.project ?? "-"), room, ascii), "dim"),
    ...(item.target === null ? [] : [paint(cut(`on ${item.target}`, room, mark), "dim")]),
    paint(cut(facts, room, mark), "dim"),
    ...(state ? [paint(cut(state, room, mark), item.state[0]?.colour)] : []),
    "",
  ];
}

/** At most `max` lines of a message: the end of what Claude said, the beginning of anything else. */
function messageLines({ by, text }: Message, max: number, room: number, options: DrawOptions): string[] {
  const { paint, ascii } = options;
  const wrapped = cleanLines(text)
    .split("\n")
    .filter((line) => line.trim() !== "")
    .flatMap((line) => wrap(line, room - 9));
  const kept = by === "claude" ? wrapped.slice(-max) : wrapped.slice(0, max);
  if (wrapped.length > max && by === "claude") kept[0] = (ascii ? "<" : "…") + kept[0];
  else if (wrapped.length > max) kept.push(`${kept.pop()}${ascii ? ">" : "…"}`);
  if (by === "tool") return kept.map((line) => paint(`        ${line}`, "dim"));
  return kept.map((line, i) => paint(pad(i === 0 ? by : "", 8), by === "you" ? "cyan" : "dim") + line);
}

function noticeLines({ notice }: State, { columns, paint }: DrawOptions): string[] {
  if (notice === null) return [];
  const colour = notice.bad ? "red" : "green";
  return notice.lines.flatMap((line, i) =>
    wrap(clean(line), columns - 1).map((text) => ` ${paint(text, i === 0 ? colour : undefined)}`),
  );
}

function keyLine(state: State, { columns, paint }: DrawOptions): string {
  const keys = state.help ? [["any key", "back"]] : keysOf(state);
  // On a narrow screen the first two and the last stay longest.
  while (keys.length > 1 && keys.join("    ").length >= columns) keys.splice(Math.min(2, keys.length - 1), 1);
  return ` ${keys.map(([key = "", does = ""]) => `${paint(key, "bold")} ${paint(does, "dim")}`).join("   ")}`;
}

function keysOf(state: State): string[][] {
  const selected = selectedItem(state);
  const typing = state.query !== "" || state.typing;
  // Letters act on this one.
  const item = state.board && !typing ? selected : undefined;
  return [
    ["enter", state.board && selected?.live ? "open" : "resume"],
    ["tab", nextScope(state)],
    ...(item?.limited && !item.live ? [["r", "resume now"]] : []),
    ...(item?.live ? [["s", "stop"]] : []),
    item ? ["l", "logs"] : ["ctrl-y", "copy id"],
    ...(typing
      ? [["esc", state.query === "" ? "quit" : "clear"]]
      : [
          ["/", "search"],
          ["?", "keys"],
          ["q", "quit"],
        ]),
  ];
}

const HELP = `
type        search titles, projects, prompts and ids; words in any order
/           start a search that begins with s, r, l, q or ?
up, down    select another session; also ctrl-p, ctrl-n
pgup, pgdn  move by a page
home, end   select the first, the last
enter       open the selected session where it runs, or resume it in its own directory
s           stop it (asks first; any other letter starts a search)
r           resume it now, even before its reset (asks first)
l           show its logs
tab         all projects, this directory, or the project of the selected session
ctrl-y      copy its id
ctrl-u      clear the search
ctrl-w      delete its last word
esc         clear the search, then quit
ctrl-z      suspend ccr; fg returns to it
q, ctrl-c   quit`.split("\n");
