import { isAlive, recordingsOf } from "../recording/cast.ts";
import { recorderCommand } from "../recording/recorder-command.ts";
import { config } from "../system/config.ts";
import type { Live } from "./live-sessions.ts";
import { tmux } from "./tmux.ts";

/**
 * Starts a recorder again for each of our sessions whose own has died (tmux tells only when the pane prints next), and
 * gives their names. The new recording begins with the screen.
 */
export async function fixRecorders(lives: readonly Live[]): Promise<string[]> {
  const mended: string[] = [];
  if (!config()["recording.on"]) return mended;
  for (const { ours, name, key, pane, state } of lives) {
    if (!ours || name === null || pane === null || state === "exited") continue;
    const [newest] = recordingsOf(key);
    if (newest && isAlive(newest)) continue;
    const words = recorderCommand(key, pane, true);
    if (words.length > 0 && (await tmux(words)).ok) mended.push(name);
  }
  return mended;
}
