import { type TerraformElement, TerraformOutput, TerraformStack, TerraformVariable } from "cdktf";
import type { Construct, Node } from "constructs";
import { CoderProvider } from "#coder/provider";
import { rowsOf } from "../constructs/dashboard.ts";
import { FileScript } from "../constructs/file-script.ts";
import { SessionApps } from "../constructs/session-apps.ts";
import { SetupScript } from "../constructs/setup-script.ts";
import type { Program } from "../program.ts";
import { nodeOf, type Settings } from "../settings.ts";
import { literal } from "../terraform-text.ts";

/** A Terraform module that adds ccr to the workspaces of any template. */
export class HelperModule extends TerraformStack {
  constructor(scope: Construct, id: string, settings: Settings, program: Program) {
    super(scope, id);
    const { command, homePath } = settings;
    const variable = (name: string, type: string, description: string, defaultValue?: string | boolean) =>
      new TerraformVariable(this, name, { type, description, default: defaultValue, nullable: false });
    variable("agent_id", "string", "Id of the agent, such as coder_agent.main.id.");
    variable("auto_resume", "bool", "Resume limited sessions automatically, every five minutes.", false);
    variable(
      "node_base_url",
      "string",
      "Where to download Node when the image has none.",
      literal(settings.nodeBaseUrl),
    );

    // The module names its provider; the template that uses the module configures it.
    new CoderProvider(this, "coder");
    this.addOverride("provider", undefined);
    this.addOverride("terraform.required_providers.coder.version", ">= 2.18.0");

    const agent = { id: "${var.agent_id}" };
    new SetupScript(this, "setup", {
      agent,
      command,
      ...program,
      node: { baseUrlRef: "var.node_base_url", ...nodeOf(settings) },
    });
    new FileScript(this, "upkeep", {
      agent,
      displayName: "Resume limited sessions",
      file: "upkeep.sh",
      settings: { ccr_name: command },
      condition: "var.auto_resume",
      on: { cron: "0 */5 * * * *" },
      timeout: 280,
    });
    new FileScript(this, "stop", {
      agent,
      displayName: "Stop Claude sessions",
      file: "stop.sh",
      settings: { ccr_name: command, ccr_patience: "10" },
      on: "stop",
      timeout: 30,
    });
    new SessionApps(this, "sessions", { agent, command });
    new TerraformOutput(this, "rows", {
      description: "Rows for the agent's metadata blocks; see README.md.",
      value: rowsOf({ command, homePath, pieces: program.pieces })
        .filter(({ key }) => ["live", "limited", "reset", "ccr"].includes(key))
        .map(({ displayName, ...row }) => ({ ...row, display_name: displayName })),
    });
  }

  protected override allocateLogicalId(element: TerraformElement | Node): string {
    return "node" in element ? element.node.id : element.id;
  }
}
