import { setTimeout as sleep } from "node:timers/promises";
import { type Call, type Command, isSet, stringFlag } from "../cli/command.ts";
import { durationFlag } from "../cli/parse-time.ts";
import { describeStep } from "../cli/plan-format.ts";
import { resolveSession } from "../cli/resolve-session.ts";
import { projectNames, tableLook } from "../cli/session-format.ts";
import { chooseMode, startInTmux } from "../live/start-resume.ts";
import { nextOf, plan, type Rules, type Step } from "../resume/plan.ts";
import {
  type Candidates,
  collectCandidates,
  isBad,
  type ResumeOptions,
  startHeadless,
  toJob,
} from "../resume/resume-jobs.ts";
import { logsDirectory } from "../resume/resume-log.ts";
import { type Done, run, settle } from "../resume/run.ts";
import type { Session } from "../sessions/session.ts";
import { config } from "../system/config.ts";
import { Problem } from "../system/problem.ts";
import { DAY, SECOND } from "../system/units.ts";
import { clean } from "../terminal/clean.ts";
import { type Colour, paint } from "../terminal/colour.ts";
import { iso, json } from "../terminal/json.ts";
import { columns, isTerminal, writeStderr, writeStdout } from "../terminal/output.ts";
import { table } from "../terminal/table.ts";
import { cut, pad, width } from "../terminal/text.ts";
import { duration, time } from "../terminal/time.ts";

const MODES = ["default", "acceptEdits", "auto", "plan", "dontAsk", "bypassPermissions"] as const;

export const resumeAll: Command = {
  usage: "resume-all [session…] [flags]",
  description:
    "Continues every session that a usage limit has stopped, once its reset has passed (and 60 to 90 s more). Live sessions, those continued meanwhile and those older than a week are left alone; nothing is ever started twice, whoever else runs this at the same time. Named sessions only: give their ids.",
  flags: {
    "dry-run": {
      type: "boolean",
      short: "n",
      description: "only show what would be done, and why the rest is left alone",
    },
    wait: {
      type: "boolean",
      description: "stay, and continue each at its reset; Ctrl-C stops the waiting, not the sessions",
    },
    now: {
      type: "boolean",
      description: "do not wait the minute after the reset; for named sessions not even for the reset",
    },
    tmux: {
      type: "boolean",
      description: "in detached tmux sessions that can be attached (default where tmux exists)",
    },
    headless: { type: "boolean", description: "by claude -p, with a log; nobody can answer its questions" },
    prompt: { type: "string", value: "text", description: 'what the sessions are told (default "continue")' },
    "permission-mode": {
      type: "string",
      value: "mode",
      description: "permission mode; default: each session's own last one, never a bypass",
      completes: MODES,
    },
    since: { type: "string", value: "time", description: "leave older ones alone: 7d (default), 36h" },
    order: {
      type: "string",
      value: "how",
      description: "newest (default), oldest or reset first",
      completes: ["newest", "oldest", "reset"],
    },
    interval: { type: "string", value: "seconds", description: "between two starts (default 2)" },
    max: { type: "string", value: "n", description: "at most so many at once (default 10)" },
    "max-minutes": {
      type: "string",
      value: "n",
      description: "end a headless run after so long (default: never)",
    },
  },
  positionals: "session",
  json: true,
  examples: [
    ["ccra --dry-run", "what would be done"],
    ["ccra", "continue all that are ready"],
    ["ccra --wait", "stay until all are continued"],
    ["ccra dae9 --now", "this one, whatever the clock says"],
    ['ccra --headless --prompt "go on, then run the tests"', "without tmux, with other words"],
  ],
  async run(call) {
    const task = new Task(call);
    return isSet(call, "dry-run") ? task.show() : task.work();
  },
};

class Task {
  readonly #call: Call;
  readonly #named: readonly Session[];
  readonly #rules: Omit<Rules, "now">;
  readonly #how: ResumeOptions;
  readonly #interval: number;
  readonly #limit: number | null;
  #stopped = false;

