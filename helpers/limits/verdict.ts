import { isErrorOfCli, object, type Row, string, textsOf, timeOf } from "../claude/rows.ts";
import { type Cause, clockIn, epochIn, instantOf, meaningOf, normalize, toMilliseconds } from "./wordings.ts";

/** `blockedBy` in JSON output. */
export type BlockedBy = "spend-limit" | "credits" | "login" | "payment" | "overloaded" | "other-api-error";
/** Where a reset time comes from. */
type ResetFrom = "apiErrorParams" | "quotaLimits" | "epoch" | "clock-text";

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
 * Source: docs/developing/claude-code-format.md, "When a session is limited".
 */
export function verdictOf(last: Row | undefined, answer?: Row): Verdict {
  if (last?.type === "user" && answer) return unanswered(last, answer);
  if (!last || !isErrorOfCli(last)) return NONE;
  const text = normalize(textsOf(last)[0] ?? "");
  const named = string(last.apiError);
  if (named !== null && named !== "usage_limit_reached") {
    return blocked(/credits/.test(named) ? "credits" : (causeIn(text) ?? causeOf(last, text)));
  }
  if (named !== null || object(last.quotaLimits)?.status === "rejected") return verdictOfFields(last, text);
  const error = string(last.error);
  const limit = error === null || error === "rate_limit" ? limitIn(text) : null;
  return limit === null ? blocked(causeOf(last, text)) : limited(last, text, limit, null, null);
}

/** Verdict of a row whose fields say that a limit was reached. */
function verdictOfFields(row: Row, text: string): Verdict {
  const info = object(object(row.apiErrorParams)?.rate_limit_info);
  const quota = object(row.quotaLimits);
  const cause = causeIn(text);
  const type = window(info?.rateLimitType) ?? window(quota?.rateLimitType);
  // What an admin has switched off is no limit, whatever the window says.
  const off = string(row.apiError) === null && cause !== null && /^Your (?:seat|usage|group)/.test(text);
  if (off || ((type === null || type === "overage") && cause !== null)) return blocked(cause);
  if (type !== "overage") return limited(row, text, type ?? limitIn(text) ?? "unknown", info, quota);
  const beside = limitIn(text);
  return beside && beside !== "unknown" ? limited(row, text, beside, null, null) : blocked("spend-limit");
}

/** A prompt that was given while the limit still held, and got no answer, has not continued the session. */
function unanswered(prompt: Row, answer: Row): Verdict {
  const verdict = verdictOf(answer);
  if (verdict.state !== "limited" || verdict.resetsAt === null) return NONE;
  const at = timeOf(prompt);
  return at !== null && at < verdict.resetsAt ? verdict : NONE;
}

function limitIn(text: string): string | null {
  const meaning = meaningOf(text);
  return meaning && "limit" in meaning ? meaning.limit : null;
}

function causeIn(text: string): Cause | null {
  const meaning = meaningOf(text);
  return meaning && "cause" in meaning ? meaning.cause : null;
}

const window = (type: unknown): string | null =>
  typeof type === "string" && /^[\w-]{1,64}$/.test(type) ? type : null;

function limited(row: Row, text: string, window: string, info: Row | null, quota: Row | null): Verdict {
  const at = timeOf(row);
  const copyOf = string(object(row.forkedFrom)?.sessionId);
  const rowUuid = string(row.uuid);
  const known = { state: "limited", window, rowUuid, at, ...(copyOf && { copyOf }) } as const;
  const resettingAt = (resetsAt: number | null, resetFrom: ResetFrom): Verdict | null =>
    resetsAt === null ? null : { ...known, resetsAt, resetFrom };
  const clock = clockIn(text);
  return (
    resettingAt(toMilliseconds(info?.resetsAt), "apiErrorParams") ??
    resettingAt(toMilliseconds(quota?.resetsAt), "quotaLimits") ??
    resettingAt(epochIn(text), "epoch") ??
    resettingAt(clock && instantOf(clock, at), "clock-text") ?? { ...known, resetsAt: null, resetFrom: null }
  );
}

/** Cause of an error that is no usage limit: from the typed fields first, then from the text. */
function causeOf(row: Row, text: string): Cause {
  const cause = causeIn(text);
  const kind = string(row.apiErrorType);
  if (kind === "overloaded_error" || row.apiErrorStatus === 529) return "overloaded";
  switch (row.error) {
    case "authentication_failed":
      return "login";
    case "oauth_org_not_allowed":
      return cause ?? "login";
    case "billing_error":
      return "credits";
    case "server_error":
      return cause ?? "server-error";
    case "rate_limit":
      return cause ?? (row.apiErrorIsTransient === false ? "api-key-429" : "throttle");
    default:
      return cause ?? "request";
  }
}

/** The state of a session that is not live. `now` is epoch ms. */
export function stateOf(verdict: Verdict, now: number): "waiting" | "ready" | "blocked" | "idle" {
  if (verdict.state === "none") return "idle";
  if (verdict.state === "blocked") return "blocked";
  return verdict.resetsAt !== null && verdict.resetsAt <= now ? "ready" : "waiting";
}
