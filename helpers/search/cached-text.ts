// The visible text of a line, in the form that the cache keeps it in: kind, time, and the string as JSON has it.
import { plainLine } from "../claude/row-marks.ts";
import { titleOfRow, type VisibleText, visibleTextsOf } from "../claude/visible-text.ts";
import { CHUNK, KEPT } from "./kernel.ts";
import type { ScannedLine } from "./scan.ts";

/** A line of a text takes at most this. */
export const LONGEST_KEPT = KEPT + CHUNK;
/** Texts larger than this are read from their transcripts each time. */
const LARGEST = 16 * 1024 * 1024;
const NEWLINE = 10;
const QUOTE = 34;

const KINDS = { user: "u", assistant: "a", tool: "r" } as const;
const ROLES: Record<string, "user" | "assistant" | "title"> = { u: "user", a: "assistant", t: "title" };

/** Text as it grows, in the form of the cache. */
export class TextBuilder {
  bytes = Buffer.allocUnsafe(256 * 1024);
  length = 0;

  /** Makes room; false when the text would become too large to be kept. */
  #room(more: number): boolean {
    const wanted = this.length + more;
    if (more > LONGEST_KEPT || wanted > LARGEST) return false;
    if (wanted > this.bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(wanted, this.bytes.length * 2));
      this.bytes.copy(larger, 0, 0, this.length);
      this.bytes = larger;
    }
    return true;
  }

  add(head: string, bytes: Buffer, from = 0, to = bytes.length): boolean {
    if (!this.#room(head.length + to - from + 1)) return false;
    this.length += this.bytes.write(head, this.length, "latin1");
    this.length += bytes.copy(this.bytes, this.length, from, to);
    return true;
  }

  /** Adds what is visible in a line; false when that is too large to be kept. */
  addVisible(visit: ScannedLine): boolean {
    const { bytes } = visit;
    if (!bytes) return false;
    const quick = visit.field === "said" ? this.#quickly(bytes, bytes.indexOf(QUOTE, visit.hit + 2)) : null;
    if (quick !== null) return quick;
    for (const row of visit.rows()) {
      for (const { role, at, text } of visibleTextsOf(row, false))
        if (!this.#line(KINDS[role] + iso(at), JSON.stringify(text))) return false;
      const title = titleOfRow(row);
      if (title !== null && !this.#line("t", JSON.stringify(title))) return false;
    }
    return true;
  }

  #line(head: string, json: string): boolean {
    return this.add(head, Buffer.from(`${json}\n`));
  }

  /** The same without parsing, for lines of the usual form; null for others. */
  #quickly(line: Buffer, firstQuote: number): boolean | null {
    const plain = plainLine(line, firstQuote);
    if (!plain) return null;
    const { type, timestamp, quote, close } = plain;
    if (!this.add(KINDS[type] + timestamp, line, quote, close + 1)) return false;
    this.bytes[this.length++] = NEWLINE;
    return true;
  }
}

const iso = (at: number | null): string =>
  at !== null && Math.abs(at) <= 8.64e15 ? new Date(at).toISOString() : "";

/** A line of the cache, read back; null for one that cannot be read. */
export function parseCachedLine(line: string): VisibleText | { role: "title"; text: string } | null {
  const quote = line.indexOf('"');
  const role = ROLES[line[0]!];
  if (quote < 1 || role === undefined) return null;
  try {
    const text: unknown = JSON.parse(line.slice(quote));
    if (typeof text !== "string") return null;
    if (role === "title") return { role, text };
    const at = Date.parse(line.slice(1, quote));
    return { role, at: Number.isFinite(at) ? at : null, text };
  } catch {
    return null;
  }
}
