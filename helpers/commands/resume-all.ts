import { setTimeout as sleep } from "node:timers/promises";
import { type Call, type Command, isSet, stringFlag } from "../cli/command.ts";
import { durationFlag } from "../cli/parse-time.ts";
import { describeStep } from "../cli/plan-format.ts";
import { resolveSession } from "../cli/resolve-session.ts";
import { projectNames, tableLook } from "../cli/session-format.ts";
import { invalidValue } from "../cli/usage-error.ts";
import { resumeSessions } from "../live/resume-sessions.ts";
import { chooseMode } from "../live/start-resume.ts";
import { settleCandidates } from "../resume/background-pass.ts";
import { nextStart, plan, type Rules, type Step } from "../resume/plan.ts";
import { type Candidates, collectCandidates, isBad, type ResumeOptions } from "../resume/resume-jobs.ts";
import { logsDirectory } from "../resume/resume-log.ts";
import type { ResumeResult } from "../resume/run.ts";
import type { Session } from "../sessions/session.ts";
import { config } from "../system/config.ts";
import { DAY, MINUTE, SECOND } from "../system/units.ts";
import { clean } from "../terminal/clean.ts";
import { type Colour, paint } from "../terminal/colour.ts";
import { iso, json } from "../terminal/json.ts";
import { columns, isTerminal, writeStderr, writeStdout } from "../terminal/output.ts";
import { table } from "../terminal/table.ts";
import { cut, pad, width } from "../terminal/text.ts";
import { duration, time } from "../terminal/time.ts";

const MODES = ["default", "acceptEdits", "auto", "plan", "dontAsk", "bypassPermissions"] as const;
const ORDERS = ["newest", "oldest", "reset"] as const;
/** Milliseconds to watch a session that was started in tmux. */
const WATCH_TIME = 30 * SECOND;

export const resumeAll: Command = {
  usage: "resume-all [session…] [flags]",
  description:
    "Resumes every session that hit a usage limit, once the reset has passed (plus 60 to 90 s). Live sessions, sessions that were resumed in the meantime and sessions older than a week are left alone. A session is never resumed twice, even if several people or programs run this at the same time. With session arguments, only those are resumed.",
  flags: {
    "dry-run": {
      type: "boolean",
      short: "n",
      description: "only show what would be resumed, and why the rest is left alone",
    },
    wait: {
      type: "boolean",
      description:
        "keep running and resume each session at its reset; Ctrl-C stops waiting, not the sessions",
    },
    now: {
      type: "boolean",
      description:
        "do not wait the minute after a reset; for named sessions, do not wait for the reset either",
    },
    tmux: {
      type: "boolean",
      description: "resume in detached tmux sessions (default if tmux is installed)",
    },
    headless: {
      type: "boolean",
      description: "resume with claude -p and a log file; nobody can answer its questions",
    },
    prompt: { type: "string", value: "text", description: 'prompt for the sessions (default "continue")' },
    "permission-mode": {
      type: "string",
      value: "mode",
      description: "permission mode (default: the last mode of each session, but never a bypass)",
      completes: MODES,
    },
    since: { type: "string", value: "time", description: "leave older sessions alone: 7d (default), 36h" },
    order: {
      type: "string",
      value: "how",
      description: "which sessions come first: newest (default), oldest or reset",
      completes: ORDERS,
    },
    interval: { type: "string", value: "seconds", description: "time between two starts (default 2)" },
    max: {
      type: "string",
      value: "n",
      description: "number of sessions resumed at the same time (default 10)",
    },
    "max-minutes": {
      type: "string",
      value: "n",
      description: "end a headless session after n minutes (default: never)",
    },
  },
  positionals: "session",
  json: true,
  examples: [
    ["ccra --dry-run", "show what would be resumed"],
    ["ccra", "resume all sessions that are ready"],
    ["ccra --wait", "keep running until all are resumed"],
    ["ccra dae9 --now", "resume this session now, even before its reset"],
    ['ccra --headless --prompt "go on, then run the tests"', "resume without tmux, with another prompt"],
  ],
  async run(call) {
    const task = new Task(call);
    return isSet(call, "dry-run") ? task.showPlan() : task.resume();
  },
};

class Task {
  readonly #call: Call;
  readonly #named: readonly Session[];
  readonly #rules: Omit<Rules, "now">;
  readonly #how: ResumeOptions;
  /** ms between two starts */
  readonly #interval: number;
  /** ms after which a headless session is ended; null: never */
  readonly #limit: number | null;
  #stopped = false;

