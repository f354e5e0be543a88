import { type Call, type Command, isSet } from "../cli/command.ts";
import { notExecuted, type Restored, restoreAll, restoredJson } from "../cli/restore-sessions.ts";
import { projectNames, tableLook } from "../cli/session-format.ts";
import { restorePlan } from "../live/restore.ts";
import { config } from "../system/config.ts";
import { Problem } from "../system/problem.ts";
import { json } from "../terminal/json.ts";
import { writeStderr, writeStdout } from "../terminal/output.ts";
import { table } from "../terminal/table.ts";

export const restore: Command = {
  usage: "restore [session…] [flags]",
  description:
    "Restores the tmux sessions that were lost in a restart, with the same names, windows and directories. The claude window shows the end of the conversation, and Claude starts when you press Enter. Sessions that you stopped are only restored if you name them. ccr supervise does the same.",
  flags: {
    eager: { type: "boolean", description: "start every Claude immediately" },
    "dry-run": { type: "boolean", short: "n", description: "only show what would be restored" },
  },
  positionals: "session",
  json: true,
  examples: [
    ["ccr restore", "restore all sessions"],
    ["ccr restore claude-app", "restore this session, even if you stopped it"],
    ["ccr config set restore off", "restore nothing after a restart (lazy, eager or off)"],
  ],
  async run(call) {
    const plans = await restorePlan(call.positionals);
    const missing = call.positionals.filter(
      (word) => !plans.some(({ entry }) => entry.name === word || entry.id.startsWith(word)),
    );
    if (missing.length > 0)
      throw new Problem("no-session", `the journal has no session "${missing[0]}"`, {
        hint: "list what can be restored: ccr restore -n",
      });
    const mode = isSet(call, "eager") || config().restore === "eager" ? "eager" : "lazy";
    const restored = isSet(call, "dry-run")
      ? plans.map(notExecuted)
      : await restoreAll(mode, call.positionals);
    print(call, restored);
    return restored.some(({ outcome }) => outcome === "failed") ? 1 : 0;
  },
};

function print(call: Call, restored: readonly Restored[]): void {
  if (call.json) {
    json("restore", { sessions: restoredJson(restored) }, call.warnings);
    return;
  }
  if (restored.length === 0) {
    writeStderr("nothing to restore\n");
    return;
  }
  const project = projectNames(restored.map(({ entry }) => entry.project));
  const rows = restored.map(({ entry, name, outcome, reason, detail }) => [
    name,
    entry.current.slice(0, 8),
    project(entry.project),
    [outcome, detail ?? reason?.replace("-", " ")].filter(Boolean).join(": "),
  ]);
  const columns = ["NAME", "SESSION", "PROJECT", "OUTCOME"].map((title, i) => ({ title, flexible: i > 1 }));
  writeStdout(`${table(columns, rows, tableLook()).join("\n")}\n`);
}
