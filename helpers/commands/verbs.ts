import type { Command } from "./command.ts";

export type Verb = {
  name: string;
  /** the classic name that people type, with its own executable and shell function */
  classic?: string;
  summary: string;
  load: () => Promise<Command>;
};

/** Every verb; what is not here does not exist. The order is that of the help page. */
export const VERBS: readonly Verb[] = [
  {
    name: "version",
    summary: "print the version",
    load: async () => (await import("./version.ts")).version,
  },
];

export const verbOf = (name: string): Verb | undefined => VERBS.find((verb) => verb.name === name);
