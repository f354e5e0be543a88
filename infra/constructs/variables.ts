import { TerraformVariable } from "cdktf";
import { Construct } from "constructs";
import { type Name, OPTIONS, type Option, type Settings } from "../settings.ts";
import { literal, quoted } from "../terraform-text.ts";

/** Terraform variables for the options that a deployment can set without a new synth. The settings are the defaults. */
export class Variables extends Construct {
  constructor(scope: Construct, settings: Settings) {
    super(scope, "variables");
    for (const [name, { description, variable, validator }] of Object.entries<Option<unknown>>(OPTIONS)) {
      if (!variable) continue;
      const defaultValue = settings[name as Name];
      const { pattern, expected } = validator;
      const validation = pattern && [
        {
          condition: `\${can(regex(${quoted(pattern.source)}, var.${snake(name)}))}`,
          errorMessage: literal(`${snake(name)} must be ${expected}.`),
        },
      ];
      new TerraformVariable(this, snake(name), {
        type: typeof defaultValue === "boolean" ? "bool" : typeof defaultValue,
        default: typeof defaultValue === "string" ? literal(defaultValue) : defaultValue,
        description: literal(description),
        nullable: false,
        ...(validation ? { validation } : {}),
      });
    }
  }

  /** Reference for use inside an expression (without `${}`). */
  ref(name: Name): string {
    return `var.${snake(name)}`;
  }

  value(name: Name): string {
    return `\${${this.ref(name)}}`;
  }
}

const snake = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
