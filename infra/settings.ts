/**
 * The admin's settings: `context.ccr` in cdktf.json. This table defines each option once: its type and bounds, its
 * default, and the sentence for the reference page.
 */
import { readFileSync } from "node:fs";
import { nearest } from "./nearest.ts";
import {
  absolutePath,
  annotationMap,
  anyObject,
  backend,
  boolean,
  cidr,
  dnsLabel,
  dnsNameOrEmpty,
  environmentMap,
  imageChoice,
  imageName,
  integer,
  labelMap,
  listOf,
  oneOf,
  quantity,
  templateName,
  text,
  toleration,
  url,
  urlOrEmpty,
  type Validator,
  volume,
} from "./validators.ts";

export interface Option<T> {
  readonly validator: Validator<T>;
  readonly defaultValue: T;
  readonly description: string;
  /** Also a Terraform variable of the template, so a deployment can set it without a new synth. */
  readonly variable: boolean;
}

const option = <T>(validator: Validator<T>, defaultValue: NoInfer<T>, description: string): Option<T> => ({
  validator,
  defaultValue,
  description,
  variable: false,
});

const variable = <T>(validator: Validator<T>, defaultValue: NoInfer<T>, description: string): Option<T> => ({
  ...option(validator, defaultValue, description),
  variable: true,
});

/** 64 hexadecimal digits, or "" for the built-in checksum of the built-in version. */
const sha256 = text('a sha256 checksum (64 hexadecimal digits) or ""', { pattern: /^([0-9a-f]{64})?$/ });

/** The official Linux builds of nodejs.org that a workspace without Node downloads (sums from SHASUMS256.txt). */
const NODE = {
  version: "24.21.0",
  sha256: {
    x64: "6e1db87ef58b8819e5d5402eff1536491b18edd8eb7bee5ef7897876e88dc5ff",
    arm64: "724282c3b43aec998aa9527380465b45d229e021b58035f5f4f63095eabfe5d5",
  },
} as const;

