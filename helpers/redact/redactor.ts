// Secrets out of texts and rows. Always on decoded strings: in raw JSON an escape can stand right before a secret.
import { object, string } from "../claude/rows.ts";
import { CONTEXTS, contextPattern, SHORT, START, TOKENS } from "./secrets.ts";

type Rules = {
  quick: RegExp;
  names: string[];
  tokens: RegExp;
  places: [name: string, key: RegExp, all: RegExp][];
};
let rules: Rules | undefined;

function compile(): Rules {
  const rows = TOKENS.trim()
    .split("\n")
    .map((line) => {
      const [name, key, rest] = line.split(" ") as [string, string, string];
      const [, letters, least] = /^([ahw])(\d\d)$/.exec(rest) ?? [];
      const all = letters
        ? `(?:${key})${SHORT[letters]}{${least},}`
        : rest[0] === "^"
          ? rest.slice(1)
          : key + rest;
      return { name, key, all };
    });
  return {
    quick: new RegExp(rows.map(({ key }) => key).join("|")),
    names: rows.map(({ name }) => name),
    tokens: new RegExp(`${START}(?:${rows.map(({ all }) => `(${all})`).join("|")})`, "g"),
    places: CONTEXTS.map((place) => [place.name, place.key, contextPattern(place)]),
  };
}

/** Values of these keys are what the API and the CLI check, or pictures: never text. */
const OPAQUE = new Set(["signature", "data", "uuid", "parentUuid", "sessionId", "session_id", "id"]);
const DEEPEST = 500;
/** No secret that is known by its form is shorter. */
const SHORTEST = 16;
const TELLING = /pass|secret|token|key|auth|credential/i;

/**
 * Replaces secrets by `[redacted:<kind>]`, the same secret by the same mark, and counts them.
 * One for each export, or one for many: the marks then agree.
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

  /** A text without its secrets; the same text when it has none. */
  text(text: string): string {
    rules ??= compile();
    const { quick, names, tokens, places } = rules;
    let clean = text;
    if (quick.test(clean))
      clean = clean.replace(tokens, (secret: string, ...groups: unknown[]) =>
        this.#mark(names[groups.findIndex((group) => group !== undefined)]!, secret),
      );
    for (const [name, key, all] of places)
      if (key.test(clean))
        clean = clean.replace(all, (_, before: string, secret: string) => before + this.#mark(name, secret));
    return clean;
  }

  /** A copy of a JSON value; what is named like a secret counts as one. What is nested too deeply is left out. */
  value<T>(value: T, key = "", depth = 0): T {
    if (typeof value === "string") {
      if (OPAQUE.has(key)) return value;
      const clean = this.text(value);
      if (clean !== value || !TELLING.test(key) || /\s/.test(value)) return clean as T;
      const [named = "", before = `${key}=`] = [this.text(`${key}=${value}`)];
      return named.slice(before.length) as T;
    }
    if (depth > DEEPEST && typeof value === "object") return null as T;
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
   * A line of JSONL without its secrets, or null where the row has to be left out: thinking is signed, so a changed
   * block would be refused. Lines without secrets stay byte for byte.
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
    return thoughts(clean) === thoughts(row) ? after : null;
  }

  /** The same for JSON. */
  list(): { kind: string; count: number }[] {
    return [...this.found].map(([kind, count]) => ({ kind, count }));
  }

  /** `github-token 2, jwt 1`; empty when nothing was found. */
  report(): string {
    return [...this.found].map(([name, times]) => `${name} ${times}`).join(", ");
  }
}

const thoughts = (row: unknown): string => {
  const content = object(object(row)?.message)?.content;
  return Array.isArray(content) ? content.map((block) => string(object(block)?.thinking) ?? "").join() : "";
};

/** The report that names each kind of secret. */
export const redactionSummary = (redactor: Redactor | null): string =>
  redactor ? `secrets redacted: ${redactor.report() || "none found"}` : "secrets were not redacted";
