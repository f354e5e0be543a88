import { join } from "node:path";
import { readText, writeAtomic } from "./files.ts";
import { configuration } from "./places.ts";
import { errno, Problem } from "./problem.ts";

export type Value = boolean | number | string;
/** A key of the configuration. A value must be one of `choices`, match `pattern`, or be from `min` to `max`. */
export type Key = {
  default: Value;
  description: string;
  choices?: readonly string[];
  pattern?: readonly [RegExp, meaning: string];
  min?: number;
  max?: number;
};

/** Every key of `config.json` by its dotted name: `a.b` is `{"a": {"b": …}}` in the file. */
export const KEYS = {
  autoResume: { default: false, description: "let ccr supervise resume limited sessions after their reset" },
  "resume.mode": {
    default: "auto",
    choices: ["auto", "tmux", "headless"],
    description: "where to resume: tmux, headless (claude -p), or auto (tmux if it is installed)",
  },
  "resume.prompt": { default: "continue", description: "prompt that is sent to resumed sessions" },
  "resume.permissionMode": {
    default: "own",
    choices: ["own", "default", "acceptEdits", "auto", "plan", "dontAsk"],
    description:
      "permission mode of resumed sessions: own (the last mode of each session), default, acceptEdits, auto, plan or dontAsk",
  },
  "resume.max": {
    default: 10,
    min: 1,
    max: 100,
    description: "maximum number of resumed sessions that work at the same time",
  },
  "resume.interval": { default: 2, min: 0, max: 3600, description: "seconds between two resumes" },
  "resume.since": {
    default: 7,
    min: 1,
    max: 365,
    description: "days after which a limited session is no longer resumed",
  },
  "resume.perDay": {
    default: 40,
    min: 1,
    max: 1000,
    description: "maximum number of sessions that ccr supervise resumes in 24 hours",
  },
  "notify.percent": {
    default: 80,
    min: 1,
    max: 100,
    description: "percentage of a usage limit at which ccr warns",
  },
  "notify.command": { default: "", description: "command that sh runs with the warning in CCR_MESSAGE" },
  "tmux.socket": {
    default: "",
    description: "name of a separate tmux server (tmux -L); empty = your default server",
  },
  restore: {
    default: "lazy",
    choices: ["lazy", "eager", "off"],
    description:
      "after a restart: restore sessions and start them on Enter (lazy) or at once (eager), or restore nothing (off)",
  },
  maxSessions: { default: 12, min: 1, max: 1000, description: "maximum number of live sessions" },
  memory: {
    default: "",
    pattern: [/^(\d+(\.\d+)?[MGT])?$/i, "a size such as 4G"],
    description: "memory limit of each session, such as 4G; empty = no limit",
  },
  "recording.on": { default: true, description: "record the output of live sessions (see ccr replay)" },
  "recording.megabytes": {
    default: 32,
    min: 1,
    max: 10_000,
    description: "maximum size of one recording in MB",
  },
  "recording.days": {
    default: 30,
    min: 1,
    max: 3650,
    description: "days after which a recording is deleted",
  },
} as const satisfies Record<string, Key>;

export type KeyName = keyof typeof KEYS;
type Widened<T> = T extends boolean ? boolean : T extends number ? number : string;
export type Config = { [K in KeyName]: Widened<(typeof KEYS)[K]["default"]> };

/** Path of `config.json`. */
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
    const why = error instanceof Error ? error.message : "cannot be parsed";
    throw new Problem("config", `${configFile()} is not valid JSON: ${why}`, {
      hint: "fix it in an editor; ccr does not change it",
    });
  }
  if (typeof tree !== "object" || tree === null || Array.isArray(tree)) {
    throw new Problem("config", `${configFile()} must contain one JSON object`, {
      hint: "list the keys: ccr config list",
    });
  }
  return tree as Tree;
}

/** Lists the dotted names and values of a tree. */
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
  throw new Problem("config-key", `unknown key: ${name}`, {
    hint: "list the keys: ccr config list",
    exit: 2,
  });
};

/** Says what is wrong with a value. Null when nothing is. */
function fault(key: Key, value: unknown): string | null {
  const kind = typeof key.default;
  if (typeof value !== kind) return `must be a ${kind}`;
  if (key.choices && !key.choices.includes(value as string))
    return `must be one of ${key.choices.join(", ")}`;
  if (key.pattern && !key.pattern[0].test(value as string)) return `must be ${key.pattern[1]}`;
  if (kind !== "number") return null;
  const { min = 0, max = Number.MAX_SAFE_INTEGER } = key;
  return (value as number) >= min && (value as number) <= max ? null : `must be from ${min} to ${max}`;
}

/** Reads the configuration and fills in defaults. Throws a Problem that names the key for unknown keys and bad values. */
export function config(): Config {
  const values = Object.fromEntries(Object.entries(KEYS).map(([name, key]) => [name, key.default])) as Config;
  for (const [name, value] of flat(readTree())) {
    const key = Object.hasOwn(KEYS, name) ? KEYS[name as KeyName] : undefined;
    const wrong = key ? fault(key, value) : "is not a known key";
    if (wrong) {
      throw new Problem("config", `${configFile()}: ${name} ${wrong}`, {
        hint: [...(key ? [`restore its default: ccr config unset ${name}`] : []), `edit it: ${configFile()}`],
      });
    }
    (values as Record<string, unknown>)[name] = value;
  }
  return values;
}

/** Converts a value as typed to the type of its key. Throws a Problem that names the key. */
export function parseValue(name: string, text: string): Value {
  const key = keyOf(name);
  const value = typedValue(key, text);
  const wrong = fault(key, value);
  if (wrong)
    throw new Problem("config-value", `${name} ${wrong}, not "${text}"`, {
      hint: `see its value: ccr config get ${name}`,
      exit: 2,
    });
  return value;
}

const BOOLEANS: Record<string, boolean> = {
  true: true,
  on: true,
  yes: true,
  false: false,
  off: false,
  no: false,
};

/** The value that a text stands for; the text itself when it is none of the key's type. */
function typedValue(key: Key, text: string): Value {
  if (typeof key.default === "boolean") return BOOLEANS[text.toLowerCase()] ?? text;
  const isNumber = text.trim() !== "" && Number.isFinite(Number(text));
  return typeof key.default === "number" && isNumber ? Number(text) : text;
}

/** Sets one key, or removes it (undefined) so that its default applies. The rest of the file stays as it is. */
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

/** Whether the file sets a key. */
export const isSet = (name: KeyName): boolean => flat(readTree()).some(([other]) => other === name);
