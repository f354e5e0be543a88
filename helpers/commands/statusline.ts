import { readFileSync } from "node:fs";
import { object, string } from "../claude/rows.ts";
import { type Command, stringFlag as textOf } from "../cli/command.ts";
import { keepWindows, nameOfWindow, windowsIn } from "../limits/windows.ts";
import { clean } from "../terminal/clean.ts";
import { writeStdout } from "../terminal/output.ts";
import { cut } from "../terminal/text.ts";
import { time } from "../terminal/time.ts";

/** Longer input is not what Claude Code gives a status line. */
const LONGEST = 1024 * 1024;

export const statusline: Command = {
  usage: "statusline",
  description:
    "The status line for Claude Code: reads what it gives on stdin, prints short id, title and the usage windows, and keeps the windows for ccr-check-limits. ccr install --statusline puts it in place.",
  flags: { also: { type: "string", value: "command", description: "a status line command that goes first" } },
  maxArgs: 0,
  examples: [
    ['"statusLine": {"type": "command", "command": "ccr statusline"}', "in ~/.claude/settings.json"],
  ],
  async run(call) {
    const now = Date.now();
    let input: unknown;
    let text = "";
    try {
      text = readFileSync(0, "utf8");
      input = text.length > LONGEST ? null : JSON.parse(text);
    } catch {
      input = null;
    }
    const windows = windowsIn(input, now);
    try {
      keepWindows(windows, now);
    } catch {
      // a full disk must not break somebody's status line
    }
    const also = textOf(call, "also");
    if (also !== undefined) writeStdout(await first(also, text));
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

/** What a person's own status line says to the same input. */
async function first(command: string, input: string): Promise<string> {
  const { execFile } = await import("node:child_process");
  return new Promise((resolve) => {
    const options = { timeout: 5000, maxBuffer: LONGEST };
    const child = execFile("/bin/sh", ["-c", command], options, (_, said) =>
      resolve(said === "" || said.endsWith("\n") ? said : `${said}\n`),
    );
    child.stdin?.on("error", () => {});
    child.stdin?.end(input);
  });
}
