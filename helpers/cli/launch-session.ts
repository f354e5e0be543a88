import { claudeEnvironment } from "../claude/environment.ts";
import { createCapped } from "../live/cap.ts";
import type { CreateOptions, Started } from "../live/create.ts";
import { displayName, type Live } from "../live/live-sessions.ts";
import { config } from "../system/config.ts";
import { Problem } from "../system/problem.ts";
import { isTerminal } from "../terminal/output.ts";

/** Throws a Problem when as many sessions are live as the configuration allows. */
export function requireRoom(lives: readonly Live[]): void {
  const { maxSessions } = config();
  const running = lives.filter(({ here, state }) => here && state !== "exited" && state !== "lazy");
  if (running.length < maxSessions) return;
  // Suggest the session that has been idle the longest, if that is known.
  const idle = running.filter(({ state }) => state === "idle");
  throw new Problem(
    "too-many",
    `${running.length} sessions are live, and at most ${maxSessions} are allowed`,
    {
      hint: [
        `stop one: cct-kill ${displayName((idle.length > 0 ? idle : running).at(-1)!)}`,
        `or allow more: ccr config set maxSessions ${maxSessions * 2}`,
      ],
    },
  );
}

/** Starts Claude in a tmux session of its own, as large as this terminal. */
export const launchSession = (making: Omit<CreateOptions, "env" | "size">): Promise<Started> =>
  createCapped({
    ...making,
    env: claudeEnvironment(),
    ...(isTerminal(1) && process.stdout.columns
      ? { size: [process.stdout.columns, Math.max(2, process.stdout.rows - 1)] as const }
      : {}),
  });
