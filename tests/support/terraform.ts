// Real Terraform with real providers, wherever they can be had; see providers() for the order.

import { createHash } from "node:crypto";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { note } from "./notes.ts";
import type { Json } from "./template.ts";
import { onPath } from "./tools.ts";

const CODER = "2.18.0";
const HOST = "registry.terraform.io";
const PLATFORM = `${process.platform}_${process.arch === "x64" ? "amd64" : process.arch}`;

export interface Providers {
  /** Without the kubernetes provider its resources are turned into terraform_data of the same inputs. */
  readonly form: "full" | "reduced";
  /** The provider of the publisher is there. */
  readonly coderd: boolean;
  /** Terraform's CLI configuration, or undefined where the registry is used as it is. */
  readonly config: string | undefined;
}

const CACHE = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "ccr-dev/providers");

let found: Promise<Providers> | undefined;

/**
 * A mirror that CCR_PROVIDER_MIRROR names; else the cache folder, filled from a registry where one answers, else with
 * the coder provider alone, built from its Go module. Throws, saying what is missing, where not even that can be had.
 */
export const providers = (): Promise<Providers> => (found ??= findProviders());

async function findProviders(): Promise<Providers> {
  const named = process.env.CCR_PROVIDER_MIRROR;
  if (named) {
    if (!has(named, "coder/coder")) throw new Error(`CCR_PROVIDER_MIRROR: no coder/coder in ${named}`);
    return describe(named, "CCR_PROVIDER_MIRROR");
  }
  if (!isFull(CACHE)) {
    const why = await fillFromRegistry().catch((error) => error as { stderr?: string });
    if (why && !has(CACHE, "coder/coder")) await buildCoder(why.stderr ?? String(why));
  }
  return describe(CACHE, "the cache folder");
}

const has = (mirror: string, provider: string): boolean => {
  try {
    return readdirSync(join(mirror, HOST, provider)).length > 0;
  } catch {
    return false;
  }
};

/** Whether this version of a provider is in the mirror that providers() found. */
export const mirrored = (provider: string, version: string): boolean => {
  const folder = join(process.env.CCR_PROVIDER_MIRROR || CACHE, HOST, provider);
  try {
    return readdirSync(folder).some((name) => name === version || name.includes(`_${version}_`));
  } catch {
    return false;
  }
};

const isFull = (mirror: string) =>
  ["coder/coder", "coder/coderd", "hashicorp/kubernetes"].every((provider) => has(mirror, provider));

function describe(mirror: string, place: string): Providers {
  const form = has(mirror, "hashicorp/kubernetes") ? "full" : "reduced";
  note(
    form === "full"
      ? `platform: real coder and kubernetes providers, from ${place}`
      : "platform: the real coder provider alone; kubernetes resources were planned as terraform_data (CCR_PROVIDER_MIRROR or a Terraform registry brings the full form)",
  );
  const config = join(mkdtempSync(join(tmpdir(), "ccr-tf-")), "tf.rc");
  writeFileSync(
    config,
    `disable_checkpoint = true\nprovider_installation {\n  filesystem_mirror {\n    path    = ${JSON.stringify(mirror)}\n    include = ["${HOST}/*/*"]\n  }\n}\n`,
  );
  process.once("exit", () => rmSync(join(config, ".."), { recursive: true, force: true }));
  return { form, coderd: has(mirror, "coder/coderd"), config };
}

