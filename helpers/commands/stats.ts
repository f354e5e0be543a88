import { projectsDirectory } from "../claude/places.ts";
import { cleanupPeriod } from "../claude/settings.ts";
import type { Tokens } from "../claude/usage.ts";
import { type Call, type Command, isSet, stringFlag } from "../cli/command.ts";
import { timeFlag } from "../cli/parse-time.ts";
import { projectNames, tableLook } from "../cli/session-format.ts";
import { invalidValue, usageError } from "../cli/usage-error.ts";
import { realPath } from "../sessions/lookup.ts";
import { dayOf, dayText } from "../stats/days.ts";
import type { FileIndex } from "../stats/file-index.ts";
import { countTranscripts } from "../stats/stats.ts";
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
    "Counts sessions, messages and tokens, by project, model and day. A message is a prompt or an answer; a message that is in several files (forks, copies) counts once. Subagents are included. Days are in this machine's time zone.",
  flags: {
    since: { type: "string", value: "time", description: "first day to count: 7d, 2w or 2026-01-31" },
    by: {
      type: "string",
      value: "what",
      description: "print one full table: day, project or model",
      completes: ["day", "project", "model"],
    },
    project: {
      type: "string",
      value: "name",
      description: "only sessions of projects whose path contains this",
      completes: "project",
    },
    here: { type: "boolean", description: "only sessions started in this directory" },
    csv: { type: "boolean", description: "print the table as CSV, numbers in full" },
  },
  maxArgs: 0,
  json: true,
  examples: [
    ["ccr-stats", "print a summary"],
    ["ccr-stats --since 7d --by project", "see which projects used the last week's tokens"],
    ["ccr-stats --by day --csv > tokens.csv", "export for a spreadsheet"],
    ["ccr-stats --json | jq .totals.tokens", "read one value in a script"],
  ],
  async run(call) {
    const now = Date.now();
    const by = groupingOf(call);
    const since = sinceOf(call, now);
    if (call.json && isSet(call, "csv"))
      throw usageError("--json and --csv cannot be combined", "run: ccr-stats --help");
    const all = await countTranscripts(now, progress());
    const keep = filterOf(call);
    const index = keep || since !== null ? await all.index() : null;
    const summary = index ? summarize(index, GROUPINGS, since, keep?.(index)) : all.summary;
    const { totals, by: groups, oldest, skipped } = summary;
    warnAboutSkipped(call, all.unreadable, skipped);
    const deletedAfter = oldest === null ? null : oldest + cleanupPeriod();
    const grouping = by ?? "day";
    if (isSet(call, "csv")) writeStdout(csv(grouping, groups[grouping]!));
    else if (call.json)
      json(
        "stats",
        {
          totals,
          groupedBy: grouping,
          since: since === null ? null : dayText(since),
          by: groups[grouping]!,
          oldestDeletedAfter: iso(deletedAfter),
        },
        call.warnings,
      );
    else if (totals.sessions === 0 && totals.messages === 0)
      writeStderr(
        all.summary.oldest === null
          ? `no Claude Code sessions in ${clean(projectsDirectory())}\n     start one: claude\n`
          : "no matching sessions\n     count all: ccr-stats\n",
      );
    else {
      const shown: Grouping[] = by === null ? ["project", "model", "day"] : [by];
      const lines = align([...summaryLines(totals, since), ...cleanupLine(deletedAfter, now)]);
      for (const one of shown) lines.push("", ...chart(one, groups[one]!, by === null));
      writeStdout(`${lines.join("\n")}\n`);
    }
    return 0;
  },
};

function groupingOf(call: Call): Grouping | null {
  const by = stringFlag(call, "by");
  if (by === undefined || by === "day" || by === "project" || by === "model") return by ?? null;
  throw invalidValue("--by", by, "day, project or model");
}

/** Returns the first day to count, as in `stats/days.ts`; null for all. */
function sinceOf(call: Call, now: number): number | null {
  const at = timeFlag(call, "since", { now, direction: "past" });
  return at === undefined ? null : dayOf(at);
}

/** Returns a test for the files of an index that --project and --here select; null if all are. */
function filterOf(call: Call): ((index: FileIndex) => (i: number) => boolean) | null {
  const name = stringFlag(call, "project")?.toLowerCase();
  const here = isSet(call, "here") ? realPath(process.cwd()) : null;
  if (name === undefined && here === null) return null;
  const wanted = new Map<string, boolean>();
  return (index) => (i) => {
    const project = index.project(i);
    if (project === null) return false;
    let matches = wanted.get(project);
    if (matches === undefined) {
      matches =
        (name === undefined || project.toLowerCase().includes(name)) &&
        (here === null || realPath(project) === here);
      wanted.set(project, matches);
    }
    return matches;
  };
}

