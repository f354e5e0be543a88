import { readFileSync } from "node:fs";
import { object, string } from "../claude/rows.ts";
import { type Command, stringFlag } from "../cli/command.ts";
import { nameOfWindow, saveWindows, windowsIn } from "../limits/windows.ts";
import { clean } from "../terminal/clean.ts";
import { writeStdout } from "../terminal/output.ts";
import { cut } from "../terminal/text.ts";
import { time } from "../terminal/time.ts";

/** Claude Code passes a few kB; longer input is ignored. */
const MAX_INPUT_BYTES = 1024 * 1024;

export const statusline: Command = {
  usage: "statusline",
  description:
    "Prints a status line for Claude Code: the short id, the title and the usage windows. Claude Code calls it with JSON on stdin. The usage windows are saved for ccr-check-limits. To set it up, run ccr install --statusline.",
  flags: {
    also: {
      type: "string",
      value: "command",
      description: "another status line command, whose output is printed first",
    },
  },
  maxArgs: 0,
  examples: [
    ['"statusLine": {"type": "command", "command": "ccr statusline"}', "add this to ~/.claude/settings.json"],
  ],
  async run(call) {
    const now = Date.now();
    const { text, input } = readInput();
    const windows = windowsIn(input, now);
    try {
      saveWindows(windows, now);
    } catch {
      // A full disk must not break the status line.
    }
    const also = stringFlag(call, "also");
    if (also !== undefined) writeStdout(await outputOf(also, text));
    const session = object(input);
    const parts = [string(session?.session_id)?.slice(0, 8), string(session?.session_name)].flatMap((part) =>
      part ? [cut(clean(part), 40)] : [],
    );
    for (const { window, usedPercent, resetsAt } of windows) {
      const used = usedPercent === null ? "" : ` ${Math.round(usedPercent)} %`;
      parts.push(
        `${nameOfWindow(window)}${used}${resetsAt === null ? "" : ` → ${time(resetsAt, "short", now)}`}`,
      );
    }
    if (parts.length > 0) writeStdout(`${parts.join(" · ")}\n`);
    return 0;
  },
};

/** Reads stdin; `input` is null if it is not JSON. */
function readInput(): { text: string; input: unknown } {
  let text = "";
  try {
    text = readFileSync(0, "utf8");
    return { text, input: text.length > MAX_INPUT_BYTES ? null : JSON.parse(text) };
  } catch {
    return { text, input: null };
  }
}

/** Returns what another status line command prints for the same input; it may take five seconds. */
async function outputOf(command: string, input: string): Promise<string> {
  const { execFile } = await import("node:child_process");
  return new Promise((resolve) => {
    const options = { timeout: 5000, maxBuffer: MAX_INPUT_BYTES };
    const child = execFile("/bin/sh", ["-c", command], options, (_, stdout) =>
      resolve(stdout === "" || stdout.endsWith("\n") ? stdout : `${stdout}\n`),
    );
    child.stdin?.on("error", () => {});
    child.stdin?.end(input);
  });
}
