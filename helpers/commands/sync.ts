import { readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import type { PathRule } from "../archive/path-rules.ts";
import { configDirectory } from "../claude/places.ts";
import { type Call, type Command, isSet } from "../cli/command.ts";
import { tableLook } from "../cli/session-format.ts";
import { type Remote, remoteCommand, remoteOf, remotes } from "../remote/remote.ts";
import { realPath } from "../sessions/lookup.ts";
import { LocalPeer } from "../sync/local-peer.ts";
import { acquireLock } from "../sync/lock.ts";
import type { Peer } from "../sync/peer.ts";
import { sync as run, type SyncOutcome, type SyncState } from "../sync/sync.ts";
import { writeAtomic } from "../system/files.ts";
import { home, state } from "../system/places.ts";
import { Problem } from "../system/problem.ts";
import { plural } from "../terminal/amount.ts";
import { clean } from "../terminal/clean.ts";
import { json } from "../terminal/json.ts";
import { unicode, writeStderr, writeStdout } from "../terminal/output.ts";
import { table } from "../terminal/table.ts";

/** Seconds in which ssh has to reach a machine. */
const PATIENCE = 15;

export const sync: Command = {
  usage: "sync <target> [flags]",
  description:
    "Brings the sessions of this home and of another place together, both ways: new ones are copied, grown ones get what is missing, nothing is deleted. One that has grown on both sides stays as it is on each, and comes to the other one as a fork. <target> is a folder that both sides see (a mounted bucket, Syncthing), a name of ccr remote, or what ssh takes (me@host, coder:workspace); there ccr must be installed. Running sessions are not written to.",
  flags: {
    map: {
      type: "string",
      value: "/there=/here",
      multiple: true,
      description: "a directory that is another one here; homes are mapped by themselves",
    },
    "dry-run": { type: "boolean", short: "n", description: "only tell what would be done" },
    serve: { type: "boolean", description: "answer another ccr sync on stdin and stdout" },
  },
  positionals: "directory",
  maxArgs: 1,
  json: true,
  examples: [
    ["ccr sync me@box.example", "with another machine"],
    ["ccr sync coder:web -n", "with a workspace: what would happen"],
    ["ccr sync ~/Sync/claude --map /workspaces=/home/me/code", "by a folder"],
  ],
  async run(call) {
    const own = new LocalPeer(configDirectory(), home());
    if (isSet(call, "serve")) {
      const { serve } = await import("../sync/remote-peer.ts");
      const release = acquireLock(join(state(), "sync"));
      try {
        await serve(own, process.stdin, process.stdout);
      } finally {
        release();
      }
      return 0;
    }
    const [target] = call.positionals;
    if (target === undefined)
      throw new Problem("usage", "sync with what?", { hint: "ccr sync --help", exit: 2 });
    const release = acquireLock(join(state(), "sync"));
    try {
      return await withOther(call, target, own);
    } finally {
      release();
    }
  },
};

async function withOther(call: Call, target: string, own: LocalPeer): Promise<number> {
  const folder = folderOf(target);
  if (folder !== null) {
    const release = acquireLock(folder);
    try {
      return await bring(call, own, new LocalPeer(folder, homeOf(folder, isSet(call, "dry-run"))), folder);
    } finally {
      release();
    }
  }
  const remote = remoteOf(target);
  const { spawn } = await import("node:child_process");
  const { RemotePeer } = await import("../sync/remote-peer.ts");
  const [program = "", ...args] = remoteCommand(remote, ["sync", "--serve"], {
    terminal: false,
    utf8: unicode(),
    patience: PATIENCE,
  });
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"] });
  child.on("error", () => {});
  try {
    return await bring(call, own, await new RemotePeer(child.stdout, child.stdin, target).meet(), target);
  } finally {
    child.stdin.end();
    child.stdout.destroy();
  }
}

/** The folder that a word means; null where it means another machine. */
function folderOf(target: string): string | null {
  if (remotes().some(({ name }: Remote) => name === target)) return null;
  const path = resolve(target);
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) {
    if (realPath(path) !== realPath(configDirectory())) return realPath(path);
    throw new Problem("usage", "that is where the sessions of this home are.", {
      hint: "ccr sync --help",
      exit: 2,
    });
  }
  if (!/^[./~]/.test(target)) return null;
  throw new Problem("usage", `no such directory: ${target}`, { hint: `mkdir -p ${target}`, exit: 2 });
}

/** The home that paths in a folder speak of: that of whoever came first. */
function homeOf(folder: string, dry: boolean): string {
  const file = join(folder, "ccr-sync.json");
  try {
    const known = JSON.parse(readFileSync(file, "utf8")).home;
    if (typeof known === "string") return known;
  } catch {
    // written below
  }
  if (!dry) writeAtomic(file, `${JSON.stringify({ home: home() })}\n`);
  return home();
}

function rulesOf(call: Call, other: Peer): PathRule[] {
  const rules = ((call.flags.map ?? []) as string[]).map((words): PathRule => {
    const [, from, to] = /^(\/.*?)\/?=(\/.*?)\/?$/.exec(words) ?? [];
    if (from !== undefined && to !== undefined) return [from, to];
    throw new Problem("usage", `--map takes /there=/here, not "${words}".`, {
      hint: "ccr sync --help",
      exit: 2,
    });
  });
  return /^\/./.test(other.home) && other.home !== home() ? [...rules, [other.home, home()]] : rules;
}

async function bring(call: Call, own: LocalPeer, other: Peer, name: string): Promise<number> {
  const rules = rulesOf(call, other);
  const { createHash } = await import("node:crypto");
  const sum = createHash("sha256")
    .update(JSON.stringify([name, rules]))
    .digest("hex");
  const file = join(state(), "sync", `${sum.slice(0, 16)}.json`);
  let seen: SyncState = {};
  try {
    seen = { ...JSON.parse(readFileSync(file, "utf8")) };
  } catch {
    // the first time, or damaged: everything is compared
  }
  const outcomes: SyncOutcome[] = [];
  const dryRun = isSet(call, "dry-run");
  const verbs = {
    received: "received",
    sent: "sent",
    "updated-here": "more here",
    "updated-there": "more there",
    conflict: "both grew",
    left: "left",
  };
  const tell = (outcome: SyncOutcome): void => {
    outcomes.push(outcome);
    if (call.json) return;
    const { id, folder, action, detail, forks } = outcome;
    const more =
      detail ??
      (forks.length > 0 ? `kept as forks: ${forks.map((fork) => fork.slice(0, 8)).join(", ")}` : "");
    const columns = ["", "", "", ""].map((title, i) => ({ title, flexible: i === 3 }));
    const row = [verbs[action].padEnd(10), id.slice(0, 8), folder, more];
    writeStdout(`${table(columns, [row], { ...tableLook(), header: false }).join("\n")}\n`);
  };
  let unchanged = 0;
  try {
    unchanged = await run(own, other, { rules, dryRun, name: clean(name), seen, tell });
  } finally {
    if (!dryRun) writeAtomic(file, JSON.stringify(seen));
  }
  if (call.json) json("sync", { target: name, dryRun, sessions: outcomes, unchanged }, call.warnings);
  else
    writeStderr(
      `${dryRun ? "would be: " : ""}${plural(outcomes.length, "session")} of ${outcomes.length + unchanged} changed or left\n`,
    );
  return 0;
}
