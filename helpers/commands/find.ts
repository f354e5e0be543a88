import { PROMPT_MARK, TEXT_MARK } from "../claude/visible-text.ts";
import { type Call, type Command, isSet, stringFlag } from "../cli/command.ts";
import { timeFlag } from "../cli/parse-time.ts";
import { idCell, projectNames, sessionJson, timeStyle } from "../cli/session-format.ts";
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
import { number, size } from "../terminal/amount.ts";
import { clean } from "../terminal/clean.ts";
import { coloured, paint } from "../terminal/colour.ts";
import { iso, jsonList } from "../terminal/json.ts";
import { columns, isTerminal, unicode, writeStderr, writeStdout } from "../terminal/output.ts";
import { type Cell, type Part, table } from "../terminal/table.ts";
import { cut } from "../terminal/text.ts";
import { dayAndTime, duration, type TimeStyle, time } from "../terminal/time.ts";

/** A terminal shows so many sessions where no limit is given; scripts get them all. */
const SHOWN = 20;
const MOST_WORDS = 30;
/** So many sessions are laid out together. */
const BLOCK = 500;

export const find: Command = {
  usage: "find <words…> [flags]",
  description:
    'Finds sessions that hold every word somewhere: in a prompt, an answer, the title or the project\'s path. Upper and lower case are the same; a "quoted phrase" is looked for as it stands. The newest come first, at most 20 on a terminal. The exit status is 1 when there is none.',
  flags: {
    here: { type: "boolean", description: "only sessions started in this directory" },
    project: {
      type: "string",
      value: "name",
      description: "only of projects with this in their path",
      completes: "project",
    },
    since: {
      type: "string",
      value: "time",
      description: "only sessions used since: 7d, 12h, 2w or 2026-01-31",
    },
    limit: {
      type: "string",
      short: "n",
      value: "n",
      description: "at most so many sessions; 0 is all of them",
    },
    prompts: {
      type: "boolean",
      description: "only what was typed, from the history (deleted sessions included)",
    },
    tools: { type: "boolean", description: "the results of tools as well" },
    recordings: {
      type: "boolean",
      description: "what live sessions have shown on their screens (ccr replay)",
    },
    regex: { type: "boolean", description: "each word is a regular expression" },
    time: {
      type: "string",
      value: "how",
      description: "times as short, iso, local or relative",
      completes: ["short", "iso", "local", "relative"],
    },
  },
  json: true,
  examples: [
    ["ccr-find retry gateway", "sessions that speak of both"],
    ['ccr-find "payment gateway" --since 7d', "the phrase, in sessions of the last seven days"],
    ["ccr-find portfolio", "also the sessions of a project called portfolio-com"],
    ["ccr-find --regex 'TODO|FIXME' --here", "in this directory's sessions"],
    ["ccr-find 'tests passed' --recordings", "what stood on the screen"],
  ],
  async run(call) {
    const began = Date.now();
    const style = timeStyle(call);
    const since = timeFlag(call, "since", { now: began, direction: "past" }) ?? 0;
    const limit = limitOf(call);
    const wanted = wantedOf(call);
    // On the screen nobody sees what is live.
    const context = call.json ? readContext(began) : { now: began, live: new Map(), cleanupPeriod: 0 };
    const { hits, searched, more, ids } = isSet(call, "recordings")
      ? (await import("../recording/find-recordings.ts")).screenHits(wanted, { limit, since }, context)
      : isSet(call, "prompts")
        ? await promptHits(call, wanted, limit, since, context)
        : await sessionHits(wanted, { limit, since }, context);
    if (call.json) {
      printJson(call, hits, searched);
    } else if (hits.length > 0) {
      const look = { words: wanted.words, now: context.now, style, ids };
      for (let at = 0; at < hits.length; at += BLOCK)
        writeStdout(
          `${screen(
            hits.slice(at, at + BLOCK).flatMap((hit) => hit() ?? []),
            look,
          ).join("\n")}\n`,
        );
      const what = isSet(call, "prompts") || isSet(call, "recordings") ? "" : ` in ${number(searched.files)}`;
      writeStderr(
        `${paint(`${sessions(hits.length)}${what} (${size(searched.bytes)}, ${seconds(Date.now() - began)})${more ? `     all  --limit 0` : ""}`, "dim", 2)}\n`,
      );
    } else sayNone(call, searched);
    return hits.length > 0 ? 0 : 1;
  },
};

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
  limit: number,
  since: number,
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
    // On the screen the prompt itself stands for its session.
    const { at, present, project } = known;
    const title = matches[0]?.snippet ?? null;
    const shown: ShownSession = { id, title, project, updatedAt: at, state: present ? "idle" : "gone" };
    return { session: shown, hits, matches: [] };
  });
  if (withoutSession > 0) {
    const message = `${withoutSession} more prompts fit, written by a Claude Code that did not note the session.`;
    call.warn(new Problem("no-session-id", message));
  }
  return { hits, searched, more, ids: allSessionIds };
}

