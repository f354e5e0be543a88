import { liveSessions, withoutStale } from "../claude/registry.ts";
import { cleanupPeriod } from "../claude/settings.ts";
import type { Context } from "./session.ts";

/** What is running and what time it is: read once a command. */
export const readContext = (now: number = Date.now()): Context => ({
  now,
  live: withoutStale(liveSessions()),
  cleanupPeriod: cleanupPeriod(),
});
