import { statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { olderThan, RESUMES_ANYWHERE, requireClaude, resumeArguments } from "../claude/cli.ts";
import { slug } from "../claude/places.ts";
import { currentBranch } from "../sessions/current-branch.ts";
import { realPath } from "../sessions/lookup.ts";
import type { Session } from "../sessions/session.ts";
import { type Entry, transcripts } from "../sessions/store.ts";
import { Problem } from "../system/problem.ts";
import { quote } from "../system/shell-quote.ts";
import { type Call, isSet, stringFlag } from "./command.ts";
import { requireDirectory } from "./requirements.ts";

export type ResumeCommand = { directory: string; argv: string[]; notes: string[] };

/** Returns the command that resumes a session. Throws a Problem when it cannot be resumed. */
export async function resumeCommand(
  call: Call,
  entry: Entry,
  session: Session,
  prompt: string | undefined,
): Promise<ResumeCommand> {
  const short = session.id.slice(0, 8);
  const fork = isSet(call, "fork");
  requireReadable(entry, short);
  if (session.live && !fork) throw await liveProblem(session);
  const claude = requireClaude();

  const notes: string[] = [];
  const asked = stringFlag(call, "dir");
  const directory = asked === undefined ? ownDirectory(session) : resolve(asked);
  if (asked !== undefined) requireDirectory(directory);
  const elsewhere = slug(realPath(directory)) !== entry.folder;
  if (elsewhere && asked !== undefined && (await isTooOld(claude))) {
    throw new Problem(
      "claude-too-old",
      `this version of Claude Code resumes ${short} only in ${session.project}`,
      {
        hint: [
          `create the directory: mkdir -p ${session.project}`,
          `or update Claude Code to ${RESUMES_ANYWHERE.join(".")} or newer: claude update`,
        ],
      },
    );
  }
  const copies = transcripts((id) => id.toLowerCase() === session.id).length;
  if (copies > 1)
    notes.push(
      `${short} is stored in ${copies} project folders; the newest copy is in ${dirname(entry.path)}`,
    );
  const branch = currentBranch(directory);
  if (
    branch !== null &&
    session.gitBranch !== null &&
    session.gitBranch !== "HEAD" &&
    branch !== session.gitBranch
  ) {
    notes.push(`the session was on branch ${session.gitBranch}; ${branch} is checked out now`);
  }
  return { directory, argv: [claude, ...resumeArguments(session.id, { prompt, fork })], notes };
}

function requireReadable(entry: Entry, short: string): void {
  if (!entry.facts) {
    throw new Problem("unreadable", `cannot read the transcript of ${short}: ${entry.unreadable}`, {
      hint: `check its owner and mode: ls -l ${entry.path}`,
    });
  }
  if (entry.facts.start === null) {
    throw new Problem("damaged", `cannot resume ${short}: its transcript has no readable message`, {
      hint: entry.bytes === 0 ? `the file is empty: ${entry.path}` : `check the file: ${entry.path}`,
    });
  }
}

function ownDirectory(session: Session): string {
  const directory = session.project!;
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory()) return directory;
  throw new Problem("directory-gone", `the session's directory is missing: ${directory}`, {
    hint: [
      `resume in another directory: ccr ${session.id.slice(0, 8)} --dir .`,
      `or create it: mkdir -p ${directory}`,
    ],
  });
}

async function isTooOld(claude: string): Promise<boolean> {
  const { capture } = await import("../system/run.ts");
  return olderThan((await capture(claude, ["--version"], 10_000)) ?? "", RESUMES_ANYWHERE);
}

async function liveProblem({ id, live, project }: Session): Promise<Problem> {
  const short = id.slice(0, 8);
  const { tmuxNames } = await import("../live/tmux-names.ts");
  const tmux = live?.here ? (await tmuxNames([live.pid])).get(live.pid) : undefined;
  const process = live?.here
    ? `pid ${live.pid}`
    : `pid ${live?.pid} in another container or on another machine`;
  const where = `${tmux ? `tmux session ${tmux}, ` : ""}${process}, in ${live?.cwd ?? project ?? "?"}`;
  const attach = tmux
    ? [`attach to it: tmux ${insideTmux() ? "switch-client" : "attach"} -t ${quote(`=${tmux}`)}`]
    : [];
  return new Problem("live", `${short} is already running: ${where}`, {
    hint: [
      ...attach,
      `work in a copy: ccr ${short} --fork`,
      "two Claudes in one session would damage the conversation",
    ],
  });
}

const insideTmux = (): boolean => Boolean(process.env.TMUX);
