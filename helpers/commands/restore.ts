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
  usage: "restore [session...] [flags]",
  description:
    "Brings back the tmux sessions that a restart has taken: same names, windows and directories. Claude's window shows where it was and starts on Enter. Those that you stopped stay away unless named. ccr supervise does the same.",
  flags: {
    eager: { type: "boolean", description: "start every Claude at once" },
    "dry-run": { type: "boolean", short: "n", description: "only tell what would come back" },
  },
  positionals: "session",
  json: true,
  examples: [
    ["ccr restore", "bring all back"],
    ["ccr restore claude-app", "this one, also when you stopped it"],
    ["ccr config set restore off", "none after a restart (lazy, eager, off)"],
  ],
  async run(call) {
    const plans = await restorePlan(call.positionals);
    const missing = call.positionals.filter(
      (word) => !plans.some(({ entry }) => entry.name === word || entry.id.startsWith(word)),
    );
    if (missing.length > 0)
      throw new Problem("no-session", `the journal has no session "${missing[0]}".`, {
        hint: "ccr restore -n",
      });
    const mode = isSet(call, "eager") || config().restore === "eager" ? "eager" : "lazy";
    const done = isSet(call, "dry-run") ? plans.map(notExecuted) : await restoreAll(mode, call.positionals);
    show(call, done);
    return done.some(({ outcome }) => outcome === "failed") ? 1 : 0;
  },
};

function show(call: Call, done: readonly Restored[]): void {
  if (call.json) {
    json("restore", { sessions: restoredJson(done) }, call.warnings);
    return;
  }
  if (done.length === 0) {
    writeStderr("nothing to restore\n");
    return;
  }
  const project = projectNames(done.map(({ entry }) => entry.project));
  const rows = done.map(({ entry, name, outcome, reason, detail }) => [
    name,
    entry.current.slice(0, 8),
    project(entry.project),
    [outcome, detail ?? reason?.replace("-", " ")].filter(Boolean).join(": "),
  ]);
  const columns = ["NAME", "SESSION", "PROJECT", "OUTCOME"].map((title, i) => ({ title, flexible: i > 1 }));
  writeStdout(`${table(columns, rows, tableLook()).join("\n")}\n`);
}
