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
import { waitFor } from "../cli/wait-for.ts";
import { TranscriptIndex } from "../conversation/main-chain.ts";
import { verdictAt } from "../limits/tail.ts";
import { liveSessions } from "../live/live-sessions.ts";
import { permissionModeFor } from "../resume/resume-jobs.ts";
import { readContext } from "../sessions/context.ts";
import { sessionOf, startOf } from "../sessions/session.ts";
import { transcripts } from "../sessions/store.ts";
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
    "Starts a new session in the same directory and gives it the prompts of this one, each when the answer to the one before is there. Stops at Claude's first question, at a limit or an error; the session stays. Asks once.",
  flags: {
    from: { type: "string", value: "n", description: "begin with the n-th prompt" },
    "dry-run": { type: "boolean", description: "only show the prompts" },
    yes: { type: "boolean", short: "y", description: "do not ask" },
  },
  positionals: "session",
  maxArgs: 1,
  json: true,
  examples: [
    ["ccr rerun 4bb6 --dry-run", "its prompts"],
    ["ccr rerun 4bb6 --from 2", "all but the first one, again"],
  ],
  async run(call) {
    const [word] = call.positionals;
    if (word === undefined) throw wrong("which session?", "ccr rerun <id or title>");
    const entry = resolveEntry(resolveSessionId(word));
    const directory = startOf(entry);
    const all = promptsIn(entry.path);
    const from = Number(stringFlag(call, "from") ?? 1);
    if (!Number.isInteger(from) || from < 1 || (from > all.length && all.length > 0))
      throw wrong(`--from is a number from 1 to ${all.length}.`, `ccr rerun ${word} --dry-run`);
    const prompts = all.slice(from - 1);
    if (directory === null || prompts.length === 0)
      throw new Problem("no-prompts", `${entry.id.slice(0, 8)} has no prompts.`);
    if (isSet(call, "dry-run")) return list(call, entry.id, directory, prompts, from);
    if (call.json) throw wrong("--json is for --dry-run.", `ccr rerun ${word} --dry-run --json`);
    requireTmux();
    requireDirectory(directory);
    requireRoom(await liveSessions());
    if (!isSet(call, "yes")) {
      list(call, entry.id, directory, prompts, from);
      const answer = ask(`Give ${plural(prompts.length, "prompt")} to a new session in ${clean(directory)}?`);
      if (answer === null) throw wrong("nobody is there to be asked.", "when that is meant: --yes");
      if (!answer) return 1;
    }
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
    for (const [i, prompt] of prompts.entries()) {
      writeStderr(`${from + i} of ${all.length}  ${short(prompt, 20)}\n`);
      try {
        await waitFor(await resolveLive(id), "idle", Number.POSITIVE_INFINITY);
        if ((await sendPrompt(await resolveLive(id), promptText(prompt, false), false)) !== 0)
          throw new Problem("ended", `${name} has ended.`);
        await waitFor(await resolveLive(id), "idle", Number.POSITIVE_INFINITY);
        const [transcript] = transcripts((one) => one.toLowerCase() === id);
        const verdict = transcript && verdictAt(transcript.path);
        if (verdict && verdict.state !== "none")
          throw new Problem(
            verdict.state,
            verdict.state === "limited" ? "it is limited." : `an error: ${verdict.by}.`,
          );
      } catch (error) {
        const { kind, message, hint } = problemOf(error);
        throw new Problem(kind, `stopped at prompt ${from + i}: ${message}`, {
          hint: hint.length > 0 ? hint : `go there: cct ${name}`,
        });
      }
    }
    return 0;
  },
};

const wrong = (message: string, hint: string): Problem => new Problem("usage", message, { hint, exit: 2 });

/** The whole prompts of the main chain. */
function promptsIn(path: string): string[] {
  const fd = openSync(path, "r");
  try {
    const found = new TranscriptIndex(fd, fstatSync(fd).size);
    return Array.from(found.turns(), ({ row }) => promptOf(found.row(row, true) ?? {}) ?? "");
  } finally {
    closeSync(fd);
  }
}

const short = (prompt: string, less: number): string =>
  isTerminal(1) ? cut(clean(prompt), Math.max(20, columns() - less)) : clean(prompt);

function list(
  call: Call,
  session: string,
  project: string,
  prompts: readonly string[],
  from: number,
): number {
  const rows = prompts.map((text, i) => ({ n: from + i, text }));
  if (call.json) json("rerun", { session, project, prompts: rows }, call.warnings);
  else for (const { n, text } of rows) writeStdout(`${String(n).padStart(3)}  ${short(text, 6)}\n`);
  return 0;
}
