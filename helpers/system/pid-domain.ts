import { readFileSync } from "node:fs";
import { pidNamespace, readStat, TICK } from "./process.ts";

let own: string | undefined;

/** The boot and the pid namespace in which our pids are valid. Empty when they are unknown. */
export function domain(): string {
  own ??= `${bootId()} ${pidNamespace() ?? ""}`.trim();
  return own;
}

function bootId(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return "";
  }
}

export const isOurs = (other: string): boolean => other === domain();

/**
 * Epoch ms at which process 1 started: in a container, when the workspace started. Null when it is unknown. Computed
 * from our own start, exact to 10 ms: the boot time in /proc/stat has whole seconds and is that of the host.
 */
export function containerStart(): number | null {
  const own = readStat("self");
  const first = readStat(1);
  const older = own && first ? (Number(own.start) - Number(first.start)) * TICK : Number.NaN;
  return Number.isFinite(older) ? Date.now() - process.uptime() * 1000 - older : null;
}

/** Containers that share a home with the machine around them say so. */
const IN_SHARED = ["REMOTE_CONTAINERS", "DEVCONTAINER", "CODESPACES", "CCR_DEVCONTAINER"];

/** Whether this is a container that shares its home with the machine around it. */
export const sharesHome = (): boolean => IN_SHARED.some((name) => process.env[name]);
