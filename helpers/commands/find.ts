import { PROMPT_MARK, TEXT_MARK } from "../claude/visible-text.ts";
import { type Call, type Command, isSet, stringFlag } from "../cli/command.ts";
import { timeFlag } from "../cli/parse-time.ts";
import { idCell, projectNames, sessionJson, timeStyle } from "../cli/session-format.ts";
import { invalidValue, usageError } from "../cli/usage-error.ts";
import type { Query } from "../search/query.ts";
import type { Hit, SearchResult, ShownSession } from "../search/search-result.ts";
import type { Bounds } from "../search/threads.ts";
import { fold, literalWord, ranges, regexWord, type Word, wordsIn, wordsOf } from "../search/words.ts";
import { uniqueLengths } from "../sessions/catalogue.ts";
import { readContext } from "../sessions/context.ts";
import { deletedSessions } from "../sessions/deleted.ts";
import { realPath } from "../sessions/lookup.ts";
import { type Context, type Session, sessionOf } from "../sessions/session.ts";
import { allSessionIds } from "../sessions/store.ts";
import { Problem } from "../system/problem.ts";
import { number, plural, size } from "../terminal/amount.ts";
import { clean } from "../terminal/clean.ts";
import { coloured, paint } from "../terminal/colour.ts";
import { iso, jsonList } from "../terminal/json.ts";
import { columns, isTerminal, unicode, writeStderr, writeStdout } from "../terminal/output.ts";
import { type Cell, type Part, table } from "../terminal/table.ts";
import { cut } from "../terminal/text.ts";
import { dayAndTime, duration, type TimeStyle, time } from "../terminal/time.ts";

/** Without --limit, a terminal shows this many sessions; scripts get all. */
const SHOWN = 20;
const MOST_WORDS = 30;
/** This many sessions are laid out as one table. */
const BLOCK = 500;

export const find: Command = {
  usage: "find <words…> [flags]",
  description:
    'Finds sessions that contain every word: in a prompt, an answer, the title or the path of the project. Case is ignored; a "quoted phrase" is searched as it is. Prints the newest first, at most 20 on a terminal. The exit status is 1 when nothing matches.',
  flags: {
    here: { type: "boolean", description: "only sessions started in this directory" },
    project: {
      type: "string",
      value: "name",
      description: "only projects whose path contains this",
      completes: "project",
    },
    since: {
      type: "string",
      value: "time",
      description: "only sessions used since then: 7d, 12h, 2w or 2026-01-31",
    },
    limit: {
      type: "string",
      short: "n",
      value: "n",
      description: "at most this many sessions; 0 means all",
    },
    prompts: {
      type: "boolean",
      description: "only prompts from the history, also those of deleted sessions",
    },
    tools: { type: "boolean", description: "also search the results of tools" },
    recordings: {
      type: "boolean",
      description: "search the recordings of live sessions (ccr replay)",
    },
    regex: { type: "boolean", description: "treat each word as a regular expression" },
    time: {
      type: "string",
      value: "how",
      description: "format of times: short, iso, local or relative",
      completes: ["short", "iso", "local", "relative"],
    },
  },
  json: true,
  examples: [
    ["ccr-find retry gateway", "sessions that contain both words"],
    ['ccr-find "payment gateway" --since 7d', "a phrase, in sessions of the last seven days"],
    ["ccr-find portfolio", "also matches the project portfolio-com"],
    ["ccr-find --regex 'TODO|FIXME' --here", "search the sessions of this directory"],
    ["ccr-find 'tests passed' --recordings", "search what was on the screen"],
  ],
  async run(call) {
    const began = Date.now();
    const style = timeStyle(call);
    const since = timeFlag(call, "since", { now: began, direction: "past" }) ?? 0;
    const limit = limitOf(call);
    const wanted = wantedOf(call);
    // Only JSON shows what is live.
    const context = call.json ? readContext(began) : { now: began, live: new Map(), cleanupPeriod: 0 };
    const result = await search(call, wanted, { limit, since }, context);
    const { hits, searched } = result;
    if (call.json) printJson(call, hits, searched);
    else if (hits.length === 0) printNone(call, searched);
    else {
      printHits(result, { words: wanted.words, now: context.now, style, ids: result.ids });
      const what = kindOf(call) === "session" ? ` in ${number(searched.files)}` : "";
      const effort = `${size(searched.bytes)}, ${seconds(Date.now() - began)}`;
      const more = result.more ? "     all  --limit 0" : "";
      writeStderr(`${paint(`${sessions(hits.length)}${what} (${effort})${more}`, "dim", 2)}\n`);
    }
    return hits.length > 0 ? 0 : 1;
  },
};

