import { liveSessions, withoutGhosts } from "../claude/registry.ts";
import { cleanupPeriod } from "../claude/settings.ts";
import type { Surroundings } from "./session.ts";

/** What is running and what time it is: read once a command. */
export const surroundings = (now: number = Date.now()): Surroundings => ({
  now,
  live: withoutGhosts(liveSessions()),
  cleanupPeriod: cleanupPeriod(),
});