async function fillFromRegistry(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "ccr-mirror-"));
  try {
    mkdirSync(CACHE, { recursive: true });
    const required = {
      coder: { source: "coder/coder", version: CODER },
      coderd: { source: "coder/coderd", version: "0.0.23" },
      kubernetes: { source: "hashicorp/kubernetes", version: "2.38.0" },
    };
    writeFileSync(
      join(folder, "main.tf.json"),
      JSON.stringify({ terraform: { required_providers: required } }),
    );
    await execa({
      cwd: folder,
      env: { CHECKPOINT_DISABLE: "1" },
      timeout: 240_000,
    })`terraform providers mirror -platform=${PLATFORM} ${CACHE}`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function buildCoder(whyNot: string): Promise<void> {
  const folder = join(CACHE, HOST, "coder/coder", CODER, PLATFORM);
  const go = onPath("go");
  if (!go) {
    const reason = whyNot.split("\n").find((line) => line.includes("Error")) ?? "";
    throw new Error(
      `No Terraform providers: no registry answers (${reason.trim()}), and without Go the coder provider cannot be built. ` +
        "Install Go 1.26 or newer, or set CCR_PROVIDER_MIRROR to a filesystem mirror.",
    );
  }
  const bin = mkdtempSync(join(tmpdir(), "ccr-go-"));
  try {
    await execa({
      env: { GOBIN: bin, CGO_ENABLED: "0" },
      timeout: 600_000,
    })`${go} install github.com/coder/terraform-provider-coder/v2@v${CODER}`;
    mkdirSync(folder, { recursive: true });
    cpSync(join(bin, "terraform-provider-coder"), join(folder, `terraform-provider-coder_v${CODER}`));
  } finally {
    rmSync(bin, { recursive: true, force: true });
  }
}

export interface Ran {
  readonly ok: boolean;
  readonly all: string;
}

/** An address and what a plan does to it: "create", "update", "delete", "delete+create". */
export type Changes = Record<string, string>;

/** A folder with configuration in which Terraform runs, apart from the original: Terraform writes beside it. */
export class Terraform {
  readonly folder: string;
  /** Longest line that any command printed. */
  longestLine = 0;
  readonly env: Record<string, string | undefined> = {};

  private constructor(readonly providers: Providers) {
    this.folder = mkdtempSync(join(tmpdir(), "ccr-tf-work-"));
  }

  /** A folder for the template of a workspace: load() one, then init. */
  static async empty(): Promise<Terraform> {
    return new Terraform(await providers());
  }

  /** A workspace of this template, initialized. */
  static async workspace(template: string): Promise<Terraform> {
    const terraform = await Terraform.empty();
    terraform.load(template);
    await terraform.must("init");
    return terraform;
  }

  /** A folder of any configuration, as it is. */
  static async plain(folder: string): Promise<Terraform> {
    const terraform = new Terraform(await providers());
    cpSync(folder, terraform.folder, { recursive: true });
    await terraform.must("init");
    return terraform;
  }

  /** The same folder and state once more. */
  copy(): Terraform {
    const copy = new Terraform(this.providers);
    cpSync(this.folder, copy.folder, { recursive: true, verbatimSymlinks: true });
    Object.assign(copy.env, this.env);
    return copy;
  }

  /** Another template for the same workspace: what an update of the template does. */
  load(template: string): void {
    for (const name of readdirSync(this.folder))
      if (/\.tf(\.json)?$|\.sh$|\.cjs$/.test(name)) rmSync(join(this.folder, name));
    cpSync(template, this.folder, { recursive: true });
    if (this.providers.form === "reduced") {
      const file = join(this.folder, "main.tf.json");
      writeFileSync(file, JSON.stringify(reduced(JSON.parse(readFileSync(file, "utf8")))));
    }
  }

  /** Parameters chosen by the user. */
  choose(parameters: Record<string, string | number>): void {
    for (const [name, value] of Object.entries(parameters))
      this.env[`CODER_PARAMETER_${createHash("sha256").update(name).digest("hex")}`] = String(value);
  }

  async run(...words: string[]): Promise<Ran> {
    const input = ["init", "plan", "apply", "destroy"].includes(words[0]!) ? ["-input=false"] : [];
    const result = await execa(
      "terraform",
      [words[0]!, ...input, ...(words[0] === "show" ? [] : ["-no-color"]), ...words.slice(1)],
      {
        cwd: this.folder,
        env: {
          CHECKPOINT_DISABLE: "1",
          CODER_WORKSPACE_ID: "8a1c5a52-3bb4-4c1f-9f65-0d6b3a1c7e55",
          CODER_WORKSPACE_OWNER_ID: "f4b9d9a1-55d1-4f0e-8a51-1b3d5a7c9e11",
          CODER_WORKSPACE_NAME: "work",
          CODER_WORKSPACE_OWNER: "ada",
          TF_CLI_CONFIG_FILE: this.providers.config,
          // Not the reader's own cluster.
          KUBE_CONFIG_PATH: undefined,
          KUBE_CONFIG_PATHS: undefined,
          ...this.env,
        },
        all: true,
        reject: false,
        maxBuffer: 100_000_000,
      },
    );
    if (words[0] !== "show")
      for (const line of result.all.split("\n")) this.longestLine = Math.max(this.longestLine, line.length);
    return { ok: result.exitCode === 0, all: result.all };
  }

  async must(...words: string[]): Promise<string> {
    const { ok, all } = await this.run(...words);
    if (!ok) throw new Error(`terraform ${words.join(" ")} failed:\n${all}`);
    return all;
  }

  /** What a plan with these variables would change, by address. */
  async plan(variables: Record<string, string> = {}): Promise<Changes> {
    await this.must("plan", "-out=plan", ...vars(variables));
    const { resource_changes } = JSON.parse(await this.must("show", "-json", "plan"));
    return Object.fromEntries(
      (resource_changes as Json[])
        .filter(({ mode }) => mode === "managed")
        .map(({ address, change }): [string, string] => [address, change.actions.join("+")])
        .filter(([, actions]) => actions !== "no-op"),
    );
  }

  async apply(variables: Record<string, string> = {}): Promise<string> {
    return await this.must("apply", "-auto-approve", ...vars(variables));
  }

  /** Attributes of a resource in the state. */
  async applied(address: string): Promise<Json> {
    const { values } = JSON.parse(await this.must("show", "-json"));
    const found = ((values?.root_module.resources ?? []) as Json[]).find(
      (resource) => resource.address === address,
    );
    if (!found) throw new Error(`the state has no ${address}`);
    return found.values;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

const vars = (variables: Record<string, string>): string[] =>
  Object.entries(variables).map(([name, value]) => `-var=${name}=${value}`);

/** Where a kubernetes resource stands in the reduced form. */
export const reducedAddress = (address: string): string => `terraform_data.${address.replace(".", "_")}`;

/** kubernetes_x.y becomes terraform_data.kubernetes_x_y with the same inputs; the claim that is there a variable. */
function reduced(json: Json): Json {
  const data: Json = {};
  for (const [type, named] of Object.entries(json.resource as Json)) {
    if (!type.startsWith("kubernetes_")) continue;
    for (const [name, { count, lifecycle: _, ...input }] of Object.entries(named as Json) as [string, Json][])
      data[`${type}_${name}`] = count === undefined ? { input } : { input, count };
    delete json.resource[type];
  }
  json.resource.terraform_data = { ...json.resource.terraform_data, ...data };
  for (const type of Object.keys(json.data)) if (type.startsWith("kubernetes_")) delete json.data[type];
  delete json.provider.kubernetes;
  delete json.terraform.required_providers.kubernetes;
  json.variable.present_claim = { type: "any", default: null };
  return JSON.parse(
    JSON.stringify(json)
      .replaceAll(/data\.kubernetes_\w+\.home\.spec\[0\]\.resources\[0\]/g, "var.present_claim")
      .replaceAll(
        /(?<![.\w])(kubernetes_\w+?)\.(\w+)\.metadata\[0\]/g,
        "terraform_data.$1_$2.input.metadata",
      ),
  );
}