async function search(call: Call, wanted: Query, bounds: Bounds, context: Context): Promise<SearchResult> {
  if (isSet(call, "recordings"))
    return (await import("../recording/find-recordings.ts")).screenHits(wanted, bounds, context);
  if (isSet(call, "prompts")) return promptHits(call, wanted, bounds, context);
  return sessionHits(wanted, bounds, context);
}

async function sessionHits(wanted: Query, bounds: Bounds, context: Context): Promise<SearchResult> {
  const search = await import("../search/find.ts");
  const { hits: found, ids, ...rest } = await search.find(wanted, bounds);
  const hits = found.map((read) => () => {
    const { entry, hits, matches } = read();
    return { session: sessionOf(entry, context), hits, matches };
  });
  return { hits, ids, ...rest };
}

async function promptHits(
  call: Call,
  wanted: Query,
  { limit, since }: Bounds,
  context: Context,
): Promise<SearchResult> {
  // Without the modules of the full text.
  const { findPrompts } = await import("../search/prompts.ts");
  const { sessions, searched, withoutSession, more } = await findPrompts(wanted, limit, since);
  const gone = new Map<string, Session>();
  if (call.json && sessions.some(({ present }) => !present)) {
    const present = new Set(sessions.flatMap(({ id, present }) => (present ? [id] : [])));
    for (const session of deletedSessions(present)) gone.set(session.id, session);
  }
  const hits = sessions.map(({ id, entry, hits, matches, ...known }) => (): Hit | null => {
    if (call.json) {
      const read = entry();
      const session = read ? sessionOf(read, context) : gone.get(id);
      return session ? { session, hits, matches } : null;
    }
    // A terminal shows the prompt in place of the title.
    const { at, present, project } = known;
    const title = matches[0]?.snippet ?? null;
    const shown: ShownSession = { id, title, project, updatedAt: at, state: present ? "idle" : "gone" };
    return { session: shown, hits, matches: [] };
  });
  if (withoutSession > 0) {
    const message = `${plural(withoutSession, "more prompt")} matched, but the Claude Code version that wrote them did not save their sessions`;
    call.warn(new Problem("no-session-id", message));
  }
  return { hits, searched, more, ids: allSessionIds };
}

// ---- flags and words

function wantedOf(call: Call): Query {
  const sources = wordsOf(call.positionals);
  if (sources.length === 0) throw usageError("missing argument: <words>", "run: ccr find --help");
  if (sources.length > MOST_WORDS)
    throw usageError(`too many words: at most ${MOST_WORDS}`, 'search for a phrase: ccr-find "a phrase"');
  const project = stringFlag(call, "project");
  return {
    words: isSet(call, "regex")
      ? sources.map((source) => expression(call, source))
      : sources.map(literalWord),
    tools: isSet(call, "tools"),
    complete: call.json,
    here: isSet(call, "here") ? realPath(process.cwd()) : null,
    project: project === undefined ? null : fold(project),
  };
}

function expression(call: Call, source: string): Word {
  try {
    return regexWord(source, isSet(call, "prompts") ? PROMPT_MARK : TEXT_MARK);
  } catch (error) {
    const why = error instanceof Error ? error.message.replace(/^Invalid regular expression: /, "") : "";
    throw usageError(`invalid regular expression: ${why}`, "run: ccr find --help");
  }
}

function limitOf(call: Call): number {
  const given = stringFlag(call, "limit");
  if (given === undefined) return !call.json && isTerminal(1) ? SHOWN : Number.POSITIVE_INFINITY;
  const count = Number(given);
  if (!/^\d+$/.test(given)) throw invalidValue("--limit", given, "a number of sessions such as 50");
  return count === 0 ? Number.POSITIVE_INFINITY : count;
}

// ---- the screen

type ScreenOptions = { words: readonly Word[]; now: number; style: TimeStyle; ids: () => Iterable<string> };
const ROLES = { user: "you", assistant: "claude", tool: "tool", screen: "screen" } as const;

/** Prints the hits, in blocks. */
function printHits({ hits }: SearchResult, options: ScreenOptions): void {
  for (let at = 0; at < hits.length; at += BLOCK) {
    const block = hits.slice(at, at + BLOCK).flatMap((hit) => hit() ?? []);
    writeStdout(`${screenLines(block, options).join("\n")}\n`);
  }
}

