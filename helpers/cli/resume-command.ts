import { statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { olderThan, RESUMES_ANYWHERE, requireClaude, resumeArguments } from "../claude/cli.ts";
import { slug } from "../claude/places.ts";
import { checkedOut } from "../sessions/branch.ts";
import { realPath } from "../sessions/lookup.ts";
import type { Session } from "../sessions/session.ts";
import { type Entry, transcripts } from "../sessions/store.ts";
import { Problem } from "../system/problem.ts";
import { quote } from "../system/shell-quote.ts";
import { type Call, isSet, stringFlag } from "./command.ts";

export type ResumeCommand = { directory: string; argv: string[]; notes: string[] };

/** The command that resumes a session, or a Problem that says why none can. */
export async function resumeCommand(
  call: Call,
  entry: Entry,
  session: Session,
  prompt: string | undefined,
): Promise<ResumeCommand> {
  const short = session.id.slice(0, 8);
  const fork = isSet(call, "fork");
  if (!entry.facts) {
    throw new Problem("unreadable", `the transcript of ${short} cannot be read (${entry.unreadable}).`, {
      hint: `look at its owner and mode: ls -l ${entry.path}`,
    });
  }
  if (entry.facts.start === null) {
    throw new Problem("damaged", `${short} cannot be resumed: its transcript has no readable message.`, {
      hint: entry.bytes === 0 ? `the file is empty: ${entry.path}` : `look at it: ${entry.path}`,
    });
  }
  if (session.live && !fork) throw await liveProblem(session);
  const claude = requireClaude();

  const notes: string[] = [];
  const asked = stringFlag(call, "dir");
  const directory = asked === undefined ? ownDirectory(session) : existing(resolve(asked));
  const elsewhere = slug(realPath(directory)) !== entry.folder;
  if (elsewhere && asked !== undefined && (await isTooOld(claude))) {
    throw new Problem("claude-too-old", `this Claude Code resumes ${short} only in ${session.project}.`, {
      hint: [
        `make the directory again: mkdir -p ${session.project}`,
        `or update: claude update (${RESUMES_ANYWHERE.join(".")} or newer)`,
      ],
    });
  }
  const twins = transcripts((id) => id.toLowerCase() === session.id).length;
  if (twins > 1)
    notes.push(
      `${short} is stored in ${twins} project folders; the one in ${dirname(entry.path)} is the newest`,
    );
  const branch = checkedOut(directory);
  if (
    branch !== null &&
    session.gitBranch !== null &&
    session.gitBranch !== "HEAD" &&
    branch !== session.gitBranch
  ) {
    notes.push(`the session was on branch ${session.gitBranch}, ${branch} is checked out`);
  }
  return { directory, argv: [claude, ...resumeArguments(session.id, { prompt, fork })], notes };
}

function ownDirectory(session: Session): string {
  const directory = session.project!;
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory()) return directory;
  throw new Problem("directory-gone", `the session's directory is gone: ${directory}`, {
    hint: [
      `resume elsewhere: ccr ${session.id.slice(0, 8)} --dir .`,
      `or bring it back: mkdir -p ${directory}`,
    ],
  });
}

function existing(directory: string): string {
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory()) return directory;
  throw new Problem("usage", `no such directory: ${directory}`, { exit: 2 });
}

async function isTooOld(claude: string): Promise<boolean> {
  const { capture } = await import("../system/run.ts");
  return olderThan((await capture(claude, ["--version"], 10_000)) ?? "", RESUMES_ANYWHERE);
}

async function liveProblem({ id, live, project }: Session): Promise<Problem> {
  const short = id.slice(0, 8);
  const { tmuxNames } = await import("../live/tmux-names.ts");
  const tmux = live?.here ? (await tmuxNames([live.pid])).get(live.pid) : undefined;
  const process = live?.here ? `pid ${live.pid}` : `pid ${live?.pid} of another container or machine`;
  const where = `${tmux ? `tmux session ${tmux}, ` : ""}${process}, in ${live?.cwd ?? project ?? "?"}`;
  const attach = tmux
    ? [`go there: tmux ${insideTmux() ? "switch-client" : "attach"} -t ${quote(`=${tmux}`)}`]
    : [];
  return new Problem("live", `${short} is running already: ${where}.`, {
    hint: [...attach, `work in a copy: ccr ${short} --fork`, "two at once would tear the conversation apart"],
  });
}

const insideTmux = (): boolean => Boolean(process.env.TMUX);
