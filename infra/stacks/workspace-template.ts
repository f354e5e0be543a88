import { KubernetesProvider } from "@cdktf/provider-kubernetes/lib/provider/index.js";
import { type TerraformElement, TerraformStack } from "cdktf";
import type { Construct, Node } from "constructs";
import { Agent } from "#coder/agent";
import { DataCoderWorkspace } from "#coder/data-coder-workspace";
import { DataCoderWorkspaceOwner } from "#coder/data-coder-workspace-owner";
import { DataCoderWorkspacePreset } from "#coder/data-coder-workspace-preset";
import { CoderProvider } from "#coder/provider";
import { monitoringOf, rowsOf } from "../constructs/dashboard.ts";
import { FileScript } from "../constructs/file-script.ts";
import { HomeVolume } from "../constructs/home-volume.ts";
import { NetworkPolicy } from "../constructs/network-policy.ts";
import {
  type Choice,
  ChoiceParameter,
  NumberParameter,
  SwitchParameter,
  TextParameter,
} from "../constructs/parameters.ts";
import { SessionApps } from "../constructs/session-apps.ts";
import { SetupScript } from "../constructs/setup-script.ts";
import { Variables } from "../constructs/variables.ts";
import { WorkspacePod } from "../constructs/workspace-pod.ts";
import type { Program } from "../program.ts";
import { nodeOf, type Settings } from "../settings.ts";
import { literal } from "../terraform-text.ts";

/** Everything that Coder's Terraform builds for a workspace. `template-folder.ts` writes it to a folder. */
export class WorkspaceTemplate extends TerraformStack {
  readonly agent: Agent;
  readonly home: HomeVolume;
  readonly pod: WorkspacePod;

  constructor(scope: Construct, id: string, settings: Settings, program: Program) {
    super(scope, id);
    const variables = new Variables(this, settings);

    new CoderProvider(this, "coder");
    new KubernetesProvider(this, "kubernetes", {
      configPath: `\${${variables.ref("useKubeconfig")} ? "${settings.kubeconfig}" : null}`,
    });
    this.addOverride("terraform.required_providers.kubernetes.version", settings.kubernetesProvider);
    const me = new DataCoderWorkspace(this, "me");
    const owner = new DataCoderWorkspaceOwner(this, "owner");
    owner.overrideLogicalId("me");

    const form = this.addForm(settings);
    if (settings.presets) this.addPresets(settings);
    const { homePath, command } = settings;

    this.agent = new Agent(this, "main", {
      os: "linux",
      arch: settings.arch,
      connectionTimeout: settings.connectionTimeout,
      troubleshootingUrl: literal(settings.troubleshootingUrl) || undefined,
      displayApps: {
        vscode: settings.apps.includes("vscode"),
        vscodeInsiders: settings.apps.includes("vscode_insiders"),
        webTerminal: settings.apps.includes("web_terminal"),
        sshHelper: settings.apps.includes("ssh_helper"),
        portForwardingHelper: settings.apps.includes("port_forwarding_helper"),
      },
      metadata: settings.rows ? rowsOf({ command, homePath, pieces: program.pieces }) : undefined,
      resourcesMonitoring: monitoringOf(homePath, settings.memoryThreshold, settings.homeThreshold),
    });
    this.home = new HomeVolume(this, "home", {
      me,
      owner,
      namespace: variables.value("namespace"),
      storageClass: variables.value("storageClass"),
      accessMode: variables.value("accessMode"),
      labels: settings.homeLabels,
      annotations: settings.homeAnnotations,
      sizeRef: form.homeSize.ref,
    });
    this.pod = new WorkspacePod(this, "pod", {
      ...settings,
      me,
      owner,
      agent: this.agent,
      home: this.home,
      image: form.image?.value ?? variables.value("image"),
      cpu: form.cpu.value,
      memory: `${form.memory.value}Gi`,
      requests: { cpu: settings.cpuRequest, memory: settings.memoryRequest },
      env: { ...proxies(settings), ...settings.env },
      ca: settings.caConfigMap ? { configMap: settings.caConfigMap, key: settings.caKey } : undefined,
    });
    if (settings.networkPolicy)
      new NetworkPolicy(this, "policy", {
        me,
        home: this.home,
        ports: settings.networkPolicyPorts,
        blocks: settings.networkPolicyBlocks,
      });

    this.addScripts(form, settings, { ...program, nodeBaseUrlRef: variables.ref("nodeBaseUrl") });
    new SessionApps(this, "sessions", { agent: this.agent, command });
  }

