// Claude Code's settings.json: ours in, and out again, and no other byte changed. Pure: text in, text out.

import { endOf, type Member, members, skip } from "../system/json-text.ts";
import { Problem } from "../system/problem.ts";
import { alwaysQuote } from "../system/shell-quote.ts";

const member = (text: string, at: number, key: string): Member | undefined =>
  members(text, at).findLast((one) => one.key === key);

/** Adds a member in front of an object's others, in their style. In an empty object no blank is added. */
function insert(text: string, at: number, key: string, value: string): string {
  const [first] = members(text, at);
  const name = JSON.stringify(key);
  if (!first) return `${text.slice(0, at + 1)}${name}:${value}${text.slice(at + 1)}`;
  const gap = text.slice(at + 1, first.from);
  return `${text.slice(0, at + 1)}${gap}${name}: ${value},${gap || " "}${text.slice(first.from)}`;
}

/** Takes a member out; of one that {@link insert} has put in nothing is left. */
function drop(text: string, at: number, key: string): string {
  const all = members(text, at);
  const i = all.findLastIndex((one) => one.key === key);
  const one = all[i];
  if (!one) return text;
  const next = all[i + 1];
  if (next) return text.slice(0, one.from) + text.slice(next.from);
  return text.slice(0, all[i - 1]?.end ?? one.from) + text.slice(one.end);
}

/** What an empty file becomes first: what was in it (blanks) stands at the end. */
const EMPTY = "{\n  \n}";
const NEW = `${EMPTY}\n`;
const begun = (old: string | null): string => (old === null ? NEW : old.trim() === "" ? EMPTY + old : old);

/** Where the object of settings begins. Throws a Problem for what is no JSON: comments for example. */
function open(text: string, hint: string): number {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = null;
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return text.indexOf("{");
  throw new Problem("settings", "settings.json is not plain JSON (comments?), so ccr leaves it alone.", {
    hint,
  });
}

const PASTE = "put this into it yourself:";
const ALSO = " statusline --also ";

/** The status line in; another one that is there goes on running, ours follows it. `ccr` is a command for sh. */
export function addStatusLine(old: string | null, ccr: string): string {
  const ours = JSON.stringify({ type: "command", command: `${ccr} statusline` });
  const text = begun(old);
  const at = open(text, `${PASTE} "statusLine": ${ours}`);
  const line = member(text, at, "statusLine");
  if (!line) {
    return text === NEW ? `{\n  "statusLine": ${ours}\n}\n` : insert(text, at, "statusLine", ours);
  }
  const command = text[line.value] === "{" ? member(text, line.value, "command") : undefined;
  const words: unknown = command && JSON.parse(text.slice(command.value, command.end));
  if (!command || typeof words !== "string") {
    throw new Problem("settings", "settings.json has a statusLine that is no command.", {
      hint: `use this instead: ${ours}`,
    });
  }
  if (isOurs(words) || words === `${ccr.replace(/^.*\/|'$/g, "")} statusline`) return old ?? text;
  return (
    text.slice(0, command.value) +
    JSON.stringify(`${ccr}${ALSO}${alwaysQuote(words)}`) +
    text.slice(command.end)
  );
}

/** Written by us: other programs are called ccr too. */
const isOurs = (command: string): boolean =>
  /\/\.local\/bin\/\S+ statusline(?: --also |$)/.test(command) && /ccr|CCR/.test(command);

/** The status line out again: what was there before comes back. */
export function dropStatusLine(old: string | null): string | null {
  if (old === null || !old.includes(" statusline")) return old;
  const at = open(old, "take what is ccr's out of it yourself");
  const line = member(old, at, "statusLine");
  const command = line && old[line.value] === "{" ? member(old, line.value, "command") : undefined;
  const words: unknown = command && JSON.parse(old.slice(command.value, command.end));
  if (!command || typeof words !== "string" || !isOurs(words)) return old;
  const also = words.indexOf(ALSO);
  if (also >= 0) {
    const before = words.slice(also + ALSO.length + 1, -1).replaceAll("'\\''", "'");
    return old.slice(0, command.value) + JSON.stringify(before) + old.slice(command.end);
  }
  return emptied(drop(old, at, "statusLine"));
}

function emptied(text: string): string | null {
  const rest = text.startsWith(EMPTY) ? text.slice(EMPTY.length) : "x";
  return text === NEW ? null : rest.trim() === "" ? rest : text;
}

const hookOf = (ccr: string): string =>
  JSON.stringify({ hooks: [{ type: "command", command: `${ccr} hook` }] });
const EVENT = "StopFailure";
const isHook = (value: string): boolean => /"command":"[^"]*(?:ccr|CCR)[^"]* hook"/.test(value);

/** The hook for a turn that failed in. */
export function addHook(old: string | null, ccr: string): string {
  const ours = hookOf(ccr);
  const text = begun(old);
  const whole = `{"${EVENT}": [${ours}]}`;
  const at = open(text, `${PASTE} "hooks": ${whole}`);
  const hooks = member(text, at, "hooks");
  if (!hooks) return text === NEW ? `{\n  "hooks": ${whole}\n}\n` : insert(text, at, "hooks", whole);
  if (text[hooks.value] !== "{") throw new Problem("settings", "settings.json has hooks that are no object.");
  const event = member(text, hooks.value, EVENT);
  if (!event) return insert(text, hooks.value, EVENT, `[${ours}]`);
  if (text[event.value] !== "[")
    throw new Problem("settings", `settings.json has a hook ${EVENT} that is no list.`);
  if (isHook(text.slice(event.value, event.end))) return old ?? text;
  const first = skip(text, event.value + 1);
  // The blank tells a list that was there, empty, from one that came with ours.
  if (text[first] === "]") return `${text.slice(0, event.value + 1)} ${ours}${text.slice(event.value + 1)}`;
  return `${text.slice(0, first)}${ours}, ${text.slice(first)}`;
}

/** The hook out again. */
export function dropHook(old: string | null): string | null {
  if (old === null || !isHook(old)) return old;
  const at = open(old, "take what is ccr's out of it yourself");
  const hooks = member(old, at, "hooks");
  const event = hooks && old[hooks.value] === "{" ? member(old, hooks.value, EVENT) : undefined;
  if (!hooks || !event || old[event.value] !== "[") return old;
  for (let i = skip(old, event.value + 1); old[i] === "{"; ) {
    const end = endOf(old, i);
    const comma = skip(old, end);
    const next = old[comma] === "," ? skip(old, comma + 1) : comma;
    const one = old.slice(i, end);
    if (isHook(one)) {
      const list = old.slice(event.value, event.end);
      // What was made whole goes whole; what a person had stays, empty too.
      if (old.slice(hooks.value, hooks.end) === `{"${EVENT}": [${one}]}`)
        return emptied(drop(old, at, "hooks"));
      if (list === `[${one}]`) return drop(old, hooks.value, EVENT);
      if (old[comma] === ",") return old.slice(0, i) + old.slice(next);
      return old.slice(0, old[i - 1] === " " ? i - 1 : i) + old.slice(end);
    }
    i = next;
  }
  return old;
}
