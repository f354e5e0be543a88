import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { configDirectory } from "../claude/places.ts";
import { ARCHIVE_FLAGS, archiveSessions } from "../cli/archive-sessions.ts";
import { SESSION_FLAGS } from "../cli/choose-sessions.ts";
import { type Command, isSet, stringFlag } from "../cli/command.ts";
import { invalidValue } from "../cli/usage-error.ts";
import { writeAtomic } from "../system/files.ts";
import { members, plainJson } from "../system/json-text.ts";
import { errno, Problem } from "../system/problem.ts";
import { json } from "../terminal/json.ts";
import { writeStdout } from "../terminal/output.ts";

export const keepSessions: Command = {
  usage: "keep <session…> | --all | --days n",
  description:
    "Protects sessions from Claude Code's cleanup, which deletes transcripts that were not written to for 30 days: saves them as archives, or changes the setting cleanupPeriodDays.",
  flags: {
    ...SESSION_FLAGS,
    ...ARCHIVE_FLAGS,
    days: { type: "string", value: "n", description: "set cleanupPeriodDays in Claude's settings.json" },
  },
  positionals: "session",
  json: true,
  examples: [
    ["ccr keep 4bb6", "save an archive of it in a place that no cleanup touches"],
    ["ccr keep --days 3650", "have Claude Code delete nothing for ten years"],
  ],
  run(call) {
    const days = stringFlag(call, "days");
    if (days === undefined) return archiveSessions(call, "keep", false);
    if (!/^[1-9]\d{0,5}$/.test(days)) throw invalidValue("--days", days, "a number such as 3650");
    const file = join(configDirectory(), "settings.json");
    if (!isSet(call, "dry-run")) setDays(file, days);
    if (call.json)
      json("keep", { directory: null, sessions: [], cleanupPeriodDays: Number(days) }, call.warnings);
    else writeStdout(`${file}: cleanupPeriodDays ${days}\n`);
    return 0;
  },
};

/** Sets cleanupPeriodDays in a settings file and changes no other byte. */
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
    throw new Problem("settings", `${file} is not valid JSON, so ccr does not change it`, {
      hint: `add this line yourself: "cleanupPeriodDays": ${days}`,
    });
  }
  writeAtomic(file, withDays(plain, old.trim() === "" ? plain : old, days), mode);
}

/** Returns the text of a settings file with the new number. `plain` is the same text without comments. */
function withDays(plain: string, text: string, days: string): string {
  const brace = plain.indexOf("{");
  const all = members(plain, brace);
  const present = all.findLast(({ key }) => key === "cleanupPeriodDays");
  if (present) return text.slice(0, present.value) + days + text.slice(present.end);
  const [head, rest] = [text.slice(0, brace + 1), text.slice(brace + 1)];
  const member = `"cleanupPeriodDays": ${days}`;
  const [first] = all;
  // Indented like the first member.
  return first
    ? `${head}${text.slice(brace + 1, first.from)}${member},${rest}`
    : `${head}\n  ${member}\n${rest}`;
}
