import { tilde } from "../install/changes.ts";
import type { Outcome } from "../install/install.ts";

/** Returns what `--dry-run` prints. */
export function dryRunLines({ changes }: Outcome): string {
  const words = { created: "create", updated: "update", removed: "remove", unchanged: "", failed: "" };
  const lines = changes.flatMap(({ path, action }) =>
    words[action] ? [`would ${words[action]}  ${tilde(path)}\n`] : [],
  );
  return lines.length > 0 ? lines.join("") : "nothing would change\n";
}
