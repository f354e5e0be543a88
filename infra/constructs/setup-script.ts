import { TerraformLocal } from "cdktf";
import { Construct } from "constructs";
import { Script } from "#coder/script";
import { SCRIPT_LIMIT } from "../program.ts";
import { literal, shellRef, shellWord, withoutComments } from "../terraform-text.ts";

export interface SetupScriptProps {
  /** Of Coder's agent only the id is needed. */
  readonly agent: { readonly id: string };
  /** Name of the command in the workspace. */
  readonly command: string;
  readonly version: string;
  /** Number of start scripts that the program is cut into: see `pieceCount`. */
  readonly pieces: number;
  readonly node: {
    /** Reference (no `${}`) to the address under which the archives lie. */
    readonly baseUrlRef: string;
    readonly version: string;
    readonly sha256: { readonly x64: string; readonly arm64: string };
  };
}

/** Reference (no `${}`) to the checksum that names the pieces of this program in a home. */
export const PROGRAM_SHA256 = "local.program_sha256";

/**
 * Installs the helper at every start of the workspace.
 *
 * Linux takes no argument over 128 KiB and a start script is one argument, so Terraform compresses ccr.cjs and cuts it
 * into several start scripts. They have the same text with another number and piece, and run at once, in any order.
 */
export class SetupScript extends Construct {
  constructor(scope: Construct, id: string, { agent, command, version, pieces, node }: SetupScriptProps) {
    super(scope, id);
    const local = (name: string, expression: string) => new TerraformLocal(this, name, `\${${expression}}`);
    local("program", 'base64gzip(file("${path.module}/ccr.cjs"))');
    local("program_sha256", "sha256(local.program)");
    // Short lines: Coder hangs for ever on a line of Terraform's output over 64 KiB.
    local("program_lines", 'regexall(".{1,1000}", local.program)');
    local("program_pieces", `chunklist(local.program_lines, ceil(length(local.program_lines) / ${pieces}))`);

    const settings = {
      ccr_version: version,
      ccr_name: command,
      ccr_count: String(pieces),
      ccr_node_version: node.version,
      ccr_node_sha256_x64: node.sha256.x64,
      ccr_node_sha256_arm64: node.sha256.arm64,
    };
    new Script(this, "setup", {
      count: pieces,
      agentId: agent.id,
      displayName: `Claude sessions (\${count.index + 1} of ${pieces})`,
      icon: "/icon/claude.svg",
      script: [
        // Coder takes the interpreter from the first line, else the user's shell, which may be fish.
        "#!/bin/sh",
        ...Object.entries(settings).map(([name, value]) => `${name}=${literal(shellWord(value))}`),
        `ccr_node_base_url=${shellRef(node.baseUrlRef)}`,
        `ccr_sha256='\${${PROGRAM_SHA256}}'`,
        `ccr_join=${shellRef(withoutComments("join.cjs"))}`,
        "ccr_number=${count.index + 1}",
        `ccr_piece='\${join("\\n", local.program_pieces[count.index])}'`,
        `\${${withoutComments("setup.sh")}}`,
      ].join("\n"),
      runOnStart: true,
      startBlocksLogin: true,
      timeout: 600,
      lifecycle: {
        postcondition: [
          {
            condition: `\${length(self.script) < ${SCRIPT_LIMIT}}`,
            errorMessage: `A start script of ccr has \${length(self.script)} bytes, but must have less than ${SCRIPT_LIMIT}. Synthesize the template again: npm run synth`,
          },
        ],
      },
    });
  }
}
