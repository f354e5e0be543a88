import { Construct } from "constructs";
import { Script } from "#coder/script";
import { literal, shellRef, shellWord, withoutComments } from "../terraform-text.ts";

export interface FileScriptProps {
  /** Of Coder's agent only the id is needed. */
  readonly agent: { readonly id: string };
  readonly displayName: string;
  readonly icon?: string;
  /** Name of the file beside the template. */
  readonly file: string;
  /** Set before the file's own lines. Values are plain text. */
  readonly settings?: Readonly<Record<string, string>>;
  /** The same with expressions (no `${}`) for texts that Terraform knows. */
  readonly refs?: Readonly<Record<string, string>>;
  /** Use the file as it is, with its own first line and comments. */
  readonly verbatim?: boolean;
  /** Expression (no `${}`): the workspace has the script only if it is true. */
  readonly condition?: string;
  readonly on: "start" | "stop" | { readonly cron: string };
  /** Seconds. */
  readonly timeout: number;
}

/** A short script of the agent that Terraform reads from a file of the template, so that nothing is pasted or escaped. */
export class FileScript extends Construct {
  constructor(scope: Construct, id: string, props: FileScriptProps) {
    super(scope, id);
    const {
      agent,
      displayName,
      icon = "/icon/claude.svg",
      file,
      settings = {},
      refs = {},
      condition,
      on,
    } = props;
    if (typeof on === "object" && on.cron.trim().split(/\s+/).length !== 6)
      throw new Error(
        `${id}: a cron line of Coder has six fields (with five it runs every second): ${on.cron}`,
      );
    new Script(this, id, {
      ...(condition === undefined ? {} : { count: oneIf(condition) }),
      agentId: agent.id,
      displayName,
      icon,
      script: props.verbatim
        ? `\${file("\${path.module}/${file}")}`
        : [
            // Coder takes the interpreter from the first line, else the user's shell, which may be fish.
            "#!/bin/sh",
            ...Object.entries(settings).map(([name, value]) => `${name}=${literal(shellWord(value))}`),
            ...Object.entries(refs).map(([name, ref]) => `${name}=${shellRef(ref)}`),
            `\${${withoutComments(file)}}`,
          ].join("\n"),
      ...trigger(on),
      timeout: props.timeout,
    });
  }
}

function trigger(on: FileScriptProps["on"]) {
  if (on === "start") return { runOnStart: true };
  if (on === "stop") return { runOnStop: true };
  return { cron: on.cron };
}

// biome-ignore lint/suspicious/noExplicitAny: cdktf takes a number or its own type here, Terraform any expression
const oneIf = (condition: string): any => `\${${condition} ? 1 : 0}`;
