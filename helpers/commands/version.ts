import { out } from "../terminal/output.ts";
import type { Command } from "./command.ts";

declare const CCR_VERSION: string;

/** The version of this program, from package.json at build time. */
export const VERSION: string = typeof CCR_VERSION === "string" ? CCR_VERSION : "0.0.0-source";

export const version: Command = {
  usage: "version",
  about: "Prints the version of ccr.",
  flags: {},
  most: 0,
  examples: [["ccr version", "the version of the helper that this shell uses"]],
  run() {
    out(`ccr ${VERSION}\n`);
    return 0;
  },
};
