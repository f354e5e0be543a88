import { join } from "node:path";
import type { PathRule } from "../archive/path-rules.ts";
import { configDirectory } from "../claude/places.ts";
import { type Call, type Command, isSet } from "../cli/command.ts";
import { tableLook } from "../cli/session-format.ts";
import { invalidValue, usageError } from "../cli/usage-error.ts";
import { LocalPeer } from "../sync/local-peer.ts";
import { acquireLock } from "../sync/lock.ts";
import { type OpenPeer, openPeer } from "../sync/open-peer.ts";
import { readState, stateFile } from "../sync/state-file.ts";
import { type SyncOutcome, sync as syncPeers } from "../sync/sync.ts";
import { writeAtomic } from "../system/files.ts";
import { home, state } from "../system/places.ts";
import { plural } from "../terminal/amount.ts";
import { clean } from "../terminal/clean.ts";
import { json } from "../terminal/json.ts";
import { unicode, writeStderr, writeStdout } from "../terminal/output.ts";
import { table } from "../terminal/table.ts";

const ACTIONS: Record<SyncOutcome["action"], string> = {
  received: "received",
  sent: "sent",
  "updated-here": "updated here",
  "updated-there": "updated there",
  conflict: "both grew",
  left: "skipped",
};
const ACTION_WIDTH = Math.max(...Object.values(ACTIONS).map(({ length }) => length));

export const sync: Command = {
  usage: "sync <target> [flags]",
  description:
    "Syncs the sessions of this home with another place, in both directions. New sessions are copied, sessions that have grown get the missing turns, and nothing is deleted. A session that has grown on both sides stays as it is on each side, and the other side gets it as a fork. Live sessions are not written to. <target> is a folder that both sides can reach (a mounted bucket, Syncthing), a name from ccr remote, or anything that ssh accepts (me@host, coder:workspace), where ccr must be installed.",
  flags: {
    map: {
      type: "string",
      value: "/there=/here",
      multiple: true,
      description: "use directory /here for /there on the other side; the home is mapped automatically",
    },
    "dry-run": { type: "boolean", short: "n", description: "only show what would be done" },
    serve: { type: "boolean", description: "answer another ccr sync on stdin and stdout" },
  },
  positionals: "directory",
  maxArgs: 1,
  json: true,
  examples: [
    ["ccr sync me@box.example", "sync with another machine"],
    ["ccr sync coder:web -n", "show what a sync with a workspace would do"],
    ["ccr sync ~/Sync/claude --map /workspaces=/home/me/code", "sync through a folder"],
  ],
  async run(call) {
    const own = new LocalPeer(configDirectory(), home());
    const [target] = call.positionals;
    if (target === undefined && !isSet(call, "serve"))
      throw usageError("missing argument: <target>", "run: ccr sync --help");
    const release = acquireLock(join(state(), "sync"));
    try {
      if (isSet(call, "serve") || target === undefined) {
        const { serve } = await import("../sync/remote-peer.ts");
        await serve(own, process.stdin, process.stdout);
        return 0;
      }
      const other = await openPeer(target, { dryRun: isSet(call, "dry-run"), utf8: unicode() });
      try {
        return await syncWith(call, own, other);
      } finally {
        other.close();
      }
    } finally {
      release();
    }
  },
};

async function syncWith(call: Call, own: LocalPeer, { peer, name }: OpenPeer): Promise<number> {
  const rules = rulesOf(call, peer.home);
  const file = stateFile(name, rules);
  const seen = readState(file);
  const dryRun = isSet(call, "dry-run");
  const outcomes: SyncOutcome[] = [];
  const tell = (outcome: SyncOutcome): void => {
    outcomes.push(outcome);
    if (!call.json) printOutcome(outcome);
  };
  let unchanged = 0;
  try {
    unchanged = await syncPeers(own, peer, { rules, dryRun, name: clean(name), seen, tell });
  } finally {
    if (!dryRun) writeAtomic(file, JSON.stringify(seen));
  }
  if (call.json) json("sync", { target: name, dryRun, sessions: outcomes, unchanged }, call.warnings);
  else
    writeStderr(
      `${dryRun ? "dry run: " : ""}${plural(outcomes.length, "session")} of ${outcomes.length + unchanged} changed or skipped\n`,
    );
  return 0;
}

/** Returns the path rules of --map, and the one from the other home to this one. */
function rulesOf(call: Call, otherHome: string): PathRule[] {
  const rules = ((call.flags.map ?? []) as string[]).map((value): PathRule => {
    const [, from, to] = /^(\/.*?)\/?=(\/.*?)\/?$/.exec(value) ?? [];
    if (from !== undefined && to !== undefined) return [from, to];
    throw invalidValue("--map", value, "two directories such as /there=/here");
  });
  return /^\/./.test(otherHome) && otherHome !== home() ? [...rules, [otherHome, home()]] : rules;
}

function printOutcome({ id, folder, action, detail, forks }: SyncOutcome): void {
  const kept = forks.length > 0 ? `kept as forks: ${forks.map((fork) => fork.slice(0, 8)).join(", ")}` : "";
  const columns = [0, 1, 2, 3].map((i) => ({ title: "", flexible: i === 3 }));
  const row = [ACTIONS[action].padEnd(ACTION_WIDTH), id.slice(0, 8), folder, detail ?? kept];
  writeStdout(`${table(columns, [row], { ...tableLook(), header: false }).join("\n")}\n`);
}