// ---- flags and words

const wrong = (message: string, hint: string): Problem => new Problem("usage", message, { hint, exit: 2 });

function wantedOf(call: Call): Query {
  const sources = wordsOf(call.positionals);
  if (sources.length === 0) throw wrong("no words to look for.", "ccr-find WORDS");
  if (sources.length > MOST_WORDS) throw wrong(`more than ${MOST_WORDS} words.`, 'ccr-find "a phrase"');
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
    throw wrong(`not a regular expression: ${why}.`, "ccr find --help");
  }
}

function limitOf(call: Call): number {
  const given = stringFlag(call, "limit");
  if (given === undefined) return !call.json && isTerminal(1) ? SHOWN : Number.POSITIVE_INFINITY;
  const count = Number(given);
  if (!/^\d+$/.test(given))
    throw wrong(`"${given}" is not a number of sessions.`, "ccr-find WORDS --limit 50");
  return count === 0 ? Number.POSITIVE_INFINITY : count;
}

// ---- the screen

type Look = { words: readonly Word[]; now: number; style: TimeStyle; ids: () => Iterable<string> };
const ROLES = { user: "you", assistant: "claude", tool: "tool", screen: "screen" } as const;

function screen(hits: readonly Hit[], look: Look): string[] {
  const { words, now, style } = look;
  const ascii = !unicode();
  const room = isTerminal(1) ? columns() : Number.POSITIVE_INFINITY;
  const name = projectNames(hits.map(({ session }) => session.project));
  const unique = coloured(1) ? uniqueLengths(similar(hits, look.ids())) : new Map<string, number>();
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
  const whens = hits.map(({ matches: [match] }) =>
    match ? (style === "short" ? dayAndTime(match.at, now) : time(match.at, style, now)) : "",
  );
  const wide = Math.max(...whens.map((when) => when.length));
  return hits.flatMap(({ matches: [match] }, i) => {
    if (!match) return [lines[i]!];
    const head = `${" ".repeat(8)}${ROLES[match.role].padEnd(6)}  ${whens[i]!.padEnd(wide)}  `;
    const parts = fitting(words, clean(match.snippet), room - head.length, ascii);
    return [lines[i]!, paint(head, "dim") + parts.map((part) => paint(part.text, part.colour)).join("")];
  });
}

/** The ids that begin as one that is shown does: all that matter for how much of it has to be typed. */
function similar(hits: readonly Hit[], ids: Iterable<string>): Set<string> {
  const shown = new Set(hits.map(({ session }) => session.id));
  const beginnings = new Set([...shown].map((id) => id.slice(0, 4)));
  for (const id of ids) if (beginnings.has(id.slice(0, 4).toLowerCase())) shown.add(id.toLowerCase());
  return shown;
}

/** A text with its words made bold. */
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

/** A snippet in one line of `room` cells, with its first word in sight. */
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

const sessions = (count: number): string => `${number(count)} ${count === 1 ? "session" : "sessions"}`;
const seconds = (ms: number): string =>
  ms < 60_000 ? `${Math.max(0.1, ms / 1000).toFixed(1)} s` : duration(ms);

function sayNone(call: Call, searched: SearchResult["searched"]): void {
  const [first = "", ...others] = wordsOf(call.positionals).map((word) => `"${clean(word)}"`);
  const prompts = isSet(call, "prompts") || isSet(call, "recordings");
  const what = others.length > 0 ? `all of ${[first, ...others].join(", ")}` : first;
  writeStderr(
    `${isSet(call, "recordings") ? "no recording" : prompts ? "no prompt" : "no session"} holds ${what} (${prompts ? "" : `${sessions(searched.files)}, `}${size(searched.bytes)})\n`,
  );
  if (others.length > 0) writeStderr(`     fewer words  ccr-find ${first}\n`);
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
