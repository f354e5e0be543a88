/**
 * The admin's settings: `context.ccr` in cdktf.json. This table is their one definition: type, default, bounds and
 * the sentence for the reference.
 */
import { readFileSync } from "node:fs";
import { nearest } from "./nearest.ts";
import {
  absolutePath,
  annotationMap,
  backend,
  block,
  choice,
  coderName,
  dnsLabel,
  dnsNameOrEmpty,
  environmentMap,
  flag,
  imageChoice,
  imageName,
  type Kind,
  labelMap,
  listOf,
  object,
  quantity,
  text,
  toleration,
  url,
  urlOrEmpty,
  volume,
  whole,
} from "./validators.ts";

export interface Option<T> {
  readonly kind: Kind<T>;
  readonly default: T;
  readonly about: string;
  /** Also a Terraform variable of the template: a deployment may set it without a new synth. */
  readonly variable: boolean;
}

const option = <T>(kind: Kind<T>, standard: NoInfer<T>, about: string): Option<T> => ({
  kind,
  default: standard,
  about,
  variable: false,
});

const variable = <T>(kind: Kind<T>, standard: NoInfer<T>, about: string): Option<T> => ({
  ...option(kind, standard, about),
  variable: true,
});

/** 64 hexadecimal digits, or "" where the version's own checksum is built in. */
const sha256 = text('a sha256 checksum (64 hexadecimal digits) or ""', { pattern: /^([0-9a-f]{64})?$/ });

/** Official builds of nodejs.org: the Node that a workspace without one gets. */
export const NODE = {
  version: "24.21.0",
  sha256: {
    x64: "6e1db87ef58b8819e5d5402eff1536491b18edd8eb7bee5ef7897876e88dc5ff",
    arm64: "724282c3b43aec998aa9527380465b45d229e021b58035f5f4f63095eabfe5d5",
  },
} as const;

