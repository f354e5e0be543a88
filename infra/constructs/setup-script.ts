import { TerraformLocal } from "cdktf";
import { Construct } from "constructs";
import { Script } from "#coder/script";
import { literal, shellWord } from "../terraform-text.ts";
import { PART_MARK, PARTS } from "../tools/build-helper.ts";
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
 * Terraform composes three scripts from the files that lie beside the template: settings and the packed base of the
 * helper, then setup.sh; and for each of its later parts that part, then part.sh. They run at once, in any order.
 */
export class SetupScript extends Construct {
  readonly #agent: string;
  /** a line of shell */
  readonly #name: string;

  constructor(scope: Construct, id: string, { agent, command, version, node }: SetupScriptProps) {
    super(scope, id);
    this.#agent = agent.id;
    this.#name = literal(`ccr_name=${shellWord(command)}`);
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
    new TerraformLocal(this, "third_part", `\${${lines(`chomp(file("\${path.module}/ccr.rest"))`)}}`);
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
    this.#part("part", "second", PARTS[0]);
    this.#part("rest", "third", PARTS[1]);
  }

  #part(name: string, which: "second" | "third", number: number): void {
    new Script(this, name, {
      agentId: this.#agent,
      displayName: `Claude sessions, ${which} part`,
      icon: "/icon/claude.svg",
      script: [
        "#!/bin/sh",
        this.#name,
        `ccr_part_number=${number}`,
        `ccr_part='\${local.${which}_part}'`,
        withoutComments("part.sh"),
      ].join("\n"),
      runOnStart: true,
      startBlocksLogin: true,
      timeout: 600,
    });
  }
}
