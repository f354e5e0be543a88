import { projectsDirectory } from "../claude/places.ts";
import { cleanupPeriod } from "../claude/settings.ts";
import type { Tokens } from "../claude/usage.ts";
import { type Call, type Command, isSet, stringFlag } from "../cli/command.ts";
import { timeFlag } from "../cli/parse-time.ts";
import { projectNames, tableLook } from "../cli/session-format.ts";
import { realPath } from "../sessions/lookup.ts";
import { dayOf, dayText } from "../stats/days.ts";
import type { Index } from "../stats/file-index.ts";
import { corpus } from "../stats/stats.ts";
import { GROUPINGS, type Group, type Grouping, type Sums, summarize, totalOf } from "../stats/sums.ts";
import { Problem } from "../system/problem.ts";
import { DAY } from "../system/units.ts";
import { bar, number, plural, short, size } from "../terminal/amount.ts";
import { clean } from "../terminal/clean.ts";
import { paint } from "../terminal/colour.ts";
import { iso, json } from "../terminal/json.ts";
import { columns, isTerminal, unicode, writeStderr, writeStdout } from "../terminal/output.ts";
import { progress } from "../terminal/progress.ts";
import { type Cell, type Column, table } from "../terminal/table.ts";
import { width } from "../terminal/text.ts";
import { duration } from "../terminal/time.ts";
import { wrap } from "../terminal/wrap.ts";

export const stats: Command = {
  usage: "stats [flags]",
  description:
    "Counts sessions, messages and tokens, by project, model and day. A message is a prompt or an answer; one that stands in several files (forks, copies) counts once. Subagents are included. Days are those of this machine's zone.",
  flags: {
    since: { type: "string", value: "time", description: "only days since then: 7d, 2w or 2026-01-31" },
    by: {
      type: "string",
      value: "what",
      description: "one full table, by day, project or model",
      completes: ["day", "project", "model"],
    },
    project: {
      type: "string",
      value: "name",
      description: "only of projects with this in their path",
      completes: "project",
    },
    here: { type: "boolean", description: "only sessions started in this directory" },
    csv: { type: "boolean", description: "print the table as CSV, numbers in full" },
  },
  maxArgs: 0,
  json: true,
  examples: [
    ["ccr-stats", "all of it, in short"],
    ["ccr-stats --since 7d --by project", "what the last week went to"],
    ["ccr-stats --by day --csv > tokens.csv", "for a spreadsheet"],
    ["ccr-stats --json | jq .totals.tokens", "for a script"],
  ],
  async run(call) {
    const now = Date.now();
    const by = groupingOf(call);
    const since = sinceOf(call, now);
    if (call.json && isSet(call, "csv"))
      throw new Problem("usage", "--json or --csv, not both.", { hint: "ccr stats --help", exit: 2 });
    const all = await corpus(now, progress());
    const keep = filterOf(call);
    const index = keep || since !== null ? await all.index() : null;
    const summary = index ? summarize(index, GROUPINGS, since, keep?.(index)) : all.summary;
    const { totals, by: groups, oldest: time, skipped } = summary;
    warnOf(call, all.unreadable, skipped);
    const oldest = time === null ? null : time + cleanupPeriod();
    if (call.json || isSet(call, "csv")) {
      if (isSet(call, "csv")) writeStdout(csv(by ?? "day", groups[by ?? "day"]!));
      else
        json(
          "stats",
          {
            totals,
            groupedBy: by ?? "day",
            since: since === null ? null : dayText(since),
            by: groups[by ?? "day"]!,
            oldestDeletedAfter: iso(oldest),
          },
          call.warnings,
        );
      return 0;
    }
    if (totals.sessions === 0 && totals.messages === 0) {
      writeStderr(
        all.summary.oldest === null
          ? `no Claude Code sessions in ${clean(projectsDirectory())}\n     start one  claude\n`
          : "no session fits\n     all  ccr-stats\n",
      );
      return 0;
    }
    const groupings: Grouping[] = by === null ? ["project", "model", "day"] : [by];
    const lines = headed([...headline(totals, since), ...sweepLine(oldest, now)]);
    for (const grouping of groupings) lines.push("", ...chart(grouping, groups[grouping]!, by === null));
    writeStdout(`${lines.join("\n")}\n`);
    return 0;
  },
};

