import { openSync, unlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Opens a new file without a name, which is gone with its descriptor. Throws Node's file errors. */
export function openUnlinkedFile(): number {
  const path = join(tmpdir(), `ccr-${process.pid}-${Math.random().toString(36).slice(2)}.tmp`);
  const fd = openSync(path, "wx+", 0o600);
  unlinkSync(path);
  return fd;
}
