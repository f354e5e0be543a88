import { TerraformVariable } from "cdktf";
import { Construct } from "constructs";
import { type Name, OPTIONS, type Option, type Settings } from "../settings.ts";
import { literal, quoted } from "../terraform-text.ts";

/** The options that a deployment may set without a new synth, as Terraform variables with the settings as defaults. */
export class Variables extends Construct {
  constructor(scope: Construct, settings: Settings) {
    super(scope, "variables");
    for (const [name, { about, variable, kind }] of Object.entries<Option<unknown>>(OPTIONS)) {
      if (!variable) continue;
      const standard = settings[name as Name];
      const { pattern, says } = kind;
      const validation = pattern && [
        {
          condition: `\${can(regex(${quoted(pattern.source)}, var.${snake(name)}))}`,
          errorMessage: literal(`${snake(name)} must be ${says}.`),
        },
      ];
      new TerraformVariable(this, snake(name), {
        type: typeof standard === "boolean" ? "bool" : typeof standard,
        default: typeof standard === "string" ? literal(standard) : standard,
        description: literal(about),
        nullable: false,
        ...(validation ? { validation } : {}),
      });
    }
  }

  /** Reference for use inside an expression. */
  ref(name: Name): string {
    return `var.${snake(name)}`;
  }

  value(name: Name): string {
    return `\${${this.ref(name)}}`;
  }
}

const snake = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
