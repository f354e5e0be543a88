import type { CommandEntry } from "./cli/command.ts";

/** Every command, in the order of the help page. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    name: "resume",
    summary: "resume a session in its own directory: ccr <session> [prompt]",
    load: async () => (await import("./commands/resume.ts")).resume(COMMANDS),
  },
  {
    name: "pick",
    summary: "pick a session; ccr alone does the same",
    load: async () => (await import("./commands/pick.ts")).pick,
  },
  {
    name: "board",
    summary: "show which sessions need you, work, are limited or are recent, here and on other machines",
    load: async () => (await import("./commands/board.ts")).board,
  },
  {
    name: "list",
    alias: "ccr-list",
    summary: "list the newest sessions of all projects",
    load: async () => (await import("./commands/list.ts")).list,
  },
  {
    name: "find",
    alias: "ccr-find",
    summary: "search the messages of all sessions",
    load: async () => (await import("./commands/find.ts")).find,
  },
  {
    name: "current",
    alias: "ccr-current",
    summary: "show the session of this shell or directory",
    load: async () => (await import("./commands/current.ts")).current,
  },
  {
    name: "stats",
    alias: "ccr-stats",
    summary: "count sessions, messages and tokens by project, model and day",
    load: async () => (await import("./commands/stats.ts")).stats,
  },
  {
    name: "check-limits",
    alias: "ccr-check-limits",
    summary: "show limited sessions, their resets and the usage windows",
    load: async () => (await import("./commands/check-limits.ts")).checkLimits,
  },
  {
    name: "export",
    alias: "ccr-export",
    summary: "export sessions to one file, to keep or to move them",
    load: async () => (await import("./commands/export.ts")).exportSessions,
  },
  {
    name: "import",
    alias: "ccr-import",
    summary: "import the sessions of an archive into this home",
    load: async () => (await import("./commands/import.ts")).importSessions,
  },
  {
    name: "archive",
    alias: "ccr-archive",
    summary: "archive old sessions, and delete them once the archive is verified",
    load: async () => (await import("./commands/archive.ts")).archive,
  },
  {
    name: "keep",
    summary: "save sessions before Claude Code deletes them",
    load: async () => (await import("./commands/keep.ts")).keepSessions,
  },
  {
    name: "resume-all",
    alias: "ccra",
    summary: "resume every limited session whose reset has passed",
    load: async () => (await import("./commands/resume-all.ts")).resumeAll,
  },
  {
    name: "open",
    alias: "cct",
    summary: "open a session in tmux, where it outlives the terminal",
    load: async () => (await import("./commands/open.ts")).open,
  },
  {
    name: "ps",
    alias: "cct-list",
    summary: "list live sessions: what each one does, its age and memory",
    load: async () => (await import("./commands/ps.ts")).ps,
  },
  {
    name: "stop",
    alias: "cct-kill",
    summary: "stop live sessions and all their processes",
    load: async () => (await import("./commands/stop.ts")).stop,
  },
  {
    name: "start",
    summary: "start a session in tmux without attaching to it",
    load: async () => (await import("./commands/start.ts")).start,
  },
  {
    name: "attach",
    summary: "attach this terminal to a live session",
    load: async () => (await import("./commands/attach.ts")).attach,
  },
  {
    name: "send",
    summary: "send a prompt to a live session",
    load: async () => (await import("./commands/send.ts")).send,
  },
  {
    name: "wait",
    summary: "wait until a live session is idle, asks a question or has ended",
    load: async () => (await import("./commands/wait.ts")).wait,
  },
  {
    name: "resume-later",
    summary: "schedule a session to be resumed",
    load: async () => (await import("./commands/resume-later.ts")).resumeLater,
  },
  {
    name: "pause",
    summary: "pause automatic resuming",
    load: async () => (await import("./commands/pause.ts")).pause,
  },
  {
    name: "restore",
    summary: "restore the tmux sessions that were lost in a restart",
    load: async () => (await import("./commands/restore.ts")).restore,
  },
  {
    name: "template",
    summary: "manage the templates that sessions start from: list, show, new, allow",
    load: async () => (await import("./commands/template.ts")).template,
  },
  {
    name: "supervise",
    summary: "run one background pass; cron and the start of a workspace call it",
    load: async () => (await import("./commands/supervise.ts")).supervise,
  },
  {
    name: "remote",
    summary: "manage the names of other machines for ccr --on <target> <command…>",
    load: async () => (await import("./commands/remote.ts")).remote,
  },
  {
    name: "fork",
    summary: "copy a session under a new id, up to a message",
    load: async () => (await import("./commands/fork.ts")).fork,
  },
  {
    name: "logs",
    summary: "show what happened in a session, one line each",
    load: async () => (await import("./commands/logs.ts")).logs,
  },
  {
    name: "replay",
    summary: "play the recording of a session",
    load: async () => (await import("./commands/replay.ts")).replay,
  },
  {
    name: "rerun",
    summary: "send the prompts of a session to a new one, one after another",
    load: async () => (await import("./commands/rerun.ts")).rerun,
  },
  {
    name: "snapshot",
    summary: "save the present state of a session",
    load: async () => (await import("./commands/snapshot.ts")).snapshot,
  },
  {
    name: "snapshots",
    summary: "list and delete snapshots",
    load: async () => (await import("./commands/snapshots.ts")).snapshots,
  },
  {
    name: "rollback",
    summary: "return a session to a snapshot",
    load: async () => (await import("./commands/rollback.ts")).rollback,
  },
  {
    name: "devcontainer",
    summary: "share sessions with a dev container",
    load: async () => (await import("./commands/devcontainer.ts")).devcontainer(COMMANDS),
  },
  {
    name: "todos",
    summary: "list the tasks of all sessions, on the host and in containers",
    load: async () => (await import("./commands/todos.ts")).todos,
  },
  {
    name: "clean",
    summary: "remove leftovers of old sessions; never a transcript",
    load: async () => (await import("./commands/clean.ts")).cleanUp,
  },
  {
    name: "sync",
    summary: "synchronize the sessions of two places, both ways",
    load: async () => (await import("./commands/sync.ts")).sync,
  },
  {
    name: "doctor",
    summary: "find problems and fix them",
    load: async () => (await import("./commands/doctor.ts")).doctor,
  },
  {
    name: "config",
    summary: "show and change the configuration",
    load: async () => (await import("./commands/config.ts")).configure,
  },
  {
    name: "statusline",
    summary: "print a status line for Claude Code",
    load: async () => (await import("./commands/statusline.ts")).statusline,
  },
  {
    name: "hook",
    summary: "update the dashboard; Claude Code's hooks call it",
    load: async () => (await import("./commands/hook.ts")).hook,
  },
  {
    name: "install",
    summary: "install ccr into this home: commands, functions, completion",
    load: async () => (await import("./commands/install.ts")).install(COMMANDS),
  },
  {
    name: "uninstall",
    summary: "remove ccr from this home",
    load: async () => (await import("./commands/uninstall.ts")).uninstall,
  },
  {
    name: "completion",
    summary: "print the completion script for bash, zsh or fish",
    load: async () => (await import("./commands/completion.ts")).completion(COMMANDS),
  },
  {
    name: "version",
    summary: "print the version",
    load: async () => (await import("./commands/version.ts")).version,
  },
];

/** Returns the command of that name; aliases do not count. */
export const findCommand = (name: string): CommandEntry | undefined =>
  COMMANDS.find((entry) => entry.name === name);