const LISTING = {
  name: option(coderName, "ccr", "Name of the template: its address in Coder."),
  displayName: option(
    text("one line of at most 64 characters", { pattern: /^\S(.*\S)?$/u, max: 64 }),
    "Claude Code sessions",
    "Title of the template in Coder's list.",
  ),
  description: option(
    text("one line of at most 127 characters", { max: 127 }),
    "A workspace whose Claude Code sessions are kept, found and resumed.",
    "Line under the title.",
  ),
  icon: option(
    text("a URL or a path such as /icon/claude.svg", { pattern: /^(https?:\/|)\/[^\s"\\]+$/ }),
    "/icon/claude.svg",
    "Icon of the template: a URL, a path of the Coder server or an emoji path.",
  ),
  organization: option(
    text('the id (a UUID) of an organization or ""', {
      pattern: /^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})?$/,
    }),
    "",
    'Organization that the template is in; "" is the token\'s default one.',
  ),
  ttlHours: option(
    whole(0, 720),
    0,
    "Hours after which a new workspace stops by itself; 0 is never. A session that waits in tmux is no activity.",
  ),
  activityBumpHours: option(whole(0, 720), 1, "Hours by which activity puts that stop off."),
  requireActiveVersion: option(
    flag,
    false,
    "Workspaces must use the active version at their next start. Needs a Premium licence.",
  ),
};

const PUBLISHING = {
  versionName: option(
    text('a version name (letters, digits, dashes, dots, underscores, at most 64) or ""', {
      pattern: /^([a-zA-Z0-9][\w.-]*)?$/,
      max: 64,
    }),
    "",
    'Name of the published version; "" makes it from the content, so that equal content has an equal name.',
  ),
  activate: option(
    flag,
    true,
    "A published version is the active one at once; false leaves that to `coder templates versions promote`.",
  ),
  protect: option(flag, true, "The command `cdktf destroy` refuses to delete the template."),
  backend: option(
    backend,
    { type: "local" },
    "Where the publisher keeps its state: a backend of Terraform with its settings; credentials come from the environment.",
  ),
};

const CLUSTER = {
  namespace: variable(
    dnsLabel,
    "coder-workspaces",
    "Namespace of new workspaces. Existing ones stay where they are.",
  ),
  useKubeconfig: variable(
    flag,
    false,
    "Reach the cluster by a kubeconfig file of the provisioner instead of its service account.",
  ),
  kubeconfig: option(
    text("a path of the provisioner's", { pattern: /^[~/][\w.@/-]+$/ }),
    "~/.kube/config",
    "That kubeconfig file.",
  ),
  kubernetesProvider: option(
    text('a version such as "2.38.0"', { pattern: /^[23]\.\d+\.\d+$/ }),
    "2.38.0",
    "Version of hashicorp/kubernetes, 2 or 3. Homes survive the change.",
  ),
  networkPolicy: option(
    flag,
    false,
    "Nothing comes in; out go DNS and the ports of networkPolicyPorts. The network plugin must support policies.",
  ),
  networkPolicyPorts: option(
    listOf(whole(1, 65535)),
    [443, 22],
    "TCP ports that workspaces may reach (the model API, git). Coder's own port is added.",
  ),
  networkPolicyBlocks: option(
    listOf(block),
    ["0.0.0.0/0", "::/0"],
    "Addresses that those ports may be reached at.",
  ),
};

const HOME = {
  storageClass: variable(
    dnsNameOrEmpty,
    "longhorn",
    'Storage class of new homes; "" is the cluster\'s default. Existing homes keep theirs.',
  ),
  accessMode: variable(
    choice("ReadWriteOnce", "ReadWriteOncePod", "ReadWriteMany"),
    "ReadWriteOnce",
    "Access mode of new homes. Existing homes keep theirs. Longhorn serves ReadWriteMany by NFS, slower.",
  ),
  homePath: option(absolutePath, "/home/coder", "Home of the image's user: where the volume is mounted."),
  homeSize: option(whole(1, 65536), 20, "Size of a new home, in GiB."),
  homeSizeMax: option(whole(1, 65536), 1000, "Largest home that a user can ask for, in GiB."),
  homeLabels: option(
    labelMap,
    {},
    'Labels of new homes: Longhorn\'s recurring jobs are chosen so, with recurring-job.longhorn.io/source: "enabled".',
  ),
  homeAnnotations: option(annotationMap, {}, "Annotations of new homes."),
};

const WORKSPACE = {
  image: variable(
    imageName,
    "codercom/enterprise-base:ubuntu",
    "Image of the workspace. It needs a shell and curl or wget; Node is brought when it has none.",
  ),
  images: option(
    listOf(imageChoice),
    [],
    "Images that a user chooses from, instead of image; the first is the default.",
  ),
  imagePullPolicy: option(choice("Always", "IfNotPresent", "Never"), "Always", "When nodes fetch the image."),
  imagePullSecrets: option(listOf(dnsLabel), [], "Secrets of the namespace to fetch it with."),
  arch: option(choice("amd64", "arm64"), "amd64", "Processor of the nodes that run workspaces."),
  cpu: option(whole(1, 256), 2, "CPU limit of a new workspace, in cores."),
  cpuMax: option(whole(1, 256), 16, "Most cores that a user can ask for."),
  cpuRequest: option(quantity, "250m", "CPU that the scheduler keeps free for a workspace."),
  memory: option(whole(1, 4096), 4, "Memory limit of a new workspace, in GiB."),
  memoryMax: option(whole(1, 4096), 64, "Most memory that a user can ask for, in GiB."),
  memoryRequest: option(quantity, "512Mi", "Memory that the scheduler keeps free for a workspace."),
  presets: option(flag, true, "Presets Small (the defaults), Medium (twice) and Large (four times as much)."),
  runAsUser: option(whole(1, 2_147_483_647), 1000, "User id of the workspace; the image must know it."),
  runAsGroup: option(whole(1, 2_147_483_647), 1000, "Group id, also of the files of a new home."),
  nodeSelector: option(labelMap, {}, "Labels of the nodes that workspaces may run on."),
  tolerations: option(listOf(toleration), [], "Taints of nodes that workspaces tolerate."),
  affinity: option(
    object("an affinity as in a Kubernetes pod"),
    {},
    "Affinity of the pod, written as in Kubernetes.",
  ),
  serviceAccount: option(
    dnsNameOrEmpty,
    "",
    'Service account of the pod, with its token mounted; "" is the default one, without.',
  ),
  priorityClass: option(dnsNameOrEmpty, "", "Priority class of the pod."),
  runtimeClass: option(dnsNameOrEmpty, "", "Runtime class of the pod (gVisor, Kata)."),
  terminationGrace: option(
    whole(10, 3600),
    60,
    "Seconds between the stop of a workspace and the end of what still runs in it.",
  ),
  labels: option(labelMap, {}, "More labels of Deployment and pod."),
  annotations: option(annotationMap, {}, "Annotations of Deployment and pod."),
  env: option(
    environmentMap,
    {},
    "More environment of everything in a workspace. No secrets: users see it in the template.",
  ),
  volumes: option(listOf(volume), [], "More volumes: existing claims, secrets, config maps, or empty ones."),
  httpProxy: option(urlOrEmpty, "", "Proxy for http."),
  httpsProxy: option(urlOrEmpty, "", "Proxy for https."),
  noProxy: option(
    text("one line"),
    "",
    "Names and addresses to reach without it; Coder's own must be among them if it is inside.",
  ),
  caConfigMap: option(
    dnsNameOrEmpty,
    "",
    "Config map of the namespace with a complete bundle of CA certificates, for Node, curl, git and Python.",
  ),
  caKey: option(
    text("a key of a config map", { pattern: /^[\w.-]+$/ }),
    "ca.crt",
    "Its key in the config map.",
  ),
};

const AGENT = {
  apps: option(
    listOf(choice("vscode", "vscode_insiders", "web_terminal", "ssh_helper", "port_forwarding_helper")),
    ["vscode", "web_terminal", "ssh_helper", "port_forwarding_helper"],
    "Coder's own buttons on the workspace's page.",
  ),
  connectionTimeout: option(
    whole(300, 7200),
    600,
    "Seconds until Coder calls an agent late. Attaching a Longhorn volume takes minutes.",
  ),
  troubleshootingUrl: option(urlOrEmpty, "", "Where Coder sends users whose agent does not come."),
  rows: option(flag, true, "Rows of the dashboard: CPU, memory, home, Claude sessions, limits, next reset."),
  memoryThreshold: option(
    whole(0, 100),
    90,
    "Percent of memory above which Coder notifies the user; 0 is never.",
  ),
  homeThreshold: option(
    whole(0, 100),
    90,
    "Percent of the home volume above which Coder notifies the user; 0 is never.",
  ),
};

const HELPER = {
  command: option(
    text("a command name (small letters, digits, dashes)", { pattern: /^[a-z][a-z0-9-]*$/, max: 32 }),
    "ccr",
    "Name of the command in workspaces.",
  ),
  nodeBaseUrl: variable(
    url,
    "https://nodejs.org/dist",
    "Where a workspace without Node ≥ 18.19 gets it: <this>/v<version>/node-v<version>-linux-<x64 or arm64>.tar.gz.",
  ),
  nodeVersion: option(
    text('a version such as "24.21.0"', { pattern: /^\d+\.\d+\.\d+$/ }),
    NODE.version,
    "Version of that Node. Another one needs its checksums.",
  ),
  nodeSha256X64: option(
    sha256,
    "",
    "Checksum of the archive for amd64, for another version than the built-in one.",
  ),
  nodeSha256Arm64: option(
    sha256,
    "",
    "Checksum of the archive for arm64, for another version than the built-in one.",
  ),
  claude: option(flag, false, "Install Claude Code by its installer where the image has none."),
  claudeVersion: option(
    text('"latest", "stable" or a version', { pattern: /^(latest|stable|\d+\.\d+\.\d+)$/ }),
    "stable",
    "Version of Claude Code to install.",
  ),
  claudeInstallerUrl: option(url, "https://claude.ai/install.sh", "Its installer, a bash script."),
  setupStep: option(
    text('a path of a script beside cdktf.json or ""', { pattern: /^(?!\/)(?!.*\.\.)[\w.@/-]*$/ }),
    "",
    "One more start script, a file of yours.",
  ),
};

/** All options in the order of the reference, by chapter. */
export const CHAPTERS: readonly (readonly [string, Readonly<Record<string, Option<unknown>>>])[] = [
  ["The template as Coder lists it", LISTING],
  ["Publishing", PUBLISHING],
  ["The cluster", CLUSTER],
  ["Homes", HOME],
  ["Workspaces", WORKSPACE],
  ["Agent and dashboard", AGENT],
  ["The helper", HELPER],
] as never;

export const OPTIONS = { ...LISTING, ...PUBLISHING, ...CLUSTER, ...HOME, ...WORKSPACE, ...AGENT, ...HELPER };

export type Name = keyof typeof OPTIONS;
export type Settings = {
  readonly [K in Name]: (typeof OPTIONS)[K] extends Option<infer T> ? T : never;
};

/** A setting that cannot be used. The message is one line that names the key. */
export class SettingsError extends Error {}

/** Settings with their defaults. `given` is `context.ccr`; `where` begins every message. */
export function readSettings(given: unknown, where = "cdktf.json: context.ccr"): Settings {
  if (given === undefined) return readSettings({}, where);
  if (typeof given !== "object" || given === null || Array.isArray(given))
    throw new SettingsError(`${where} must be an object.`);
  const names = Object.keys(OPTIONS) as Name[];
  for (const key of Object.keys(given)) {
    if (names.includes(key as Name)) continue;
    const near = nearest(key, names);
    throw new SettingsError(
      `${where}.${shown(key).slice(1, -1)} is not a setting.${near ? ` Did you mean ${near}?` : ""}`,
    );
  }
  const settings: Record<string, unknown> = {};
  for (const name of names) {
    const { kind, default: standard } = OPTIONS[name] as Option<unknown>;
    const value = (given as Record<string, unknown>)[name] ?? standard;
    if (!kind.accepts(value))
      throw new SettingsError(`${where}.${name} must be ${kind.says}; it is ${shown(value)}.`);
    settings[name] = value;
  }
  const read = settings as Settings;
  for (const [small, large] of [
    ["cpu", "cpuMax"],
    ["memory", "memoryMax"],
    ["homeSize", "homeSizeMax"],
  ] as const)
    if (read[small] > read[large])
      throw new SettingsError(
        `${where}.${small} must not be over ${large} (${read[large]}); it is ${read[small]}.`,
      );
  const twice = [...read.volumes.map((one) => one.name), ...read.images.map((one) => one.name)].find(
    (one, at, all) => all.indexOf(one) !== at,
  );
  if (twice !== undefined)
    throw new SettingsError(
      `${where}.${read.volumes.some((one) => one.name === twice) ? "volumes" : "images"} must not have the name ${shown(twice)} twice.`,
    );
  if (read.nodeVersion !== NODE.version && read[checksumOf(read)] === "")
    throw new SettingsError(
      `${where}.${checksumOf(read)} must be given with nodeVersion ${read.nodeVersion}: the sha256 of that archive.`,
    );
  return read;
}

const checksumOf = ({ arch }: Settings) => (arch === "arm64" ? "nodeSha256Arm64" : "nodeSha256X64");

/** The settings of the cdktf.json in `folder`. */
export function settingsOf(folder: string): Settings {
  const file = `${folder.replace(/\/$/, "")}/cdktf.json`;
  let config: { context?: { ccr?: unknown } };
  try {
    config = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new SettingsError(`cdktf.json cannot be read: ${(error as Error).message.replaceAll(/\s+/g, " ")}`);
  }
  return readSettings(config.context?.ccr);
}

/** A value on one line, without control characters, cut short. */
function shown(value: unknown): string {
  const json = JSON.stringify(value) ?? String(value);
  return json.length > 60 ? `${json.slice(0, 57)}…` : json;
}

/** The Node that a workspace without one gets. */
export function nodeOf({ nodeVersion, nodeSha256X64, nodeSha256Arm64 }: Settings) {
  const own = nodeVersion === NODE.version && nodeSha256X64 === "" && nodeSha256Arm64 === "";
  return { version: nodeVersion, sha256: own ? NODE.sha256 : { x64: nodeSha256X64, arm64: nodeSha256Arm64 } };
}
