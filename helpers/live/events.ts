// What happened in a live session: rows of its transcript, and what ccr did to it.

import { closeSync, fstatSync, openSync } from "node:fs";
import { linesBackward, linesForward } from "../claude/lines.ts";
import { mayBeMessage } from "../claude/row-marks.ts";
import {
  isAutoContinuation,
  object,
  parseLine,
  type Row,
  string,
  timeOf,
  toolResultsOf,
} from "../claude/rows.ts";
import { visibleTextsOf } from "../claude/visible-text.ts";
import { type Verdict, verdictOf } from "../limits/verdict.ts";
import { recordingsOf } from "../recording/cast.ts";
import { logFile } from "../resume/resume-log.ts";
import { transcripts } from "../sessions/store.ts";
import { readText } from "../system/files.ts";
import { launchOf } from "./journal.ts";

/** Something that happened. `at` is epoch ms. */
export type Event = {
  at: number;
  kind: "you" | "claude" | "tool" | "failed" | "limit" | "error" | "ccr";
  text: string;
};

/** How often (ms) to check whether a missing transcript exists now. */
const LOOK = 2000;

/** What ccr did to a session: from the log of resumes, the journal of live sessions, and recordings. */
export function ccrEventsOf(id: string): Event[] {
  const found: Event[] = [];
  const add = (at: number | null, text: string): void => {
    if (at !== null && Number.isFinite(at)) found.push({ at, kind: "ccr", text });
  };
  try {
    for (const line of readText(logFile()).split("\n")) {
      if (!line.includes(id)) continue;
      for (const { at, event, by, outcome, why, session } of parseLine(line).rows) {
        if (session !== id) continue;
        const what = event === "outcome" ? String(outcome).replaceAll("-", " ") : `resumed by ${by}`;
        add(Date.parse(String(at)), `${what}${string(why) === null ? "" : `: ${why}`}`);
      }
    }
  } catch {
    // nothing was resumed yet
  }
  const live = launchOf(id);
  if (live) {
    add(live.createdAt, `started in tmux: ${live.name}`);
    for (const at of live.restarts) add(at, "restarted after a failure");
    add(live.stoppedAt, "stopped");
  }
  for (const { startedAt } of recordingsOf(live?.id ?? id)) add(startedAt, "recording: ccr replay");
  return found;
}

/** Rows longer than this (bytes) are parsed only when they are messages. */
const LONG = 4096;

/** Reads the end of a transcript, then what is added to it. */
export class TranscriptTail {
  readonly #id: string;
  readonly #spoken: (ms: number) => string;
  #path: string | undefined;
  #at = 0;
  #looked = 0;

  /** `spoken` formats a duration in ms. */
  constructor(id: string, spoken: (ms: number) => string) {
    this.#id = id;
    this.#spoken = spoken;
  }

  /** The last events, in order. */
  last(most: number): Event[] {
    return this.#open((fd, size) => {
      const found: Event[][] = [];
      let count = 0;
      this.#at = size;
      for (const { bytes, start, length } of linesBackward(fd, size)) {
        const events = bytes ? this.#events(bytes) : [];
        // a line that is still being written is read the next time
        if (start + length === size && events.length === 0) this.#at = start;
        found.push(events);
        count += events.length;
        if (count >= most) break;
      }
      return found.reverse().flat();
    });
  }

  /** The events since the last call. */
  more(): Event[] {
    return this.#open((fd, size) => {
      const found: Event[] = [];
      if (size < this.#at) this.#at = size;
      for (const { bytes, start, length } of linesForward(fd, size, { start: this.#at })) {
        if (start + length === size) break;
        if (bytes) found.push(...this.#events(bytes));
        this.#at = start + length + 1;
      }
      return found;
    });
  }

  #events(bytes: Buffer): Event[] {
    return bytes.length > LONG && !mayBeMessage(bytes)
      ? []
      : parseLine(bytes.toString()).rows.flatMap((row) => eventsOf(row, this.#spoken));
  }

  #open(work: (fd: number, size: number) => Event[]): Event[] {
    const now = Date.now();
    if (this.#path === undefined && now - this.#looked > LOOK) {
      this.#looked = now;
      this.#path = transcripts((id) => id.toLowerCase() === this.#id)[0]?.path;
    }
    if (this.#path === undefined) return [];
    let fd: number;
    try {
      fd = openSync(this.#path, "r");
    } catch {
      this.#path = undefined;
      return [];
    }
    try {
      return work(fd, fstatSync(fd).size);
    } finally {
      closeSync(fd);
    }
  }
}

/** An answer, or the error that stands in its place. */
function kindOfAnswer(verdict: Verdict | null): Event["kind"] {
  if (verdict === null) return "claude";
  return verdict.state === "limited" ? "limit" : "error";
}

function eventsOf(row: Row, spoken: (ms: number) => string): Event[] {
  const at = timeOf(row);
  if (at === null || row.isSidechain === true) return [];
  const event = (kind: Event["kind"], text: string): Event => ({ at, kind, text });
  if (row.type === "system") {
    if (row.subtype === "compact_boundary") return [event("ccr", "the conversation was compacted")];
    if (row.subtype !== "api_error") return [];
    const wait = Number(row.retryInMs) || 0;
    return [event("error", `tries again in ${spoken(wait)} (${row.retryAttempt} of ${row.maxRetries})`)];
  }
  if (isAutoContinuation(row)) return [event("ccr", "Claude Code resumed by itself")];
  const verdict = row.isApiErrorMessage === true ? verdictOf(row) : null;
  const found = visibleTextsOf(row, false).map(({ role, text }) =>
    event(role === "user" ? "you" : kindOfAnswer(verdict), text),
  );
  const content = object(row.message)?.content;
  for (const block of Array.isArray(content) ? content.map(object) : []) {
    if (block?.type === "tool_use") {
      const first = Object.values(object(block.input) ?? {}).find((value) => typeof value === "string");
      found.push(event("tool", `${block.name}  ${first ?? ""}`.slice(0, 500)));
    } else if (block?.type === "tool_result" && block.is_error === true)
      found.push(
        event(
          "failed",
          toolResultsOf({ content: [block] })
            .join(" ")
            .slice(0, 500),
        ),
      );
  }
  return found;
}