/** Warns about files and lines that were not counted. */
function warnAboutSkipped(call: Call, unreadable: readonly string[], skipped: number): void {
  const [first] = unreadable;
  const are = (n: number): string => (n === 1 ? "is" : "are");
  if (first !== undefined) {
    const what = `cannot read ${plural(unreadable.length, "file")}, which ${are(unreadable.length)} not counted`;
    call.warn(new Problem("unreadable", what, { hint: `check owner and mode: ls -ld ${first}` }));
  }
  if (skipped > 0)
    call.warn(
      new Problem("damaged", `${plural(skipped, "line")} of more than 16 MiB ${are(skipped)} not counted`),
    );
}

const dot = (): string => (unicode() ? " · " : ", ");

/** A line of the summary. */
type LabelledLine = [label: string, text: string];

function summaryLines(totals: Sums, since: number | null): LabelledLine[] {
  const { sessions, messages, tokens, bytes, activeDays, subagents } = totals;
  const lines: LabelledLine[] = [
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

/** Aligns the texts of labelled lines; on a terminal long ones are wrapped. */
function align(lines: readonly LabelledLine[]): string[] {
  const labelWidth = Math.max(...lines.map(([label]) => label.length)) + 2;
  const room = isTerminal(1) ? columns() - labelWidth : Number.POSITIVE_INFINITY;
  return lines.flatMap(([label, text]) =>
    wrap(text, room).map(
      (line, i) => `${i === 0 ? paint(label.padEnd(labelWidth), "dim") : " ".repeat(labelWidth)}${line}`,
    ),
  );
}

/** Says when Claude Code deletes the oldest transcript (`oldest`, epoch ms). */
function cleanupLine(oldest: number | null, now: number): LabelledLine[] {
  if (oldest === null) return [];
  const left = oldest - now;
  const distance = left < DAY ? duration(left) : plural(Math.ceil(left / DAY), "day");
  const when = left <= 0 ? "at the next cleanup" : `in ${distance}`;
  return [["oldest", [`deleted ${when}`, "keep: cleanupPeriodDays", "~/.claude/settings.json"].join(dot())]];
}

/** Rows of each table in the summary. */
const MAX_ROWS: Record<Grouping, number> = { project: 10, model: 5, day: 14 };
const MIN_BAR = 8;
const MAX_BAR = 30;
/** A narrower terminal shows only the most important numbers. */
const MIN_COLUMNS_FOR_ALL = 60;

/** Returns the lines of a table with bars; `brief` shows its most important rows only. */
function chart(grouping: Grouping, groups: readonly Group[], brief: boolean): string[] {
  const left = brief ? Math.max(0, groups.length - MAX_ROWS[grouping]) : 0;
  const shown = grouping === "day" ? groups.slice(left) : groups.slice(0, groups.length - left);
  const name =
    grouping === "project"
      ? projectNames(groups.map(({ key }) => key))
      : (key: string | null) => clean(key ?? "-");
  const look = tableLook();
  const heading = grouping.toUpperCase();
  const numbers: [title: string, cell: (group: Group) => string][] = [
    ["SESSIONS", ({ sessions }) => number(sessions)],
    ["MESSAGES", ({ messages }) => number(messages)],
    ["TOKENS", ({ tokens }) => short(totalOf(tokens))],
    ["DISK", ({ bytes }) => size(bytes ?? 0)],
  ];
  if (grouping !== "project" || look.room < MIN_COLUMNS_FOR_ALL) numbers.pop();
  if (look.room < MIN_COLUMNS_FOR_ALL) numbers.shift();
  const cells = numbers.map(([title, cell]) => {
    const column = shown.map(cell);
    const wide = Math.max(title.length, ...column.map((text) => text.length));
    return { title: title.padStart(wide), wide, column: column.map((text) => text.padStart(wide)) };
  });
  const names = shown.map(({ key }) => name(key));
  const nameWide = Math.min(40, Math.max(heading.length, ...names.map(width)));
  const spare = look.room - nameWide - cells.reduce((sum, { wide }) => sum + wide + 2, 0) - 2;
  const bars = isTerminal(1) && spare >= MIN_BAR ? Math.min(MAX_BAR, spare) : 0;
  const max = Math.max(1, ...shown.map(({ tokens }) => totalOf(tokens)));
  const header: Column[] = [
    { title: heading, flexible: true },
    ...cells.map(({ title }) => ({ title })),
    ...(bars > 0 ? [{ title: "" }] : []),
  ];
  const rows = shown.map(({ tokens }, i): Cell[] => [
    names[i]!,
    ...cells.map(({ column }) => [{ text: column[i]! }]),
    ...(bars > 0 ? [[{ text: bar(totalOf(tokens) / max, bars, look.ascii), colour: "cyan" as const }]] : []),
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
