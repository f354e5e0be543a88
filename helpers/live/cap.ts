// Limits how much memory a session may use, by a control group where the kernel allows it. Otherwise memory.ts watches.

import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { config } from "../system/config.ts";
import { ownControlGroup } from "../system/process.ts";
import { type CreateOptions, createSession, type Started } from "./create.ts";

const UNITS: Record<string, number> = { "": 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

/** Parses `2G`, `512M` or a number of bytes. Null for anything else, and for less than Claude needs to start. */
export function parseSize(size: unknown): number | null {
  const [, amount, unit = ""] = /^(\d+(?:\.\d+)?)\s*([KMGT]?)i?B?$/i.exec(String(size)) ?? [];
  const bytes = amount === undefined ? 0 : Math.floor(Number(amount) * UNITS[unit.toUpperCase()]!);
  return bytes >= 2 ** 20 ? bytes : null;
}

/**
 * Caps the memory of a pane's process and of everything it starts, with a control group of its own. False where we may
 * not make one: then the watchdog checks.
 */
export function capByGroup(id: string, pid: number, bytes: number, root = "/sys/fs/cgroup"): boolean {
  try {
    const parent = join(root, (ownControlGroup() ?? "").replace(/\/ccr-[\da-f-]{36}$/, ""));
    if (!/\bmemory\b/.test(readFileSync(join(parent, "cgroup.subtree_control"), "utf8"))) return false;
    for (const name of readdirSync(parent)) if (name.startsWith("ccr-")) removeEmpty(join(parent, name));
    const group = join(parent, `ccr-${id}`);
    mkdirSync(group, { recursive: true });
    writeFileSync(join(group, "memory.max"), String(bytes));
    writeFileSync(join(group, "cgroup.procs"), String(pid));
    return true;
  } catch {
    return false;
  }
}

/** Removes a control group, unless a process is in it: the kernel refuses that. */
function removeEmpty(group: string): void {
  try {
    rmdirSync(group);
  } catch {
    // in use
  }
}

/** Creates a session whose memory is capped from the start, where that is possible. */
export async function createCapped(options: CreateOptions): Promise<Started> {
  const started = await createSession(options);
  const cap = options.launch?.memory ?? parseSize(config().memory);
  if (cap !== null) capByGroup(options.id, started.pid, cap);
  return started;
}
