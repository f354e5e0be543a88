import { accessSync, constants, readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { historyOf } from "../archive/collect.ts";
import { keep } from "../archive/keep.ts";
import { configDirectory } from "../claude/places.ts";
import { liveSessions } from "../claude/registry.ts";
import { withoutGhosts } from "../system/pid-domain.ts";
import { startOf, titleOf } from "../sessions/session.ts";
import type { Entry } from "../sessions/store.ts";
import { makeDirectory, writeAtomic } from "../system/files.ts";
import { smallHeap } from "../system/heap.ts";
import { members, plainJson } from "../system/json-text.ts";
import { state } from "../system/places.ts";
import { errno, Problem, problemOf } from "../system/problem.ts";
import { many, size } from "../terminal/amount.ts";
import { clean } from "../terminal/clean.ts";
import { json } from "../terminal/json.ts";
import { out, say } from "../terminal/output.ts";
import { type Call, type Command, type Flag, on, text } from "../cli/command.ts";
import { CHOICE, chosen, writing } from "./export.ts";

const TO: Record<string, Flag> = {
  to: {
    type: "string",
    value: "dir",
    about: "where archives go (default ~/.local/state/ccr/archives)",
    completes: "directory",
  },
  "dry-run": { type: "boolean", about: "only list the sessions" },
};

export const archive: Command = {
  usage: "archive [session…] [--older-than 90d] [flags]",
  about:
    "Puts each session into an archive of its own, the smallest first, and reads it back. With --delete the session is then deleted, after its archive was read again and compared with what lies here. Run it again after it was stopped: it goes on. ccr-import brings a session back.",
  flags: { ...CHOICE, ...TO, delete: { type: "boolean", about: "delete what is safely archived" } },
  words: "session",
  json: true,
  examples: [
    ["ccr-archive --older-than 90d", "keep what nobody has touched for 90 days"],
    ["ccr-archive --older-than 90d --to /mnt/big --delete", "… elsewhere, and make room here"],
    ["ccr-import ~/.local/state/ccr/archives/shop-4bb63347.tar.gz", "bring one back"],
  ],
  run: (call) => each(call, "archive", on(call, "delete")),
};

export const keepSessions: Command = {
  usage: "keep <session…> | --all | --days n",
  about:
    "Saves sessions from Claude Code's own sweep, which deletes what was not written to for 30 days: into archives, or by its setting cleanupPeriodDays.",
  flags: {
    ...CHOICE,
    ...TO,
    days: { type: "string", value: "n", about: "set cleanupPeriodDays in Claude's settings.json" },
  },
  words: "session",
  json: true,
  examples: [
    ["ccr keep 4bb6", "an archive of it, where no sweep comes"],
    ["ccr keep --days 3650", "let Claude Code delete nothing for ten years"],
  ],
  run(call) {
    const days = text(call, "days");
    if (days === undefined) return each(call, "keep", false);
    if (!/^[1-9]\d{0,5}$/.test(days)) {
      throw new Problem("usage", `--days ${days}: it takes a number of days.`, {
        hint: "ccr keep --days 3650",
        exit: 2,
      });
    }
    const file = join(configDirectory(), "settings.json");
    if (!on(call, "dry-run")) setDays(file, days);
    if (call.json)
      json("keep", { directory: null, sessions: [], cleanupPeriodDays: Number(days) }, call.warnings);
    else out(`${file}: cleanupPeriodDays ${days}\n`);
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

/** Archives what was chosen, the smallest first: on a full disk each one makes room for the next. */
async function each(call: Call, verb: "archive" | "keep", remove: boolean): Promise<number> {
  await smallHeap();
  const directory = resolve(text(call, "to") ?? join(state(), "archives"));
  const entries: Entry[] = chosen(call, call.words).sort((a, b) => a.bytes - b.bytes);
  const dry = on(call, "dry-run");
  if (!dry && entries.length > 0) {
    makeDirectory(directory);
    accessSync(directory, constants.W_OK);
  }
  const running = (id: string): boolean => withoutGhosts(liveSessions()).has(id);
  const history = historyOf(new Set(entries.map(({ id }) => id)));
  const sessions: Record<string, unknown>[] = [];
  let deleted = 0;
  for (const entry of entries) {
    const { id, bytes } = entry;
    const shown = `${id.slice(0, 8)}  ${size(bytes)}  ${clean(titleOf(entry).title ?? "")}`;
    let result = { file: null as string | null, deleted: false, detail: null as string | null };
    try {
      if (!dry) {
        const kept = await keep(entry, directory, { ...writing(call), history, running, remove });
        result = { file: kept.file, deleted: kept.deleted, detail: null };
      }
    } catch (error) {
      const problem = problemOf(error);
      call.warn(problem);
      result.detail = clean(problem.message);
      // The next one would not fit either, and a fault of ours will not go away.
      if (["enospc", "edquot", "internal"].includes(problem.kind)) throw error;
    }
    if (result.deleted) deleted += bytes;
    sessions.push({ id, project: startOf(entry), bytes, ...result });
    if (!call.json && result.detail === null)
      out(`${dry ? "would archive" : result.deleted ? "archived, deleted" : "archived"}  ${shown}\n`);
  }
  if (call.json) json(verb, { directory, sessions, cleanupPeriodDays: null }, call.warnings);
  else if (entries.length === 0) say("ccr: no session fits\n");
  else if (!dry) {
    const room = deleted > 0 ? `, ${size(deleted)} deleted here` : "";
    const kept = sessions.filter(({ detail }) => detail === null).length;
    say(`${many(kept, "session")} in ${directory}${room}\n`);
  }
  return call.warnings.length > 0 ? 1 : 0;
}
