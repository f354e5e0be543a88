import { basename } from "node:path";
import { readContext } from "../sessions/context.ts";
import { type Found, lookup } from "../sessions/lookup.ts";
import { type Session, sessionOf } from "../sessions/session.ts";
import type { Entry } from "../sessions/store.ts";
import { Problem } from "../system/problem.ts";
import { nearest } from "./nearest.ts";
import { candidates as candidateLines, candidates } from "./session-format.ts";

/** The one session that a word names; else a Problem that says what is near. `verbs` could be meant too. */
export function resolveEntry(word: string, verbs: readonly { name: string }[] = []): Entry {
  const found = lookup(word);
  if (found.kind === "one") return found.entry;
  throw notOne(word, found, Date.now(), verbs);
}

function notOne(
  word: string,
  found: Exclude<Found, { kind: "one" }>,
  now: number,
  verbs: readonly { name: string }[],
): Problem {
  if (found.kind === "many") {
    const what = found.by === "id" ? `ids start with "${word}"` : `titles fit "${word}"`;
    const more =
      found.total > found.entries.length ? [`… and ${found.total - found.entries.length} more`] : [];
    return new Problem("ambiguous", `${found.total} ${what}.`, {
      hint: [...candidates(found.entries, now, "which"), ...more],
      exit: 2,
    });
  }
  if (found.kind === "gone") {
    return new Problem(
      "deleted",
      `the transcript of ${found.id.slice(0, 8)} is deleted${found.project ? ` (${basename(found.project)})` : ""}.`,
      {
        hint: [
          "only its prompts are left: ccr-list --all",
          "keep the others: set cleanupPeriodDays in ~/.claude/settings.json",
        ],
      },
    );
  }
  const verb = nearest(
    word,
    verbs.map(({ name }) => name),
  );
  const rest = [...candidates(found.near, now, "near"), "look  ccr-list 50, ccr-find WORDS"];
  if (verb !== undefined && !/^[0-9a-f-]+$/i.test(word) && !word.includes(" ")) {
    return new Problem("unknown-verb", `"${word}" is no verb and no session.`, {
      hint: [`did you mean: ccr ${verb}`, ...rest],
      exit: 2,
    });
  }
  const looksLikeId = /^[0-9a-f-]+$/i.test(word);
  const message =
    word === "."
      ? "no session was started in this directory."
      : looksLikeId
        ? `no session starts with "${word}".`
        : `no session has an id or title like "${word}".`;
  return new Problem("no-session", message, {
    hint: found.near.length > 0 ? rest : ["no sessions yet; start one: claude"],
  });
}

/** The session that a word names, or a Problem. */
export function resolveSession(word: string): Session {
  const context = readContext();
  const found = lookup(word);
  if (found.kind === "one") return sessionOf(found.entry, context);
  if (found.kind === "many") {
    throw new Problem("ambiguous", `${found.total} sessions fit "${word}".`, {
      hint: candidateLines(found.entries, context.now, "one of"),
      exit: 2,
    });
  }
  throw new Problem("no-session", `no session has an id or title like "${word}".`, {
    hint:
      found.kind === "none"
        ? [...candidateLines(found.near, context.now, "near"), "look   ccr-list 50"]
        : "its transcript is deleted",
  });
}
