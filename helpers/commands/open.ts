import { randomUUID } from "node:crypto";
import { statSync } from "node:fs";
import { resolve } from "node:path";
import { requireClaude } from "../claude/cli.ts";
import { attachTo } from "../cli/attach.ts";
import { chooseTemplate, templateOptions } from "../cli/choose-template.ts";
import { type Call, type Command, isSet } from "../cli/command.ts";
import { launchSession, requireRoom } from "../cli/launch-session.ts";
import { requireDirectory, requireTmux } from "../cli/requirements.ts";
import { matchingSessions, resolveSessionId, sessionsInDirectory } from "../cli/resolve-live-session.ts";
import { resolveEntry } from "../cli/resolve-session.ts";
import { resumeCommand } from "../cli/resume-command.ts";
import type { Making } from "../live/create.ts";
import { entryCalled } from "../live/journal.ts";
import { type Live, liveSessions } from "../live/live-sessions.ts";
import { readContext } from "../sessions/context.ts";
import { lookup, realPath, sessionsOf } from "../sessions/lookup.ts";
import { sessionOf } from "../sessions/session.ts";
import type { Entry } from "../sessions/store.ts";
import { clean } from "../terminal/clean.ts";
import { writeStderr } from "../terminal/output.ts";

export const open: Command = {
  usage: "open [session] [directory] [flags]",
  description:
    "Goes to a session in tmux, which lives on when the terminal is closed: to a live one, else it resumes the session there, in windows claude, shell and logs. cct alone is for this directory: the live session, else the newest one, else a new one. Without a terminal the tmux session is made and its name printed.",
  flags: { new: { type: "boolean", short: "n", description: "a new session, whatever there is" } },
  positionals: "session",
  maxArgs: 2,
  examples: [
    ["cct", "the session of this directory"],
    ["cct 4bb6", "a session by its id, title or tmux name"],
    ["cct --new ~/projects/shop", "a new one in that directory"],
  ],
  async run(call) {
    requireTmux();
    const [word, path] = call.positionals;
    const place =
      word !== undefined && path === undefined && isDirectory(word, isSet(call, "new")) ? word : undefined;
    const lives = await liveSessions();
    if (word !== undefined && place === undefined) {
      const [live, more] = path === undefined ? matchingSessions(word, lives) : [];
      if (live && !more) return live.state === "exited" ? again(call, live, lives) : attachTo(live);
      const ended = path === undefined ? entryCalled(word) : undefined;
      if (ended) return again(call, { ...ended, key: ended.id, id: ended.current }, lives);
      return resumed(call, resolveEntry(resolveSessionId(word)), path, lives);
    }
    const directory = realPath(resolve(place ?? path ?? "."));
    requireDirectory(directory);
    if (!isSet(call, "new")) {
      const own = sessionsInDirectory(directory, lives).filter(({ ours }) => ours);
      const live = own.find(({ state }) => state !== "exited");
      if (live) return attachTo(live);
      const [entry] = sessionsOf(directory, 1);
      if (entry) return resumed(call, entry, undefined, lives);
      if (own[0]) return again(call, own[0], lives);
    }
    requireRoom(lives);
    const id = randomUUID();
    const template = await chooseTemplate(undefined, directory, call.warn);
    const { flags, making } = templateOptions(template);
    const prompt = template?.prompt;
    return started({
      ...making,
      project: directory,
      id,
      sole: !isSet(call, "new"),
      command: [requireClaude(), "--session-id", id, ...flags, ...(prompt ? ["--", prompt] : [])],
    });
  },
};

/** A word with a slash, or any where a new session is asked for, is a directory when there is one. */
const isDirectory = (word: string, any: boolean): boolean =>
  (any || word.includes("/")) && statSync(word, { throwIfNoEntry: false })?.isDirectory() === true;

async function started(making: Omit<Making, "env" | "size">): Promise<number> {
  const { name, pane } = await launchSession(making);
  return attachTo({ name, pane, ours: true, id: making.id, kind: "interactive", job: null });
}

/** Goes on with one whose Claude has ended; before its first prompt there is nothing to resume. */
function again(
  call: Call,
  { key, id, project }: Pick<Live, "key" | "id" | "project">,
  lives: readonly Live[],
): Promise<number> {
  const found = lookup(id);
  if (found.kind === "one" || project === null) return resumed(call, resolveEntry(id), undefined, lives);
  requireDirectory(project);
  requireRoom(lives);
  return started({ project, id: key, command: [requireClaude(), "--session-id", key] });
}

async function resumed(
  call: Call,
  entry: Entry,
  path: string | undefined,
  lives: readonly Live[],
): Promise<number> {
  const flags = path === undefined ? {} : { dir: path };
  const plan = await resumeCommand({ ...call, flags }, entry, sessionOf(entry, readContext()), undefined);
  for (const note of plan.notes) writeStderr(`ccr: ${clean(note)}\n`);
  requireRoom(lives);
  return started({
    project: plan.directory,
    id: entry.id,

    command: plan.argv,
  });
}
