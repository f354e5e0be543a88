import { setTimeout as sleep } from "node:timers/promises";
import { type Command, isSet, stringFlag } from "../cli/command.ts";
import { resolveSessionId } from "../cli/resolve-live-session.ts";
import { ccrEventsOf, type Event, Tail } from "../live/events.ts";
import { Problem } from "../system/problem.ts";
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

const SHOWN = 40;
const LINES = 6;
const STEP = 500;

export const logs: Command = {
  usage: "logs <session> [flags]",
  description:
    "What happened in a session, a line each: prompts, answers, tools, limits and errors, and what ccr did to it (starts, resumes, restarts, recordings). What it printed itself: ccr replay.",
  flags: {
    follow: { type: "boolean", short: "f", description: "stay, and show what comes" },
    lines: {
      type: "string",
      short: "n",
      value: "n",
      description: `the last so many events (default ${SHOWN}); 0 is all`,
    },
  },
  positionals: "session",
  maxArgs: 1,
  json: true,
  examples: [
    ["ccr logs 4bb6", "the last events"],
    ["ccr logs 4bb6 -f", "and those to come"],
    ["ccr logs 4bb6 -n 0 --json", "all, for a script"],
  ],
  async run(call) {
    const [word] = call.positionals;
    if (word === undefined)
      throw new Problem("usage", "which session?", { hint: "ccr logs <id or title>", exit: 2 });
    const given = stringFlag(call, "lines") ?? String(SHOWN);
    if (!/^\d+$/.test(given))
      throw new Problem("usage", `"${given}" is not a number of events.`, { hint: "-n 100", exit: 2 });
    const most = Number(given) || Number.POSITIVE_INFINITY;
    const id = resolveSessionId(word);
    const tail = new Tail(id, duration);
    const events = [...tail.last(most), ...ccrEventsOf(id)].sort((a, b) => a.at - b.at).slice(-most);
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
      writeStderr(`nothing is known of ${id.slice(0, 8)}\n`);
      return 1;
    }
    for (let told = Date.now(); isSet(call, "follow"); ) {
      await sleep(STEP);
      const now = Date.now();
      const fresh = ccrEventsOf(id).filter(({ at }) => at >= told && at < now);
      for (const event of [...tail.more(), ...fresh].sort((a, b) => a.at - b.at)) show(event);
      told = now;
    }
    return 0;
  },
};

function show({ at, kind, text }: Event): void {
  const head = `${dayAndTime(at, Date.now())}  ${kind.padEnd(6)}  `;
  const words = clean(text);
  const room = isTerminal(1) ? Math.max(20, columns() - head.length) : Number.POSITIVE_INFINITY;
  const lines = wrap(words, room, kind === "tool" || kind === "failed" ? 1 : LINES);
  const gutter = " ".repeat(head.length);
  const [date, word] = [head.slice(0, -8), head.slice(-8)];
  writeStdout(`${paint(date, "dim")}${paint(word, COLOURS[kind])}${lines.join(`\n${gutter}`)}\n`);
}
