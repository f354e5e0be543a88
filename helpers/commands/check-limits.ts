import { setTimeout as sleep } from "node:timers/promises";
import { type Call, type Command, isSet } from "../cli/command.ts";
import { nextSteps, projectNames, sessionJson, tableLook } from "../cli/session-format.ts";
import { usageError } from "../cli/usage-error.ts";
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
import { limitedSessions } from "../sessions/limited.ts";
import type { Session } from "../sessions/session.ts";
import { Problem } from "../system/problem.ts";
import { DAY } from "../system/units.ts";
import { clean } from "../terminal/clean.ts";
import { type Colour, paint } from "../terminal/colour.ts";
import { iso, json } from "../terminal/json.ts";
import { isTerminal, unicode, writeStderr, writeStdout } from "../terminal/output.ts";
import { type Cell, table } from "../terminal/table.ts";
import { dayAndTime, duration, time } from "../terminal/time.ts";

/** Older sessions (ms) are checked only with --all. */
const RECENT = 7 * DAY;
/** Exit status when there are limited sessions. */
const LIMITED = 3;

export const checkLimits: Command = {
  usage: "check-limits [flags]",
  description:
    "Shows which sessions of the last 7 days are limited, when their limits reset, and how much of each usage window is used: as the status line reports it (ccr install --statusline), otherwise an estimate. The exit status is 3 when sessions are limited, else 0.",
  flags: {
    all: { type: "boolean", short: "a", description: "check all sessions, however old" },
    watch: { type: "boolean", short: "w", description: "stay and count down" },
    notify: {
      type: "boolean",
      description: "warn once when a window is nearly used up (stderr, tmux, notify.command)",
    },
  },
  maxArgs: 0,
  json: true,
  examples: [
    ["ccr-check-limits", "show limited sessions and usage windows"],
    ["ccr-check-limits --watch", "the same with a countdown"],
    ["ccr-check-limits --json | jq '.sessions | length'", "count limited sessions, for a script"],
    ["*/10 * * * * ccr-check-limits --notify >/dev/null", "let cron warn before a limit"],
  ],
  async run(call) {
    if (isSet(call, "watch")) return watch(call);
    const view = findLimits(Date.now(), isSet(call, "all"));
    if (isSet(call, "notify")) await (await import("../cli/notify.ts")).notify(view.windows, view.now);
    for (const path of view.unreadable) call.warn(new Problem("unreadable", `cannot read ${path}`));
    if (call.json) print(call, view);
    else show(view);
    return view.sessions.length > 0 ? LIMITED : 0;
  },
};

/** What the command found at one moment. */
type View = { now: number; sessions: Session[]; blocked: Session[]; windows: Window[]; unreadable: string[] };

function findLimits(now: number, all: boolean): View {
  const { sessions, unreadable, active } = limitedSessions(readContext(now), all ? null : now - RECENT);
  const limited = sessions.filter(({ verdict }) => verdict.state === "limited");
  const blocked = sessions.filter(({ state }) => state === "blocked");
  return { now, sessions: limited, blocked, windows: windowsAt(now, limited, active), unreadable };
}

/** Returns what is known of each window: the newest report of status lines and limits, else an estimate. */
function windowsAt(now: number, limited: readonly Session[], active: readonly string[]): Window[] {
  const found = new Map<string, Window>();
  const reports = [
    ...reportedWindows(now),
    ...exhaustedWindows(
      limited.map(({ verdict }) => verdict),
      now,
    ),
  ];
  for (const window of reports.sort((a, b) => a.at - b.at)) found.set(window.window, window);
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
  else writeStderr("no limited sessions\n");
  const stopped = readBreaker();
  if (stopped.open) {
    writeStderr(
      `ccr: supervise has stopped: ${clean(stopped.why ?? "")} (when that is fixed: ccr supervise --go)\n`,
    );
  }
  if (!isTerminal(1) || sessions.length + blocked.length === 0) return;
  const parts: string[] = [];
  if (sessions.some(({ state }) => state === "ready")) parts.push("resume ready sessions  ccra");
  if (sessions.some(({ state }) => state === "waiting")) parts.push("resume each at its reset  ccra --wait");
  if (parts.length > 0) writeStdout(nextSteps(parts));
}

