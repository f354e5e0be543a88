import { object, type Row, string, textsOf, timeOf } from "../claude/rows.ts";
import { type Cause, clockIn, epochIn, instantOf, meaningOf, normalize, toMilliseconds } from "./wordings.ts";

/** The contract's `blockedBy`. */
export type BlockedBy = "spend-limit" | "credits" | "login" | "payment" | "overloaded" | "other-api-error";
/** How a reset time is known. */
export type ResetFrom = "apiErrorParams" | "quotaLimits" | "epoch" | "clock-text";

export type Verdict =
  | { state: "none" }
  | { state: "blocked"; by: BlockedBy; cause: Cause }
  | {
      state: "limited";
      /** `five_hour`, `seven_day`, `seven_day_opus`, …: an open set; "unknown" where not known */
      window: string;
      /** epoch ms */
      resetsAt: number | null;
      resetFrom: ResetFrom | null;
      rowUuid: string | null;
      /** epoch ms of the row */
      at: number | null;
      /** the session that the row was copied from, where this one is its fork */
      copyOf?: string;
    };

const NONE: Verdict = { state: "none" };
const BLOCKS: Partial<Record<Cause, BlockedBy>> = {
  "spend-limit": "spend-limit",
  credits: "credits",
  login: "login",
  payment: "payment",
  overloaded: "overloaded",
};
const blocked = (cause: Cause): Verdict => ({
  state: "blocked",
  by: BLOCKS[cause] ?? "other-api-error",
  cause,
});

/**
 * Verdict of a session from the last message of its main chain (undefined: it has none). Only an error row of the
 * CLI itself can say that a session is limited; a person, a tool or a model that quotes one cannot.
 *
 * `answer` is the assistant's last row, where `last` is a prompt after it that got no answer.
 * Source: facts/claude-code.md §4.5.
 */
export function verdictOf(last: Row | undefined, answer?: Row): Verdict {
  if (last?.type === "user" && answer) return unanswered(last, answer);
  if (last?.type !== "assistant" || last.isApiErrorMessage !== true) return NONE;
  if (object(last.message)?.model !== "<synthetic>") return NONE;
  const text = normalize(textsOf(last)[0] ?? "");
  const meaning = meaningOf(text);
  const cause = meaning && "cause" in meaning ? meaning.cause : null;

  const named = string(last.apiError);
  const info = object(object(last.apiErrorParams)?.rate_limit_info);
  const quota = object(last.quotaLimits);
  if (named !== null && named !== "usage_limit_reached") {
    return blocked(/credits/.test(named) ? "credits" : (cause ?? causeOf(last, text)));
  }
  if (named !== null || quota?.status === "rejected") {
    const type = window(info?.rateLimitType) ?? window(quota?.rateLimitType);
    // What an admin has switched off is no limit, whatever the window says.
    const off = named === null && cause !== null && /^Your (?:seat|usage|group)/.test(text);
    if (off || ((type === null || type === "overage") && cause !== null)) return blocked(cause);
    if (type !== "overage") return limited(last, text, type ?? limitOf(meaning) ?? "unknown", info, quota);
    const beside = limitOf(meaning);
    return beside && beside !== "unknown" ? limited(last, text, beside, null, null) : blocked("spend-limit");
  }
  const error = string(last.error);
  const limit = error === null || error === "rate_limit" ? limitOf(meaning) : null;
  return limit === null ? blocked(causeOf(last, text)) : limited(last, text, limit, null, null);
}

/** A prompt that was given while the limit still held, and got no answer, has not continued the session. */
function unanswered(prompt: Row, answer: Row): Verdict {
  const verdict = verdictOf(answer);
  if (verdict.state !== "limited" || verdict.resetsAt === null) return NONE;
  const at = timeOf(prompt);
  return at !== null && at < verdict.resetsAt ? verdict : NONE;
}

const limitOf = (meaning: ReturnType<typeof meaningOf>): string | null =>
  meaning && "limit" in meaning ? meaning.limit : null;

const window = (type: unknown): string | null =>
  typeof type === "string" && /^[\w-]{1,64}$/.test(type) ? type : null;

function limited(row: Row, text: string, window: string, info: Row | null, quota: Row | null): Verdict {
  const at = timeOf(row);
  const copyOf = string(object(row.forkedFrom)?.sessionId);
  const rowUuid = string(row.uuid);
  const known = { state: "limited", window, rowUuid, at, ...(copyOf && { copyOf }) } as const;
  const told = (resetsAt: number | null, resetFrom: ResetFrom): Verdict | null =>
    resetsAt === null ? null : { ...known, resetsAt, resetFrom };
  const clock = clockIn(text);
  return (
    told(toMilliseconds(info?.resetsAt), "apiErrorParams") ??
    told(toMilliseconds(quota?.resetsAt), "quotaLimits") ??
    told(epochIn(text), "epoch") ??
    told(clock && instantOf(clock, at), "clock-text") ?? { ...known, resetsAt: null, resetFrom: null }
  );
}

/** Cause of an error that is no usage limit: the typed fields first, then the words. */
function causeOf(row: Row, text: string): Cause {
  const meaning = meaningOf(text);
  const told = meaning && "cause" in meaning ? meaning.cause : null;
  const kind = string(row.apiErrorType);
  if (kind === "overloaded_error" || row.apiErrorStatus === 529) return "overloaded";
  switch (row.error) {
    case "authentication_failed":
      return "login";
    case "oauth_org_not_allowed":
      return told ?? "login";
    case "billing_error":
      return "credits";
    case "server_error":
      return told ?? "server-error";
    case "rate_limit":
      return told ?? (row.apiErrorIsTransient === false ? "api-key-429" : "throttle");
    default:
      return told ?? "request";
  }
}

/** design.md §8's state of a session that is not live. `now` in epoch ms. */
export function stateOf(verdict: Verdict, now: number): "waiting" | "ready" | "blocked" | "idle" {
  if (verdict.state === "none") return "idle";
  if (verdict.state === "blocked") return "blocked";
  return verdict.resetsAt !== null && verdict.resetsAt <= now ? "ready" : "waiting";
}
