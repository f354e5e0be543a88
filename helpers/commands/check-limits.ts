import { setTimeout as sleep } from "node:timers/promises";
import { type Call, type Command, isSet } from "../cli/command.ts";
import { nextSteps, projectNames, sessionJson, tableLook } from "../cli/session-format.ts";
import {
  currentBlock,
  exhaustedWindows,
  messageTimes,
  nameOfWindow,
  reportedWindows,
  type Window,
} from "../limits/windows.ts";
import { readBreaker } from "../resume/circuit-breaker.ts";
import { readContext } from "../sessions/context.ts";
import { stoppedSessions } from "../sessions/limited.ts";
import type { Session } from "../sessions/session.ts";
import { Problem } from "../system/problem.ts";
import { DAY } from "../system/units.ts";
import { clean } from "../terminal/clean.ts";
import { type Colour, paint } from "../terminal/colour.ts";
import { iso, json } from "../terminal/json.ts";
import { isTerminal, unicode, writeStderr, writeStdout } from "../terminal/output.ts";
import { type Cell, table } from "../terminal/table.ts";
import { dayAndTime, duration, time } from "../terminal/time.ts";

const RECENT = 7 * DAY;
/** Exit status where limited sessions exist. */
const LIMITED = 3;

export const checkLimits: Command = {
  usage: "check-limits [flags]",
  description:
    "Shows which sessions a usage limit has stopped, until when, and how full the account's windows are: as the status line reports them (ccr install --statusline), else as an estimate. Looks at the last 7 days. Exit status 3 when sessions are limited, 0 when none is.",
  flags: {
    all: { type: "boolean", short: "a", description: "look at all sessions, however old" },
    watch: { type: "boolean", short: "w", description: "stay, and count down" },
    notify: {
      type: "boolean",
      description: "warn when a window is nearly used up, once a window (stderr, tmux, notify.command)",
    },
  },
  maxArgs: 0,
  json: true,
  examples: [
    ["ccr-check-limits", "limited sessions and windows"],
    ["ccr-check-limits --watch", "the same with a countdown"],
    ["ccr-check-limits --json | jq '.sessions | length'", "how many, for a script"],
    ["*/10 * * * * ccr-check-limits --notify >/dev/null", "a warning before the limit, by cron"],
  ],
  async run(call) {
    if (isSet(call, "watch")) return watch(call);
    const view = look(Date.now(), isSet(call, "all"));
    if (isSet(call, "notify")) await (await import("../cli/notify.ts")).notify(view.windows, view.now);
    for (const path of view.unreadable) call.warn(new Problem("unreadable", `cannot be read: ${path}`));
    if (call.json) print(call, view);
    else show(view);
    return view.sessions.length > 0 ? LIMITED : 0;
  },
};

type View = { now: number; sessions: Session[]; blocked: Session[]; windows: Window[]; unreadable: string[] };

function look(now: number, all: boolean): View {
  const { sessions, unreadable, active } = stoppedSessions(readContext(now), all ? null : now - RECENT);
  const limited = sessions.filter(({ verdict }) => verdict.state === "limited");
  const blocked = sessions.filter(({ state }) => state === "blocked");
  return { now, sessions: limited, blocked, windows: windowsAt(now, limited, active), unreadable };
}

/** What is known of each window: the newest of what status lines and limits say, else an estimate of the block. */
function windowsAt(now: number, limited: readonly Session[], active: readonly string[]): Window[] {
  const found = new Map<string, Window>();
  const told = [
    ...reportedWindows(now),
    ...exhaustedWindows(
      limited.map(({ verdict }) => verdict),
      now,
    ),
  ];
  for (const window of told.sort((a, b) => a.at - b.at)) found.set(window.window, window);
  if (!found.has("five_hour")) {
    const times = active.flatMap((path) => {
      try {
        return messageTimes(path, now);
      } catch {
        return [];
      }
    });
    const block = currentBlock(times, now);
    if (block) found.set("five_hour", block);
  }
  return [...found.values()].sort((a, b) => (a.window < b.window ? -1 : 1));
}

function print(call: Call, { sessions, blocked, windows }: View): void {
  json(
    "check-limits",
    {
      sessions: sessions.map(sessionJson),
      blocked: blocked.map(sessionJson),
      windows: windows.map((one) => ({ ...one, resetsAt: iso(one.resetsAt), at: iso(one.at) })),
    },
    call.warnings,
  );
}

function show(view: View): void {
  const { now, sessions, blocked, windows } = view;
  writeStdout(windowLines(windows, now));
  const rows = sessionLines(view);
  if (rows !== "") writeStdout(rows);
  else writeStderr("no session is limited\n");
  const stopped = readBreaker();
  if (stopped.open) {
    writeStderr(
      `ccr: supervise has stopped: ${clean(stopped.why ?? "")} (when it is mended: ccr supervise --go)\n`,
    );
  }
  if (!isTerminal(1) || sessions.length + blocked.length === 0) return;
  const parts: string[] = [];
  if (sessions.some(({ state }) => state === "ready")) parts.push("resume the ready ones  ccra");
  if (sessions.some(({ state }) => state === "waiting")) parts.push("wait for all  ccra --wait");
  if (parts.length > 0) writeStdout(nextSteps(parts));
}

