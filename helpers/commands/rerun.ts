import { randomUUID } from "node:crypto";
import { closeSync, fstatSync, openSync } from "node:fs";
import { requireClaude } from "../claude/cli.ts";
import { promptOf } from "../claude/rows.ts";
import { type Call, type Command, isSet, stringFlag } from "../cli/command.ts";
import { launchSession, requireRoom } from "../cli/launch-session.ts";
import { requireDirectory, requireTmux } from "../cli/requirements.ts";
import { resolveLive, resolveSessionId } from "../cli/resolve-live-session.ts";
import { resolveEntry } from "../cli/resolve-session.ts";
import { promptText, sendPrompt } from "../cli/send-prompt.ts";
import { usageError } from "../cli/usage-error.ts";
import { waitFor } from "../cli/wait-for.ts";
import { TranscriptIndex } from "../conversation/main-chain.ts";
import { verdictOfFile } from "../limits/tail.ts";
import { liveSessions } from "../live/live-sessions.ts";
import { permissionModeFor } from "../resume/resume-jobs.ts";
import { readContext } from "../sessions/context.ts";
import { sessionOf, startDirectoryOf } from "../sessions/session.ts";
import { type Entry, transcripts } from "../sessions/store.ts";
import { Problem, problemOf } from "../system/problem.ts";
import { plural } from "../terminal/amount.ts";
import { ask } from "../terminal/ask.ts";
import { clean } from "../terminal/clean.ts";
import { json } from "../terminal/json.ts";
import { columns, isTerminal, writeStderr, writeStdout } from "../terminal/output.ts";
import { cut } from "../terminal/text.ts";

export const rerun: Command = {
  usage: "rerun <session> [flags]",
  description:
    "Starts a new session in the same directory and gives it the prompts of this one, each after the previous answer. Stops when Claude asks something, at a usage limit or at an error; the new session stays open. Asks for confirmation first.",
  flags: {
    from: { type: "string", value: "n", description: "start with the n-th prompt" },
    "dry-run": { type: "boolean", description: "only list the prompts" },
    yes: { type: "boolean", short: "y", description: "do not ask for confirmation" },
  },
  positionals: "session",
  maxArgs: 1,
  json: true,
  examples: [
    ["ccr rerun 4bb6 --dry-run", "list its prompts"],
    ["ccr rerun 4bb6 --from 2", "repeat all prompts except the first"],
  ],
  async run(call) {
    const [word] = call.positionals;
    if (word === undefined) throw usageError("missing argument: <session>", "run: ccr rerun <id or title>");
    const entry = resolveEntry(resolveSessionId(word));
    const all = promptsIn(entry.path);
    const from = firstPrompt(call, word, all.length);
    const list: PromptList = { prompts: all.slice(from - 1), from, total: all.length };
    const directory = startDirectoryOf(entry);
    if (directory === null || list.prompts.length === 0)
      throw new Problem("no-prompts", `${entry.id.slice(0, 8)} has no prompts`);
    if (call.json && !isSet(call, "dry-run"))
      throw usageError("--json needs --dry-run", `run: ccr rerun ${word} --dry-run --json`);
    if (isSet(call, "dry-run")) {
      if (call.json) printJson(call, entry.id, directory, list);
      else print(list);
      return 0;
    }
    requireTmux();
    requireDirectory(directory);
    requireRoom(await liveSessions());
    if (!isSet(call, "yes") && !confirmed(directory, list)) return 1;
    await rerunPrompts(entry, directory, list);
    return 0;
  },
};

type PromptList = {
  prompts: readonly string[];
  /** number of the first one, counted from 1 */
  from: number;
  /** number of prompts of the session */
  total: number;
};

function firstPrompt(call: Call, word: string, total: number): number {
  const given = stringFlag(call, "from") ?? "1";
  const from = Number(given);
  if (Number.isInteger(from) && from >= 1 && (from <= total || total === 0)) return from;
  throw usageError(
    `invalid --from "${given}": use a number from 1 to ${total}`,
    `list the prompts: ccr rerun ${word} --dry-run`,
  );
}

/** Asks whether to start. Throws a Problem if nobody can answer. */
function confirmed(directory: string, list: PromptList): boolean {
  print(list);
  const answer = ask(
    `Give ${plural(list.prompts.length, "prompt")} to a new session in ${clean(directory)}?`,
  );
  if (answer === null)
    throw usageError("ccr rerun asks for confirmation, which needs a terminal", "do not ask: --yes");
  return answer;
}

/** Starts a session and gives it the prompts, one after another. */
async function rerunPrompts(entry: Entry, directory: string, list: PromptList): Promise<void> {
  const id = randomUUID();
  const mode = permissionModeFor(sessionOf(entry, readContext()), null);
  const flags = mode === null ? [] : ["--permission-mode", mode];
  const { name } = await launchSession({
    project: directory,
    id,
    command: [requireClaude(), "--session-id", id, ...flags],
    launch: { permissionMode: mode },
  });
  writeStdout(`${name}\n`);
  for (const [i, prompt] of list.prompts.entries()) {
    const n = list.from + i;
    writeStderr(`${n} of ${list.total}  ${shorten(prompt, 20)}\n`);
    try {
      await givePrompt(id, name, prompt);
    } catch (error) {
      const { kind, message, hint } = problemOf(error);
      throw new Problem(kind, `stopped at prompt ${n}: ${message}`, {
        hint: hint.length > 0 ? hint : `open the session: cct ${name}`,
      });
    }
  }
}

/** Sends a prompt to an idle session and waits for the answer. Throws a Problem if there is none. */
async function givePrompt(id: string, name: string, prompt: string): Promise<void> {
  await waitFor(await resolveLive(id), "idle", Number.POSITIVE_INFINITY);
  if ((await sendPrompt(await resolveLive(id), promptText(prompt, false), false)) !== 0)
    throw new Problem("ended", `${name} has ended`);
  await waitFor(await resolveLive(id), "idle", Number.POSITIVE_INFINITY);
  const [transcript] = transcripts((one) => one.toLowerCase() === id);
  const verdict = transcript && verdictOfFile(transcript.path);
  if (verdict === undefined || verdict.state === "none") return;
  throw new Problem(
    verdict.state,
    verdict.state === "limited" ? "it hit a usage limit" : `an error: ${verdict.by}`,
  );
}

/** Returns the full prompts of the main chain. */
function promptsIn(path: string): string[] {
  const fd = openSync(path, "r");
  try {
    const found = new TranscriptIndex(fd, fstatSync(fd).size);
    return Array.from(found.turns(), ({ row }) => promptOf(found.row(row, true) ?? {}) ?? "");
  } finally {
    closeSync(fd);
  }
}

const numbered = ({ prompts, from }: PromptList) => prompts.map((text, i) => ({ n: from + i, text }));

const printJson = (call: Call, session: string, project: string, list: PromptList): void =>
  json("rerun", { session, project, prompts: numbered(list) }, call.warnings);

function print(list: PromptList): void {
  for (const { n, text } of numbered(list)) writeStdout(`${String(n).padStart(3)}  ${shorten(text, 6)}\n`);
}

/** A prompt in one line; on a terminal cut to its width less `margin` cells. */
const shorten = (prompt: string, margin: number): string =>
  isTerminal(1) ? cut(clean(prompt), Math.max(20, columns() - margin)) : clean(prompt);