function groupingOf(call: Call): Grouping | null {
  const by = stringFlag(call, "by");
  if (by === undefined || by === "day" || by === "project" || by === "model") return by ?? null;
  throw new Problem("usage", `"${by}" is nothing to count by.`, {
    hint: "--by day, project or model",
    exit: 2,
  });
}

/** The first day that counts, or null for all. */
function sinceOf(call: Call, now: number): number | null {
  // Days are counted in UTC.
  const at = timeFlag(call, "since", { now, direction: "past", utc: true });
  return at === undefined ? null : dayOf(at);
}

/** Tells which files of an index are wanted; null where all are. */
function filterOf(call: Call): ((index: Index) => (i: number) => boolean) | null {
  const name = stringFlag(call, "project")?.toLowerCase();
  const here = isSet(call, "here") ? realPath(process.cwd()) : null;
  if (name === undefined && here === null) return null;
  const wanted = new Map<string, boolean>();
  return (index) => (i) => {
    const project = index.project(i);
    if (project === null) return false;
    let own = wanted.get(project);
    if (own === undefined) {
      own =
        (name === undefined || project.toLowerCase().includes(name)) &&
        (here === null || realPath(project) === here);
      wanted.set(project, own);
    }
    return own;
  };
}

function warnOf(call: Call, unreadable: readonly string[], skipped: number): void {
  const [first] = unreadable;
  const are = (n: number): string => (n === 1 ? "is" : "are");
  if (first !== undefined) {
    const what = `${plural(unreadable.length, "file")} could not be read and ${are(unreadable.length)} not counted.`;
    call.warn(new Problem("unreadable", what, { hint: `look at owner and mode: ls -ld ${first}` }));
  }
  if (skipped > 0)
    call.warn(
      new Problem("damaged", `${plural(skipped, "line")} of more than 16 MiB ${are(skipped)} not counted.`),
    );
}

const dot = (): string => (unicode() ? " · " : ", ");

type Headed = [word: string, said: string];

function headline(totals: Sums, since: number | null): Headed[] {
  const { sessions, messages, tokens, bytes, activeDays, subagents } = totals;
  const lines: Headed[] = [
    [
      since === null ? "all" : "since",
      [
        ...(since === null ? [] : [dayText(since)]),
        plural(sessions, "session"),
        plural(messages, "message"),
        plural(activeDays, "active day"),
        size(bytes ?? 0),
      ].join(dot()),
    ],
    ["tokens", `${short(totalOf(tokens))}: ${tokenParts(tokens)}`],
  ];
  if (subagents.messages > 0)
    lines.push([
      "subagents",
      `${plural(subagents.messages, "message")}${dot()}${short(totalOf(subagents.tokens))} tokens, included above`,
    ]);
  return lines;
}

const tokenParts = ({ input, output, cacheCreation, cacheRead }: Tokens): string =>
  [
    `${short(input)} input`,
    `${short(output)} output`,
    `${short(cacheCreation)} cache written`,
    `${short(cacheRead)} cache read`,
  ].join(dot());

/** Lines below each other, each with its word in front; on a terminal they are wrapped. */
function headed(lines: readonly Headed[]): string[] {
  const wide = Math.max(...lines.map(([word]) => word.length)) + 2;
  const room = isTerminal(1) ? columns() - wide : Number.POSITIVE_INFINITY;
  return lines.flatMap(([word, said]) =>
    wrap(said, room).map(
      (line, i) => `${i === 0 ? paint(word.padEnd(wide), "dim") : " ".repeat(wide)}${line}`,
    ),
  );
}

