import type { Command } from "../cli/command.ts";
import { writeDashboardRows } from "../resume/dashboard-rows.ts";
import { collectCandidates } from "../resume/resume-jobs.ts";
import { config } from "../system/config.ts";
import { DAY } from "../system/units.ts";

/** What Claude Code calls when a turn has failed: the dashboard's rows are right at once. */
export const hook: Command = {
  usage: "hook",
  description:
    "For Claude Code's StopFailure hook: brings the workspace's dashboard rows up to date. Starts nothing.",
  flags: {},
  maxArgs: 0,
  examples: [["ccr install --hooks", "put it into ~/.claude/settings.json"]],
  run() {
    const now = Date.now();
    writeDashboardRows(collectCandidates(now, config()["resume.since"] * DAY), now);
    return 0;
  },
};
