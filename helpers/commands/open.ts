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
import type { CreateOptions } from "../live/create.ts";
import { entryNamed } from "../live/journal.ts";
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
    "Opens a session in tmux, where it keeps running when the terminal is closed. A live session is attached; any other one is resumed in a tmux session with the windows claude, shell and logs. cct without arguments opens the live session of this directory, otherwise its newest session, otherwise a new one. Without a terminal, the tmux session is created and its name printed.",
  flags: { new: { type: "boolean", short: "n", description: "always start a new session" } },
  positionals: "session",
  maxArgs: 2,
  examples: [
    ["cct", "open the session of this directory"],
    ["cct 4bb6", "open a session by its id, title or tmux name"],
    ["cct --new ~/projects/shop", "start a new session in that directory"],
  ],
  async run(call) {
    requireTmux();
    const [word, path] = call.positionals;
    const fresh = isSet(call, "new");
    const isPlace = word !== undefined && path === undefined && isDirectory(word, fresh);
    const lives = await liveSessions();
    if (word !== undefined && !isPlace) return openNamed(call, word, path, lives);
    const directory = realPath(resolve(word ?? "."));
    requireDirectory(directory);
    return (fresh ? null : openExisting(call, directory, lives)) ?? startNew(call, directory, lives);
  },
};

/** Whether an argument is an existing directory. Without a slash it counts only if `any` is set. */
const isDirectory = (word: string, any: boolean): boolean =>
  (any || word.includes("/")) && statSync(word, { throwIfNoEntry: false })?.isDirectory() === true;

/** Opens the session that an argument names; with `path` it is resumed in that directory. */
async function openNamed(
  call: Call,
  word: string,
  path: string | undefined,
  lives: readonly Live[],
): Promise<number> {
  if (path === undefined) {
    const [live, more] = matchingSessions(word, lives);
    if (live && !more) return live.state === "exited" ? restartExited(call, live, lives) : attachTo(live);
    const ended = entryNamed(word);
    if (ended) return restartExited(call, { ...ended, key: ended.id, id: ended.current }, lives);
  }
  return resumeInTmux(call, resolveEntry(resolveSessionId(word)), path, lives);
}

/** Opens the live or the newest session of a directory; null if it has none. */
function openExisting(call: Call, directory: string, lives: readonly Live[]): Promise<number> | null {
  const own = sessionsInDirectory(directory, lives).filter(({ ours }) => ours);
  const live = own.find(({ state }) => state !== "exited");
  if (live) return attachTo(live);
  const [entry] = sessionsOf(directory, 1);
  if (entry) return resumeInTmux(call, entry, undefined, lives);
  return own[0] ? restartExited(call, own[0], lives) : null;
}

async function startNew(call: Call, directory: string, lives: readonly Live[]): Promise<number> {
  requireRoom(lives);
  const id = randomUUID();
  const template = await chooseTemplate(undefined, directory, call.warn);
  const { flags, making } = templateOptions(template);
  const prompt = template?.prompt;
  return launchAndGo({
    ...making,
    project: directory,
    id,
    onePerProject: !isSet(call, "new"),
    command: [requireClaude(), "--session-id", id, ...flags, ...(prompt ? ["--", prompt] : [])],
  });
}

async function launchAndGo(making: Omit<CreateOptions, "env" | "size">): Promise<number> {
  const { name, pane } = await launchSession(making);
  return attachTo({ name, pane, ours: true, id: making.id, kind: "interactive", job: null });
}

/** Resumes a session whose Claude has ended. One that had no prompt yet has no transcript and starts anew. */
function restartExited(
  call: Call,
  { key, id, project }: Pick<Live, "key" | "id" | "project">,
  lives: readonly Live[],
): Promise<number> {
  const found = lookup(id);
  if (found.kind === "one" || project === null) return resumeInTmux(call, resolveEntry(id), undefined, lives);
  requireDirectory(project);
  requireRoom(lives);
  return launchAndGo({ project, id: key, command: [requireClaude(), "--session-id", key] });
}

async function resumeInTmux(
  call: Call,
  entry: Entry,
  path: string | undefined,
  lives: readonly Live[],
): Promise<number> {
  const flags = path === undefined ? {} : { dir: path };
  const plan = await resumeCommand({ ...call, flags }, entry, sessionOf(entry, readContext()), undefined);
  for (const note of plan.notes) writeStderr(`ccr: ${clean(note)}\n`);
  requireRoom(lives);
  return launchAndGo({
    project: plan.directory,
    id: entry.id,
    command: plan.argv,
  });
}
