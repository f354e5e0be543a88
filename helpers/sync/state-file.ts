import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { PathRule } from "../archive/path-rules.ts";
import { state } from "../system/places.ts";
import type { SyncState } from "./sync.ts";

/** Returns the path of the file that keeps the state of syncs with one other side and these rules. */
export function stateFile(name: string, rules: readonly PathRule[]): string {
  const digest = createHash("sha256")
    .update(JSON.stringify([name, rules]))
    .digest("hex");
  return join(state(), "sync", `${digest.slice(0, 16)}.json`);
}

/** Reads a state file. Without a valid one everything is compared. */
export function readState(file: string): SyncState {
  try {
    return { ...JSON.parse(readFileSync(file, "utf8")) };
  } catch {
    return {};
  }
}