/** Returns one line for each session, and below it the first match. */
function screenLines(hits: readonly Hit[], options: ScreenOptions): string[] {
  const { words, now, style } = options;
  const ascii = !unicode();
  const room = isTerminal(1) ? columns() : Number.POSITIVE_INFINITY;
  const name = projectNames(hits.map(({ session }) => session.project));
  const unique = coloured(1) ? uniqueLengths(similar(hits, options.ids())) : new Map<string, number>();
  const rows = hits.map(({ session }): Cell[] => [
    time(session.updatedAt, style, now),
    idCell(session.id, unique),
    marked(words, name(session.project)),
    [
      ...(session.title === null
        ? [{ text: "(no title)", colour: "dim" as const }]
        : marked(words, clean(session.title))),
      ...(session.state === "gone" ? [{ text: "  deleted", colour: "yellow" as const }] : []),
    ],
  ]);
  const heads = [{ title: "" }, { title: "" }, { title: "", flexible: true }, { title: "", flexible: true }];
  const lines = table(heads, rows, { room, header: false, ascii });
  const matchTime = (at: number | null): string =>
    style === "short" ? dayAndTime(at, now) : time(at, style, now);
  const whens = hits.map(({ matches: [match] }) => (match ? matchTime(match.at) : ""));
  const wide = Math.max(...whens.map((when) => when.length));
  return hits.flatMap(({ matches: [match] }, i) => {
    if (!match) return [lines[i]!];
    const head = `${" ".repeat(8)}${ROLES[match.role].padEnd(6)}  ${whens[i]!.padEnd(wide)}  `;
    const parts = fitting(words, clean(match.snippet), room - head.length, ascii);
    return [lines[i]!, paint(head, "dim") + parts.map((part) => paint(part.text, part.colour)).join("")];
  });
}

/** Returns the ids that share their first four characters with a shown one: only they decide how much must be typed. */
function similar(hits: readonly Hit[], ids: Iterable<string>): Set<string> {
  const shown = new Set(hits.map(({ session }) => session.id));
  const beginnings = new Set([...shown].map((id) => id.slice(0, 4)));
  for (const id of ids) if (beginnings.has(id.slice(0, 4).toLowerCase())) shown.add(id.toLowerCase());
  return shown;
}

/** Returns a text with the searched words in bold. */
function marked(words: readonly Word[], text: string): Part[] {
  if (wordsIn(words, text) === 0) return [{ text }];
  const parts: Part[] = [];
  let last = 0;
  for (const { start, end } of ranges(words, text)) {
    if (start > last) parts.push({ text: text.slice(last, start) });
    parts.push({ text: text.slice(start, end), colour: "bold" });
    last = end;
  }
  if (last < text.length) parts.push({ text: text.slice(last) });
  return parts;
}

/** Cuts a snippet to `room` cells so that its first match is visible. */
function fitting(words: readonly Word[], snippet: string, room: number, ascii: boolean): Part[] {
  const mark = ascii ? "..." : "…";
  let shown = ascii ? snippet.replaceAll("…", "...") : snippet;
  const first = ranges(words, shown)[0]?.start ?? 0;
  const ahead = Math.floor(room / 3);
  if (shown.length > room && first > ahead)
    shown = mark + shown.slice(first - ahead).replace(/^[\udc00-\udfff]/, "");
  const line = room === Number.POSITIVE_INFINITY ? shown : cut(shown, Math.max(8, room), mark);
  return marked(words, line);
}

const sessions = (count: number): string => plural(count, "session");
const seconds = (ms: number): string =>
  ms < 60_000 ? `${Math.max(0.1, ms / 1000).toFixed(1)} s` : duration(ms);

/** Says that nothing matches, and what was searched. */
function printNone(call: Call, searched: SearchResult["searched"]): void {
  const [first = "", ...others] = wordsOf(call.positionals).map((word) => `"${clean(word)}"`);
  const words = others.length > 0 ? `all of ${[first, ...others].join(", ")}` : first;
  writeStderr(`no ${kindOf(call)} contains ${words} (${searchedText(call, searched)})\n`);
  if (others.length > 0) writeStderr(`     fewer words  ccr-find ${first}\n`);
}

function kindOf(call: Call): string {
  if (isSet(call, "recordings")) return "recording";
  return isSet(call, "prompts") ? "prompt" : "session";
}

function searchedText(call: Call, { files, bytes }: SearchResult["searched"]): string {
  return kindOf(call) === "session" ? `${sessions(files)}, ${size(bytes)}` : size(bytes);
}

// ---- JSON

function printJson(call: Call, hits: SearchResult["hits"], searched: SearchResult["searched"]): void {
  const query = wordsOf(call.positionals).join(" ");
  jsonList("find", { query, sessions: [], searched }, "sessions", found(), call.warnings);

  function* found(): Generator<unknown> {
    for (const make of hits) {
      const hit = make();
      if (hit) yield hitJson(hit);
    }
  }
}

const hitJson = ({ session, hits, matches }: Hit): Record<string, unknown> => ({
  ...sessionJson(session as Session),
  hits,
  matches: matches.map(({ at, role, snippet }) => ({ at: iso(at), role, snippet: clean(snippet) })),
});