const BAR = 20;

function windowLines(windows: readonly Window[], now: number): string {
  if (windows.length === 0) return "";
  const [full, empty] = unicode() ? ["█", "░"] : ["#", "."];
  const rows = windows.map(({ window, usedPercent, resetsAt, source, at }): Cell[] => {
    const used = usedPercent === null ? null : Math.max(0, Math.min(100, usedPercent));
    const filled = used === null ? 0 : Math.round((used / 100) * BAR);
    const colour: Colour = used === null ? "dim" : used >= 100 ? "red" : used >= 80 ? "yellow" : "green";
    return [
      nameOfWindow(window),
      [
        { text: full.repeat(filled), colour },
        { text: empty.repeat(BAR - filled), colour: "dim" },
      ],
      used === null ? "  ?" : `${Math.round(used)} %`.padStart(5),
      resetsAt === null ? "" : `resets ${clock(resetsAt, now)}, in ${duration(resetsAt - now)}`,
      [
        {
          text: source === "statusline" ? `status line, ${duration(now - at)} ago` : "estimate",
          colour: "dim",
        },
      ],
    ];
  });
  const columns = ["", "", "", "", ""].map((title) => ({ title }));
  return `${table(columns, rows, { ...tableLook(), header: false }).join("\n")}\n`;
}

const SHORT_DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

/** `21:00`, `Mon 13:00` within a week, else the day. */
function clock(at: number, now: number): string {
  if (new Date(at).toDateString() === new Date(now).toDateString()) return time(at, "short", now);
  if (Math.abs(at - now) < 6 * DAY)
    return `${SHORT_DAYS[new Date(at).getDay()]} ${time(at, "local", now).slice(-5)}`;
  return dayAndTime(at, now);
}

const HELP: Record<string, string> = {
  login: "claude, then /login",
  payment: "pay or renew: https://claude.ai/settings/billing",
  credits: "buy credits, then ccr",
  "spend-limit": "raise the spend limit, then ccr",
  overloaded: "ccr, once the service is well",
};

function sessionLines({ now, sessions, blocked }: View): string {
  const name = projectNames([...sessions, ...blocked].map(({ project }) => project));
  const row = (session: Session): Cell[] => {
    const { verdict, state, id, live } = session;
    const [word, colour, what]: [string, Colour, string] =
      verdict.state === "blocked"
        ? ["needs you", "red", verdict.by === "other-api-error" ? `API error (${verdict.cause})` : verdict.by]
        : verdict.state !== "limited"
          ? ["", "dim", ""]
          : live
            ? ["live", "green", limitWords(verdict, now, (verdict.resetsAt ?? now) < now)]
            : state === "ready"
              ? ["ready", "cyan", limitWords(verdict, now, true)]
              : ["limited", "magenta", limitWords(verdict, now, false)];
    const help = verdict.state === "blocked" ? HELP[verdict.by] : undefined;
    return [
      [{ text: word, colour }],
      id.slice(0, 8),
      name(session.project),
      what,
      help ?? (clean(session.title ?? "") || "(no title)"),
    ];
  };
  const columns = ["", "", "", "", ""].map((title, i) => ({ title, flexible: i === 2 || i === 4 }));
  const order = [...sessions, ...blocked].map(row);
  return order.length === 0 ? "" : `${table(columns, order, { ...tableLook(), header: false }).join("\n")}\n`;
}

function limitWords(
  verdict: Extract<Session["verdict"], { state: "limited" }>,
  now: number,
  passed: boolean,
): string {
  const { window, resetsAt } = verdict;
  if (passed && resetsAt !== null) return `since ${clock(resetsAt, now)}`;
  const until =
    resetsAt === null ? "no reset known" : `until ${clock(resetsAt, now)}, in ${duration(resetsAt - now)}`;
  return `${nameOfWindow(window)}, ${until}`;
}

const LOOK_EVERY = 15_000;

async function watch(call: Call): Promise<number> {
  if (call.json || !isTerminal(1)) {
    throw new Problem("usage", "--watch needs a terminal.", {
      hint: "for scripts: ccr-check-limits --json",
      exit: 2,
    });
  }
  let stopped = false;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => {
      stopped = true;
    });
  }
  let view = look(Date.now(), isSet(call, "all"));
  while (!stopped) {
    const now = Date.now();
    if (Math.abs(now - view.now) > LOOK_EVERY) view = look(now, isSet(call, "all"));
    const text =
      `${windowLines(view.windows, now)}${sessionLines({ ...view, now })}` || "no session is limited\n";
    writeStdout(`\u001b[H\u001b[2J${text}${paint("Ctrl-C ends", "dim")}\n`);
    await sleep(1000);
  }
  return view.sessions.length > 0 ? LIMITED : 0;
}
