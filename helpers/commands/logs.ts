import { setTimeout as sleep } from "node:timers/promises";
import { type Command, isSet, stringFlag } from "../cli/command.ts";
import { resolveSessionId } from "../cli/resolve-live-session.ts";
import { invalidValue, usageError } from "../cli/usage-error.ts";
import { ccrEventsOf, type Event, TranscriptTail } from "../live/events.ts";
import { clean } from "../terminal/clean.ts";
import { type Colour, paint } from "../terminal/colour.ts";
import { iso, json } from "../terminal/json.ts";
import { columns, isTerminal, writeStderr, writeStdout } from "../terminal/output.ts";
import { dayAndTime, duration } from "../terminal/time.ts";
import { wrap } from "../terminal/wrap.ts";

const COLOURS: Record<Event["kind"], Colour> = {
  you: "cyan",
  claude: "green",
  tool: "dim",
  failed: "yellow",
  limit: "magenta",
  error: "red",
  ccr: "bold",
};

const DEFAULT_COUNT = 40;
/** Lines that a long prompt or answer may take. */
const MAX_LINES = 6;
/** Milliseconds between two checks with --follow. */
const INTERVAL = 500;

export const logs: Command = {
  usage: "logs <session> [flags]",
  description:
    "Lists what happened in a session, one event per line: prompts, answers, tools, usage limits and errors, and what ccr did (starts, resumes, restarts, recordings). To see what the session printed, use ccr replay.",
  flags: {
    follow: { type: "boolean", short: "f", description: "keep showing new events until Ctrl-C" },
    lines: {
      type: "string",
      short: "n",
      value: "n",
      description: `show the last n events (default ${DEFAULT_COUNT}); 0 shows all`,
    },
  },
  positionals: "session",
  maxArgs: 1,
  json: true,
  examples: [
    ["ccr logs 4bb6", "show the last events"],
    ["ccr logs 4bb6 -f", "show new events too"],
    ["ccr logs 4bb6 -n 0 --json", "print all events for a script"],
  ],
  async run(call) {
    const [word] = call.positionals;
    if (word === undefined) throw usageError("missing argument: <session>", "run: ccr logs <id or title>");
    const given = stringFlag(call, "lines") ?? String(DEFAULT_COUNT);
    if (!/^\d+$/.test(given)) throw invalidValue("--lines", given, "a number such as 100");
    const max = Number(given) || Number.POSITIVE_INFINITY;
    const id = resolveSessionId(word);
    const tail = new TranscriptTail(id, duration);
    const events = [...tail.last(max), ...ccrEventsOf(id)].sort((a, b) => a.at - b.at).slice(-max);
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
    if (events.length === 0 && !isSet(call, "follow")) {
      writeStderr(`no events in ${id.slice(0, 8)}\n`);
      return 1;
    }
    return isSet(call, "follow") ? follow(id, tail) : 0;
  },
};

/** Shows new events until the process is ended. */
async function follow(id: string, tail: TranscriptTail): Promise<never> {
  for (let shownUntil = Date.now(); ; ) {
    await sleep(INTERVAL);
    const now = Date.now();
    const fresh = ccrEventsOf(id).filter(({ at }) => at >= shownUntil && at < now);
    for (const event of [...tail.more(), ...fresh].sort((a, b) => a.at - b.at)) show(event);
    shownUntil = now;
  }
}

function show({ at, kind, text }: Event): void {
  const head = `${dayAndTime(at, Date.now())}  ${kind.padEnd(6)}  `;
  const words = clean(text);
  const room = isTerminal(1) ? Math.max(20, columns() - head.length) : Number.POSITIVE_INFINITY;
  const lines = wrap(words, room, kind === "tool" || kind === "failed" ? 1 : MAX_LINES);
  const gutter = " ".repeat(head.length);
  const [date, word] = [head.slice(0, -8), head.slice(-8)];
  writeStdout(`${paint(date, "dim")}${paint(word, COLOURS[kind])}${lines.join(`\n${gutter}`)}\n`);
}
