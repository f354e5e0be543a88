import { join } from "node:path";
import { readText } from "../system/files.ts";
import { DAY } from "../system/units.ts";
import { configDirectory } from "./places.ts";
import { object } from "./rows.ts";

const DEFAULT_CLEANUP_DAYS = 30;

/** After how long without a write (ms) the CLI's daily sweep deletes a transcript: `cleanupPeriodDays`, default 30 days. */
export function cleanupPeriod(): number {
  for (const name of ["settings.local.json", "settings.json"]) {
    try {
      const days = object(JSON.parse(readText(join(configDirectory(), name))))?.cleanupPeriodDays;
      if (typeof days === "number" && days >= 1) return days * DAY;
    } catch {
      // no such file, or one that the CLI cannot read either
    }
  }
  return DEFAULT_CLEANUP_DAYS * DAY;
}
