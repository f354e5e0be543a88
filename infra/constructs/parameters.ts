import { Construct } from "constructs";
import { quoted } from "../terraform-text.ts";

export interface NumberParameterProps {
  readonly displayName: string;
  readonly description: string;
  readonly icon: string;
  readonly default: number;
  readonly min: number;
  readonly max: number;
  /** Place in the form, from 1. */
  readonly order: number;
  readonly formType?: "input" | "slider";
}

/**
 * A number that the user chooses in the form.
 *
 * Parameters are written as HCL beside the JSON: Coder's form sees neither options nor validation in JSON.
 */
export class NumberParameter extends Construct {
  constructor(
    scope: Construct,
    readonly name: string,
    private readonly props: NumberParameterProps,
  ) {
    super(scope, name);
  }

  /** Reference for use inside an expression. */
  get ref(): string {
    return `data.coder_parameter.${this.name}.value`;
  }

  get value(): string {
    return `\${${this.ref}}`;
  }

  toHcl(): string {
    const { displayName, description, icon, min, max, order, formType = "input" } = this.props;
    return `data "coder_parameter" "${this.name}" {
  name         = ${quoted(this.name)}
  display_name = ${quoted(displayName)}
  description  = ${quoted(description)}
  icon         = ${quoted(icon)}
  type         = "number"
  form_type    = "${formType}"
  default      = "${this.props.default}"
  mutable      = true
  order        = ${order}

  validation {
    min = ${min}
    max = ${max}
  }
}
`;
  }
}

/** The text of parameters.tf: all parameters below `scope`, in the order of the tree. */
export const parametersOf = (scope: Construct): string =>
  scope.node
    .findAll()
    .filter((child) => child instanceof NumberParameter)
    .map((parameter) => parameter.toHcl())
    .join("\n");
