// The picker's state as lines of a terminal, as many as it has rows and none wider than it. Pure.
import type { Message } from "../claude/recent.ts";
import { clean, cleanLines } from "../terminal/clean.ts";
import type { Colour } from "../terminal/colour.ts";
import { cut, pad, width } from "../terminal/text.ts";
import { wrap } from "../terminal/wrap.ts";
import { marks, wordsOf } from "./filter.ts";
import type { Item } from "./items.ts";
import { markedItem, nextScope, placeOf, type State } from "./state.ts";

export type Look = {
  columns: number;
  rows: number;
  ascii: boolean;
  paint(text: string, colour: Colour | undefined): string;
  /** the short name of a directory */
  name(project: string | null): string;
  /** how much of each id has to be typed; empty until it is known */
  unique: ReadonlyMap<string, number>;
};

/** The end of a session's transcript, or why it cannot be read; null while it is not. */
export type Preview = readonly Message[] | string | null;

const LEAST_WITH_PREVIEW = 72;
/** From so many cells of the list on ids are shown, and the words of the states. */
const WITH_ID = 64;
const WITH_WORDS = 84;
const count = (n: number): string => String(n).replace(/\B(?=(\d{3})+$)/g, ",");
const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

/** Lines between the search line and the key line; what is said takes from them. */
export const listHeight = (rows: number): number => Math.max(1, rows - 2);

export function layout(state: State, look: Look, preview: Preview): string[] {
  const { columns, rows, ascii, paint } = look;
  const beside = columns >= LEAST_WITH_PREVIEW && !state.help;
  const left = beside ? columns - Math.max(28, Math.floor(columns * 0.4)) : columns;
  const height = listHeight(rows);
  const said = noticeLines(state, look).slice(0, height - 1);
  const list = state.help
    ? HELP.flatMap((line) => (!state.board && /^(?:s, r|l) /.test(line) ? [] : wrap(` ${line}`, columns)))
    : listLines(state, look, left);
  const item = markedItem(state);
  const glance = beside && item ? previewLines(item, preview, look, columns - left - 3, height) : [];
  const middle = Array.from({ length: height - said.length }, (_, i) => {
    const line = list[i] ?? "";
    if (!beside) return line;
    // The bar's place is named, so that a title which the terminal draws wider or narrower cannot move it.
    return `${line}\u001b[${left + 1}G ${paint(ascii ? "|" : "│", "dim")} ${glance[i] ?? ""}`;
  });
  return [searchLine(state, look), ...middle, ...said, keyLine(state, look)].slice(0, rows);
}

function searchLine(state: State, { columns, ascii, paint, name }: Look): string {
  const { items, found, total, scope } = state;
  const label = columns < 40 ? " " : " search ";
  const limited = items.filter(({ section }) => section === "Limited").length;
  const live = items.filter((item) => item.live).length;
  const narrowed = scope !== "all" || state.query.trim() !== "";
  const all = total === null ? "" : count(total);
  const more = state.complete ? "" : ascii ? "..." : "…";
  // The least important first.
  const facts = [
    live > 0 ? `${count(live)} live` : "",
    limited > 0 ? `${count(limited)} limited` : "",
    scope === "all" ? "" : `${scope === "here" ? scope : "in"} ${name(placeOf(state))}`,
    `${narrowed ? `${count(found.length)} of ${all}` : `${all} session${total === 1 ? "" : "s"}`}${more}`,
  ].filter(Boolean);
  const right = (): string => facts.join(ascii ? " - " : " · ");
  const least = label.length + Math.min(width(state.query), 12) + 3;
  while (facts.length > 0 && least + width(right()) > columns) facts.shift();
  const room = columns - label.length - 2 - width(right());
  const query = tail(state.query, room - 1, ascii);
  const gap = " ".repeat(Math.max(0, room - width(query)));
  return `${paint(label, "dim")}${query}${paint(ascii ? "_" : "▏", "cyan")}${gap}${paint(right(), "dim")}`;
}

/** The end of a text that is too long. */
function tail(text: string, room: number, ascii: boolean): string {
  if (width(text) <= room) return text;
  const characters = [...text];
  while (characters.length > 0 && sum(characters.map(width)) >= room) characters.shift();
  return (ascii ? "<" : "…") + characters.join("");
}

