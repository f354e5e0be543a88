// Adds ccr's settings to Claude Code's settings.json and removes them, without changing another byte. Pure.

import { endOf, type Member, members, skip } from "../system/json-text.ts";
import { Problem } from "../system/problem.ts";
import { alwaysQuote } from "../system/shell-quote.ts";

const member = (text: string, at: number, key: string): Member | undefined =>
  members(text, at).findLast((one) => one.key === key);

/** Adds a member before the others of an object, in their style. Adds no blank to an empty object. */
function insert(text: string, at: number, key: string, value: string): string {
  const [first] = members(text, at);
  const name = JSON.stringify(key);
  if (!first) return `${text.slice(0, at + 1)}${name}:${value}${text.slice(at + 1)}`;
  const gap = text.slice(at + 1, first.from);
  return `${text.slice(0, at + 1)}${gap}${name}: ${value},${gap || " "}${text.slice(first.from)}`;
}

/** Removes a member. After {@link insert}, the text is as it was before. */
function drop(text: string, at: number, key: string): string {
  const all = members(text, at);
  const i = all.findLastIndex((one) => one.key === key);
  const one = all[i];
  if (!one) return text;
  const next = all[i + 1];
  if (next) return text.slice(0, one.from) + text.slice(next.from);
  return text.slice(0, all[i - 1]?.end ?? one.from) + text.slice(one.end);
}

/** An empty file becomes this first; blanks that were in it follow at the end. */
const EMPTY = "{\n  \n}";
const NEW = `${EMPTY}\n`;
function withObject(old: string | null): string {
  if (old === null) return NEW;
  return old.trim() === "" ? EMPTY + old : old;
}

/** Returns where the object of settings begins. Throws a Problem when it is not JSON, for example because of comments. */
function open(text: string, hint: string): number {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = null;
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return text.indexOf("{");
  throw new Problem("settings", "settings.json is not plain JSON (comments?); ccr does not edit it", {
    hint,
  });
}

const PASTE = "add this to it yourself:";
const ALSO = " statusline --also ";

/** Adds the status line. An existing one keeps running; ccr's follows it. `ccr` is a command for sh. */
export function addStatusLine(old: string | null, ccr: string): string {
  const ours = JSON.stringify({ type: "command", command: `${ccr} statusline` });
  const text = withObject(old);
  const at = open(text, `${PASTE} "statusLine": ${ours}`);
  const line = member(text, at, "statusLine");
  if (!line) {
    return text === NEW ? `{\n  "statusLine": ${ours}\n}\n` : insert(text, at, "statusLine", ours);
  }
  const command = text[line.value] === "{" ? member(text, line.value, "command") : undefined;
  const words: unknown = command && JSON.parse(text.slice(command.value, command.end));
  if (!command || typeof words !== "string") {
    throw new Problem("settings", "settings.json has a statusLine that is not a command", {
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

/** Whether ccr wrote a command: other programs may be called ccr too. */
const isOurs = (command: string): boolean =>
  /\/\.local\/bin\/\S+ statusline(?: --also |$)/.test(command) && /ccr|CCR/.test(command);

/** Removes the status line; an earlier one comes back. */
export function dropStatusLine(old: string | null): string | null {
  if (old === null || !old.includes(" statusline")) return old;
  const at = open(old, "remove ccr's entry from it by hand");
  const line = member(old, at, "statusLine");
  const command = line && old[line.value] === "{" ? member(old, line.value, "command") : undefined;
  const words: unknown = command && JSON.parse(old.slice(command.value, command.end));
  if (!command || typeof words !== "string" || !isOurs(words)) return old;
  const also = words.indexOf(ALSO);
  if (also >= 0) {
    const before = words.slice(also + ALSO.length + 1, -1).replaceAll("'\\''", "'");
    return old.slice(0, command.value) + JSON.stringify(before) + old.slice(command.end);
  }
  return withoutObject(drop(old, at, "statusLine"));
}

/** Undoes {@link withObject}: null for a file that ccr created. */
function withoutObject(text: string): string | null {
  if (text === NEW) return null;
  const rest = text.startsWith(EMPTY) ? text.slice(EMPTY.length) : "x";
  return rest.trim() === "" ? rest : text;
}

const hookOf = (ccr: string): string =>
  JSON.stringify({ hooks: [{ type: "command", command: `${ccr} hook` }] });
const EVENT = "StopFailure";
const isHook = (value: string): boolean => /"command":"[^"]*(?:ccr|CCR)[^"]* hook"/.test(value);

/** Adds the hook for a failed turn. */
export function addHook(old: string | null, ccr: string): string {
  const ours = hookOf(ccr);
  const text = withObject(old);
  const whole = `{"${EVENT}": [${ours}]}`;
  const at = open(text, `${PASTE} "hooks": ${whole}`);
  const hooks = member(text, at, "hooks");
  if (!hooks) return text === NEW ? `{\n  "hooks": ${whole}\n}\n` : insert(text, at, "hooks", whole);
  if (text[hooks.value] !== "{") throw new Problem("settings", '"hooks" in settings.json is not an object');
  const event = member(text, hooks.value, EVENT);
  if (!event) return insert(text, hooks.value, EVENT, `[${ours}]`);
  if (text[event.value] !== "[")
    throw new Problem("settings", `hook ${EVENT} in settings.json is not a list`);
  if (isHook(text.slice(event.value, event.end))) return old ?? text;
  const first = skip(text, event.value + 1);
  // The blank marks a list that existed and was empty, so that it stays when the hook is removed.
  if (text[first] === "]") return `${text.slice(0, event.value + 1)} ${ours}${text.slice(event.value + 1)}`;
  return `${text.slice(0, first)}${ours}, ${text.slice(first)}`;
}

/** Removes the hook. */
export function dropHook(old: string | null): string | null {
  if (old === null || !isHook(old)) return old;
  const at = open(old, "remove ccr's entry from it by hand");
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
      // Remove everything that addHook created; keep what the person had, even if it is empty now.
      if (old.slice(hooks.value, hooks.end) === `{"${EVENT}": [${one}]}`)
        return withoutObject(drop(old, at, "hooks"));
      if (list === `[${one}]`) return drop(old, hooks.value, EVENT);
      if (old[comma] === ",") return old.slice(0, i) + old.slice(next);
      return old.slice(0, old[i - 1] === " " ? i - 1 : i) + old.slice(end);
    }
    i = next;
  }
  return old;
}
