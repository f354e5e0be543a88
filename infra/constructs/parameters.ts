import { Construct } from "constructs";
import { quoted } from "../terraform-text.ts";

export interface ParameterProps {
  readonly displayName: string;
  readonly description: string;
  readonly icon: string;
  /** Position in the form, from 1. */
  readonly order: number;
}

/** The lines of a block, `name = value`, with the equals signs aligned as `terraform fmt` does it. */
function attributes(values: Record<string, string>, indent: string): string {
  const width = Math.max(...Object.keys(values).map((name) => name.length));
  return Object.entries(values)
    .map(([name, value]) => `${indent}${name.padEnd(width)} = ${value}\n`)
    .join("");
}

/**
 * A field in Coder's form for a workspace.
 *
 * Parameters are written as HCL beside the JSON, because Coder's form ignores options and validation in JSON.
 */
abstract class Parameter extends Construct {
  constructor(
    scope: Construct,
    readonly name: string,
    protected readonly props: ParameterProps,
  ) {
    super(scope, name);
  }

  protected abstract readonly type: "number" | "string" | "bool";
  protected abstract readonly formType: "input" | "slider" | "dropdown" | "switch";
  protected abstract readonly defaultValue: string;

  /** Nested blocks, each indented by two. */
  protected blocks(): string[] {
    return [];
  }

  /** Reference for use inside an expression (without `${}`). */
  get ref(): string {
    return `data.coder_parameter.${this.name}.value`;
  }

  get value(): string {
    return `\${${this.ref}}`;
  }

  toHcl(): string {
    const { displayName, description, icon, order } = this.props;
    const head = attributes(
      {
        name: quoted(this.name),
        display_name: quoted(displayName),
        description: quoted(description),
        icon: quoted(icon),
        type: quoted(this.type),
        form_type: quoted(this.formType),
        default: quoted(this.defaultValue),
        mutable: "true",
        order: String(order),
      },
      "  ",
    );
    const blocks = this.blocks().map((block) => `\n${block}`);
    return `data "coder_parameter" "${this.name}" {\n${head}${blocks.join("")}}\n`;
  }
}

export interface NumberParameterProps extends ParameterProps {
  readonly default: number;
  readonly min: number;
  readonly max: number;
  readonly formType?: "input" | "slider";
}

export class NumberParameter extends Parameter {
  protected readonly type = "number";
  protected readonly formType: "input" | "slider";
  protected readonly defaultValue: string;

  constructor(
    scope: Construct,
    name: string,
    private readonly number: NumberParameterProps,
  ) {
    super(scope, name, number);
    this.formType = number.formType ?? "input";
    this.defaultValue = String(number.default);
  }

  protected override blocks(): string[] {
    const { min, max } = this.number;
    return [`  validation {\n    min = ${min}\n    max = ${max}\n  }\n`];
  }
}

export interface Choice {
  readonly name: string;
  readonly value: string;
  readonly icon?: string;
}

/** A choice of several values; the first is the default. */
export class ChoiceParameter extends Parameter {
  protected readonly type = "string";
  protected readonly formType = "dropdown";
  protected readonly defaultValue: string;

  constructor(
    scope: Construct,
    name: string,
    private readonly choice: ParameterProps & { readonly choices: readonly [Choice, ...Choice[]] },
  ) {
    super(scope, name, choice);
    this.defaultValue = choice.choices[0].value;
  }

  protected override blocks(): string[] {
    return this.choice.choices.map(({ name, value, icon }) => {
      const values = { name: quoted(name), value: quoted(value), ...(icon ? { icon: quoted(icon) } : {}) };
      return `  option {\n${attributes(values, "    ")}  }\n`;
    });
  }
}

/** A switch, off by default. Its value is the text "true" or "false". */
export class SwitchParameter extends Parameter {
  protected readonly type = "bool";
  protected readonly formType = "switch";
  protected readonly defaultValue = "false";
}

/** One line of text. Empty by default; any other text must match the pattern. */
export class TextParameter extends Parameter {
  protected readonly type = "string";
  protected readonly formType = "input";
  protected readonly defaultValue = "";

  constructor(
    scope: Construct,
    name: string,
    private readonly text: ParameterProps & { readonly pattern: string; readonly error: string },
  ) {
    super(scope, name, text);
  }

  protected override blocks(): string[] {
    const values = { regex: quoted(this.text.pattern), error: quoted(this.text.error) };
    return [`  validation {\n${attributes(values, "    ")}  }\n`];
  }
}

/** The text of parameters.tf: all parameters in `scope`, in the order in which they were created. */
export const parametersOf = (scope: Construct): string =>
  scope.node
    .findAll()
    .filter((child) => child instanceof Parameter)
    .map((parameter) => parameter.toHcl())
    .join("\n");