type Column = {
  text(item: Item): string;
  paint(text: string, item: Item): string;
  most: number;
  /** 0 for the title, which takes what is left */
  width: number;
};

function listLines(state: State, look: Look, room: number): string[] {
  const { ascii, paint, name, unique } = look;
  const shown = state.rows.slice(state.top, state.top + state.height);
  const items = shown.flatMap((row) => ("item" in row ? row.item : []));
  const words = wordsOf(state.query);
  const indent = room < 40 ? "" : " ";
  const columns: Column[] = [
    {
      text: ({ id }) => id.slice(0, 8),
      paint: (text, { id }) => {
        const bright = unique.get(id) ?? 0;
        return paint(text.slice(0, bright), "bold") + paint(text.slice(bright), "dim");
      },
      most: room < WITH_ID ? 0 : 8,
      width: 1,
    },
    {
      text: ({ project, target }) => (target === null ? "" : `${target}:`) + name(project),
      paint: (text) => emphasize(text, words, undefined, look),
      most: room < 36 ? 0 : Math.min(20, Math.floor(room / 4)),
      width: 1,
    },
    {
      text: ({ state: parts }) =>
        parts
          .slice(0, room < WITH_WORDS ? 1 : 2)
          .map(({ text }) => text)
          .join("")
          .trimEnd(),
      paint: (text, item) => paint(text, item.state[0]?.colour),
      most: room < 20 ? 0 : 20,
      width: 1,
    },
    {
      text: ({ title }) => title || "(no title)",
      paint: (text, { key, title }) =>
        emphasize(text, words, key === state.marked ? "bold" : title === "" ? "dim" : undefined, look),
      most: room,
      width: 0,
    },
    {
      text: ({ when }) => when,
      paint: (text, { section }) => paint(text, section === "Limited" ? "magenta" : "dim"),
      most: room < 28 ? 0 : 10,
      width: 1,
    },
  ];
  for (const column of columns) {
    if (column.width > 0)
      column.width = Math.min(column.most, Math.max(0, ...items.map((item) => width(column.text(item)))));
  }
  const title = columns[3]!;
  const used = columns.filter((column) => column.width > 0 || column === title);
  const rest = room - indent.length - 2 * used.length - sum(used.map((column) => column.width));
  title.width = Math.max(0, rest - 1);
  if (shown.length === 0) return emptyLines(state, look, room);
  return shown.map((row) => {
    if ("note" in row)
      return paint(cut(`${indent}${clean(row.note)}`, room - 1, ascii ? "..." : "…"), "yellow");
    if ("section" in row) return paint(`${indent}${row.section}`, "bold");
    const { item } = row;
    const bar = item.key === state.marked ? paint(ascii ? ">" : "▌", "cyan") : " ";
    const cells = used.map((column) => {
      const text = cut(column.text(item), column.width, ascii ? "..." : "…");
      const gap = " ".repeat(column.width - width(text));
      return column === columns[4] ? gap + column.paint(text, item) : column.paint(text, item) + gap;
    });
    return `${indent}${bar} ${cells.join("  ")}`;
  });
}

/** Text with the words of the search in another colour. */
function emphasize(
  text: string,
  words: readonly string[],
  colour: Colour | undefined,
  { paint }: Look,
): string {
  let line = "";
  let at = 0;
  for (const [from, to] of marks(text, words)) {
    line += paint(text.slice(at, from), colour) + paint(text.slice(from, to), "yellow");
    at = to;
  }
  return line + paint(text.slice(at), colour);
}

function emptyLines({ query, complete, total }: State, { paint }: Look, room: number): string[] {
  const [what, then] =
    !complete && total !== 0
      ? ["reading", ""]
      : total === 0
        ? ["no sessions yet", "start one   claude"]
        : query.trim() !== ""
          ? [`no session fits "${query.trim()}"`, `in the messages   ccr-find ${query.trim()}`]
          : ["no session was started here", "elsewhere   tab"];
  return ["", cut(` ${what}`, room, ""), paint(cut(` ${then}`, room, ""), "dim")];
}