const BAR = 20;

function windowLines(windows: readonly Window[], now: number): string {
  if (windows.length === 0) return "";
  const [full, empty] = unicode() ? ["█", "░"] : ["#", "."];
  const rows = windows.map(({ window, usedPercent, resetsAt, source, at }): Cell[] => {
    const used = usedPercent === null ? null : Math.max(0, Math.min(100, usedPercent));
    const filled = used === null ? 0 : Math.round((used / 100) * BAR);
    const colour = colourOfUse(used);
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

function colourOfUse(percent: number | null): Colour {
  if (percent === null) return "dim";
  if (percent >= 100) return "red";
  return percent >= 80 ? "yellow" : "green";
}

const SHORT_DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

/** Returns `21:00` for today, `Mon 13:00` within a week, else day and time. */
function clock(at: number, now: number): string {
  if (new Date(at).toDateString() === new Date(now).toDateString()) return time(at, "short", now);
  if (Math.abs(at - now) < 6 * DAY)
    return `${SHORT_DAYS[new Date(at).getDay()]} ${time(at, "local", now).slice(-5)}`;
  return dayAndTime(at, now);
}

/** How to unblock a session, by what blocks it. */
const HELP: Record<string, string> = {
  login: "run claude, then /login",
  payment: "pay or renew: https://claude.ai/settings/billing",
  credits: "buy credits, then resume it",
  "spend-limit": "raise the spend limit, then resume it",
  overloaded: "resume it when the service is back",
};

function sessionLines({ now, sessions, blocked }: View): string {
  const name = projectNames([...sessions, ...blocked].map(({ project }) => project));
  const row = (session: Session): Cell[] => {
    const { verdict, id } = session;
    const [word, colour, what] = describe(session, now);
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

function describe(
  { verdict, state, live }: Session,
  now: number,
): [word: string, colour: Colour, what: string] {
  if (verdict.state === "blocked") {
    const what = verdict.by === "other-api-error" ? `API error (${verdict.cause})` : verdict.by;
    return ["needs you", "red", what];
  }
  if (verdict.state !== "limited") return ["", "dim", ""];
  if (live) return ["live", "green", limitWords(verdict, now, (verdict.resetsAt ?? now) < now)];
  if (state === "ready") return ["ready", "cyan", limitWords(verdict, now, true)];
  return ["limited", "magenta", limitWords(verdict, now, false)];
}

function limitWords(
  verdict: Extract<Session["verdict"], { state: "limited" }>,
  now: number,
  passed: boolean,
): string {
  const { window, resetsAt } = verdict;
  if (passed && resetsAt !== null) return `since ${clock(resetsAt, now)}`;
  const until =
    resetsAt === null ? "reset unknown" : `until ${clock(resetsAt, now)}, in ${duration(resetsAt - now)}`;
  return `${nameOfWindow(window)}, ${until}`;
}

/** Time (ms) between two checks of --watch. */
const REFRESH = 15_000;

async function watch(call: Call): Promise<number> {
  if (call.json || !isTerminal(1)) {
    throw usageError("--watch needs a terminal", "for scripts: ccr-check-limits --json");
  }
  let stopped = false;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => {
      stopped = true;
    });
  }
  let view = findLimits(Date.now(), isSet(call, "all"));
  while (!stopped) {
    const now = Date.now();
    if (Math.abs(now - view.now) > REFRESH) view = findLimits(now, isSet(call, "all"));
    const text =
      `${windowLines(view.windows, now)}${sessionLines({ ...view, now })}` || "no limited sessions\n";
    writeStdout(`\u001b[H\u001b[2J${text}${paint("press Ctrl-C to stop", "dim")}\n`);
    await sleep(1000);
  }
  return view.sessions.length > 0 ? LIMITED : 0;
}
