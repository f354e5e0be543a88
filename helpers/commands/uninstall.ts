import { existsSync } from "node:fs";
import { type Command, isSet } from "../cli/command.ts";
import { dryRunLines } from "../cli/install-format.ts";
import { tilde } from "../install/changes.ts";
import { uninstall as uninstallFiles } from "../install/install.ts";
// Not imported on demand: by then the program file has been removed.
import { dropExtras } from "../install/install-extras.ts";
import { configuration, state } from "../system/places.ts";
import { json } from "../terminal/json.ts";
import { unicode, writeStdout } from "../terminal/output.ts";

export const uninstall: Command = {
  usage: "uninstall [--dry-run]",
  description:
    "Removes what ccr install has added: the program, its commands and functions, and the blocks in the startup files of your shells, which are then byte for byte as before. Sessions, settings and state stay.",
  flags: { "dry-run": { type: "boolean", description: "only show what would be removed" } },
  maxArgs: 0,
  json: true,
  examples: [
    ["ccr uninstall --dry-run", "show what would be removed"],
    ["ccr uninstall", "remove ccr"],
  ],
  async run(call) {
    const dry = isSet(call, "dry-run");
    const outcome = uninstallFiles({ dry });
    const { changes, problems } = outcome;
    const extras = await dropExtras(dry);
    changes.push(...extras.done.filter(({ action }) => action !== "unchanged"));
    problems.push(...extras.problems);
    for (const problem of problems) call.warn(problem);
    if (call.json) json("uninstall", { dryRun: dry, files: changes }, call.warnings);
    else if (dry) writeStdout(dryRunLines(outcome));
    else if (changes.length === 0) writeStdout("ccr is not installed in this home\n");
    else {
      const kept = [configuration(), state()].filter(existsSync).map(tilde);
      const parts = [problems.length > 0 ? "ccr uninstalled, except for the files above" : "ccr uninstalled"];
      if (kept.length > 0) parts.push(`kept: ${kept.join(", ")}`);
      writeStdout(`${parts.join(unicode() ? " · " : ", ")}\n`);
    }
    return problems.length > 0 ? 1 : 0;
  },
};
