// What memory a session may use, capped by the kernel where it lets us; else memory.ts watches.

import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { config } from "../system/config.ts";
import { createSession, type Making, type Started } from "./create.ts";

const UNITS: Record<string, number> = { "": 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

/** Bytes of `2G`, `512M` or a number; null for anything else, and for less than what Claude needs to start. */
export function bytesOf(size: unknown): number | null {
  const [, amount, unit = ""] = /^(\d+(?:\.\d+)?)\s*([KMGT]?)i?B?$/i.exec(String(size)) ?? [];
  const bytes = amount === undefined ? 0 : Math.floor(Number(amount) * UNITS[unit.toUpperCase()]!);
  return bytes >= 2 ** 20 ? bytes : null;
}

/**
 * Caps the memory of a pane's process, and of all that it will start, in a control group of its own. False where none
 * is delegated to us: then the watchdog looks.
 */
export function capByGroup(id: string, pid: number, bytes: number, root = "/sys/fs/cgroup"): boolean {
  try {
    const [, own = ""] = /^0::(\/.*)$/m.exec(readFileSync("/proc/self/cgroup", "utf8")) ?? [];
    const parent = join(root, own.replace(/\/ccr-[\da-f-]{36}$/, ""));
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

/** The kernel refuses it while anything runs in there. */
function removeEmpty(group: string): void {
  try {
    rmdirSync(group);
  } catch {
    // in use
  }
}

/** Makes a session whose memory is capped from its first moment, where that can be. */
export async function createCapped(making: Making): Promise<Started> {
  const started = await createSession(making);
  const cap = making.launch?.memory ?? bytesOf(config().memory);
  if (cap !== null) capByGroup(making.id, started.pid, cap);
  return started;
}
