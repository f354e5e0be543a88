// Adds ccr's lines to the text of devcontainer.json and removes them again, without changing any other byte. Pure.

import { endOf, type Member, members, plainJson, skip } from "../system/json-text.ts";
import { Problem } from "../system/problem.ts";

export type Json = Record<string, unknown>;

/** A replacement in the file. Each `after` is there exactly once. */
export type Edit = [before: string, after: string];

/** What is added. `properties` are new ones; members of `objects` go into an object that may exist. */
export type Wanted = {
  mounts: readonly string[];
  objects: Record<string, Record<string, string>>;
  properties: Record<string, string>;
  /** one more file for `dockerComposeFile` */
  compose: string | null;
};

export const MARK =
  "// ccr: Claude sessions shared with this container; ccr devcontainer remove takes it out";

const bad = (message: string, hint = "correct it, then run: ccr devcontainer add"): Problem =>
  new Problem("devcontainer-json", message, { hint });

/** Parses devcontainer.json. `plain` is its text with blanks in place of comments and trailing commas. */
export function parseFile(text: string): { plain: string; value: Json; all: Member[] } {
  const plain = plainJson(text);
  let value: unknown;
  try {
    value = JSON.parse(plain);
  } catch {
    throw bad("devcontainer.json is not valid JSON with comments");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw bad("devcontainer.json is not an object");
  const all = members(plain, plain.indexOf("{"));
  const keys = all.map(({ key }) => key);
  const twice = keys.find((key, i) => keys.indexOf(key) < i);
  if (twice !== undefined) throw bad(`devcontainer.json has "${twice}" twice`);
  return { plain, value: value as Json, all };
}

/** Adds what is wanted. Returns the edits that undo it, and the keys that exist already and stay as they are (`kept`). */
export function edit(text: string, wanted: Wanted): { text: string; edits: Edit[]; kept: string[] } {
  const { plain, all } = parseFile(text);
  const eol = text.includes("\r\n") ? "\r\n" : "\n";
  const root = plain.indexOf("{");
  const unit = all[0] ? indentOf(plain, all[0].from) || "  " : "  ";
  const kept: string[] = [];
  const edits: Edit[] = [];
  const changes: { at: number; end: number; put: string }[] = [];

  /** Adds lines at the beginning of the object or list at `at`. */
  const lead = (at: number, lines: readonly string[], indent: string): void => {
    const first = skip(plain, at + 1);
    const empty = plain[first] === "]" || plain[first] === "}";
    const own = [MARK, ...lines.map((line, i) => line + (empty && i === lines.length - 1 ? "" : ","))];
    const put = own.map((line) => eol + indent + line).join("");
    const next = text[at + 1]!;
    const end = next === "\n" || next === "\r" ? "" : eol + (empty ? indent.slice(unit.length) : indent);
    changes.push({ at: at + 1, end: at + 1, put: put + end });
  };

  const fresh: string[] = [];
  const block = (key: string, [open, close]: string, lines: readonly string[]): void => {
    const inner = lines.map((line) => `${unit}${unit}${line}`).join(`,${eol}`);
    fresh.push(`${JSON.stringify(key)}: ${open}${eol}${inner}${eol}${unit}${close}`);
  };
  const place = (key: string, kind: string, lines: readonly string[]): void => {
    if (lines.length === 0) return;
    const there = all.find((one) => one.key === key);
    if (!there) {
      block(key, kind, lines);
      return;
    }
    if (text[there.value] !== kind[0])
      throw bad(`"${key}" in devcontainer.json is not ${kind === "{}" ? "an object" : "a list"}`);
    const first = skip(plain, there.value + 1);
    const line = indentOf(plain, first);
    lead(there.value, lines, line && plain[first] !== kind[1] ? line : unit + unit);
  };

  place(
    "mounts",
    "[]",
    wanted.mounts.map((mount) => JSON.stringify(mount)),
  );
  for (const [key, values] of Object.entries(wanted.objects)) {
    const there = all.find((one) => one.key === key);
    const known = there && text[there.value] === "{" ? members(plain, there.value).map((one) => one.key) : [];
    const free = Object.entries(values).filter(([name]) => !known.includes(name) || !kept.push(name));
    place(
      key,
      "{}",
      free.map(([name, value]) => `${JSON.stringify(name)}: ${JSON.stringify(value)}`),
    );
  }
  for (const [key, value] of Object.entries(wanted.properties)) {
    if (all.some((one) => one.key === key)) kept.push(key);
    else fresh.push(`${JSON.stringify(key)}: ${JSON.stringify(value)}`);
  }
  if (fresh.length > 0) lead(root, fresh, unit);
  if (wanted.compose !== null) {
    const one = all.find(({ key }) => key === "dockerComposeFile")!;
    changes.push({ at: one.value, end: one.end, put: withFile(text, plain, one, wanted.compose) });
  }

  let next = text;
  for (const { at, end, put } of changes.sort((a, b) => b.at - a.at)) {
    edits.push([text.slice(at, end), put]);
    next = next.slice(0, at) + put + next.slice(end);
  }
  parseFile(next);
  return { text: next, edits, kept };
}

/** Returns the value of `dockerComposeFile` with one more file at its end. */
function withFile(text: string, plain: string, { value, end }: Member, file: string): string {
  const name = JSON.stringify(file);
  if (text[value] !== "[") return `[${text.slice(value, end)}, ${name}]`;
  let last = value + 1;
  for (let i = skip(plain, last); plain[i] !== "]"; ) {
    last = endOf(plain, i);
    i = skip(plain, last);
    if (plain[i] === ",") i = skip(plain, i + 1);
  }
  return `${text.slice(value, last)}${last > value + 1 ? ", " : ""}${name}${text.slice(last, end)}`;
}

/** Returns the blanks before a position; none if anything else is before it on its line. */
const indentOf = (text: string, at: number): string =>
  /(?:^|[\r\n])([ \t]*)$/.exec(text.slice(Math.max(0, at - 200), at))?.[1] ?? "";

/** Undoes the edits. Returns null if one of them was changed since. */
export function undo(text: string, edits: readonly Edit[]): string | null {
  let left = text;
  for (const [before, after] of edits) {
    const at = left.indexOf(after);
    if (at < 0 || left.indexOf(after, at + 1) >= 0) return null;
    left = left.slice(0, at) + before + left.slice(at + after.length);
  }
  return left;
}
