import type { CommandEntry } from "./cli/command.ts";

/** Every verb; what is not here does not exist. The order is that of the help page. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    name: "resume",
    summary: "resume a session in its own directory: ccr <session> [prompt]",
    load: async () => (await import("./commands/resume.ts")).resume(COMMANDS),
  },
  {
    name: "pick",
    summary: "choose a session on the screen; ccr alone does the same",
    load: async () => (await import("./commands/pick.ts")).pick,
  },
  {
    name: "board",
    summary: "what needs you, works, is limited, was recent: here and on other machines",
    load: async () => (await import("./commands/board.ts")).board,
  },
  {
    name: "list",
    alias: "ccr-list",
    summary: "the newest sessions of all projects",
    load: async () => (await import("./commands/list.ts")).list,
  },
  {
    name: "find",
    alias: "ccr-find",
    summary: "find words in the messages of all sessions",
    load: async () => (await import("./commands/find.ts")).find,
  },
  {
    name: "current",
    alias: "ccr-current",
    summary: "the session of this shell or directory",
    load: async () => (await import("./commands/current.ts")).current,
  },
  {
    name: "stats",
    alias: "ccr-stats",
    summary: "sessions, messages and tokens, by project, model and day",
    load: async () => (await import("./commands/stats.ts")).stats,
  },
  {
    name: "check-limits",
    alias: "ccr-check-limits",
    summary: "which sessions are limited and until when; how full the windows are",
    load: async () => (await import("./commands/check-limits.ts")).checkLimits,
  },
  {
    name: "export",
    alias: "ccr-export",
    summary: "pack sessions into one file, to keep or to move them",
    load: async () => (await import("./commands/export.ts")).exportSessions,
  },
  {
    name: "import",
    alias: "ccr-import",
    summary: "bring the sessions of an archive into this home",
    load: async () => (await import("./commands/import.ts")).importSessions,
  },
  {
    name: "archive",
    alias: "ccr-archive",
    summary: "archive old sessions, and delete what is safely archived",
    load: async () => (await import("./commands/archive.ts")).archive,
  },
  {
    name: "keep",
    summary: "save sessions from Claude Code's own sweep",
    load: async () => (await import("./commands/keep.ts")).keepSessions,
  },
  {
    name: "resume-all",
    alias: "ccra",
    summary: "continue every limited session whose reset has passed",
    load: async () => (await import("./commands/resume-all.ts")).resumeAll,
  },
  {
    name: "open",
    alias: "cct",
    summary: "go to a session in tmux, which outlives the terminal",
    load: async () => (await import("./commands/open.ts")).open,
  },
  {
    name: "ps",
    alias: "cct-list",
    summary: "the live sessions: what each one does, its age and memory",
    load: async () => (await import("./commands/ps.ts")).ps,
  },
  {
    name: "stop",
    alias: "cct-kill",
    summary: "end live sessions with all their processes",
    load: async () => (await import("./commands/stop.ts")).stop,
  },
  {
    name: "start",
    summary: "start a session in tmux, without going there",
    load: async () => (await import("./commands/start.ts")).start,
  },
  {
    name: "attach",
    summary: "show a live session on this terminal",
    load: async () => (await import("./commands/attach.ts")).attach,
  },
  {
    name: "send",
    summary: "type a prompt into a live session",
    load: async () => (await import("./commands/send.ts")).send,
  },
  {
    name: "wait",
    summary: "wait until a live session is idle, asks, or has ended",
    load: async () => (await import("./commands/wait.ts")).wait,
  },
  {
    name: "resume-later",
    summary: "plan one session for a time",
    load: async () => (await import("./commands/resume-later.ts")).resumeLater,
  },
  {
    name: "pause",
    summary: "hold sessions back",
    load: async () => (await import("./commands/pause.ts")).pause,
  },
  {
    name: "restore",
    summary: "bring back the tmux sessions that a restart has taken",
    load: async () => (await import("./commands/restore.ts")).restore,
  },
  {
    name: "template",
    summary: "what sessions are started with: list, show, new, allow",
    load: async () => (await import("./commands/template.ts")).template,
  },
  {
    name: "supervise",
    summary: "one pass of upkeep, for cron and a workspace's start",
    load: async () => (await import("./commands/supervise.ts")).supervise,
  },
  {
    name: "remote",
    summary: "name other machines: ccr --on <target> <verb…> asks the ccr there",
    load: async () => (await import("./commands/remote.ts")).remote,
  },
  {
    name: "fork",
    summary: "a copy of a session under a new id, up to a message",
    load: async () => (await import("./commands/fork.ts")).fork,
  },
  {
    name: "logs",
    summary: "what happened in a session, a line each; -f stays",
    load: async () => (await import("./commands/logs.ts")).logs,
  },
  {
    name: "replay",
    summary: "play what a session printed",
    load: async () => (await import("./commands/replay.ts")).replay,
  },
  {
    name: "rerun",
    summary: "give a session's prompts to a new one, one after another",
    load: async () => (await import("./commands/rerun.ts")).rerun,
  },
  {
    name: "snapshot",
    summary: "keep the present state of a session",
    load: async () => (await import("./commands/snapshot.ts")).snapshot,
  },
  {
    name: "snapshots",
    summary: "the states that were kept",
    load: async () => (await import("./commands/snapshots.ts")).snapshots,
  },
  {
    name: "rollback",
    summary: "bring a session back to a snapshot",
    load: async () => (await import("./commands/rollback.ts")).rollback,
  },
  {
    name: "devcontainer",
    summary: "share sessions with a dev container",
    load: async () => (await import("./commands/devcontainer.ts")).devcontainer(COMMANDS),
  },
  {
    name: "todos",
    summary: "the tasks of all sessions, on the host and in containers",
    load: async () => (await import("./commands/todos.ts")).todos,
  },
  {
    name: "clean",
    summary: "remove what is left of old sessions; never a transcript",
    load: async () => (await import("./commands/clean.ts")).cleanUp,
  },
  {
    name: "sync",
    summary: "bring the sessions of two places together, both ways",
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
    summary: "a status line for Claude Code",
    load: async () => (await import("./commands/statusline.ts")).statusline,
  },
  {
    name: "hook",
    summary: "what Claude Code's hooks call",
    load: async () => (await import("./commands/hook.ts")).hook,
  },
  {
    name: "install",
    summary: "put ccr into this home: commands, functions, completion",
    load: async () => (await import("./commands/install.ts")).install(COMMANDS),
  },
  {
    name: "uninstall",
    summary: "take it out again",
    load: async () => (await import("./commands/uninstall.ts")).uninstall,
  },
  {
    name: "completion",
    summary: "the completion script for bash, zsh or fish",
    load: async () => (await import("./commands/completion.ts")).completion(COMMANDS),
  },
  {
    name: "version",
    summary: "print the version",
    load: async () => (await import("./commands/version.ts")).version,
  },
];

export const findCommand = (name: string): CommandEntry | undefined =>
  COMMANDS.find((verb) => verb.name === name);
