import { readFileSync } from "node:fs";
import type { Command } from "../cli/command.ts";
import { VERSION } from "../cli/version.ts";
import { writeStdout } from "../terminal/output.ts";

/** Returns the first 12 digits of the program's sha256; "source" when it is not run from the built file. */
async function buildHash(): Promise<string> {
  if (typeof __filename !== "string" || !__filename.endsWith(".cjs")) return "source";
  const { createHash } = await import("node:crypto");
  return createHash("sha256").update(readFileSync(__filename)).digest("hex").slice(0, 12);
}

export const version: Command = {
  usage: "version",
  description:
    "Prints the version of ccr and its build: the first 12 digits of the sha256 of ~/.local/lib/ccr/ccr.cjs.",
  flags: {},
  maxArgs: 0,
  examples: [["ccr version", "print the version that this shell uses"]],
  async run() {
    writeStdout(`ccr ${VERSION} (build ${await buildHash()})\n`);
    return 0;
  },
};
