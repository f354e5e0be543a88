import type { Command } from "../cli/command.ts";
import { writeRows } from "../resume/dashboard-rows.ts";
import { field } from "../resume/resume-jobs.ts";
import { config } from "../system/config.ts";
import { DAY } from "../system/units.ts";

/** What Claude Code calls when a turn has failed: the dashboard's rows are right at once. */
export const hook: Command = {
  usage: "hook",
  about:
    "For Claude Code's StopFailure hook: brings the workspace's dashboard rows up to date. Starts nothing.",
  flags: {},
  most: 0,
  examples: [["ccr install --hooks", "put it into ~/.claude/settings.json"]],
  run() {
    const now = Date.now();
    writeRows(field(now, config()["resume.since"] * DAY), now);
    return 0;
  },
};
