import { SYNTHETIC, type Tokens } from "../claude/usage.ts";
import { WIDTH } from "./count-once.ts";
import { dayText } from "./days.ts";
import type { FileIndex } from "./file-index.ts";

export type Sums = {
  sessions: number;
  messages: number;
  tokens: Tokens;
  /** null where a file cannot be divided: by day and by model */
  bytes: number | null;
  activeDays: number;
  /** the part of `messages` and `tokens` that is of subagents */
  subagents: { messages: number; tokens: Tokens };
};
export const GROUPINGS = ["day", "project", "model"] as const;
export type Grouping = (typeof GROUPINGS)[number];
export type Group = Sums & { key: string | null };

class Sum {
  readonly sessions = new Set<number>();
  readonly days = new Set<number>();
  /** messages and the four kinds of tokens, then the same of subagents */
  readonly numbers = new Float64Array(10);
  bytes = 0;

  add(rows: ArrayLike<number>, at: number): void {
    this.days.add(rows[at]!);
    const to = rows[at + 2] === 1 ? 5 : 0;
    for (let i = 0; i < 5; i++) this.numbers[to + i]! += rows[at + 3 + i]!;
  }

  /** `session` is -1 when it is unknown. */
  addFile(session: number, bytes: number): void {
    if (session >= 0) this.sessions.add(session);
    this.bytes += bytes;
  }

  get sums(): Sums {
    const own = this.numbers.subarray(0, 5);
    const side = this.numbers.subarray(5);
    return {
      sessions: this.sessions.size,
      messages: own[0]! + side[0]!,
      tokens: tokensOf(own.map((n, i) => n + side[i]!)),
      bytes: this.bytes,
      activeDays: this.days.size,
      subagents: { messages: side[0]!, tokens: tokensOf(side) },
    };
  }
}

const tokensOf = (sums: ArrayLike<number>): Tokens => ({
  input: sums[1]!,
  output: sums[2]!,
  cacheCreation: sums[3]!,
  cacheRead: sums[4]!,
});

export const totalOf = ({ input, output, cacheCreation, cacheRead }: Tokens): number =>
  input + output + cacheCreation + cacheRead;

/** Sums of a grouping; its keys are days and models by number. */
class Groups {
  readonly grouping: Grouping;
  readonly #sums = new Map<string | number | null, Sum>();
  readonly #models: readonly string[];

  constructor(grouping: Grouping, models: readonly string[]) {
    this.grouping = grouping;
    this.#models = models;
  }

  of(key: string | number | null): Sum {
    let sum = this.#sums.get(key);
    if (!sum) {
      sum = new Sum();
      this.#sums.set(key, sum);
    }
    return sum;
  }

  add({ rows }: FileIndex, at: number, session: number, project: string | null): void {
    const { grouping } = this;
    const sum = this.of(grouping === "project" ? project : rows[grouping === "day" ? at : at + 1]!);
    sum.add(rows, at);
    if (session >= 0) sum.sessions.add(session);
  }

  /** Days from the oldest on, others from the largest on. */
  get list(): Group[] {
    const { grouping } = this;
    if (grouping === "day") {
      const days = [...this.#sums].sort(([a], [b]) => Number(a) - Number(b));
      return days.map(([day, { sums }]) => ({ key: dayText(Number(day)), ...sums, bytes: null }));
    }
    const groups = [...this.#sums].map(([key, { sums }]) => {
      const name = typeof key === "number" ? this.#models[key]! : key;
      return { key: name, ...sums, bytes: grouping === "project" ? sums.bytes : null };
    });
    // Prompts, and what the program says itself, are of no model.
    const real = grouping === "model" ? groups.filter(({ key }) => key !== "" && key !== SYNTHETIC) : groups;
    return real.sort(
      (a, b) => totalOf(b.tokens) - totalOf(a.tokens) || ((a.key ?? "") < (b.key ?? "") ? -1 : 1),
    );
  }
}

/** Sums of all, and of their groups by each grouping that was asked for. `oldest` is when one was last written to. */
export type Summary = {
  totals: Sums;
  by: Partial<Record<Grouping, Group[]>>;
  oldest: number | null;
  /** lines that were too long to be counted */
  skipped: number;
};

/** Sums of all files that `keep` wants (by their place). `since` is the first day that counts. */
export function summarize(
  index: FileIndex,
  groupings: readonly Grouping[],
  since: number | null,
  keep: (i: number) => boolean = () => true,
): Summary {
  const { rows, size } = index;
  const total = new Sum();
  const groups = groupings.map((grouping) => new Groups(grouping, index.models));
  let oldest: number | null = null;
  let skipped = 0;
  for (let i = 0; i < size; i++) {
    if (!keep(i)) continue;
    if (!index.side(i)) oldest = Math.min(oldest ?? Number.POSITIVE_INFINITY, index.mtime(i));
    skipped += index.skipped(i);
    const session = index.session(i);
    const project = index.project(i);
    let any = since === null;
    for (let at = index.begin(i); at < index.begin(i + 1); at += WIDTH) {
      if (since !== null && rows[at]! < since) continue;
      any = true;
      total.add(rows, at);
      for (const group of groups) group.add(index, at, session, project);
    }
    if (!any) continue;
    const byProject = groups.filter(({ grouping }) => grouping === "project");
    for (const sum of [total, ...byProject.map((group) => group.of(project))])
      sum.addFile(session, index.bytes(i));
  }
  const by = Object.fromEntries(groups.map(({ grouping, list }) => [grouping, list]));
  return { totals: total.sums, by, oldest, skipped };
}