function previewLines(item: Item, preview: Preview, look: Look, room: number, height: number): string[] {
  const { paint, ascii } = look;
  const mark = ascii ? "..." : "…";
  const facts = [item.id.slice(0, 8), item.branch, item.when].filter(Boolean).join(ascii ? " - " : " · ");
  const state = item.state.map(({ text }) => text).join("");
  const head = [
    ...wrap(item.title || "(no title)", room)
      .slice(0, 2)
      .map((line) => paint(line, "bold")),
    paint(tail(clean(item.project ?? "-"), room, ascii), "dim"),
    ...(item.target === null ? [] : [paint(cut(`on ${item.target}`, room, mark), "dim")]),
    paint(cut(facts, room, mark), "dim"),
    ...(state ? [paint(cut(state, room, mark), item.state[0]?.colour)] : []),
    "",
  ];
  if (typeof preview === "string") return [...head, ...wrap(clean(preview), room)];
  let lines: string[] = [];
  // The newest that fit; of a long one the beginning, of Claude's the end.
  for (const { by, text } of [...(preview ?? [])].reverse()) {
    const free = height - head.length - lines.length;
    if (free < 1) break;
    const most = Math.min(free, by === "tool" ? 1 : lines.length === 0 ? Math.max(4, height - 12) : 5);
    const wrapped = cleanLines(text)
      .split("\n")
      .filter((line) => line.trim() !== "")
      .flatMap((line) => wrap(line, room - 9));
    const kept = by === "claude" ? wrapped.slice(-most) : wrapped.slice(0, most);
    if (wrapped.length > most && by === "claude") kept[0] = (ascii ? "<" : "…") + kept[0];
    else if (wrapped.length > most) kept.push(`${kept.pop()}${ascii ? ">" : "…"}`);
    const label = by === "tool" ? "" : by;
    lines = [
      ...kept.map((line, i) =>
        by === "tool"
          ? paint(`        ${line}`, "dim")
          : paint(pad(i === 0 ? label : "", 8), by === "you" ? "cyan" : "dim") + line,
      ),
      ...lines,
    ];
  }
  return [...head, ...lines];
}

const noticeLines = ({ notice }: State, { columns, paint }: Look): string[] =>
  notice?.lines.flatMap((line, i) =>
    wrap(clean(line), columns - 1).map(
      (text) => ` ${paint(text, i > 0 ? undefined : notice.bad ? "red" : "green")}`,
    ),
  ) ?? [];

function keyLine(state: State, { columns, paint }: Look): string {
  const to = nextScope(state);
  const item = state.board ? markedItem(state) : undefined;
  const letters = item && state.query === "" && !state.typing;
  const keys = state.help
    ? [["any key", "back"]]
    : [
        ["enter", item?.live ? "open" : "resume"],
        ["tab", to],
        ...(letters && item.limited && !item.live ? [["r", "resume now"]] : []),
        ...(letters && item.live ? [["s", "stop"]] : []),
        ...(letters ? [["l", "logs"]] : [["ctrl-y", "copy id"]]),
        ...(state.query !== "" || state.typing
          ? [["esc", state.query === "" ? "quit" : "clear"]]
          : [
              ["/", "search"],
              ["?", "keys"],
              ["q", "quit"],
            ]),
      ];
  // On a narrow screen the first two and the last are what is needed most.
  while (keys.length > 1 && keys.join("    ").length >= columns) keys.splice(Math.min(2, keys.length - 1), 1);
  return ` ${keys.map(([key = "", does = ""]) => `${paint(key, "bold")} ${paint(does, "dim")}`).join("   ")}`;
}

const HELP = `
type        search title, project, prompts and id; words in any order
/           search for what begins with s, r, l, q or ?
up, down    mark another session; ctrl-p and ctrl-n too
pgup, pgdn  a page; home, end  the first, the last
enter       go to the marked session where it runs, or resume it in its own directory
s, r        stop it; resume it now, whatever its limit: both ask, and any letter goes on as a search
l           its logs
tab         sessions of all projects, of this directory, of the marked one's
ctrl-y      copy its id
ctrl-u      clear the search; ctrl-w  its last word
esc         clear the search, then quit
ctrl-z      stop for now; fg comes back
q, ctrl-c   quit`.split("\n");
