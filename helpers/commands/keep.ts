import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { configDirectory } from "../claude/places.ts";
import { ARCHIVE_FLAGS, archiveSessions } from "../cli/archive-sessions.ts";
import { SESSION_FLAGS } from "../cli/choose-sessions.ts";
import { type Command, isSet, stringFlag } from "../cli/command.ts";
import { writeAtomic } from "../system/files.ts";
import { members, plainJson } from "../system/json-text.ts";
import { errno, Problem } from "../system/problem.ts";
import { json } from "../terminal/json.ts";
import { writeStdout } from "../terminal/output.ts";

export const keepSessions: Command = {
  usage: "keep <session…> | --all | --days n",
  description:
    "Saves sessions from Claude Code's own sweep, which deletes what was not written to for 30 days: into archives, or by its setting cleanupPeriodDays.",
  flags: {
    ...SESSION_FLAGS,
    ...ARCHIVE_FLAGS,
    days: { type: "string", value: "n", description: "set cleanupPeriodDays in Claude's settings.json" },
  },
  positionals: "session",
  json: true,
  examples: [
    ["ccr keep 4bb6", "an archive of it, where no sweep comes"],
    ["ccr keep --days 3650", "let Claude Code delete nothing for ten years"],
  ],
  run(call) {
    const days = stringFlag(call, "days");
    if (days === undefined) return archiveSessions(call, "keep", false);
    if (!/^[1-9]\d{0,5}$/.test(days)) {
      throw new Problem("usage", `--days ${days}: it takes a number of days.`, {
        hint: "ccr keep --days 3650",
        exit: 2,
      });
    }
    const file = join(configDirectory(), "settings.json");
    if (!isSet(call, "dry-run")) setDays(file, days);
    if (call.json)
      json("keep", { directory: null, sessions: [], cleanupPeriodDays: Number(days) }, call.warnings);
    else writeStdout(`${file}: cleanupPeriodDays ${days}\n`);
    return 0;
  },
};

/** Changes one number of a settings file, and no other byte. */
function setDays(file: string, days: string): void {
  let old = "{}\n";
  let mode = 0o600;
  try {
    old = readFileSync(file, "utf8");
    mode = statSync(file).mode & 0o777;
  } catch (error) {
    if (errno(error) !== "ENOENT") throw error;
  }
  const plain = plainJson(old.trim() === "" ? "{}\n" : old);
  try {
    JSON.parse(plain);
  } catch {
    throw new Problem("settings", `${file} is no JSON, so ccr leaves it alone.`, {
      hint: `put this into it yourself: "cleanupPeriodDays": ${days}`,
    });
  }
  const at = plain.indexOf("{");
  const all = members(plain, at);
  const one = all.findLast(({ key }) => key === "cleanupPeriodDays");
  const whole = old.trim() === "" ? plain : old;
  const next = one
    ? whole.slice(0, one.value) + days + whole.slice(one.end)
    : `${whole.slice(0, at + 1)}${all[0] ? whole.slice(at + 1, all[0].from) : "\n  "}"cleanupPeriodDays": ${days}${all[0] ? "," : "\n"}${whole.slice(at + 1)}`;
  writeAtomic(file, next, mode);
}
