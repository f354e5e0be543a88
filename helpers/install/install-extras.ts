// The parts of an installation that a person asks for by name: status line, hooks, cron.

import { join } from "node:path";
import { configDirectory } from "../claude/places.ts";
import { binaries } from "../system/places.ts";
import { Problem, problemOf } from "../system/problem.ts";
import { quote } from "../system/shell-quote.ts";
import { bytesOf, Changes } from "./changes.ts";
import { addHook, addStatusLine, dropHook, dropStatusLine } from "./claude-settings.ts";
import { cron } from "./cron.ts";

export type Extras = { statusline: boolean; hooks: boolean; cron: boolean; devOpen: boolean };

const settingsFile = (): string => join(configDirectory(), "settings.json");
const HINT = "look at the file, then try again: ~/.claude/settings.json";

const devOpenFile = (): string => join(configDirectory(), "commands/dev-open.md");
const DEV_OPEN = '<!-- written by "ccr install --dev-open" -->';

/** Claude's /dev-open: a program that it starts has no terminal, so the person types the last step. */
const devOpen = (name: string): string => `---
description: Go on in this project's dev container, in this session
allowed-tools: Bash(${name} devcontainer:*)
---
${DEV_OPEN}
Run \`${name} devcontainer open --up\`; it can take ten minutes. Then tell the person its last line, word for word: what to
type to go on in the container. If it fails, tell what it says and its hints; run \`${name} devcontainer add\`, which edits
devcontainer.json, only after asking. Do nothing else.
`;

/** How settings and cron call us. The mark tells ours where the program has another name. */
const command = (name: string): string =>
  `${name.includes("ccr") ? "" : "CCR=1 "}${quote(join(binaries(), name))}`;

/** Files are edited as bytes; JSON is UTF-8. */
function asUtf8(change: (text: string | null) => string | null): (bytes: string | null) => string | null {
  return (bytes) => {
    const text = bytes === null ? null : Buffer.from(bytes, "latin1").toString("utf8");
    if (text !== null && Buffer.from(text).toString("latin1") !== bytes) {
      throw new Problem("settings", "settings.json is not UTF-8, so ccr leaves it alone.", { hint: HINT });
    }
    const next = change(text);
    return next === null ? null : Buffer.from(next).toString("latin1");
  };
}

/** Puts in what is wanted. */
export async function addExtras(name: string, wanted: Extras, dry: boolean): Promise<Changes> {
  const changes = new Changes(dry);
  const ccr = command(name);
  if (wanted.statusline)
    changes.edit(
      settingsFile(),
      asUtf8((text) => addStatusLine(text, ccr)),
      HINT,
    );
  if (wanted.hooks)
    changes.edit(
      settingsFile(),
      asUtf8((text) => addHook(text, ccr)),
      HINT,
    );
  if (wanted.devOpen) {
    if (bytesOf(devOpenFile())?.includes(DEV_OPEN) === false)
      changes.fail(
        devOpenFile(),
        new Problem("dev-open", "~/.claude/commands/dev-open.md is there, and is not ccr's.", {
          hint: "move it away, then try again",
        }),
      );
    else changes.write(devOpenFile(), devOpen(name));
  }
  // cron's own PATH finds neither tmux nor what Claude's tools need.
  if (wanted.cron) await crontab(changes, `PATH=${quote(process.env.PATH ?? "/usr/bin:/bin")} ${ccr}`, dry);
  return changes;
}

/** Takes all of it out. */
export async function dropExtras(dry: boolean): Promise<Changes> {
  const changes = new Changes(dry);
  changes.edit(
    settingsFile(),
    asUtf8((text) => dropStatusLine(dropHook(text))),
    HINT,
  );
  if (bytesOf(devOpenFile())?.includes(DEV_OPEN)) changes.remove(devOpenFile());
  await crontab(changes, null, dry);
  return changes;
}

async function crontab(changes: Changes, ccr: string | null, dry: boolean): Promise<void> {
  if (dry) return;
  try {
    const action = await cron(ccr);
    if (action !== "unchanged") changes.done.push({ path: "crontab", action });
  } catch (error) {
    changes.problems.push(problemOf(error));
  }
}