function sweepLine(oldest: number | null, now: number): Headed[] {
  if (oldest === null) return [];
  const left = oldest - now;
  const when =
    left <= 0
      ? "at the next sweep"
      : `in ${left < DAY ? duration(left) : plural(Math.ceil(left / DAY), "day")}`;
  return [["oldest", [`deleted ${when}`, "keep: cleanupPeriodDays", "~/.claude/settings.json"].join(dot())]];
}

const SHOWN: Record<Grouping, number> = { project: 10, model: 5, day: 14 };
const LEAST_BAR = 8;
const MOST_BAR = 30;
/** On a narrower terminal the less important numbers are left out. */
const ROOMY = 60;

function chart(grouping: Grouping, groups: readonly Group[], brief: boolean): string[] {
  const left = brief ? Math.max(0, groups.length - SHOWN[grouping]) : 0;
  const shown = grouping === "day" ? groups.slice(left) : groups.slice(0, groups.length - left);
  const name =
    grouping === "project"
      ? projectNames(groups.map(({ key }) => key))
      : (key: string | null) => clean(key ?? "-");
  const look = tableLook();
  const heading = grouping.toUpperCase();
  const columnsOf: [title: string, cell: (group: Group) => string][] = [
    ["SESSIONS", ({ sessions }) => number(sessions)],
    ["MESSAGES", ({ messages }) => number(messages)],
    ["TOKENS", ({ tokens }) => short(totalOf(tokens))],
    ["DISK", ({ bytes }) => size(bytes ?? 0)],
  ];
  if (grouping !== "project" || look.room < ROOMY) columnsOf.pop();
  if (look.room < ROOMY) columnsOf.shift();
  const cells = columnsOf.map(([title, cell]) => {
    const column = shown.map(cell);
    const wide = Math.max(title.length, ...column.map((text) => text.length));
    return { title: title.padStart(wide), wide, column: column.map((text) => text.padStart(wide)) };
  });
  const names = shown.map(({ key }) => name(key));
  const nameWide = Math.min(40, Math.max(heading.length, ...names.map(width)));
  const spare = look.room - nameWide - cells.reduce((sum, { wide }) => sum + wide + 2, 0) - 2;
  const bars = isTerminal(1) && spare >= LEAST_BAR ? Math.min(MOST_BAR, spare) : 0;
  const most = Math.max(1, ...shown.map(({ tokens }) => totalOf(tokens)));
  const header: Column[] = [
    { title: heading, flexible: true },
    ...cells.map(({ title }) => ({ title })),
    ...(bars > 0 ? [{ title: "" }] : []),
  ];
  const rows = shown.map(({ tokens }, i): Cell[] => [
    names[i]!,
    ...cells.map(({ column }) => [{ text: column[i]! }]),
    ...(bars > 0 ? [[{ text: bar(totalOf(tokens) / most, bars, look.ascii), colour: "cyan" as const }]] : []),
  ]);
  const lines = table(header, rows, { ...look, header: true });
  if (left > 0) lines.push(paint(`${number(left)} more     ccr-stats --by ${grouping}`, "dim"));
  return lines;
}

function csv(grouping: Grouping, groups: readonly Group[]): string {
  const head = [
    grouping,
    "sessions",
    "messages",
    "input_tokens",
    "output_tokens",
    "cache_creation_tokens",
    "cache_read_tokens",
    "bytes",
    "active_days",
    "subagent_messages",
    "subagent_tokens",
  ];
  const cell = (value: string | number | null): string => {
    const plain = value === null ? "" : clean(String(value));
    return /[",]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
  };
  const rows = groups.map(({ key, sessions, messages, tokens, bytes, activeDays, subagents }) => [
    key,
    sessions,
    messages,
    tokens.input,
    tokens.output,
    tokens.cacheCreation,
    tokens.cacheRead,
    bytes,
    activeDays,
    subagents.messages,
    totalOf(subagents.tokens),
  ]);
  return [head, ...rows].map((row) => `${row.map(cell).join(",")}\n`).join("");
}
