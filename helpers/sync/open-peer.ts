import { spawn } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { configDirectory } from "../claude/places.ts";
import { remoteCommand, remoteOf, remotes } from "../remote/remote.ts";
import { realPath } from "../sessions/lookup.ts";
import { writeAtomic } from "../system/files.ts";
import { home } from "../system/places.ts";
import { Problem } from "../system/problem.ts";
import { LocalPeer } from "./local-peer.ts";
import { acquireLock } from "./lock.ts";
import type { Peer } from "./peer.ts";
import { RemotePeer } from "./remote-peer.ts";

/** Seconds that ssh may take to connect. */
const CONNECT_TIMEOUT = 15;

/** The other side of a sync. `name` is what it is called in messages; `close` ends the connection or frees the lock. */
export type OpenPeer = { peer: Peer; name: string; close(): void };

/**
 * Opens the other side that a target names: a folder, which is locked, or a remote machine, on which `ccr sync --serve`
 * is started. `utf8` says whether this terminal shows Unicode.
 */
export async function openPeer(
  target: string,
  { dryRun, utf8 }: { dryRun: boolean; utf8: boolean },
): Promise<OpenPeer> {
  const folder = folderOf(target);
  return folder === null ? connect(target, utf8) : openFolder(folder, dryRun);
}

function openFolder(folder: string, dryRun: boolean): OpenPeer {
  const close = acquireLock(folder);
  try {
    return { peer: new LocalPeer(folder, homeOf(folder, dryRun)), name: folder, close };
  } catch (error) {
    close();
    throw error;
  }
}

async function connect(target: string, utf8: boolean): Promise<OpenPeer> {
  const options = { terminal: false, utf8, connectTimeout: CONNECT_TIMEOUT };
  const [program = "", ...args] = remoteCommand(remoteOf(target), ["sync", "--serve"], options);
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"] });
  // The pipes report the failure.
  child.on("error", () => {});
  const close = (): void => {
    child.stdin.end();
    child.stdout.destroy();
  };
  try {
    return { peer: await new RemotePeer(child.stdout, child.stdin, target).connect(), name: target, close };
  } catch (error) {
    close();
    throw error;
  }
}

/** Returns the folder that a target names; null if it names a remote machine. */
function folderOf(target: string): string | null {
  if (remotes().some(({ name }) => name === target)) return null;
  const path = resolve(target);
  const hint = { hint: "run: ccr sync --help", exit: 2 };
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) {
    if (realPath(path) !== realPath(configDirectory())) return realPath(path);
    throw new Problem("usage", `${target} is the folder with the sessions of this home`, hint);
  }
  if (!/^[./~]/.test(target)) return null;
  throw new Problem("usage", `no such directory: ${target}`, {
    ...hint,
    hint: `create it: mkdir -p ${target}`,
  });
}

/** Returns the home that the paths in a folder refer to: that of the machine that used the folder first. */
function homeOf(folder: string, dryRun: boolean): string {
  const file = join(folder, "ccr-sync.json");
  try {
    const known = JSON.parse(readFileSync(file, "utf8")).home;
    if (typeof known === "string") return known;
  } catch {
    // It is written below.
  }
  if (!dryRun) writeAtomic(file, `${JSON.stringify({ home: home() })}\n`);
  return home();
}
