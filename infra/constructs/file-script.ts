import { Construct } from "constructs";
import { Script } from "#coder/script";
import { literal, shellWord } from "../terraform-text.ts";

export interface FileScriptProps {
  /** Of Coder's agent, its id is all that is needed. */
  readonly agent: { readonly id: string };
  readonly displayName: string;
  readonly icon?: string;
  /** Name of the file beside the template. */
  readonly file: string;
  /** Set before the file's own lines. Values are plain text. */
  readonly settings?: Readonly<Record<string, string>>;
  /** The same with references (no `${}`) to texts that Terraform knows. */
  readonly refs?: Readonly<Record<string, string>>;
  /** Take the file as it is, with its own first line and comments. */
  readonly whole?: boolean;
  /** Condition (no `${}`) under which the script is there. */
  readonly when?: string;
  readonly on: "start" | "stop" | { readonly cron: string };
  /** Seconds. */
  readonly timeout: number;
}

/** A value that Terraform knows as a word of a shell script. */
export const shellRef = (ref: string): string => `'\${replace(${ref}, "'", "'\\\\''")}'`;

/** A file of the template without comments, empty lines and indentation: those are for people who read the file. */
export const withoutComments = (file: string): string =>
  `\${replace(file("\${path.module}/${file}"), "/(?m)^ *(#.*)?\\n|^ +/", "")}`;

/** A short script of the agent's, read from a file of the template: nothing is pasted or escaped. */
export class FileScript extends Construct {
  constructor(scope: Construct, id: string, props: FileScriptProps) {
    super(scope, id);
    const { agent, displayName, icon = "/icon/claude.svg", file, settings = {}, refs = {}, when, on } = props;
    if (typeof on === "object" && on.cron.trim().split(/\s+/).length !== 6)
      throw new Error(
        `${id}: a cron line of Coder has six fields (with five it runs every second): ${on.cron}`,
      );
    new Script(this, id, {
      ...(when === undefined ? {} : { count: conditional(when) }),
      agentId: agent.id,
      displayName,
      icon,
      script: props.whole
        ? `\${file("\${path.module}/${file}")}`
        : [
            // Coder takes the interpreter from the first line, else the user's shell, which may be fish.
            "#!/bin/sh",
            ...Object.entries(settings).map(([name, value]) => `${name}=${literal(shellWord(value))}`),
            ...Object.entries(refs).map(([name, ref]) => `${name}=${shellRef(ref)}`),
            withoutComments(file),
          ].join("\n"),
      ...(on === "start" ? { runOnStart: true } : on === "stop" ? { runOnStop: true } : { cron: on.cron }),
      timeout: props.timeout,
    });
  }
}

// biome-ignore lint/suspicious/noExplicitAny: cdktf takes a number or its own type here, Terraform any expression
const conditional = (when: string): any => `\${${when} ? 1 : 0}`;
