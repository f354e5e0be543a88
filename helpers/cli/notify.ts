// A warning before a usage limit: on stderr, in tmux clients that show Claude, and through notify.command.

import { spawn } from "node:child_process";
import { nameOfWindow, nearlyUsedUp, notYetWarned, type Window } from "../limits/windows.ts";
import { hasTmux, literal, tmux } from "../live/tmux.ts";
import { config } from "../system/config.ts";
import { writeStderr } from "../terminal/output.ts";
import { duration, time } from "../terminal/time.ts";

/** Warns of windows that are nearly used up, once for each window. */
export async function notify(windows: readonly Window[], now: number): Promise<void> {
  const set = config();
  const near = nearlyUsedUp(windows, set["notify.percent"], now);
  const fresh = notYetWarned(near.map(({ key }) => key));
  for (const { key, window } of near) {
    if (!fresh.includes(key)) continue;
    const message = messageOf(window, now);
    writeStderr(`ccr: ${message}\n`);
    await toTmux(message);
    if (set["notify.command"] !== "") await toCommand(set["notify.command"], message);
  }
}

function messageOf({ window, usedPercent, resetsAt }: Window, now: number): string {
  const used =
    usedPercent === null ? "is nearly used up (estimated)" : `is ${Math.round(usedPercent)} % used`;
  const reset =
    resetsAt === null ? "" : `, resets ${time(resetsAt, "short", now)}, in ${duration(resetsAt - now)}`;
  return `Claude's ${nameOfWindow(window)} limit ${used}${reset}`;
}

async function toTmux(message: string): Promise<void> {
  if (!hasTmux()) return;
  const { out } = await tmux(["list-clients", "-F", "#{client_name}\t#{pane_current_command}"]);
  for (const line of out.split("\n")) {
    const [client = "", program] = line.split("\t");
    if (program === "claude") await tmux(["display-message", "-c", client, "-d", "10000", literal(message)]);
  }
}

function toCommand(command: string, message: string): Promise<void> {
  return new Promise((resolve) => {
    const env = { ...process.env, CCR_MESSAGE: message };
    const child = spawn("/bin/sh", ["-c", command], {
      env,
      stdio: ["ignore", "ignore", "inherit"],
      timeout: 30_000,
    });
    child.on("error", () => resolve());
    child.on("exit", () => resolve());
  });
}
