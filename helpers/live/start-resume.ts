import { setTimeout as sleep } from "node:timers/promises";
import { claudeEnvironment } from "../claude/environment.ts";
import type { ResumeOptions } from "../resume/resume-jobs.ts";
import type { Running, Start } from "../resume/run.ts";
import { config } from "../system/config.ts";
import { Problem } from "../system/problem.ts";
import { startOf } from "../system/process.ts";
import { createSession } from "./create.ts";
import { entryOf } from "./journal.ts";
import { endSession, hasTmux, isDead, screenOf } from "./tmux.ts";

/** How to run: as the flags say, else as the configuration says, else in tmux where it exists. Throws a Problem when that is not possible. */
export function chooseMode(asked: { tmux: boolean; headless: boolean }): ResumeOptions["mode"] {
  if (asked.tmux && asked.headless) {
    throw new Problem("usage", "--tmux and --headless cannot be combined", {
      hint: "run: ccra --help",
      exit: 2,
    });
  }
  const set = config()["resume.mode"];
  const flag = asked.tmux ? "tmux" : "headless";
  const wanted = asked.tmux || asked.headless ? flag : set;
  if (wanted === "headless") return "headless";
  if (hasTmux()) return "tmux";
  if (wanted === "tmux") {
    throw new Problem("no-tmux", "tmux is not installed", {
      hint: ["install tmux: apt-get install tmux", "or resume without it: ccra --headless"],
    });
  }
  return "headless";
}

/** Starts a resumed session in tmux. */
export const startInTmux: Start = async (argv, { project, step }): Promise<Running> => {
  // If its windows are still there, it continues in them.
  const before = entryOf(step.id);
  const { name, pane, pid } = await createSession({
    project,
    id: step.id,
    command: argv,
    env: claudeEnvironment(),
    ...(before && before.windows.length > 0 ? { windows: before.windows } : {}),
    launch: { ...before, current: step.id, stoppedAt: null },
  });
  return {
    pid,
    tmux: name,
    log: null,
    ended: null,
    release: () => {},
    discard: () => endSession(name),
    lastOutput: async () => {
      const ended = pid === null || startOf(pid) === null;
      // tmux has read all of its output only when the pane is dead.
      for (let i = 0; i < 50 && ended && !(await isDead(pane)); i++) await sleep(50);
      // The message "Pane is dead" fills the last line and scrolls the first one away.
      return (await screenOf(pane, 1)) ?? ((await isDead(pane)) ? "it ended immediately" : "");
    },
  };
};
