import { readFileSync } from "node:fs";

/** Returns the mount points of this namespace and whether each is read-only; null without /proc. */
export function mountPoints(): Map<string, boolean> | null {
  try {
    const lines = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
    return new Map(
      lines.map((line) => {
        const [, , , , at = "", options = ""] = line.split(" ");
        const path = at.replace(/\\(\d{3})/g, (_, code) => String.fromCharCode(Number.parseInt(code, 8)));
        return [path, options.split(",").includes("ro")];
      }),
    );
  } catch {
    return null;
  }
}
