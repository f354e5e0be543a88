// Removes secrets from texts and rows. Works on decoded strings, because in raw JSON an escape can precede a secret.

import { object, thinkingOf } from "../claude/rows.ts";
import { CONTEXTS, contextPattern, SHORT, START, TOKENS } from "./secrets.ts";

type Rules = {
  quick: RegExp;
  names: string[];
  tokens: RegExp;
  contexts: [name: string, key: RegExp, all: RegExp][];
};
let rules: Rules | undefined;

function compile(): Rules {
  const rows = TOKENS.trim()
    .split("\n")
    .map((line) => {
      const [name, key, rest] = line.split(" ") as [string, string, string];
      const [, letters, least] = /^([ahw])(\d\d)$/.exec(rest) ?? [];
      if (letters) return { name, key, all: `(?:${key})${SHORT[letters]}{${least},}` };
      return { name, key, all: rest[0] === "^" ? rest.slice(1) : key + rest };
    });
  return {
    quick: new RegExp(rows.map(({ key }) => key).join("|")),
    names: rows.map(({ name }) => name),
    tokens: new RegExp(`${START}(?:${rows.map(({ all }) => `(${all})`).join("|")})`, "g"),
    contexts: CONTEXTS.map((context) => [context.name, context.key, contextPattern(context)]),
  };
}

/** Values of these keys are ids, signatures or pictures: never text. */
const OPAQUE = new Set(["signature", "data", "uuid", "parentUuid", "sessionId", "session_id", "id"]);
/** Values nested deeper than this are left out. */
const MAX_DEPTH = 500;
/** Length of the shortest secret that is recognised by its form. */
const SHORTEST = 16;
/** Keys whose values are likely secrets. */
const SECRET_KEY = /pass|secret|token|key|auth|credential/i;

/**
 * Replaces secrets by `[redacted:<kind>]` and counts them. The same secret gets the same mark in everything that one
 * redactor processes.
 */
export class Redactor {
  /** how often each kind was found */
  readonly found = new Map<string, number>();
  readonly #marks = new Map<string, string>();
  readonly #kinds = new Map<string, number>();

  #mark(name: string, secret: string): string {
    this.found.set(name, (this.found.get(name) ?? 0) + 1);
    let mark = this.#marks.get(secret);
    if (mark === undefined) {
      const nth = (this.#kinds.get(name) ?? 0) + 1;
      this.#kinds.set(name, nth);
      mark = `[redacted:${name}${nth > 1 ? `-${nth}` : ""}]`;
      this.#marks.set(secret, mark);
    }
    return mark;
  }

  /** Returns a text without its secrets. */
  text(text: string): string {
    rules ??= compile();
    const { quick, names, tokens, contexts } = rules;
    let clean = text;
    if (quick.test(clean))
      clean = clean.replace(tokens, (secret: string, ...groups: unknown[]) =>
        this.#mark(names[groups.findIndex((group) => group !== undefined)]!, secret),
      );
    for (const [name, key, all] of contexts)
      if (key.test(clean))
        clean = clean.replace(all, (_, before: string, secret: string) => before + this.#mark(name, secret));
    return clean;
  }

  /** Returns a copy of a JSON value without its secrets. A value whose key names a secret counts as one. */
  value<T>(value: T, key = "", depth = 0): T {
    if (typeof value === "string") {
      if (OPAQUE.has(key)) return value;
      const clean = this.text(value);
      if (clean !== value || !SECRET_KEY.test(key) || /\s/.test(value)) return clean as T;
      const [named = "", before = `${key}=`] = [this.text(`${key}=${value}`)];
      return named.slice(before.length) as T;
    }
    if (depth > MAX_DEPTH && typeof value === "object") return null as T;
    if (Array.isArray(value)) return value.map((one) => this.value(one, key, depth + 1)) as T;
    const row = object(value);
    if (!row) return value;
    const copy = Object.entries(row).map(([name, one]): [string, unknown] => [
      name.length < SHORTEST ? name : this.text(name),
      this.value(one, name, depth + 1),
    ]);
    return Object.fromEntries(copy) as T;
  }

  /**
   * Returns a line of JSONL without its secrets. Lines without secrets stay the same byte for byte. Returns null if the
   * thinking contains a secret: it is signed, so Claude Code would refuse a changed row.
   */
  line(line: string): string | null {
    let row: unknown;
    try {
      row = JSON.parse(line);
    } catch {
      return this.text(line);
    }
    const clean = this.value(row);
    const after = JSON.stringify(clean);
    try {
      if (after === JSON.stringify(row)) return line;
    } catch {
      // nested too deeply
    }
    return thinking(clean) === thinking(row) ? after : null;
  }

  /** Returns what was found, for JSON. */
  list(): { kind: string; count: number }[] {
    return [...this.found].map(([kind, count]) => ({ kind, count }));
  }

  /** Returns what was found as text: `github 2, jwt 1`. */
  report(): string {
    return [...this.found].map(([name, times]) => `${name} ${times}`).join(", ");
  }
}

const thinking = (row: unknown): string => thinkingOf(object(row) ?? {}).join();

/** Returns a sentence for people that says what was redacted. */
export const redactionSummary = (redactor: Redactor | null): string =>
  redactor ? `secrets redacted: ${redactor.report() || "none found"}` : "secrets were not redacted";
