import type { Reason, Step } from "../resume/plan.ts";
import { time } from "../terminal/time.ts";

/** Why a session is left alone, in a person's words. */
export function describeStep({ reason, notBefore }: Pick<Step, "reason" | "notBefore">, now: number): string {
  const when = notBefore === null ? "" : time(notBefore, "short", now);
  const words: Record<Reason, string> = {
    live: "live: left alone",
    claimed: "being resumed by another ccr",
    "not-limited": "not limited",
    copy: "a fork of a limited session: only by its name",
    blocked: "blocked",
    waiting: `limited, due ${when}`,
    "unknown-reset": when === "" ? "limited, no reset known" : `limited, no reset known: tried at ${when}`,
    "too-soon": `reset has passed, due ${when}`,
    tried: `tried just now, again at ${when}`,
    "too-many-tries": "tried three times: needs you",
    "too-old": "too old (--since)",
    "directory-gone": "its directory is gone",
    paused: when === "" ? "paused" : `paused until ${when}`,
    planned: `planned for ${when}`,
    "auto-resume-off": "autoResume is off",
    stopped: "supervise has stopped: ccr supervise --status",
    "daily-cap": "today's cap is reached",
    max: "in the next pass",
  };
  return reason === null ? "resume" : words[reason];
}
