import { TerraformLocal } from "cdktf";
import { Construct } from "constructs";
import { Script } from "#coder/script";
import { PART_MARK, PART_NUMBER } from "../../helpers/build.ts";
import { literal, shellWord } from "../terraform-text.ts";
import { withoutComments } from "./file-script.ts";

export interface SetupScriptProps {
  /** Of Coder's agent, its id is all that is needed. */
  readonly agent: { readonly id: string };
  /** Name of the command in the workspace. */
  readonly command: string;
  readonly version: string;
  readonly node: {
    /** Reference (no `${}`) to the address under which the archives lie. */
    readonly baseUrlRef: string;
    readonly version: string;
    readonly sha256: { readonly x64: string; readonly arm64: string };
  };
}

/** Lines short enough: Coder hangs for ever on a line of output over 64 KiB. */
const lines = (value: string): string => `join("\\n", regexall(".{1,1000}", ${value}))`;

/**
 * Installs the helper at every start of the workspace.
 *
 * Terraform composes two scripts from the files that lie beside the template: settings and the packed helper, then
 * setup.sh; and the helper's second part, then part.sh. They run at once, and in either order.
 */
export class SetupScript extends Construct {
  constructor(scope: Construct, id: string, { agent, command, version, node }: SetupScriptProps) {
    super(scope, id);
    const settings = {
      ccr_version: version,
      ccr_name: command,
      ccr_node_version: node.version,
      ccr_node_sha256_x64: node.sha256.x64,
      ccr_node_sha256_arm64: node.sha256.arm64,
    };
    const assignments = Object.entries(settings).map(([key, value]) => `${key}=${shellWord(value)}`);
    new TerraformLocal(
      this,
      "parts",
      `\${split(${JSON.stringify(PART_MARK)}, file("\${path.module}/ccr.cjs"))}`,
    );
    new TerraformLocal(this, "helper", `\${${lines("base64gzip(local.parts[0])")}}`);
    new TerraformLocal(this, "second_part", `\${${lines("chomp(local.parts[1])")}}`);
    new TerraformLocal(this, "node_base_url", `\${replace(${node.baseUrlRef}, "'", "'\\\\''")}`);
    new Script(this, "setup", {
      agentId: agent.id,
      displayName: "Claude sessions",
      icon: "/icon/claude.svg",
      script: [
        // Coder takes the interpreter from the first line, else the user's shell, which may be fish.
        "#!/bin/sh",
        ...assignments.map(literal),
        "ccr_node_base_url='${local.node_base_url}'",
        "ccr_payload='${local.helper}'",
        withoutComments("setup.sh"),
      ].join("\n"),
      runOnStart: true,
      startBlocksLogin: true,
      timeout: 600,
    });
    new Script(this, "part", {
      agentId: agent.id,
      displayName: "Claude sessions, part 2",
      icon: "/icon/claude.svg",
      script: [
        "#!/bin/sh",
        `ccr_part_number=${PART_NUMBER}`,
        "ccr_part='${local.second_part}'",
        withoutComments("part.sh"),
      ].join("\n"),
      runOnStart: true,
      startBlocksLogin: true,
      timeout: 600,
    });
  }
}
