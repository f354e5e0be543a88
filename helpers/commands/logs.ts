import { closeSync, fstatSync, openSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { backward, forward } from "../claude/lines.ts";
import { isSessionId } from "../claude/places.ts";
import {
  isAutoContinuation,
  object,
  parseLine,
  type Row,
  string,
  timeOf,
  toolResultsOf,
} from "../claude/rows.ts";
import { saidIn } from "../claude/text.ts";
import { logFile } from "../limits/record.ts";
import { verdictOf } from "../limits/verdict.ts";
import { transcripts } from "../sessions/store.ts";
import { Problem } from "../system/problem.ts";
import { clean } from "../terminal/clean.ts";
import { type Colour, paint } from "../terminal/colour.ts";
import { iso, json } from "../terminal/json.ts";
import { columns, isTerminal, out, say } from "../terminal/output.ts";
import { dayAndTime, duration } from "../terminal/time.ts";
import { wrap } from "../terminal/wrap.ts";
import { recordingsOf } from "../tmux/cast.ts";
import { entries } from "../tmux/journal.ts";
import { type Command, on, text } from "./command.ts";
import { entryNamed } from "./named.ts";

/** Something that happened. `at` is epoch ms. */
type Event = { at: number; kind: keyof typeof KINDS; text: string };

const KINDS = {
  you: "cyan",
  claude: "green",
  tool: "dim",
  failed: "yellow",
  limit: "magenta",
  error: "red",
  ccr: "bold",
} as const satisfies Record<string, Colour>;

const SHOWN = 40;
const LINES = 6;
const STEP = 500;

export const logs: Command = {
  usage: "logs <session> [flags]",
  about:
    "What happened in a session, a line each: prompts, answers, tools, limits and errors, and what ccr did to it (starts,\nresumes, restarts, recordings). What it printed itself: ccr replay.",
  flags: {
    follow: { type: "boolean", short: "f", about: "stay, and show what comes" },
    lines: {
      type: "string",
      short: "n",
      value: "n",
      about: `the last so many events (default ${SHOWN}); 0 is all`,
    },
  },
  words: "session",
  most: 1,
  json: true,
  examples: [
    ["ccr logs 4bb6", "the last events"],
    ["ccr logs 4bb6 -f", "and those to come"],
    ["ccr logs 4bb6 -n 0 --json", "all, for a script"],
  ],
  async run(call) {
    const [word] = call.words;
    if (word === undefined)
      throw new Problem("usage", "which session?", { hint: "ccr logs <id or title>", exit: 2 });
    const given = text(call, "lines") ?? String(SHOWN);
    if (!/^\d+$/.test(given))
      throw new Problem("usage", `"${given}" is not a number of events.`, { hint: "-n 100", exit: 2 });
    const most = Number(given) || Number.POSITIVE_INFINITY;
    const id = idNamed(word);
    const tail = new Tail(id);
    const events = [...tail.last(most), ...deedsOf(id)].sort((a, b) => a.at - b.at).slice(-most);
    if (call.json) {
      json(
        "logs",
        {
          session: id,
          events: events.map((event) => ({ ...event, at: iso(event.at), text: clean(event.text) })),
        },
        call.warnings,
      );
      return 0;
    }
    for (const event of events) show(event);
    if (events.length === 0 && !on(call, "follow")) {
      say(`nothing is known of ${id.slice(0, 8)}\n`);
      return 1;
    }
    for (let told = Date.now(); on(call, "follow"); ) {
      await sleep(STEP);
      const now = Date.now();
      const fresh = deedsOf(id).filter(({ at }) => at >= told && at < now);
      for (const event of [...tail.more(), ...fresh].sort((a, b) => a.at - b.at)) show(event);
      told = now;
    }
    return 0;
  },
};

/** The id that a word names: of a live session that has no transcript yet too, and by its name in tmux. */
export function idNamed(word: string): string {
  if (isSessionId(word)) return word.toLowerCase();
  const all = entries().sort((a, b) => b.launchedAt - a.launchedAt);
  const live = all.find(({ name }) => name === word || name === `claude-${word}`);
  return live?.current ?? entryNamed(word).id;
}

function show({ at, kind, text }: Event): void {
  const head = `${dayAndTime(at, Date.now())}  ${kind.padEnd(6)}  `;
  const words = clean(text);
  const room = isTerminal(1) ? Math.max(20, columns() - head.length) : Number.POSITIVE_INFINITY;
  const lines = wrap(words, room, kind === "tool" || kind === "failed" ? 1 : LINES);
  const gutter = " ".repeat(head.length);
  const [date, word] = [head.slice(0, -8), head.slice(-8)];
  out(`${paint(date, "dim")}${paint(word, KINDS[kind])}${lines.join(`\n${gutter}`)}\n`);
}

/** What ccr did: its log of resumes, the journal of live sessions, and recordings. */
function deedsOf(id: string): Event[] {
  const found: Event[] = [];
  const add = (at: number | null, text: string): void => {
    if (at !== null && Number.isFinite(at)) found.push({ at, kind: "ccr", text });
  };
  try {
    for (const line of readFileSync(logFile(), "utf8").split("\n")) {
      if (!line.includes(id)) continue;
      for (const { at, event, by, outcome, why, session } of parseLine(line).rows) {
        if (session !== id) continue;
        const what = event === "outcome" ? String(outcome).replaceAll("-", " ") : `resumed by ${by}`;
        add(Date.parse(String(at)), `${what}${string(why) === null ? "" : `: ${why}`}`);
      }
    }
  } catch {
    // nothing was resumed yet
  }
  const live = entries().find((one) => one.current === id || one.id === id);
  if (live) {
    add(live.createdAt, `started in tmux: ${live.name}`);
    for (const at of live.restarts) add(at, "restarted after a failure");
    add(live.stoppedAt, "stopped");
  }
  for (const { startedAt } of recordingsOf(live?.id ?? id)) add(startedAt, "recording: ccr replay");
  return found;
}

/** The end of a transcript, and what is added to it. */
class Tail {
  readonly #id: string;
  #path: string | undefined;
  #at = 0;
  #looked = 0;

  constructor(id: string) {
    this.#id = id;
  }

  /** The last events, in order. */
  last(most: number): Event[] {
    return this.#open((fd, size) => {
      const found: Event[][] = [];
      let count = 0;
      this.#at = size;
      for (const { bytes, start, length } of backward(fd, size)) {
        const events = bytes ? eventsIn(bytes) : [];
        // a line that is still being written is for the next look
        if (start + length === size && events.length === 0) this.#at = start;
        found.push(events);
        count += events.length;
        if (count >= most) break;
      }
      return found.reverse().flat();
    });
  }

  more(): Event[] {
    return this.#open((fd, size) => {
      const found: Event[] = [];
      if (size < this.#at) this.#at = size;
      for (const { bytes, start, length } of forward(fd, size, { start: this.#at })) {
        if (start + length === size) break;
        if (bytes) found.push(...eventsIn(bytes));
        this.#at = start + length + 1;
      }
      return found;
    });
  }

  #open(work: (fd: number, size: number) => Event[]): Event[] {
    const now = Date.now();
    if (this.#path === undefined && now - this.#looked > 4 * STEP) {
      this.#looked = now;
      this.#path = transcripts((id) => id.toLowerCase() === this.#id)[0]?.path;
    }
    if (this.#path === undefined) return [];
    let fd: number;
    try {
      fd = openSync(this.#path, "r");
    } catch {
      this.#path = undefined;
      return [];
    }
    try {
      return work(fd, fstatSync(fd).size);
    } finally {
      closeSync(fd);
    }
  }
}

/** Rows longer than this are parsed only when they are messages. */
const LONG = 4096;

const eventsIn = (bytes: Buffer): Event[] =>
  bytes.length > LONG && !bytes.includes('"type":"user"') && !bytes.includes('"type":"assistant"')
    ? []
    : parseLine(bytes.toString()).rows.flatMap(eventsOf);

function eventsOf(row: Row): Event[] {
  const at = timeOf(row);
  if (at === null || row.isSidechain === true) return [];
  const event = (kind: Event["kind"], text: string): Event => ({ at, kind, text });
  if (row.type === "system") {
    if (row.subtype === "compact_boundary") return [event("ccr", "the conversation was compacted")];
    if (row.subtype !== "api_error") return [];
    const wait = Number(row.retryInMs) || 0;
    return [event("error", `tries again in ${duration(wait)} (${row.retryAttempt} of ${row.maxRetries})`)];
  }
  if (isAutoContinuation(row)) return [event("ccr", "Claude Code went on by itself")];
  const verdict = row.isApiErrorMessage === true ? verdictOf(row) : null;
  const found = saidIn(row, false).map(({ role, text }) =>
    event(
      role === "user" ? "you" : verdict === null ? "claude" : verdict.state === "limited" ? "limit" : "error",
      text,
    ),
  );
  const content = object(row.message)?.content;
  for (const block of Array.isArray(content) ? content.map(object) : []) {
    if (block?.type === "tool_use") {
      const first = Object.values(object(block.input) ?? {}).find((value) => typeof value === "string");
      found.push(event("tool", `${block.name}  ${first ?? ""}`.slice(0, 500)));
    } else if (block?.type === "tool_result" && block.is_error === true)
      found.push(
        event(
          "failed",
          toolResultsOf({ content: [block] })
            .join(" ")
            .slice(0, 500),
        ),
      );
  }
  return found;
}
