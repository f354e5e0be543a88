import { basename } from "node:path";
import { readContext } from "../sessions/context.ts";
import { type Found, lookup } from "../sessions/lookup.ts";
import { type Session, sessionOf } from "../sessions/session.ts";
import type { Entry } from "../sessions/store.ts";
import { Problem } from "../system/problem.ts";
import { nearest } from "./nearest.ts";
import { candidates } from "./session-format.ts";

/**
 * Returns the one session that a word names. Throws a Problem that lists similar sessions, or the similar one of
 * `commands`: the word may be a misspelt command.
 */
export function resolveEntry(word: string, commands: readonly { name: string }[] = []): Entry {
  const found = lookup(word);
  if (found.kind === "one") return found.entry;
  throw notOne(word, found, Date.now(), commands);
}

const LOOKS_LIKE_ID = /^[0-9a-f-]+$/i;

function notOne(
  word: string,
  found: Exclude<Found, { kind: "one" }>,
  now: number,
  commands: readonly { name: string }[],
): Problem {
  if (found.kind === "many") {
    const left = found.total - found.entries.length;
    return new Problem("ambiguous", `"${word}" matches ${found.total} sessions`, {
      hint: [...candidates(found.entries, now, "which"), ...(left > 0 ? [`… and ${left} more`] : [])],
      exit: 2,
    });
  }
  if (found.kind === "gone") {
    const project = found.project ? ` (${basename(found.project)})` : "";
    return new Problem("deleted", `the transcript of ${found.id.slice(0, 8)}${project} was deleted`, {
      hint: [
        "only its prompts are left: ccr-list --all",
        "to keep the others longer, set cleanupPeriodDays in ~/.claude/settings.json",
      ],
    });
  }
  const rest = [...candidates(found.near, now, "near"), "run: ccr-list 50, or ccr-find WORDS"];
  const command = nearest(
    word,
    commands.map(({ name }) => name),
  );
  if (command !== undefined && !LOOKS_LIKE_ID.test(word) && !word.includes(" ")) {
    return new Problem("unknown-verb", `unknown command or session: "${word}"`, {
      hint: [`did you mean: ccr ${command}`, ...rest],
      exit: 2,
    });
  }
  return new Problem("no-session", noSession(word), {
    hint: found.near.length > 0 ? rest : ["there are no sessions yet; start one: claude"],
  });
}

function noSession(word: string): string {
  if (word === ".") return "no session was started in this directory";
  if (LOOKS_LIKE_ID.test(word)) return `no session id starts with "${word}"`;
  return `no session matches "${word}"`;
}

/** Returns the one session that a word names, as {@link resolveEntry} does, with its state and limit. */
export function resolveSession(word: string): Session {
  const context = readContext();
  return sessionOf(resolveEntry(word), context);
}
