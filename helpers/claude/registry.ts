import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readText } from "../system/files.ts";
import { containerStart, sharesHome } from "../system/pid-domain.ts";
import { errno } from "../system/problem.ts";
import { pidNamespace, startOf } from "../system/process.ts";
import { registryDirectory } from "./places.ts";
import { object, type Row, string } from "./rows.ts";

/** A session that is running. Source: docs/developing/claude-code-format.md, "Running sessions". */
export type Live = {
  pid: number;
  session: string;
  cwd: string | null;
  /** `interactive`, `bg`, … */
  kind: string;
  /** what `claude attach` and `claude stop` call a background session */
  job?: string | null;
  entrypoint: string | null;
  /** `busy`, `waiting`, `idle`, `shell`; null where the CLI is too old to say */
  status: string | null;
  /** epoch ms of the last change of `status` */
  statusAt?: number | null;
  waitingFor: string | null;
  name: string | null;
  startedAt: number | null;
  /** whether its process is of this machine and pid namespace; others cannot be checked */
  here: boolean;
};

/** Returns every running session by its id. Entries of ended processes are left out, never deleted. */
export function liveSessions(directory: string = registryDirectory()): Map<string, Live> {
  const found = new Map<string, Live>();
  for (const { live } of registryEntries(directory)) {
    if (!live) continue;
    const other = found.get(live.session);
    if (!other || (live.startedAt ?? 0) > (other.startedAt ?? 0)) found.set(live.session, live);
  }
  return found;
}

/** Yields every entry. `dead`: its process was of this machine and pid namespace, and has ended. */
export function* registryEntries(
  directory: string = registryDirectory(),
): Generator<{ path: string; live: Live | null; dead: boolean }> {
  let names: string[];
  try {
    names = readdirSync(directory);
  } catch {
    return;
  }
  for (const name of names) {
    if (!/^\d+\.json$/.test(name)) continue;
    const path = join(directory, name);
    const row = readEntry(path);
    if (!row) continue;
    const live = liveOf(row);
    const domain = string(row.pidDomain);
    yield { path, live, dead: live === null && domain !== null && isHere(domain) };
  }
}

const TORN_RETRIES = 5;

/** The CLI rewrites these files in place, so a read can see half of one: it is then read again. */
function readEntry(path: string): Row | null {
  for (let tries = 0; tries < TORN_RETRIES; tries++) {
    let text: string;
    try {
      text = readText(path);
    } catch (error) {
      if (errno(error) === "ENOENT") return null;
      return null;
    }
    try {
      return object(JSON.parse(text));
    } catch {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 4);
    }
  }
  return null;
}

function liveOf(row: Row): Live | null {
  const { pid } = row;
  const session = string(row.sessionId);
  if (typeof pid !== "number" || !Number.isInteger(pid) || pid <= 0 || session === null) return null;
  const here = isHere(string(row.pidDomain));
  if (here) {
    const start = startOf(pid);
    if (start === null) return null;
    const recorded =
      string(row.procStart) ?? (typeof row.procStart === "number" ? String(row.procStart) : null);
    if (recorded !== null && start !== "" && recorded !== start) return null;
  }
  return {
    pid,
    session: session.toLowerCase(),
    cwd: string(row.cwd),
    kind: string(row.kind) ?? "interactive",
    job: string(row.jobId),
    entrypoint: string(row.entrypoint),
    status: string(row.status),
    statusAt: typeof row.statusUpdatedAt === "number" ? row.statusUpdatedAt : null,
    waitingFor: string(row.waitingFor),
    name: string(row.name),
    startedAt: typeof row.startedAt === "number" ? row.startedAt : null,
    here,
  };
}

let domain: string | null | undefined;

/** `linux:<machine-id>:pid:[<inode>]`; only machine and pid namespace tell whether a pid means anything here. */
function isHere(recorded: string | null): boolean {
  if (recorded === null) return true;
  domain ??= ownDomain();
  if (domain === null) return true;
  const [, machine, namespace] = /^[^:]*:([^:]*):(pid:\[\d+\])$/.exec(recorded) ?? [];
  if (namespace === undefined) return true;
  const [, ownMachine, ownNamespace] = /^([^:]*):(.*)$/.exec(domain)!;
  return (
    namespace === ownNamespace && (!machine || !ownMachine || /^0*$/.test(machine) || machine === ownMachine)
  );
}

function ownDomain(): string | null {
  const namespace = pidNamespace();
  if (namespace === null) return null;
  let machine = "";
  try {
    machine = readFileSync("/etc/machine-id", "utf8").trim();
  } catch {
    // many containers have none
  }
  return `${machine}:${namespace}`;
}

/**
 * Removes sessions that ran before this workspace was restarted: entries of another pid namespace, from before our
 * process 1 started. In a dev container that shares its home with the host they may be running, and stay.
 */
export function withoutStale(live: ReadonlyMap<string, Live>): Map<string, Live> {
  const born = sharesHome() ? null : containerStart();
  return new Map(
    [...live].filter(
      ([, { here, startedAt }]) => here || born === null || startedAt === null || startedAt >= born,
    ),
  );
}