  /** The scripts that Coder's agent runs at a start, at a stop and every five minutes. */
  private addScripts(form: Form, settings: Settings, program: Program & { nodeBaseUrlRef: string }): void {
    const { agent } = this;
    const { command } = settings;
    new SetupScript(this, "setup", {
      agent,
      command,
      version: program.version,
      pieces: program.pieces,
      node: { baseUrlRef: program.nodeBaseUrlRef, ...nodeOf(settings) },
    });
    if (settings.claude)
      new FileScript(this, "claude", {
        agent,
        displayName: "Claude Code",
        file: "claude.sh",
        settings: {
          ccr_claude_version: settings.claudeVersion,
          ccr_claude_installer: settings.claudeInstallerUrl,
        },
        on: "start",
        timeout: 600,
      });
    new FileScript(this, "personal", {
      agent,
      displayName: "Dotfiles and repository",
      icon: "/icon/dotfiles.svg",
      file: "personal.sh",
      settings: { ccr_name: command },
      refs: { ccr_dotfiles: form.dotfiles.ref, ccr_repository: form.repository.ref },
      condition: `${form.dotfiles.ref} != "" || ${form.repository.ref} != ""`,
      on: "start",
      timeout: 600,
    });
    if (settings.setupStep)
      new FileScript(this, "extra", {
        agent,
        displayName: "Setup step of this template",
        file: "extra.sh",
        verbatim: true,
        on: "start",
        timeout: 600,
      });
    new FileScript(this, "upkeep", {
      agent,
      displayName: "Resume limited sessions",
      file: "upkeep.sh",
      settings: { ccr_name: command },
      condition: `${form.autoResume.ref} == "true"`,
      on: { cron: "0 */5 * * * *" },
      timeout: 280,
    });
    new FileScript(this, "stop", {
      agent,
      displayName: "Stop Claude sessions",
      file: "stop.sh",
      // The other half of the time is for the agent itself.
      settings: { ccr_name: command, ccr_patience: String(Math.floor(settings.terminationGrace / 2)) },
      on: "stop",
      timeout: settings.terminationGrace,
    });
  }

  /** The fields of the form. */
  private addForm(settings: Settings) {
    const cpu = new NumberParameter(this, "cpu", {
      displayName: "CPU",
      description: "Number of cores that the workspace can use.",
      icon: "/icon/memory.svg",
      formType: "slider",
      default: settings.cpu,
      min: 1,
      max: settings.cpuMax,
      order: 1,
    });
    const memory = new NumberParameter(this, "memory", {
      displayName: "Memory",
      description: "Memory that the workspace can use, in GiB.",
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
        "Size of the home volume, which holds your sessions and projects, in GiB. It only grows: a smaller number changes nothing.",
      icon: "/emojis/1f4be.png",
      default: settings.homeSize,
      min: 1,
      max: settings.homeSizeMax,
      order: 3,
    });
    const [first, ...others] = settings.images.map(
      ({ name, image, icon }): Choice => ({ name, value: image, ...(icon ? { icon } : {}) }),
    );
    const image =
      first &&
      new ChoiceParameter(this, "image", {
        displayName: "Image",
        description: "The software in the workspace. Changing the image does not change your home.",
        icon: "/icon/container.svg",
        choices: [first, ...others],
        order: 4,
      });
    const autoResume = new SwitchParameter(this, "auto_resume", {
      displayName: "Resume limited sessions automatically",
      description:
        "Resume sessions that a usage limit has stopped as soon as the limit resets, while the workspace is running.",
      icon: "/icon/claude.svg",
      order: 5,
    });
    const dotfiles = new TextParameter(this, "dotfiles", {
      displayName: "Dotfiles",
      description: "Address of a repository with your dotfiles. Optional.",
      icon: "/icon/dotfiles.svg",
      pattern: ADDRESS,
      error: "Must begin with https://, http://, ssh:// or git@ and contain no spaces, or be empty.",
      order: 6,
    });
    const repository = new TextParameter(this, "repository", {
      displayName: "Repository",
      description: "Address of a git repository to clone into the home of a new workspace. Optional.",
      icon: "/icon/git.svg",
      pattern: ADDRESS,
      error: "Must begin with https://, http://, ssh:// or git@ and contain no spaces, or be empty.",
      order: 7,
    });
    return { cpu, memory, homeSize, image, autoResume, dotfiles, repository };
  }

  /** Small (the defaults), Medium (twice as much) and Large (four times as much). */
  private addPresets(settings: Settings): void {
    for (const [index, name] of ["Small", "Medium", "Large"].entries()) {
      const amount = (base: number, max: number) => String(Math.min(base * 2 ** index, max));
      new DataCoderWorkspacePreset(this, name.toLowerCase(), {
        name,
        // Without a default preset, `coder create --yes` prompts.
        default: index === 0,
        parameters: {
          cpu: amount(settings.cpu, settings.cpuMax),
          memory: amount(settings.memory, settings.memoryMax),
          home_size: amount(settings.homeSize, settings.homeSizeMax),
        },
      });
    }
  }

  /**
   * Uses the ids of the constructs as Terraform addresses, without the path and hash that cdktf would add. The addresses
   * are part of every workspace's state, and the agent's name is its address.
   */
  protected override allocateLogicalId(element: TerraformElement | Node): string {
    return "node" in element ? element.node.id : element.id;
  }
}

/** The fields of the form, by name. */
type Form = ReturnType<WorkspaceTemplate["addForm"]>;

/** Addresses that git accepts, but nothing that a shell or a git helper would run. */
const ADDRESS = "^((https?|ssh)://[^\\s'\"\\\\]+|git@[\\w.-]+:[^\\s'\"\\\\]+)?$";

/** Proxy variables in lower and upper case, because programs differ in which they read. */
const proxies = ({ httpProxy, httpsProxy, noProxy }: Settings): Record<string, string> =>
  Object.fromEntries(
    Object.entries({ http_proxy: httpProxy, https_proxy: httpsProxy, no_proxy: noProxy })
      .filter(([, value]) => value !== "")
      .flatMap(([name, value]) => [
        [name, value],
        [name.toUpperCase(), value],
      ]),
  );
