import { KubernetesProvider } from "@cdktf/provider-kubernetes/lib/provider/index.js";
import { type TerraformElement, TerraformStack } from "cdktf";
import type { Construct, Node } from "constructs";
import { Agent } from "#coder/agent";
import { DataCoderWorkspace } from "#coder/data-coder-workspace";
import { DataCoderWorkspaceOwner } from "#coder/data-coder-workspace-owner";
import { CoderProvider } from "#coder/provider";
import { HomeVolume } from "../constructs/home-volume.ts";
import { NumberParameter } from "../constructs/parameters.ts";
import { SessionApp } from "../constructs/session-app.ts";
import { SetupScript } from "../constructs/setup-script.ts";
import { Variables } from "../constructs/variables.ts";
import { WorkspacePod } from "../constructs/workspace-pod.ts";
import { NODE, type Settings } from "../settings.ts";

/** What Coder's Terraform builds for each workspace. All its parts stand here; `template-folder.ts` writes it out. */
export class WorkspaceTemplate extends TerraformStack {
  constructor(scope: Construct, id: string, settings: Settings, version: string) {
    super(scope, id);
    const variables = new Variables(this, settings);

    new CoderProvider(this, "coder");
    new KubernetesProvider(this, "kubernetes", {
      configPath: `\${${variables.ref("useKubeconfig")} ? "~/.kube/config" : null}`,
    });
    const me = new DataCoderWorkspace(this, "me");
    const owner = new DataCoderWorkspaceOwner(this, "owner");
    owner.overrideLogicalId("me");

    const cpu = new NumberParameter(this, "cpu", {
      displayName: "CPU",
      description: "Cores that the workspace may use.",
      icon: "/icon/memory.svg",
      formType: "slider",
      default: settings.cpu,
      min: 1,
      max: settings.cpuMax,
      order: 1,
    });
    const memory = new NumberParameter(this, "memory", {
      displayName: "Memory",
      description: "GiB of memory that the workspace may use.",
      icon: "/icon/memory.svg",
      formType: "slider",
      default: settings.memory,
      min: 1,
      max: settings.memoryMax,
      order: 2,
    });
    const homeSize = new NumberParameter(this, "home_size", {
      displayName: "Home size",
      description:
        "GiB of the home volume, where sessions and projects are kept. It only grows: a smaller number changes nothing.",
      icon: "/emojis/1f4be.png",
      default: settings.homeSize,
      min: 1,
      max: settings.homeSizeMax,
      order: 3,
    });

    const agent = new Agent(this, "main", {
      os: "linux",
      arch: settings.arch,
      // Attaching a Longhorn volume on another node takes minutes.
      connectionTimeout: 600,
    });
    const home = new HomeVolume(this, "home", {
      me,
      owner,
      namespace: variables.value("namespace"),
      storageClass: variables.value("storageClass"),
      sizeRef: homeSize.ref,
    });
    new WorkspacePod(this, "pod", {
      me,
      owner,
      agent,
      home,
      homePath: settings.homePath,
      image: variables.value("image"),
      cpu: cpu.value,
      memory: `${memory.value}Gi`,
      requests: { cpu: settings.cpuRequest, memory: settings.memoryRequest },
    });
    new SetupScript(this, "setup", {
      agent,
      command: settings.command,
      version,
      node: {
        baseUrlRef: variables.ref("nodeBaseUrl"),
        version: settings.nodeVersion,
        sha256:
          settings.nodeVersion === NODE.version &&
          settings.nodeSha256X64 === "" &&
          settings.nodeSha256Arm64 === ""
            ? NODE.sha256
            : { x64: settings.nodeSha256X64, arm64: settings.nodeSha256Arm64 },
      },
    });
    new SessionApp(this, "sessions", { agent, command: settings.command });
  }

  /**
   * Terraform addresses are the ids of the constructs, without the path and hash that cdktf would add: they are
   * part of every workspace's state, and the agent's name is its address.
   */
  protected override allocateLogicalId(element: TerraformElement | Node): string {
    return "node" in element ? element.node.id : element.id;
  }
}
