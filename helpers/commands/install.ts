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
    "Puts this program into ~/.local/lib/ccr, its commands into ~/.local/bin, functions for bash and zsh into ~/scripts/claude-resume-helpers.sh, and one marked block into .bashrc (and into the files of zsh and fish where they are used). Again: what is right already is not touched. Under another name ccr-list follows (NAME-list); cct and ccra stay. The name is remembered; CCR_NAME sets it too.",
  flags: {
    name: { type: "string", value: "name", description: "call it so, where another program is called ccr" },
    statusline: {
      type: "boolean",
      description: "also put ccr's status line into ~/.claude/settings.json; one that is there goes on",
    },
    hooks: { type: "boolean", description: "also the hook that tells the dashboard of a limit at once" },
    cron: { type: "boolean", description: "also a line in your crontab: ccr supervise every five minutes" },
    "dev-open": {
      type: "boolean",
      description: "also the command /dev-open for Claude: on into the dev container",
    },
    "dry-run": { type: "boolean", description: "only say what would be written" },
  },
  maxArgs: 0,
  json: true,
  examples: [
    ["node ccr.cjs install", "install this file"],
    ["ccr install --dry-run", "what would be written"],
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
    const wanted = {
      statusline: isSet(call, "statusline"),
      hooks: isSet(call, "hooks"),
      cron: isSet(call, "cron"),
      devOpen: isSet(call, "dev-open"),
    };
    if (Object.values(wanted).includes(true)) {
      const extras = await (await import("../install/install-extras.ts")).addExtras(name, wanted, dry);
      changes.push(...extras.done);
      problems.push(...extras.problems);
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
  const whole = problems.length === 0 ? "" : " in part";
  const parts = [`ccr ${VERSION} installed${name === PROGRAM ? "" : ` as ${name}`}${whole}`];
  if (shells.length > 0) parts.push(`shell files ready (${shells.join(", ")})`);
  if (!changed && problems.length === 0) parts.push("nothing changed");
  const line = `${parts.join(between)}\n`;
  return changed && isTerminal(1)
    ? `${line}start a new shell, or type: . ~/scripts/claude-resume-helpers.sh\n`
    : line;
}