  constructor(call: Call) {
    const set = config();
    this.#call = call;
    this.#named = call.positionals.map(resolveSession);
    this.#rules = {
      by: "person",
      since: durationFlag(call, "since", { unit: "d", example: "7d or 36h" }) ?? set["resume.since"] * DAY,
      atOnce: isSet(call, "now"),
      named: call.positionals.length > 0 ? new Set(this.#named.map(({ id }) => id)) : null,
      order: choice(call, "order", ["newest", "oldest", "reset"]) ?? "newest",
      autoResume: true,
      stopped: false,
      left: Number.POSITIVE_INFINITY,
      max: number(call, "max", 1, set["resume.max"]),
    };
    const mode = choice(call, "permission-mode", MODES);
    const own = set["resume.permissionMode"];
    this.#how = {
      mode: chooseMode({ tmux: isSet(call, "tmux"), headless: isSet(call, "headless") }),
      prompt: stringFlag(call, "prompt") ?? set["resume.prompt"],
      permissionMode: mode ?? (own === "own" ? null : own),
    };
    this.#interval = number(call, "interval", 0, set["resume.interval"]) * SECOND;
    const minutes = stringFlag(call, "max-minutes");
    this.#limit = minutes === undefined ? null : number(call, "max-minutes", 0, 0) * 60 * SECOND;
  }

  #plan(): { steps: Step[]; field: Candidates } {
    const now = Date.now();
    const found = collectCandidates(now, this.#rules.since, this.#named);
    const wanted = this.#rules.named;
    const candidates = found.candidates.filter(({ id }) => wanted === null || wanted.has(id));
    return { steps: plan(candidates, { ...this.#rules, now }), field: found };
  }

  show(): number {
    const { steps, field: found } = this.#plan();
    if (this.#call.json) {
      this.#json(steps, []);
      return 0;
    }
    const rows = steps.filter(({ reason }) => reason !== "not-limited");
    if (rows.length === 0) return nothing();
    const name = projectNames([...found.sessions.values()].map(({ project }) => project));
    const now = Date.now();
    const lines = table(
      [
        { title: "SESSION" },
        { title: "PROJECT", flexible: true },
        { title: "PLAN" },
        { title: "TITLE", flexible: true },
      ],
      rows.map((step) => {
        const session = found.sessions.get(step.id);
        const will = step.action === "resume";
        return [
          step.id.slice(0, 8),
          name(session?.project ?? null),
          [
            {
              text: will ? `resume (${this.#how.mode})` : describeStep(step, now),
              colour: will ? "cyan" : "dim",
            },
          ],
          clean(session?.title ?? "") || "(no title)",
        ];
      }),
      tableLook(),
    );
    writeStdout(`${lines.join("\n")}\n`);
    return 0;
  }

  async work(): Promise<number> {
    const all: Done[] = [];
    let first: Step[] | undefined;
    const onStop = (): void => {
      this.#stopped = true;
    };
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, onStop);
    for (;;) {
      const { steps, field: found } = this.#plan();
      if (first === undefined) {
        settle([...found.sessions].flatMap(([id, { transcript }]) => (transcript ? [[id, transcript]] : [])));
        first = steps;
        if (!this.#call.json) this.#head(steps);
      }
      all.push(...(await this.#start(steps, found)));
      if (this.#stopped || !isSet(this.#call, "wait")) break;
      const next = nextOf(this.#plan().steps);
      if (next === null) break;
      await this.#until(next.at);
      if (this.#stopped) break;
    }
    if (this.#call.json) this.#json(first ?? [], all);
    else if (all.length > 0) this.#foot(all);
    if (this.#stopped) return 130;
    return all.some(isBad) ? 1 : 0;
  }

  async #start(steps: readonly Step[], found: Candidates): Promise<Done[]> {
    const wanted = steps.filter(({ action }) => action === "resume");
    if (wanted.length === 0) return [];
    const jobs = wanted.map((step) => toJob(step, found.sessions.get(step.id)!, this.#how));
    const name = projectNames(jobs.map(({ project }) => project));
    const wide = Math.min(30, Math.max(...jobs.map(({ project }) => width(name(project)))));
    return run(jobs, {
      by: "person",
      start: this.#how.mode === "tmux" ? startInTmux : startHeadless,
      interval: this.#interval,
      most: this.#rules.max,
      patience: 30 * SECOND,
      limit: this.#limit,
      toTheEnd: true,
      stopped: () => this.#stopped,
      told: (done) => {
        if (this.#call.json) return;
        const project = jobs.find(({ step }) => step.id === done.id)?.project ?? null;
        writeStdout(`${lineOf(done, pad(cut(name(project), wide), wide))}\n`);
      },
    });
  }

  /** Sleeps until an instant of the wall clock, which may be set or stand still meanwhile. */
  async #until(at: number): Promise<void> {
    const shown = isTerminal(2) && !this.#call.json;
    while (!this.#stopped && Date.now() < at) {
      if (shown)
        writeStderr(
          `\r\u001b[K${cut(`next at ${time(at, "short", Date.now())}, in ${duration(at - Date.now())} (Ctrl-C ends the waiting)`, columns() - 1)}`,
        );
      await sleep(Math.min(SECOND, Math.max(50, at - Date.now())));
    }
    if (shown) writeStderr("\r\u001b[K");
  }

  #head(steps: readonly Step[]): void {
    if (steps.every(({ reason }) => reason === "not-limited")) {
      nothing();
      return;
    }
    const now = Date.now();
    const parts: string[] = [];
    const count = (test: (step: Step) => boolean): number => steps.filter(test).length;
    const ready = count(({ action }) => action === "resume");
    parts.push(`${ready} ready`);
    const waiting = steps.filter(
      ({ reason }) => reason === "waiting" || reason === "too-soon" || reason === "unknown-reset",
    );
    const next = nextOf(waiting);
    if (waiting.length > 0)
      parts.push(`${waiting.length} limited${next ? ` until ${time(next.at, "short", now)}` : ""}`);
    const live = count(({ reason }) => reason === "live");
    if (live > 0) parts.push(`${live} left alone (live)`);
    const rest = count(
      ({ action, reason }) =>
        action === "skip" &&
        !["waiting", "too-soon", "unknown-reset", "live", "not-limited", "blocked"].includes(reason ?? ""),
    );
    if (rest > 0) parts.push(`${rest} left alone (why: ccra --dry-run)`);
    const blocked = count(({ reason }) => reason === "blocked");
    if (blocked > 0) parts.push(`${blocked} blocked (see ccr-check-limits)`);
    writeStderr(`${parts.join(" · ")}\n`);
  }

  #foot(all: readonly Done[]): void {
    const counts = new Map<string, number>();
    for (const { outcome } of all) counts.set(WORDS[outcome][1], (counts.get(WORDS[outcome][1]) ?? 0) + 1);
    const log = logsDirectory().replace(process.env.HOME ?? "\u0000", "~");
    writeStderr(`${[...counts].map(([words, n]) => `${n} ${words}`).join(", ")}     log: ${log}/\n`);
  }

  #json(steps: readonly Step[], results: readonly Done[]): void {
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

function nothing(): number {
  writeStderr("no session is limited\n");
  return 0;
}

const WORDS: Record<Done["outcome"], [colour: Colour, words: string]> = {
  continued: ["green", "continued"],
  "limited-again": ["magenta", "limited again"],
  "needs-login": ["red", "needs a login"],
  "waiting-for-permission": ["yellow", "needs you"],
  "trust-dialog": ["yellow", "needs you: trust dialog"],
  failed: ["red", "failed"],
  started: ["cyan", "started"],
};

function lineOf({ id, outcome, detail, tmux, log }: Done, project: string): string {
  const [colour, words] = WORDS[outcome];
  const where = tmux === null ? (log && outcome === "failed" ? `log: ${log}` : "") : `tmux: ${tmux}`;
  const said = detail === null ? "" : clean(detail).slice(0, 160);
  return [id.slice(0, 8), project, paint(words, colour), said, where]
    .filter((part) => part !== "")
    .join("  ");
}

function choice<T extends string>(call: Call, flag: string, among: readonly T[]): T | null {
  const value = stringFlag(call, flag);
  if (value === undefined) return null;
  if (among.includes(value as T)) return value as T;
  throw new Problem("usage", `--${flag} is one of ${among.join(", ")}, not "${value}".`, { exit: 2 });
}

function number(call: Call, flag: string, least: number, otherwise: number): number {
  const value = stringFlag(call, flag);
  if (value === undefined) return otherwise;
  const n = Number(value);
  if (value.trim() !== "" && Number.isFinite(n) && n >= least) return n;
  throw new Problem("usage", `--${flag} is a number from ${least} on, not "${value}".`, { exit: 2 });
}
