import { realpathSync } from "node:fs";
import { type Command, type CommandEntry, isSet, stringFlag } from "../cli/command.ts";
import { dryRunLines } from "../cli/install-format.ts";
import { VERSION } from "../cli/version.ts";
import { install as installFiles, type Outcome } from "../install/install.ts";
import { PROGRAM } from "../install/names.ts";
import { json } from "../terminal/json.ts";
import { isTerminal, unicode, writeStdout } from "../terminal/output.ts";

/** The list of commands is passed in because that list imports this file. */
export const install = (commands: readonly CommandEntry[]): Command => ({
  usage: "install [--name name] [--statusline] [--hooks] [--cron] [--dev-open] [--dry-run]",
  description:
    "Installs this program into ~/.local/lib/ccr, its commands into ~/.local/bin, functions for bash and zsh into ~/scripts/claude-resume-helpers.sh, and one marked block into .bashrc (and into the startup files of zsh and fish if you use them). You can run it again: files that are up to date are not changed. With --name, ccr-list and the other ccr- commands are renamed too (NAME-list); cct and ccra keep their names. The name is remembered; CCR_NAME also sets it.",
  flags: {
    name: {
      type: "string",
      value: "name",
      description: "use another name, if a program called ccr already exists",
    },
    statusline: {
      type: "boolean",
      description: "also add ccr's status line to ~/.claude/settings.json; an existing status line is kept",
    },
    hooks: {
      type: "boolean",
      description: "also add the hook that shows a usage limit on the dashboard immediately",
    },
    cron: { type: "boolean", description: "also add ccr supervise to your crontab, every five minutes" },
    "dev-open": {
      type: "boolean",
      description: "also add the command /dev-open to Claude: it moves the session into the dev container",
    },
    "dry-run": { type: "boolean", description: "only show what would be written" },
  },
  maxArgs: 0,
  json: true,
  examples: [
    ["node ccr.cjs install", "install from this file"],
    ["ccr install --dry-run", "show what would be written"],
    ["ccr install --name cr", "type cr, cr-list, cr-find, …"],
  ],
  async run(call) {
    const dry = isSet(call, "dry-run");
    const file = realpathSync(process.argv[1] ?? "");
    const outcome = installFiles({
      file,
      node: process.execPath,
      commands,
      name: stringFlag(call, "name"),
      dry,
    });
    const { name, shells, changes, problems, warnings } = outcome;
    const extras = {
      statusline: isSet(call, "statusline"),
      hooks: isSet(call, "hooks"),
      cron: isSet(call, "cron"),
      devOpen: isSet(call, "dev-open"),
    };
    if (Object.values(extras).includes(true)) {
      const { addExtras } = await import("../install/install-extras.ts");
      const added = await addExtras(name, extras, dry);
      changes.push(...added.done);
      problems.push(...added.problems);
    }
    for (const problem of [...warnings, ...problems]) call.warn(problem);
    if (call.json) {
      const fields = { name, version: VERSION, node: process.execPath, shells, dryRun: dry, files: changes };
      json("install", fields, call.warnings);
    } else if (dry) writeStdout(dryRunLines(outcome));
    else writeStdout(summary(outcome));
    return problems.length > 0 ? 1 : 0;
  },
});

function summary({ name, shells, changes, problems }: Outcome): string {
  const changed = changes.some(({ action }) => action !== "unchanged" && action !== "failed");
  const between = unicode() ? " · " : ", ";
  const partly = problems.length === 0 ? "" : " in part";
  const parts = [`ccr ${VERSION} installed${name === PROGRAM ? "" : ` as ${name}`}${partly}`];
  if (shells.length > 0) parts.push(`shell files ready (${shells.join(", ")})`);
  if (!changed && problems.length === 0) parts.push("nothing changed");
  const line = `${parts.join(between)}\n`;
  return changed && isTerminal(1)
    ? `${line}start a new shell, or run: . ~/scripts/claude-resume-helpers.sh\n`
    : line;
}