  constructor(call: Call) {
    const settings = config();
    this.#call = call;
    this.#named = call.positionals.map(resolveSession);
    this.#rules = {
      by: "person",
      since:
        durationFlag(call, "since", { unit: "d", example: "7d or 36h" }) ?? settings["resume.since"] * DAY,
      atOnce: isSet(call, "now"),
      named: call.positionals.length > 0 ? new Set(this.#named.map(({ id }) => id)) : null,
      order: choiceFlag(call, "order", ORDERS) ?? "newest",
      autoResume: true,
      stopped: false,
      left: Number.POSITIVE_INFINITY,
      max: numberFlag(call, "max", 1) ?? settings["resume.max"],
    };
    const mode = choiceFlag(call, "permission-mode", MODES);
    const configured = settings["resume.permissionMode"];
    this.#how = {
      mode: chooseMode({ tmux: isSet(call, "tmux"), headless: isSet(call, "headless") }),
      prompt: stringFlag(call, "prompt") ?? settings["resume.prompt"],
      permissionMode: mode ?? (configured === "own" ? null : configured),
    };
    this.#interval = (numberFlag(call, "interval", 0) ?? settings["resume.interval"]) * SECOND;
    const minutes = numberFlag(call, "max-minutes", 0);
    this.#limit = minutes === null ? null : minutes * MINUTE;
  }

  #plan(): { steps: Step[]; found: Candidates } {
    const now = Date.now();
    const found = collectCandidates(now, this.#rules.since, this.#named);
    const { named } = this.#rules;
    const candidates = found.candidates.filter(({ id }) => named === null || named.has(id));
    return { steps: plan(candidates, { ...this.#rules, now }), found };
  }

  /** Shows what would be resumed. Returns the exit status. */
  showPlan(): number {
    const { steps, found } = this.#plan();
    const shown = steps.filter(({ reason }) => reason !== "not-limited");
    if (this.#call.json) this.#printJson(steps, []);
    else if (shown.length === 0) printNothingLimited();
    else this.#printPlan(shown, found);
    return 0;
  }

  #printPlan(steps: readonly Step[], { sessions }: Candidates): void {
    const name = projectNames([...sessions.values()].map(({ project }) => project));
    const now = Date.now();
    const rows = steps.map((step) => {
      const session = sessions.get(step.id);
      const text = step.action === "resume" ? `resume (${this.#how.mode})` : describeStep(step, now);
      return [
        step.id.slice(0, 8),
        name(session?.project ?? null),
        [{ text, colour: step.action === "resume" ? ("cyan" as const) : ("dim" as const) }],
        clean(session?.title ?? "") || "(no title)",
      ];
    });
    const columns = ["SESSION", "PROJECT", "PLAN", "TITLE"].map((title, i) => ({
      title,
      flexible: i % 2 === 1,
    }));
    writeStdout(`${table(columns, rows, tableLook()).join("\n")}\n`);
  }

  /** Resumes what is due; with --wait until nothing is left to wait for. Returns the exit status. */
  async resume(): Promise<number> {
    const all: ResumeResult[] = [];
    let first: Step[] | undefined;
    const onStop = (): void => {
      this.#stopped = true;
    };
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, onStop);
    for (;;) {
      const { steps, found } = this.#plan();
      if (first === undefined) {
        settleCandidates(found);
        first = steps;
        if (!this.#call.json) printHead(steps);
      }
      all.push(...(await this.#start(steps, found)));
      if (this.#stopped || !isSet(this.#call, "wait")) break;
      const next = nextStart(this.#plan().steps);
      if (next === null) break;
      await this.#sleepUntil(next.at);
      if (this.#stopped) break;
    }
    if (this.#call.json) this.#printJson(first, all);
    else if (all.length > 0) printFoot(all);
    if (this.#stopped) return 130;
    return all.some(isBad) ? 1 : 0;
  }

  async #start(steps: readonly Step[], { sessions }: Candidates): Promise<ResumeResult[]> {
    const due = steps.filter(({ action }) => action === "resume");
    if (due.length === 0) return [];
    const projectOf = (id: string): string | null => sessions.get(id)?.project ?? null;
    const name = projectNames(due.map(({ id }) => projectOf(id)));
    const nameWidth = Math.min(30, Math.max(...due.map(({ id }) => width(name(projectOf(id))))));
    return resumeSessions(due, sessions, this.#how, {
      by: "person",
      interval: this.#interval,
      concurrency: this.#rules.max,
      watchTime: WATCH_TIME,
      timeLimit: this.#limit,
      waitForEnd: true,
      isCancelled: () => this.#stopped,
      onDone: (done) => {
        if (this.#call.json) return;
        const project = cut(name(projectOf(done.id)), nameWidth);
        writeStdout(`${lineOf(done, pad(project, nameWidth))}\n`);
      },
    });
  }

  /** Sleeps until `at` (epoch ms). It checks the clock often, because that may be changed or the machine may sleep. */
  async #sleepUntil(at: number): Promise<void> {
    const shown = isTerminal(2) && !this.#call.json;
    while (!this.#stopped && Date.now() < at) {
      if (shown) {
        const now = Date.now();
        const text = `next at ${time(at, "short", now)}, in ${duration(at - now)} (press Ctrl-C to stop waiting)`;
        writeStderr(`\r\u001b[K${cut(text, columns() - 1)}`);
      }
      await sleep(Math.min(SECOND, Math.max(50, at - Date.now())));
    }
    if (shown) writeStderr("\r\u001b[K");
  }

  #printJson(steps: readonly Step[], results: readonly ResumeResult[]): void {
    const shown = steps.filter(({ reason }) => reason !== "not-limited" || this.#rules.named !== null);
    json(
      "resume-all",
      {
        plan: shown.map(({ id, action, reason, notBefore }) => ({
          id,
          action,
          reason,
          notBefore: iso(notBefore),
        })),
        results: results.map(({ id, outcome, detail, log, tmux }) => ({
          id,
          outcome,
          detail: detail === null ? null : clean(detail),
          log,
          tmux,
        })),
      },
      this.#call.warnings,
    );
  }
}

const printNothingLimited = (): void => writeStderr("no limited sessions\n");

const LIMITED: readonly Step["reason"][] = ["waiting", "too-soon", "unknown-reset"];
/** Steps with these reasons are not counted as left alone. */
const COUNTED: readonly Step["reason"][] = [...LIMITED, "live", "not-limited", "blocked"];

/** Prints how many sessions are ready, limited, live, left alone and blocked. */
function printHead(steps: readonly Step[]): void {
  if (steps.every(({ reason }) => reason === "not-limited")) {
    printNothingLimited();
    return;
  }
  const count = (test: (step: Step) => boolean): number => steps.filter(test).length;
  const limited = steps.filter(({ reason }) => LIMITED.includes(reason));
  const next = nextStart(limited);
  const until = next ? ` until ${time(next.at, "short", Date.now())}` : "";
  const live = count(({ reason }) => reason === "live");
  const others = count(({ action, reason }) => action === "skip" && !COUNTED.includes(reason));
  const blocked = count(({ reason }) => reason === "blocked");
  const parts = [
    `${count(({ action }) => action === "resume")} ready`,
    limited.length > 0 ? `${limited.length} limited${until}` : "",
    live > 0 ? `${live} left alone (live)` : "",
    others > 0 ? `${others} left alone (see ccra --dry-run)` : "",
    blocked > 0 ? `${blocked} blocked (see ccr-check-limits)` : "",
  ];
  writeStderr(`${parts.filter(Boolean).join(" · ")}\n`);
}

/** Prints how many sessions had which outcome, and where the logs are. */
function printFoot(all: readonly ResumeResult[]): void {
  const counts = new Map<string, number>();
  for (const { outcome } of all)
    counts.set(OUTCOMES[outcome][1], (counts.get(OUTCOMES[outcome][1]) ?? 0) + 1);
  const log = logsDirectory().replace(process.env.HOME ?? "\u0000", "~");
  writeStderr(`${[...counts].map(([words, n]) => `${n} ${words}`).join(", ")}     log: ${log}/\n`);
}

const OUTCOMES: Record<ResumeResult["outcome"], [colour: Colour, words: string]> = {
  continued: ["green", "continued"],
  "limited-again": ["magenta", "limited again"],
  "needs-login": ["red", "needs a login"],
  "waiting-for-permission": ["yellow", "needs you"],
  "trust-dialog": ["yellow", "needs you: trust dialog"],
  failed: ["red", "failed"],
  started: ["cyan", "started"],
};

function lineOf(done: ResumeResult, project: string): string {
  const { id, outcome, detail } = done;
  const [colour, words] = OUTCOMES[outcome];
  const shortDetail = detail === null ? "" : clean(detail).slice(0, 160);
  return [id.slice(0, 8), project, paint(words, colour), shortDetail, placeOf(done)]
    .filter((part) => part !== "")
    .join("  ");
}

function placeOf({ tmux, log, outcome }: ResumeResult): string {
  if (tmux !== null) return `tmux: ${tmux}`;
  return log && outcome === "failed" ? `log: ${log}` : "";
}

/** Returns the value of a flag that takes one of several words; null if it is not given. */
function choiceFlag<T extends string>(call: Call, flag: string, values: readonly T[]): T | null {
  const value = stringFlag(call, flag);
  if (value === undefined) return null;
  if (values.includes(value as T)) return value as T;
  throw invalidValue(`--${flag}`, value, `${values.slice(0, -1).join(", ")} or ${values.at(-1)}`);
}

/** Returns the value of a flag that takes a number; null if it is not given. */
function numberFlag(call: Call, flag: string, min: number): number | null {
  const value = stringFlag(call, flag);
  if (value === undefined) return null;
  const n = Number(value);
  if (value.trim() !== "" && Number.isFinite(n) && n >= min) return n;
  throw invalidValue(`--${flag}`, value, `a number, ${min} or more`);
}
