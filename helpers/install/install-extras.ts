// Optional parts of an installation: status line, hooks, cron, /dev-open.

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
const HINT = "check ~/.claude/settings.json, then run it again";

const devOpenFile = (): string => join(configDirectory(), "commands/dev-open.md");
const DEV_OPEN = '<!-- written by "ccr install --dev-open" -->';

/** The text of Claude's command /dev-open. A program that Claude starts has no terminal, so the person types the last step. */
const devOpen = (name: string): string => `---
description: Continue this session in the dev container of this project
allowed-tools: Bash(${name} devcontainer:*)
---
${DEV_OPEN}
Run \`${name} devcontainer open --up\`; it can take ten minutes. Then show the person its last line, word for word: it is
what to type to continue in the container. If it fails, show its message and hints. Run \`${name} devcontainer add\`, which
edits devcontainer.json, only after asking. Do nothing else.
`;

/** Returns how settings and cron call ccr. `CCR=1` marks the call when the program has another name. */
const command = (name: string): string =>
  `${name.includes("ccr") ? "" : "CCR=1 "}${quote(join(binaries(), name))}`;

/** Makes a change of UTF-8 text work on bytes (latin1), as files are edited. */
function asUtf8(change: (text: string | null) => string | null): (bytes: string | null) => string | null {
  return (bytes) => {
    const text = bytes === null ? null : Buffer.from(bytes, "latin1").toString("utf8");
    if (text !== null && Buffer.from(text).toString("latin1") !== bytes) {
      throw new Problem("settings", "settings.json is not UTF-8; ccr does not edit it", { hint: HINT });
    }
    const next = change(text);
    return next === null ? null : Buffer.from(next).toString("latin1");
  };
}

/** Adds the chosen extras. */
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
        new Problem("dev-open", "~/.claude/commands/dev-open.md exists and was not written by ccr", {
          hint: "move it away, then run it again",
        }),
      );
    else changes.write(devOpenFile(), devOpen(name));
  }
  // With the PATH of cron, neither tmux nor what Claude's tools need is found.
  if (wanted.cron) await crontab(changes, `PATH=${quote(process.env.PATH ?? "/usr/bin:/bin")} ${ccr}`, dry);
  return changes;
}

/** Removes all extras. */
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
