import { TerraformVariable } from "cdktf";
import { Construct } from "constructs";
import { type Name, OPTIONS, type Settings } from "../settings.ts";
import { literal } from "../terraform-text.ts";

/** The options that a deployment may set without a new synth, as Terraform variables with the settings as defaults. */
export class Variables extends Construct {
  constructor(scope: Construct, settings: Settings) {
    super(scope, "variables");
    for (const [name, { about, variable }] of Object.entries(OPTIONS)) {
      if (!variable) continue;
      const standard = settings[name as Name];
      new TerraformVariable(this, snake(name), {
        type: typeof standard === "boolean" ? "bool" : typeof standard,
        default: typeof standard === "string" ? literal(standard) : standard,
        description: literal(about),
        nullable: false,
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
