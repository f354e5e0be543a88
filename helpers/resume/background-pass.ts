import { config } from "../system/config.ts";
import { DAY } from "../system/units.ts";
import { readBreaker } from "./circuit-breaker.ts";
import { plan, type Step } from "./plan.ts";
import { type Candidates, collectCandidates } from "./resume-jobs.ts";
import { countStartedToday } from "./resume-log.ts";
import { recordUnfinished } from "./run.ts";

/** What a background pass would resume. `left` is the number of resumes that today's cap still allows. */
export type BackgroundPass = { candidates: Candidates; steps: Step[]; left: number };

/** Plans a background pass at `now` (epoch ms). With `record` it first records the results of earlier resumes. */
export function planBackgroundPass(now: number, { record }: { record: boolean }): BackgroundPass {
  const settings = config();
  const since = settings["resume.since"] * DAY;
  const candidates = collectCandidates(now, since);
  if (record) settleCandidates(candidates);
  const left = Math.max(0, settings["resume.perDay"] - countStartedToday(now));
  const steps = plan(candidates.candidates, {
    now,
    by: "supervise",
    since,
    atOnce: false,
    named: null,
    order: "newest",
    autoResume: settings.autoResume,
    stopped: readBreaker().open,
    left,
    max: settings["resume.max"],
  });
  return { candidates, steps, left };
}

/** Records the results of earlier resumes whose starter ended before it could record them. */
export function settleCandidates({ sessions }: Candidates): void {
  recordUnfinished([...sessions].flatMap(([id, { transcript }]) => (transcript ? [[id, transcript]] : [])));
}
