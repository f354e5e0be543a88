import { join } from "node:path";
import { readText, writeAtomic } from "./files.ts";
import { configuration } from "./places.ts";
import { errno, Problem } from "./problem.ts";

export type Value = boolean | number | string;
/** `choices`, `form` or `least`..`most` bound a value; `about` is its documentation. */
export type Key = {
  default: Value;
  about: string;
  choices?: readonly string[];
  form?: readonly [RegExp, what: string];
  least?: number;
  most?: number;
};

/** Every key of `config.json`, by its dotted name. In the file `a.b` is `{"a": {"b": …}}`. */
export const KEYS = {
  autoResume: { default: false, about: "let ccr supervise resume limited sessions after their reset" },
  "resume.mode": {
    default: "auto",
    choices: ["auto", "tmux", "headless"],
    about: "how: in tmux (attachable), headless (claude -p), or tmux where it exists",
  },
  "resume.prompt": { default: "continue", about: "what a resumed session is told" },
  "resume.permissionMode": {
    default: "own",
    choices: ["own", "default", "acceptEdits", "auto", "plan", "dontAsk"],
    about: "permission mode of resumed sessions; own = the session's last one",
  },
  "resume.max": { default: 10, least: 1, most: 100, about: "at most so many resumes work at once" },
  "resume.interval": { default: 2, least: 0, most: 3600, about: "seconds between two starts" },
  "resume.since": {
    default: 7,
    least: 1,
    most: 365,
    about: "days after which a limited session is left alone",
  },
  "resume.perDay": {
    default: 40,
    least: 1,
    most: 1000,
    about: "at most so many resumes by supervise in 24 hours",
  },
  "notify.percent": { default: 80, least: 1, most: 100, about: "warn when so much of a window is used" },
  "notify.command": { default: "", about: "command that a warning is given to, in CCR_MESSAGE (run by sh)" },
  "tmux.socket": { default: "", about: "name of a tmux server of ccr's own (tmux -L); empty = yours" },
  restore: {
    default: "lazy",
    choices: ["lazy", "eager", "off"],
    about: "sessions after a restart: back and waiting for Enter, all started, or left away",
  },
  maxSessions: { default: 12, least: 1, most: 1000, about: "at most so many Claudes at once" },
  memory: {
    default: "",
    form: [/^(\d+(\.\d+)?[MGT])?$/i, "a size like 4G"],
    about: "memory that each session may use, like 4G; empty = no cap",
  },
  "recording.on": { default: true, about: "record what live sessions print (ccr replay)" },
  "recording.megabytes": { default: 32, least: 1, most: 10_000, about: "room for one recording" },
  "recording.days": { default: 30, least: 1, most: 3650, about: "days after which a recording is deleted" },
} as const satisfies Record<string, Key>;

export type KeyName = keyof typeof KEYS;
type Widened<T> = T extends boolean ? boolean : T extends number ? number : string;
export type Config = { [K in KeyName]: Widened<(typeof KEYS)[K]["default"]> };

export const configFile = (): string => join(configuration(), "config.json");

type Tree = { [name: string]: unknown };

function readTree(): Tree {
  let text: string;
  try {
    text = readText(configFile());
  } catch (error) {
    if (errno(error) === "ENOENT") return {};
    throw error;
  }
  let tree: unknown;
  try {
    tree = text.trim() === "" ? {} : JSON.parse(text);
  } catch (error) {
    const why = error instanceof Error ? error.message : "no JSON";
    throw new Problem("config", `${configFile()} is no JSON: ${why}.`, {
      hint: "fix it by hand; ccr does not touch it",
    });
  }
  if (typeof tree !== "object" || tree === null || Array.isArray(tree)) {
    throw new Problem("config", `${configFile()} must hold one JSON object.`, {
      hint: "ccr config list shows the keys",
    });
  }
  return tree as Tree;
}

/** Dotted names and values of a tree. */
function flat(tree: Tree, before = ""): [string, unknown][] {
  return Object.entries(tree).flatMap(([name, value]) => {
    const key = before + name;
    return !(key in KEYS) && typeof value === "object" && value !== null && !Array.isArray(value)
      ? flat(value as Tree, `${key}.`)
      : [[key, value] as [string, unknown]];
  });
}

const keyOf = (name: string): Key => {
  const key = Object.hasOwn(KEYS, name) ? KEYS[name as KeyName] : undefined;
  if (key) return key;
  throw new Problem("config-key", `no such key: ${name}.`, { hint: "ccr config list", exit: 2 });
};

/** What is wrong with a value, or null. */
function fault(key: Key, value: unknown): string | null {
  const kind = typeof key.default;
  if (typeof value !== kind) return `must be a ${kind}`;
  if (key.choices && !key.choices.includes(value as string))
    return `must be one of ${key.choices.join(", ")}`;
  if (key.form && !key.form[0].test(value as string)) return `must be ${key.form[1]}`;
  if (kind !== "number") return null;
  const { least = 0, most = Number.MAX_SAFE_INTEGER } = key;
  return (value as number) >= least && (value as number) <= most ? null : `must be from ${least} to ${most}`;
}

/** The configuration with defaults filled in. Throws a Problem that names the key for unknown keys and bad values. */
export function config(): Config {
  const values = Object.fromEntries(Object.entries(KEYS).map(([name, key]) => [name, key.default])) as Config;
  for (const [name, value] of flat(readTree())) {
    const key = Object.hasOwn(KEYS, name) ? KEYS[name as KeyName] : undefined;
    const wrong = key ? fault(key, value) : "is not a key that ccr knows";
    if (wrong) {
      throw new Problem("config", `${configFile()}: ${name} ${wrong}.`, {
        hint: [...(key ? [`its default again: ccr config unset ${name}`] : []), `edit it: ${configFile()}`],
      });
    }
    (values as Record<string, unknown>)[name] = value;
  }
  return values;
}

/** A value as people type it, as the key's type. Throws a Problem that names the key. */
export function parseValue(name: string, text: string): Value {
  const key = keyOf(name);
  const value =
    typeof key.default === "boolean"
      ? ({ true: true, on: true, yes: true, false: false, off: false, no: false }[text.toLowerCase()] ?? text)
      : typeof key.default === "number" && text.trim() !== "" && Number.isFinite(Number(text))
        ? Number(text)
        : text;
  const wrong = fault(key, value);
  if (wrong)
    throw new Problem("config-value", `${name} ${wrong}, not "${text}".`, {
      hint: `ccr config get ${name}`,
      exit: 2,
    });
  return value;
}

/** Sets one key (undefined: back to its default) and leaves the rest of the file as it is. */
export function setKey(name: string, value: Value | undefined): void {
  keyOf(name);
  const tree = readTree();
  const path = name.split(".");
  const last = path.pop()!;
  let at = tree;
  for (const part of path) {
    const next = at[part];
    if (typeof next !== "object" || next === null || Array.isArray(next)) at[part] = {};
    at = at[part] as Tree;
  }
  delete tree[name];
  if (value === undefined) delete at[last];
  else at[last] = value;
  writeAtomic(configFile(), `${JSON.stringify(tree, null, 2)}\n`);
}

/** Whether a key stands in the file. */
export const isSet = (name: KeyName): boolean => flat(readTree()).some(([other]) => other === name);
