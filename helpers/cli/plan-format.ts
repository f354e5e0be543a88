import type { Reason, Step } from "../resume/plan.ts";
import { time } from "../terminal/time.ts";

/** Says what happens to a session in a plan: why it is skipped, or "resume". */
export function describeStep({ reason, notBefore }: Pick<Step, "reason" | "notBefore">, now: number): string {
  const when = notBefore === null ? "" : time(notBefore, "short", now);
  const words: Record<Reason, string> = {
    live: "live: left alone",
    claimed: "being resumed by another ccr",
    "not-limited": "not limited",
    copy: "a fork of a limited session: resumed only when named",
    blocked: "blocked",
    waiting: `limited, due ${when}`,
    "unknown-reset": when === "" ? "limited, reset unknown" : `limited, reset unknown: tried at ${when}`,
    "too-soon": `reset has passed, due ${when}`,
    tried: `just tried, next at ${when}`,
    "too-many-tries": "failed three times: needs you",
    "too-old": "too old (--since)",
    "directory-gone": "its directory is missing",
    paused: when === "" ? "paused" : `paused until ${when}`,
    planned: `scheduled for ${when}`,
    "auto-resume-off": "autoResume is off",
    stopped: "supervise has stopped: ccr supervise --status",
    "daily-cap": "today's limit of resumes is reached",
    max: "in the next pass",
  };
  return reason === null ? "resume" : words[reason];
}
