/**
 * The admin's settings: `context.ccr` in cdktf.json. This table is their one definition: type, default, bounds and
 * the sentence for the reference.
 */
import { readFileSync } from "node:fs";
import {
  choice,
  coderName,
  dnsLabel,
  dnsNameOrEmpty,
  flag,
  type Kind,
  quantity,
  text,
  url,
  whole,
} from "./kinds.ts";
import { nearest } from "./nearest.ts";

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
  version: "22.20.0",
  sha256: {
    x64: "eeaccb0378b79406f2208e8b37a62479c70595e20be6b659125eb77dd1ab2a29",
    arm64: "4181609e03dcb9880e7e5bf956061ecc0503c77a480c6631d868cb1f65a2c7dd",
  },
} as const;

export const OPTIONS = {
  // The template as Coder lists it
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

  // The cluster
  namespace: variable(
    dnsLabel,
    "coder-workspaces",
    "Namespace of new workspaces. Existing ones stay where they are.",
  ),
  useKubeconfig: variable(
    flag,
    false,
    "Reach the cluster by ~/.kube/config of the provisioner instead of its service account.",
  ),
  storageClass: variable(
    dnsNameOrEmpty,
    "longhorn",
    'Storage class of new homes; "" is the cluster\'s default. Existing homes keep theirs.',
  ),

  // The workspace
  image: variable(
    text("an image reference", { pattern: /^[a-zA-Z0-9][\w.:/@-]*$/ }),
    "codercom/enterprise-base:ubuntu",
    "Image of the workspace. It needs bash and curl or wget; Node is brought when it has none.",
  ),
  arch: option(choice("amd64", "arm64"), "amd64", "Processor of the nodes that run workspaces."),
  homePath: option(
    text("an absolute path", { pattern: /^\/[\w.@/-]+$/ }),
    "/home/coder",
    "Home of the image's user: where the volume is mounted.",
  ),
  cpu: option(whole(1, 256), 2, "CPU limit of a new workspace, in cores."),
  cpuMax: option(whole(1, 256), 16, "Most cores that a user can ask for."),
  cpuRequest: option(quantity, "250m", "CPU that the scheduler keeps free for a workspace."),
  memory: option(whole(1, 4096), 4, "Memory limit of a new workspace, in GiB."),
  memoryMax: option(whole(1, 4096), 64, "Most memory that a user can ask for, in GiB."),
  memoryRequest: option(quantity, "512Mi", "Memory that the scheduler keeps free for a workspace."),
  homeSize: option(whole(1, 65536), 20, "Size of a new home, in GiB."),
  homeSizeMax: option(whole(1, 65536), 1000, "Largest home that a user can ask for, in GiB."),

  // The helper
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
    text('a version such as "22.20.0"', { pattern: /^\d+\.\d+\.\d+$/ }),
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
} as const satisfies Record<string, Option<never> | Option<string> | Option<number> | Option<boolean>>;

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
