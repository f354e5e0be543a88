import { existsSync } from "node:fs";
import { join } from "node:path";
import type { CreateOptions } from "../live/create.ts";
import type { Entry } from "../live/journal.ts";
import {
  allow,
  isAllowed,
  PROJECT,
  projectTemplate,
  type Template,
  templateNamed,
} from "../live/template.ts";
import { Problem } from "../system/problem.ts";
import { ask } from "../terminal/ask.ts";
import { clean, cleanLines } from "../terminal/clean.ts";

/**
 * Returns the template to start a session with: the named one, else the one of the directory's project if a person has
 * allowed it (asks on a terminal). Null when there is none.
 */
export async function chooseTemplate(
  name: string | undefined,
  directory: string,
  warn: (problem: Problem) => void,
): Promise<Template | null> {
  if (name === undefined && !existsSync(join(directory, ".ccr/template.json"))) return null;
  if (name !== undefined && name !== PROJECT) return templateNamed(name);
  const found = projectTemplate(directory);
  if (found === null) {
    if (name === undefined) return null;
    throw noTemplate(directory);
  }
  if (await isAllowed(found)) return found;
  const answer = ask(
    `${clean(found.file)} contains:\n${cleanLines(found.text).trimEnd()}\nUse it from now on, until it changes?`,
  );
  if (answer) {
    await allow(found);
    return found;
  }
  if (answer === null)
    warn(
      new Problem("not-allowed", "the project's template is not used: it has not been allowed yet", {
        hint: `read it, then run: ccr template allow ${directory}`,
      }),
    );
  return null;
}

/** Returns the Problem for a directory whose project has no template. */
export const noTemplate = (directory: string): Problem =>
  new Problem("no-template", `there is no project template in ${directory}`, {
    hint: "run: ccr template list",
  });

/**
 * Returns what a template means for a new session: flags for claude, windows, and what the journal keeps. `given`
 * overrides the template in the journal.
 */
export function templateOptions(
  template: Template | null,
  given: Partial<Entry> = {},
): { flags: string[]; making: Pick<CreateOptions, "windows" | "launch"> } {
  const {
    name = null,
    model = null,
    permissionMode = null,
    environment = [],
    memory = null,
    restart = "no",
    windows = [],
  } = template ?? {};
  return {
    flags: [
      ...(model === null ? [] : ["--model", model]),
      ...(permissionMode === null ? [] : ["--permission-mode", permissionMode]),
    ],
    making: {
      ...(windows.length > 0 ? { windows } : {}),
      launch: { template: name, model, permissionMode, environment, memory, restart, ...given },
    },
  };
}
