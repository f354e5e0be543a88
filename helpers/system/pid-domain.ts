import { readFileSync, readlinkSync } from "node:fs";

let own: string | undefined;

/** The boot and pid namespace in which a pid of ours means something. Empty where it cannot be known. */
export function domain(): string {
  if (own !== undefined) return own;
  const tell = (read: () => string): string => {
    try {
      return read().trim();
    } catch {
      return "";
    }
  };
  const boot = tell(() => readFileSync("/proc/sys/kernel/random/boot_id", "utf8"));
  const namespace = tell(() => readlinkSync("/proc/self/ns/pid"));
  own = `${boot} ${namespace}`.trim();
  return own;
}

export const isOurs = (other: string): boolean => other === domain();

/**
 * Epoch ms at which process 1 started: the workspace's own start in a container. Null where it cannot be known.
 * Told by our own start, to 10 ms; the boot time in /proc/stat is that of whole seconds, and of the machine around.
 */
export function bornAt(): number | null {
  const ticks = (pid: string): number => {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]);
  };
  try {
    const older = (ticks("self") - ticks("1")) * 10;
    return Number.isFinite(older) ? Date.now() - process.uptime() * 1000 - older : null;
  } catch {
    return null;
  }
}

/** Containers that share a home with the machine around them say so. */
const IN_SHARED = ["REMOTE_CONTAINERS", "DEVCONTAINER", "CODESPACES", "CCR_DEVCONTAINER"];

/** Whether this is a container that shares its home with the machine around it. */
export const sharesHome = (): boolean => IN_SHARED.some((name) => process.env[name]);
