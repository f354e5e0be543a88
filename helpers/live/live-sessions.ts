// What runs now: our tmux sessions and every registered Claude, brought together by process. One call of tmux.

import { existsSync } from "node:fs";
import { isSessionId } from "../claude/places.ts";
import { type Live as Claude, liveSessions as registered, withoutGhosts } from "../claude/registry.ts";
import { ancestors, startOf } from "../system/process.ts";
import { isPending } from "./start-on-enter.ts";
import { hasTmux, tmux } from "./tmux.ts";

/** `lazy`: restored, and waits for Enter; `starting`: runs, and has not registered yet. */
export type LiveState = "busy" | "waiting" | "idle" | "starting" | "lazy" | "exited";

/** A live session. Times are epoch ms; what does not apply or is not known is null. */
export type Live = {
  /** its tmux session; null for a Claude that runs in no tmux that we can see */
  name: string | null;
  /** whether ccr made that tmux session */
  ours: boolean;
  /** Claude's session as it is now, and as it was launched: the journal's name for it (/clear takes a new id) */
  id: string;
  key: string;
  /** directory that Claude was started in */
  project: string | null;
  windows: number;
  clients: number;
  /** Claude's pane, and the process that tmux started in it */
  pane: string | null;
  panePid: number | null;
  /** Claude itself */
  pid: number | null;
  kind: string;
  /** the vendor's name for a background session: `claude attach <job>` */
  job: string | null;
  /** its entry in the registry */
  claude: Claude | null;
  startedAt: number | null;
  state: LiveState;
  waitingFor: string | null;
  /** status of a program that ended in a pane that stays; null also where a signal ended it */
  exit: number | null;
  /** whether its process is of this machine and pid namespace */
  here: boolean;
};

/** What each line of `list-panes` holds. Options that are ours hold no blank. */
const FORMAT = [
  "pane_id",
  "pane_pid",
  "pane_dead",
  "pane_dead_status",
  "@ccr_claude",
  "@ccr_session",
  "@ccr_project",
  "session_created",
  "session_windows",
  "session_attached",
  "session_name",
]
  .map((name) => `#{${name}}`)
  .join("\t");

/** A Claude that has not registered for so long stands in a dialog of its start. */
const START_UP = 10_000;

type Pane = {
  id: string;
  pid: number;
  dead: boolean;
  exit: number | null;
  claude: boolean;
  session: string;
  project: string | null;
  created: number;
  windows: number;
  clients: number;
  name: string;
};

function paneOf(line: string): Pane | null {
  const [id = "", pid, dead, exit, claude, session = "", project, created, windows, clients, name] =
    line.split("\t");
  if (!name) return null;
  return {
    id,
    pid: Number(pid),
    dead: dead === "1",
    exit: exit ? Number(exit) : null,
    claude: claude === "1" && isSessionId(session),
    session: isSessionId(session) ? session : "",
    project: decoded(project ?? ""),
    created: Number(created) * 1000,
    windows: Number(windows),
    clients: Number(clients),
    name,
  };
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text) || null;
  } catch {
    return null;
  }
}

/** For how long (ms) a process has run, by our own age; else a guess. Ticks are hundredths on every Linux we know. */
function ageOf(pid: number, guess: number): number {
  const [start, own] = [startOf(pid), startOf(process.pid)];
  return start && own ? (Number(own) - Number(start)) * 10 + process.uptime() * 1000 : guess;
}

/** A session of which only the tmux side is known. */
const bare = (pane: Pane): Live => ({
  name: pane.name,
  ours: true,
  id: pane.session,
  key: pane.session,
  project: pane.project,
  windows: pane.windows,
  clients: pane.clients,
  pane: pane.claude ? pane.id : null,
  panePid: pane.claude ? pane.pid : null,
  pid: null,
  kind: "interactive",
  job: null,
  claude: null,
  startedAt: pane.created,
  state: "exited",
  waitingFor: null,
  exit: pane.exit,
  here: true,
});

/** The panes of all tmux sessions. Where tmux has missed an end (see recording.ts), another one tells it. */
async function allPanes(): Promise<Pane[]> {
  const list = async (): Promise<Pane[]> => {
    const answer = await tmux(["list-panes", "-a", "-F", FORMAT]);
    return (answer.ok ? answer.out.split("\n") : []).flatMap((line) => paneOf(line) ?? []);
  };
  if (!hasTmux()) return [];
  const panes = await list();
  if (!panes.some(({ dead, exit, pid }) => dead && exit === null && existsSync(`/proc/${pid}`))) return panes;
  await tmux(["run-shell", ":"]);
  return list();
}

/** Every live session: ours, then those of other terminals; newest first. Dead registry entries are left out. */
export async function liveSessions(): Promise<Live[]> {
  const claudes = withoutGhosts(registered());
  const panes = await allPanes();
  const byPid = new Map(panes.map((pane) => [pane.pid, pane]));
  const now = Date.now();
  const found: Live[] = [];
  const seen = new Set<string>();
  for (const claude of claudes.values()) {
    const { pid, session, here, cwd, kind, job, startedAt, status, waitingFor } = claude;
    const pane = byPid.get((here && ancestors(pid).find((one) => byPid.has(one))) || 0);
    // Another Claude in the same tmux session, as in its shell window, is an entry of its own.
    const ours = pane?.claude === true && !seen.has(pane.id);
    if (pane && ours) seen.add(pane.id);
    found.push({
      ...(pane ? bare(pane) : NONE),
      ours,
      id: session,
      key: ours ? pane!.session : session,
      project: (ours && pane!.project) || cwd,
      pane: pane?.id ?? null,
      panePid: pane?.pid ?? null,
      pid,
      kind,
      job: job ?? null,
      claude,
      startedAt: startedAt ?? pane?.created ?? null,
      state:
        status === null && now - (startedAt ?? 0) < START_UP
          ? "starting"
          : status === "waiting"
            ? "waiting"
            : status === "busy" || status === "shell"
              ? "busy"
              : "idle",
      waitingFor,
      here,
    });
  }
  for (const pane of panes) {
    if (!pane.claude || seen.has(pane.id)) continue;
    const live = bare(pane);
    if (!pane.dead) {
      live.state = isPending(pane.pid) ? "lazy" : "starting";
      if (live.state === "starting" && ageOf(pane.pid, now - pane.created) > START_UP) {
        live.state = "waiting";
        live.waitingFor = "start-up dialog";
      }
    }
    found.push(live);
  }
  // Where Claude has left its window for good, the other windows stay.
  const named = new Set(found.flatMap(({ name, ours }) => (ours ? name : [])));
  for (const pane of panes) {
    if (pane.session === "" || named.has(pane.name)) continue;
    named.add(pane.name);
    found.push(bare(pane));
  }
  return found.sort((a, b) => Number(b.ours) - Number(a.ours) || (b.startedAt ?? 0) - (a.startedAt ?? 0));
}

const NONE = { name: null, windows: 0, clients: 0, exit: null };

/** What a person calls a live session: its tmux name, else the beginning of its id. */
export const displayName = ({ name, id }: Live): string => name ?? id.slice(0, 8);
