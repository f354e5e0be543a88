import type { Command } from "../cli/command.ts";
import { writeDashboardRows } from "../resume/dashboard-rows.ts";
import { collectCandidates } from "../resume/resume-jobs.ts";
import { config } from "../system/config.ts";
import { DAY } from "../system/units.ts";

/** Claude Code calls this when a turn has failed, so that the dashboard is up to date at once. */
export const hook: Command = {
  usage: "hook",
  description:
    "Updates the dashboard rows of the workspace. Claude Code's StopFailure hook calls it. It resumes nothing.",
  flags: {},
  maxArgs: 0,
  examples: [["ccr install --hooks", "add the hook to ~/.claude/settings.json"]],
  run() {
    const now = Date.now();
    writeDashboardRows(collectCandidates(now, config()["resume.since"] * DAY), now);
    return 0;
  },
};
