// Templates of live sessions: your own, in the configuration folder, and the one of a project, which is used only after
// you have allowed its current content.

import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { writeAtomic } from "../system/files.ts";
import { configuration, home, state } from "../system/places.ts";
import { errno, Problem } from "../system/problem.ts";
import { parseSize } from "./cap.ts";
import type { Restart, Window } from "./journal.ts";

/** What a session is started with. Missing values are null or empty; sizes are bytes. */
export type Template = {
  /** `project` for the one of a project */
  name: string;
  file: string;
  text: string;
  directory: string | null;
  /** in addition to Claude's; empty: the usual ones */
  windows: Window[];
  model: string | null;
  permissionMode: string | null;
  prompt: string | null;
  environment: string[];
  memory: number | null;
  restart: Restart;
};

export const PROJECT = "project";
/** A bypass is not among them: it must be typed each time. */
export const PERMISSION_MODES = ["default", "manual", "acceptEdits", "auto", "plan", "dontAsk"];

const isText = (value: unknown): boolean =>
  typeof value === "string" && value !== "" && !value.includes("\0");
const isList = (of: (value: unknown) => boolean) => (value: unknown) =>
  Array.isArray(value) && value.every(of);
const fits = (pattern: RegExp) => (value: unknown) => typeof value === "string" && pattern.test(value);
const isWindow = (value: unknown): boolean => {
  const { name, command, directory, ...rest } = (value ?? {}) as Record<string, unknown>;
  return (
    fits(/^(?!claude$)[\w-]{1,32}$/)(name) &&
    (command === undefined || isText(command) || isList(isText)(command)) &&
    (directory === undefined || isText(directory)) &&
    Object.keys(rest).length === 0
  );
};

const FIELDS: Record<string, [is: (value: unknown) => boolean, what: string]> = {
  directory: [isText, "a path"],
  windows: [isList(isWindow), 'a list of {"name", "command", "directory"}'],
  model: [fits(/^[\w.:@[\]/][\w.:@[\]/-]*$/), "a model's name"],
  permissionMode: [(value) => PERMISSION_MODES.includes(value as string), PERMISSION_MODES.join(", ")],
  prompt: [isText, "text"],
  environment: [isList(fits(/^[A-Za-z_]\w*$/)), "a list of variable names"],
  memory: [(value) => parseSize(value) !== null, 'a size such as "2G"'],
  restart: [fits(/^(no|on-failure)$/), "no or on-failure"],
};

/** Parses a template. Throws a Problem that names the wrong field. */
export function parseTemplate(name: string, file: string, text: string): Template {
  const wrong = (what: string): Problem =>
    new Problem("template", `${file}: ${what}`, { hint: "list the fields: ccr template --help" });
  let tree: unknown;
  try {
    tree = JSON.parse(text);
  } catch {
    throw wrong("not valid JSON");
  }
  if (typeof tree !== "object" || tree === null || Array.isArray(tree)) throw wrong("not a JSON object");
  for (const [field, value] of Object.entries(tree)) {
    const [is, what] = (Object.hasOwn(FIELDS, field) && FIELDS[field]) || [];
    if (!is) throw wrong(`unknown field: ${field}`);
    if (!is(value)) throw wrong(`${field} must be ${what}`);
  }
  const given = tree as Partial<Omit<Template, "windows" | "directory" | "memory">> & {
    directory?: string;
    memory?: unknown;
    windows?: { name: string; command?: string | string[]; directory?: string }[];
  };
  const root = name === PROJECT ? resolve(file, "../..") : home();
  const place = (path: string, base: string): string => resolve(base, path.replace(/^~(?=\/|$)/, home()));
  const usual = name === PROJECT ? root : null;
  const directory = given.directory === undefined ? usual : place(given.directory, root);
  return {
    model: null,
    permissionMode: null,
    prompt: null,
    environment: [],
    restart: "no",
    ...given,
    name,
    file,
    text,
    directory,
    memory: given.memory === undefined ? null : parseSize(given.memory),
    windows: (given.windows ?? []).map(({ name, command = [], directory: at }) => ({
      name,
      directory: at === undefined ? "" : place(at, directory ?? root),
      command: typeof command === "string" ? inShell(command) : command,
    })),
  };
}

/** The command that runs a line in a shell, then starts an interactive shell, so that the window stays. */
const inShell = (line: string): string[] => ["/bin/sh", "-c", `${line}\nexec "\${SHELL:-/bin/sh}"`];

const folder = (): string => join(configuration(), "templates");
export const templateFile = (name: string): string => join(folder(), `${name}.json`);
export const isTemplateName = (name: string): boolean =>
  /^[A-Za-z0-9][\w-]{0,63}$/.test(name) && name !== PROJECT;

/** Names of your own templates. */
export function templateNames(): string[] {
  try {
    return readdirSync(folder())
      .flatMap((file) => (file.endsWith(".json") ? file.slice(0, -5) : []))
      .filter(isTemplateName)
      .sort();
  } catch {
    return [];
  }
}

function readText(file: string): string | null {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if (errno(error) === "ENOENT" || errno(error) === "ENOTDIR") return null;
    throw error;
  }
}

/** Reads one of your own templates. Throws a Problem when there is none of this name. */
export function templateNamed(name: string): Template {
  const text = isTemplateName(name) ? readText(templateFile(name)) : null;
  if (text !== null) return parseTemplate(name, templateFile(name), text);
  throw new Problem("no-template", `no template named "${name}"`, {
    hint: [
      `your templates: ${templateNames().join(", ") || "none yet"}`,
      "create one: ccr template new NAME",
    ],
    exit: 2,
  });
}

/** The template of the project in a directory, allowed or not. Null when there is none. */
export function projectTemplate(directory: string): Template | null {
  const file = join(directory, ".ccr/template.json");
  const text = readText(file);
  return text === null ? null : parseTemplate(PROJECT, file, text);
}

/** Depends on path and content: a changed template, or a copy of an allowed one, must be allowed again. */
async function markOf({ file, text }: Template): Promise<string> {
  const { createHash } = await import("node:crypto");
  return join(state(), "allowed", createHash("sha256").update(`${file}\0${text}`).digest("hex"));
}

/** Whether a template may be used. Your own always may. */
export const isAllowed = async (template: Template): Promise<boolean> =>
  template.name !== PROJECT || readText(await markOf(template)) !== null;

/** Allows a template with its current content. */
export const allow = async (template: Template): Promise<void> =>
  writeAtomic(await markOf(template), `${template.file}\n`);