const LISTING = {
  name: option(templateName, "ccr", "Name of the template, which is part of its address in Coder."),
  displayName: option(
    text("one line of at most 64 characters", { pattern: /^\S(.*\S)?$/u, max: 64 }),
    "Claude Code sessions",
    "Title of the template in Coder's list.",
  ),
  description: option(
    text("one line of at most 127 characters", { max: 127 }),
    "A workspace whose Claude Code sessions are kept, found and resumed.",
    "The line under the title.",
  ),
  icon: option(
    text("a URL or a path such as /icon/claude.svg", { pattern: /^(https?:\/|)\/[^\s"\\]+$/ }),
    "/icon/claude.svg",
    "Icon of the template: a URL, or a path on the Coder server (also of an emoji).",
  ),
  organization: option(
    text('the id (a UUID) of an organization or ""', {
      pattern: /^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})?$/,
    }),
    "",
    'Organization that owns the template; "" means the default one of the token.',
  ),
  ttlHours: option(
    integer(0, 720),
    0,
    "Hours after which a new workspace stops automatically; 0 means never. A session that waits in tmux does not count as activity.",
  ),
  activityBumpHours: option(integer(0, 720), 1, "Hours by which activity postpones the automatic stop."),
  requireActiveVersion: option(
    boolean,
    false,
    "Make workspaces use the active version at their next start. Needs a Premium license.",
  ),
};

const PUBLISHING = {
  versionName: option(
    text('a version name (letters, digits, dashes, dots, underscores, at most 64) or ""', {
      pattern: /^([a-zA-Z0-9][\w.-]*)?$/,
      max: 64,
    }),
    "",
    'Name of the published version; "" derives it from the content, so that the same content gets the same name.',
  ),
  activate: option(
    boolean,
    true,
    "Make a published version the active one at once. With false, activate it with `coder templates versions promote`.",
  ),
  protect: option(boolean, true, "Let `cdktf destroy` refuse to delete the template."),
  backend: option(
    backend,
    { type: "local" },
    "Where the publisher keeps its Terraform state: a backend with its settings. Credentials come from the environment.",
  ),
};

const CLUSTER = {
  namespace: variable(
    dnsLabel,
    "coder-workspaces",
    "Namespace of new workspaces. Existing workspaces stay in theirs.",
  ),
  useKubeconfig: variable(
    boolean,
    false,
    "Connect to the cluster with a kubeconfig file on the provisioner instead of the provisioner's service account.",
  ),
  kubeconfig: option(
    text("a path on the provisioner", { pattern: /^[~/][\w.@/-]+$/ }),
    "~/.kube/config",
    "Path of that kubeconfig file.",
  ),
  kubernetesProvider: option(
    text('a version such as "2.38.0"', { pattern: /^[23]\.\d+\.\d+$/ }),
    "2.38.0",
    "Version of the Terraform provider hashicorp/kubernetes, 2 or 3. Changing it keeps all homes.",
  ),
  networkPolicy: option(
    boolean,
    false,
    "Block all incoming connections, and all outgoing ones except DNS and networkPolicyPorts. The cluster's network plugin must support policies.",
  ),
  networkPolicyPorts: option(
    listOf(integer(1, 65535)),
    [443, 22],
    "TCP ports that workspaces may connect to (the model API, git). Coder's own port is added automatically.",
  ),
  networkPolicyBlocks: option(
    listOf(cidr),
    ["0.0.0.0/0", "::/0"],
    "Address ranges that workspaces may connect to on those ports.",
  ),
};

const HOME = {
  storageClass: variable(
    dnsNameOrEmpty,
    "longhorn",
    'Storage class of new homes; "" means the cluster\'s default. Existing homes keep theirs.',
  ),
  accessMode: variable(
    oneOf("ReadWriteOnce", "ReadWriteOncePod", "ReadWriteMany"),
    "ReadWriteOnce",
    "Access mode of new homes. Existing homes keep theirs. Longhorn serves ReadWriteMany over NFS, which is slower.",
  ),
  homePath: option(
    absolutePath,
    "/home/coder",
    "Home directory of the image's user, where the volume is mounted.",
  ),
  homeSize: option(integer(1, 65536), 20, "Size of a new home, in GiB."),
  homeSizeMax: option(integer(1, 65536), 1000, "Largest home that a user can ask for, in GiB."),
  homeLabels: option(
    labelMap,
    {},
    'Labels of new homes. Longhorn selects volumes for recurring jobs by them: recurring-job.longhorn.io/source: "enabled".',
  ),
  homeAnnotations: option(annotationMap, {}, "Annotations of new homes."),
};

const WORKSPACE = {
  image: variable(
    imageName,
    "codercom/enterprise-base:ubuntu",
    "Image of the workspace. It needs a shell, and curl or wget. Node is downloaded if the image has none.",
  ),
  images: option(
    listOf(imageChoice),
    [],
    "Images that users can choose from, in place of image. The first one is the default.",
  ),
  imagePullPolicy: option(oneOf("Always", "IfNotPresent", "Never"), "Always", "When nodes pull the image."),
  imagePullSecrets: option(listOf(dnsLabel), [], "Secrets in the namespace for pulling the image."),
  arch: option(oneOf("amd64", "arm64"), "amd64", "Processor architecture of the nodes that run workspaces."),
  cpu: option(integer(1, 256), 2, "CPU limit of a new workspace, in cores."),
  cpuMax: option(integer(1, 256), 16, "Highest CPU limit that a user can ask for, in cores."),
  cpuRequest: option(quantity, "250m", "CPU that the scheduler reserves for a workspace."),
  memory: option(integer(1, 4096), 4, "Memory limit of a new workspace, in GiB."),
  memoryMax: option(integer(1, 4096), 64, "Highest memory limit that a user can ask for, in GiB."),
  memoryRequest: option(quantity, "512Mi", "Memory that the scheduler reserves for a workspace."),
  presets: option(
    boolean,
    true,
    "Offer the presets Small (the defaults), Medium (twice as much) and Large (four times as much).",
  ),
  runAsUser: option(
    integer(1, 2_147_483_647),
    1000,
    "User id of the workspace. The image must have this user.",
  ),
  runAsGroup: option(
    integer(1, 2_147_483_647),
    1000,
    "Group id of the workspace and of the files in a new home.",
  ),
  nodeSelector: option(labelMap, {}, "Labels of the nodes that workspaces may run on."),
  tolerations: option(listOf(toleration), [], "Node taints that workspaces tolerate."),
  affinity: option(
    anyObject("an affinity as in a Kubernetes pod"),
    {},
    "Affinity of the pod, written as in Kubernetes.",
  ),
  serviceAccount: option(
    dnsNameOrEmpty,
    "",
    'Service account of the pod, with its token mounted; "" means the default account, without a token.',
  ),
  priorityClass: option(dnsNameOrEmpty, "", "Priority class of the pod."),
  runtimeClass: option(dnsNameOrEmpty, "", "Runtime class of the pod (gVisor, Kata)."),
  terminationGrace: option(
    integer(10, 3600),
    60,
    "Seconds that processes get to end when a workspace stops.",
  ),
  labels: option(labelMap, {}, "Additional labels of the deployment and the pod."),
  annotations: option(annotationMap, {}, "Annotations of the deployment and the pod."),
  env: option(
    environmentMap,
    {},
    "Additional environment variables of everything in a workspace. Put no secrets here: users can read the template.",
  ),
  volumes: option(
    listOf(volume),
    [],
    "Additional volumes: existing claims, secrets, config maps, or empty ones.",
  ),
  httpProxy: option(urlOrEmpty, "", "Proxy for http."),
  httpsProxy: option(urlOrEmpty, "", "Proxy for https."),
  noProxy: option(
    text("one line"),
    "",
    "Names and addresses to connect to without the proxy. Include Coder's own if it is inside your network.",
  ),
  caConfigMap: option(
    dnsNameOrEmpty,
    "",
    "Config map in the namespace with a complete bundle of CA certificates, for Node, curl, git and Python.",
  ),
  caKey: option(
    text("a key of a config map", { pattern: /^[\w.-]+$/ }),
    "ca.crt",
    "Key of the bundle in that config map.",
  ),
};

const AGENT = {
  apps: option(
    listOf(oneOf("vscode", "vscode_insiders", "web_terminal", "ssh_helper", "port_forwarding_helper")),
    ["vscode", "web_terminal", "ssh_helper", "port_forwarding_helper"],
    "Coder's own buttons on the workspace's page.",
  ),
  connectionTimeout: option(
    integer(300, 7200),
    600,
    "Seconds until Coder reports that the agent does not connect. Attaching a Longhorn volume takes minutes.",
  ),
  troubleshootingUrl: option(urlOrEmpty, "", "Page that Coder links to when the agent does not connect."),
  rows: option(
    boolean,
    true,
    "Show CPU, memory, home, Claude sessions, limits and the next reset on the dashboard.",
  ),
  memoryThreshold: option(
    integer(0, 100),
    90,
    "Percent of memory at which Coder notifies the user; 0 means never.",
  ),
  homeThreshold: option(
    integer(0, 100),
    90,
    "Percent of the home volume at which Coder notifies the user; 0 means never.",
  ),
};

const HELPER = {
  command: option(
    text("a command name (lower-case letters, digits, dashes)", { pattern: /^[a-z][a-z0-9-]*$/, max: 32 }),
    "ccr",
    "Name of the command in workspaces.",
  ),
  nodeBaseUrl: variable(
    url,
    "https://nodejs.org/dist",
    "Where a workspace without Node ≥ 18.19 downloads it: <this>/v<version>/node-v<version>-linux-<x64 or arm64>.tar.gz.",
  ),
  nodeVersion: option(
    text('a version such as "24.21.0"', { pattern: /^\d+\.\d+\.\d+$/ }),
    NODE.version,
    "Version of Node to download. A version other than the default needs its checksum below.",
  ),
  nodeSha256X64: option(sha256, "", "Checksum of that version's archive for amd64."),
  nodeSha256Arm64: option(sha256, "", "Checksum of that version's archive for arm64."),
  claude: option(boolean, false, "Install Claude Code with its own installer if the image has none."),
  claudeVersion: option(
    text('"latest", "stable" or a version', { pattern: /^(latest|stable|\d+\.\d+\.\d+)$/ }),
    "stable",
    "Version of Claude Code to install.",
  ),
  claudeInstallerUrl: option(
    url,
    "https://claude.ai/install.sh",
    "Address of that installer, a bash script.",
  ),
  setupStep: option(
    text('the path of a script beside cdktf.json or ""', { pattern: /^(?!\/)(?!.*\.\.)[\w.@/-]*$/ }),
    "",
    "A script of your own that also runs at every start.",
  ),
};

/** All options in the order of the reference page, by chapter. */
export const CHAPTERS: readonly (readonly [string, Readonly<Record<string, Option<unknown>>>])[] = [
  ["The template in Coder's list", LISTING],
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

/** A setting with an unusable value. The message is one line that names the key. */
export class SettingsError extends Error {}

const NAMES = Object.keys(OPTIONS) as Name[];

/** Checks `given` (the value of `context.ccr`) and adds the defaults. `where` begins every error message. */
export function readSettings(given: unknown = {}, where = "cdktf.json: context.ccr"): Settings {
  if (typeof given !== "object" || given === null || Array.isArray(given))
    throw new SettingsError(`${where} must be an object.`);
  rejectUnknown(given, where);
  const values = NAMES.map((name) => {
    const { validator, defaultValue } = OPTIONS[name] as Option<unknown>;
    const value = (given as Record<string, unknown>)[name] ?? defaultValue;
    if (!validator.accepts(value))
      throw new SettingsError(`${where}.${name} must be ${validator.expected}; it is ${shorten(value)}.`);
    return [name, value];
  });
  const settings: Settings = Object.fromEntries(values);
  checkMaxima(settings, where);
  checkDuplicates(settings, where);
  checkNodeChecksum(settings, where);
  return settings;
}

function rejectUnknown(given: object, where: string): void {
  const key = Object.keys(given).find((name) => !NAMES.includes(name as Name));
  if (key === undefined) return;
  const near = nearest(key, NAMES);
  const hint = near ? ` Did you mean ${near}?` : "";
  throw new SettingsError(`${where}.${shorten(key).slice(1, -1)} is not a setting.${hint}`);
}

function checkMaxima(settings: Settings, where: string): void {
  for (const [name, max] of [
    ["cpu", "cpuMax"],
    ["memory", "memoryMax"],
    ["homeSize", "homeSizeMax"],
  ] as const)
    if (settings[name] > settings[max])
      throw new SettingsError(
        `${where}.${name} must not be over ${max} (${settings[max]}); it is ${settings[name]}.`,
      );
}

function checkDuplicates(settings: Settings, where: string): void {
  for (const list of ["volumes", "images"] as const) {
    const names = settings[list].map(({ name }) => name);
    const duplicate = names.find((name, index) => names.indexOf(name) !== index);
    if (duplicate !== undefined)
      throw new SettingsError(`${where}.${list} must not have the name ${shorten(duplicate)} twice.`);
  }
}

function checkNodeChecksum(settings: Settings, where: string): void {
  const key = settings.arch === "arm64" ? "nodeSha256Arm64" : "nodeSha256X64";
  if (settings.nodeVersion !== NODE.version && settings[key] === "")
    throw new SettingsError(
      `${where}.${key} must be given with nodeVersion ${settings.nodeVersion}: the sha256 of that archive.`,
    );
}

/** The settings in the cdktf.json of `folder`. */
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

/** A value for an error message: on one line, without control characters, shortened. */
function shorten(value: unknown): string {
  const json = JSON.stringify(value) ?? String(value);
  return json.length > 60 ? `${json.slice(0, 57)}…` : json;
}

/** Version and checksums of the Node that a workspace without one downloads. */
export function nodeOf({ nodeVersion, nodeSha256X64, nodeSha256Arm64 }: Settings) {
  const isBuiltIn = nodeVersion === NODE.version && nodeSha256X64 === "" && nodeSha256Arm64 === "";
  return {
    version: nodeVersion,
    sha256: isBuiltIn ? NODE.sha256 : { x64: nodeSha256X64, arm64: nodeSha256Arm64 },
  };
}
