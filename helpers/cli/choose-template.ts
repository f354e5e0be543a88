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
 * The template to start a session with: the one that was named, else the one that the directory's project brings,
 * once a person has allowed it. Null: none.
 */
export async function chooseTemplate(
  name: string | undefined,
  directory: string,
  warn: (problem: Problem) => void,
): Promise<Template | null> {
  if (name !== undefined && name !== PROJECT) return templateNamed(name);
  const found = projectTemplate(directory);
  if (found === null) {
    if (name === undefined) return null;
    throw none(directory);
  }
  if (await isAllowed(found)) return found;
  const answer = ask(
    `${clean(found.file)} wants this:\n${cleanLines(found.text).trimEnd()}\nUse it from now on, until it changes?`,
  );
  if (answer) {
    await allow(found);
    return found;
  }
  if (answer === null)
    warn(
      new Problem("not-allowed", "the project's template is not used: nobody has allowed it.", {
        hint: `look at it, then: ccr template allow ${directory}`,
      }),
    );
  return null;
}

export const none = (directory: string): Problem =>
  new Problem("no-template", `no template is called so, and ${directory} brings none.`, {
    hint: "ccr template list",
  });
