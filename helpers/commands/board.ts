import { surroundings } from "../sessions/around.ts";
import { stoppedSessions } from "../sessions/limited.ts";
import { type Session, sessionOf } from "../sessions/session.ts";
import { newest, newestOfAll, transcripts } from "../sessions/store.ts";
import { type Remote, remoteOf, remotes } from "../shell/remote.ts";
import { Problem } from "../system/problem.ts";
import { clean } from "../terminal/clean.ts";
import { paint } from "../terminal/colour.ts";
import { json } from "../terminal/json.ts";
import { isTerminal, out, say } from "../terminal/output.ts";
import { type Part, table } from "../terminal/table.ts";
import { type Call, type Command, on, text } from "./command.ts";
import { boardOf } from "./pick/far.ts";
import { bareSession, SECTIONS, sectionOf } from "./pick/items.ts";
import { onScreen } from "./pick.ts";
import { COLUMNS, fillTmux, sessionJson, sessionRows, tableLook } from "./view.ts";

const DEFAULT_COUNT = 20;
const RECENT = 7 * 86_400_000;

export const board: Command = {
  usage: "board [n] [flags]",
  about:
    "One screen of what needs you, what works, what a limit has stopped, and the recent sessions; it changes with them,\nand ? tells its keys. Without a terminal, or with --once, it is printed: n recent ones (20).",
  flags: {
    on: {
      type: "string",
      value: "targets",
      about: "of other machines (ccr remote): a,b or all; here is this one",
    },
    once: { type: "boolean", about: "print it, and end" },
  },
  most: 1,
  json: true,
  examples: [
    ["ccr board", "the screen; ccr alone does the same"],
    ["ccr board --on all", "with the sessions of every target"],
    ["ccr board --on here,web --once", "of this machine and of web, printed"],
    ["ccr board --json | jq '.sessions[] | select(.section == \"Needs you\")'", "for a script"],
  ],
  async run(call) {
    const [word = `${DEFAULT_COUNT}`] = call.words;
    const count = Number(word);
    if (!Number.isInteger(count) || count < 0) {
      throw new Problem("usage", `"${word}" is not a number of sessions.`, { hint: "ccr board 20", exit: 2 });
    }
    const scope = scopeOf(text(call, "on"));
    const status =
      call.json || on(call, "once") || !isTerminal(0) || !isTerminal(1)
        ? null
        : await onScreen(call, "", scope);
    return status ?? once(call, count, scope);
  },
};

type Scope = { here: boolean; targets: Remote[] };

function scopeOf(words: string | undefined): Scope {
  if (words === undefined) return { here: true, targets: [] };
  if (words === "all") return { here: true, targets: remotes() };
  const names = words.split(",").filter(Boolean);
  return { here: names.includes("here"), targets: names.filter((name) => name !== "here").map(remoteOf) };
}

type Shown = { target: string | null; session: Session };

async function once(call: Call, count: number, { here, targets }: Scope): Promise<number> {
  const now = Date.now();
  const answers = await Promise.all(
    targets.map(async (target) => ({ target, answer: await boardOf(target, count) })),
  );
  const shown: Shown[] = here ? (await ofHere(count)).map((session) => ({ target: null, session })) : [];
  for (const { target, answer } of answers) {
    if ("error" in answer)
      call.warn(new Problem("unreachable", `${target.name} unreachable: ${answer.error}`));
    else shown.push(...answer.sessions.map((session) => ({ target: target.name, session })));
  }
  shown.sort(
    (a, b) =>
      SECTIONS.indexOf(sectionOf(a.session)) - SECTIONS.indexOf(sectionOf(b.session)) ||
      (b.session.updatedAt ?? 0) - (a.session.updatedAt ?? 0),
  );
  if (call.json) {
    json(
      "board",
      {
        targets: answers.map(({ target, answer }) => ({
          name: target.name,
          address: target.address,
          error: "error" in answer ? clean(answer.error) : null,
        })),
        sessions: shown.map(({ target, session }) => ({
          ...sessionJson(session),
          target,
          section: sectionOf(session),
        })),
      },
      call.warnings,
    );
  } else if (shown.length > 0) out(lines(shown, now));
  else say("no sessions\n");
  return answers.length > 0 && !here && answers.every(({ answer }) => "error" in answer) ? 1 : 0;
}

/** The live ones, those that wait for a limit, and the newest others. */
async function ofHere(count: number): Promise<Session[]> {
  const around = surroundings();
  const { whatRuns } = await import("./pick/running.ts");
  const live = new Map([...(await whatRuns()), ...around.live]);
  around.live = live;
  const found = new Map<string, Session>();
  const add = (session: Session): void => {
    if (!found.has(session.id)) found.set(session.id, session);
  };
  for (const entry of newest(
    transcripts((id) => live.has(id.toLowerCase())),
    live.size,
  ))
    add(sessionOf(entry, around));
  for (const one of live.values()) add(bareSession(one));
  await fillTmux([...found.values()]);
  for (const session of stoppedSessions(around, around.now - RECENT).sessions)
    if (session.state === "waiting") add(session);
  let left = count;
  for (const entry of newestOfAll(count + found.size).entries) {
    const session = sessionOf(entry, around);
    if (found.has(session.id) || left-- <= 0) continue;
    add(session);
  }
  return [...found.values()];
}

function lines(shown: readonly Shown[], now: number): string {
  const rows = sessionRows(
    shown.map(({ session }) => session),
    { now, unique: new Map(), time: "short" },
  );
  for (const [i, { target }] of shown.entries()) {
    if (target !== null) rows[i]![2] = [{ text: `${target}:` }, { text: rows[i]![2] as string }] as Part[];
  }
  const [header, ...body] = table(COLUMNS, rows, { ...tableLook(), header: true });
  let last = "";
  const text = body.flatMap((line, i) => {
    const section = sectionOf(shown[i]!.session);
    const heading = section === last ? [] : [paint(section, "bold")];
    last = section;
    return [...heading, `${line}`];
  });
  return `${[...(tableLook().header ? [header] : []), ...text].join("\n")}\n`;
}
