// What runs now: our tmux sessions and every registered Claude, matched by process. Calls tmux once.

import { isSessionId } from "../claude/places.ts";
import { type Live as Claude, liveSessions as registered, withoutStale } from "../claude/registry.ts";
import { ageOf, ancestors, readStat } from "../system/process.ts";
import { isPending } from "./start-on-enter.ts";
import { hasTmux, tmux } from "./tmux.ts";

/** `lazy`: restored and waits for Enter. `starting`: runs but has not registered yet. */
export type LiveState = "busy" | "waiting" | "idle" | "starting" | "lazy" | "exited";

/** A live session. Times are epoch ms; null where something does not apply or is unknown. */
export type Live = {
  /** its tmux session; null for a Claude outside of the tmux that we can see */
  name: string | null;
  /** whether ccr made that tmux session */
  ours: boolean;
  /** Claude's session id now, and the one it was launched with, which the journal uses (/clear takes a new id) */
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
  /** exit status of a program whose pane stays; null also when a signal ended it */
  exit: number | null;
  /** whether its process runs in this pid namespace of this machine */
  here: boolean;
};

/** The fields of each line of `list-panes`. Our own options contain no blank. */
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

/** A Claude that has not registered after this time (ms) shows a dialog. */
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

/** A session of which only the tmux part is known. */
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

/** The panes of all tmux sessions. When tmux has missed the end of a process, a new process makes it notice. */
async function allPanes(): Promise<Pane[]> {
  const list = async (): Promise<Pane[]> => {
    const answer = await tmux(["list-panes", "-a", "-F", FORMAT]);
    return (answer.ok ? answer.out.split("\n") : []).flatMap((line) => paneOf(line) ?? []);
  };
  if (!hasTmux()) return [];
  const panes = await list();
  // See "Recording" in docs/developing/tmux.md: the process is still there, as a zombie.
  if (!panes.some(({ dead, exit, pid }) => dead && exit === null && readStat(pid) !== null)) return panes;
  await tmux(["run-shell", ":"]);
  return list();
}

/** Every live session: ours, then those of other terminals, newest first. Registry entries of dead processes are left out. */
export async function liveSessions(): Promise<Live[]> {
  const claudes = [...withoutStale(registered()).values()];
  const panes = await allPanes();
  const { found, seen } = registeredIn(claudes, panes);
  const waiting = panes.filter(({ claude, id }) => claude && !seen.has(id)).map(unregisteredIn);
  const known = [...found, ...waiting];
  return [...known, ...abandonedIn(panes, known)].sort(
    (a, b) => Number(b.ours) - Number(a.ours) || (b.startedAt ?? 0) - (a.startedAt ?? 0),
  );
}

/** A session for each registered Claude, and the ids of our panes that have one. */
function registeredIn(
  claudes: readonly Claude[],
  panes: readonly Pane[],
): { found: Live[]; seen: ReadonlySet<string> } {
  const byPid = new Map(panes.map((pane) => [pane.pid, pane]));
  const seen = new Set<string>();
  const found = claudes.map((claude): Live => {
    const { pid, session, here, cwd, kind, job, startedAt, waitingFor } = claude;
    const pane = byPid.get((here && ancestors(pid).find((one) => byPid.has(one))) || 0);
    // A second Claude in the same tmux session, as in its shell window, is a session of its own.
    const ours = pane?.claude === true && !seen.has(pane.id);
    if (pane && ours) seen.add(pane.id);
    return {
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
      state: stateOf(claude),
      waitingFor,
      here,
    };
  });
  return { found, seen };
}

function stateOf({ status, startedAt }: Claude): LiveState {
  if (status === null && Date.now() - (startedAt ?? 0) < START_UP) return "starting";
  if (status === "waiting") return "waiting";
  return status === "busy" || status === "shell" ? "busy" : "idle";
}

/** The session of a pane whose Claude is not in the registry. */
function unregisteredIn(pane: Pane): Live {
  const live = bare(pane);
  if (pane.dead) return live;
  if (isPending(pane.pid)) return { ...live, state: "lazy" };
  return (ageOf(pane.pid) ?? Date.now() - pane.created) > START_UP
    ? { ...live, state: "waiting", waitingFor: "start-up dialog" }
    : { ...live, state: "starting" };
}

/** Sessions whose Claude window was closed while other windows stay. */
function abandonedIn(panes: readonly Pane[], known: readonly Live[]): Live[] {
  const named = new Set(known.flatMap(({ name, ours }) => (ours ? name : [])));
  return panes.flatMap((pane) => {
    if (pane.session === "" || named.has(pane.name)) return [];
    named.add(pane.name);
    return bare(pane);
  });
}

const NONE = { name: null, windows: 0, clients: 0, exit: null };

/** How messages call a live session: by its tmux name, or the first characters of its id. */
export const displayName = ({ name, id }: Live): string => name ?? id.slice(0, 8);
