import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { App, type TerraformStack } from "cdktf";
import { parametersOf } from "./constructs/parameters.ts";
import { type Settings, SettingsError } from "./settings.ts";
import { HelperModule } from "./stacks/helper-module.ts";
import { WorkspaceTemplate } from "./stacks/workspace-template.ts";
import { PART_MARK, PARTS } from "./tools/build-helper.ts";

const HERE = fileURLToPath(new URL(".", import.meta.url));

export interface TemplateFolder {
  readonly folder: string;
  readonly settings: Settings;
  /** The bundled helper. */
  readonly helper: string;
  readonly version: string;
  /** The folder that paths in the settings begin at; the checkout, unless told otherwise. */
  readonly root?: string;
  /** Another stack than the template as it is: one with more parts, or the module. */
  readonly make?: (app: App, settings: Settings, version: string) => TerraformStack;
  readonly readme?: string;
}

/**
 * Writes the template that Coder imports: main.tf.json, parameters.tf, the scripts that
 * main.tf.json names, ccr.cjs and ccr.rest (the helper), README.md and nothing else.
 * Nothing in it depends on the machine. A folder that is right already is left alone.
 */
export async function writeTemplateFolder({
  folder,
  settings,
  helper,
  version,
  root = join(HERE, ".."),
  make = (app, settings, version) => new WorkspaceTemplate(app, "workspace", settings, version),
  readme = join(HERE, "template/README.md"),
}: TemplateFolder): Promise<void> {
  await checkStep(root, settings.setupStep);
  await mkdir(dirname(folder), { recursive: true });
  const fresh = await mkdtemp(join(dirname(folder), ".template-"));
  await chmod(fresh, 0o755);
  try {
    // cdktf synthesizes an App with its own output folder; the stack's JSON alone is taken from it.
    // Its validations would ask for Terraform's version: a synth needs no Terraform.
    const app = new App({ outdir: join(fresh, "cdktf"), skipValidation: true });
    const stack = make(app, settings, version);
    app.synth();
    const synthesized = join(fresh, "cdktf/stacks", stack.node.id, "cdk.tf.json");
    const json = withoutTraces(JSON.parse(await readFile(synthesized, "utf8")));
    await rm(join(fresh, "cdktf"), { recursive: true });

    await writeFile(join(fresh, "main.tf.json"), `${JSON.stringify(json, null, 2)}\n`);
    const parameters = parametersOf(stack);
    if (parameters) await writeFile(join(fresh, "parameters.tf"), parameters);
    const named = new Set(
      [...JSON.stringify(json).matchAll(/path\.module\}\/([\w.-]+\.sh)/g)].map(([, name]) => name!),
    );
    for (const script of named) {
      const from = script === "extra.sh" ? join(root, settings.setupStep) : join(HERE, "scripts", script);
      await cp(from, join(fresh, script));
    }
    await cp(helper, join(fresh, "ccr.cjs"));
    await writeFile(join(fresh, "ccr.rest"), await restOf(helper));
    await cp(readme, join(fresh, "README.md"));
    await checkSizes(fresh);
    if (!(await same(fresh, folder))) {
      await rm(folder, { recursive: true, force: true });
      await rename(fresh, folder);
    }
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

/** The admin's own start script has the limits of all: it is one argument, and no line of it may hang Coder. */
async function checkStep(root: string, step: string): Promise<void> {
  if (step === "") return;
  const wrong = (what: string) => new SettingsError(`cdktf.json: context.ccr.setupStep ${what}: ${step}.`);
  const text = await readFile(join(root, step), "utf8").catch(() => {
    throw wrong("must be a file beside cdktf.json that can be read");
  });
  if (Buffer.byteLength(text) >= 100_000 || text.split("\n").some((line) => line.length > 4000))
    throw wrong("must have less than 100,000 bytes and no line over 4,000");
  if (text.trim() === "" || text.includes("\0")) throw wrong("must be a script");
}

/** The last part of a helper, which lies beside it: hash, colon, text. */
async function restOf(helper: string): Promise<string> {
  const [, hash] = (await readFile(helper, "latin1")).split(PART_MARK)[1]?.match(/^([0-9a-f]{12}):/) ?? [];
  // Until the plain bundle is delivered in pieces of its own, the template built here is not whole.
  if (hash === undefined) return "";
  return `${hash}:${await readFile(join(dirname(helper), `ccr.${PARTS[1]}.${hash}`), "latin1")}`;
}

/** The agent passes a script as one argument: one byte over the kernel's limit, and it never starts, silently. */
async function checkSizes(folder: string): Promise<void> {
  if (!(await readFile(join(folder, "ccr.rest"), "latin1"))) return;
  const [helper, rest, setup, part] = await Promise.all(
    ["ccr.cjs", "ccr.rest", "setup.sh", "part.sh"].map((name) => readFile(join(folder, name), "latin1")),
  );
  const [base = "", second = ""] = helper!.split(PART_MARK);
  const packed = Math.ceil((gzipSync(Buffer.from(base, "latin1")).length * 4) / 3);
  const sizes = {
    "setup script": packed + setup!.length,
    "second start script": second.length + part!.length,
    "third start script": rest!.length + part!.length,
  };
  for (const [name, size] of Object.entries(sizes)) {
    const bytes = Math.ceil(size * 1.002) + 1000;
    if (bytes > 131_071)
      throw new Error(`the ${name} would have ${bytes} bytes; over 131,071 it never starts`);
  }
}

/** Without cdktf's notes on where each block comes from, and without the backend: that one has a path of this machine. */
function withoutTraces(json: Record<string, unknown>): unknown {
  const strip = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(strip);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value)
        .filter(([key]) => key !== "//")
        .map(([key, inner]) => [key, strip(inner)]),
    );
  };
  const terraform = { ...(json.terraform as Record<string, unknown>) };
  delete terraform.backend;
  // An empty block of a module: it takes its providers from the template.
  const { provider, ...others } = json;
  return strip({ ...others, ...(Object.keys(provider ?? {}).length > 0 ? { provider } : {}), terraform });
}

async function same(a: string, b: string): Promise<boolean> {
  const names = await Promise.all([a, b].map((folder) => readdir(folder).catch(() => [])));
  const [mine = [], theirs = []] = names.map((list) => list.sort());
  if (mine.join("\n") !== theirs.join("\n")) return false;
  for (const name of mine) {
    const [left, right] = await Promise.all([a, b].map((folder) => readFile(join(folder, basename(name)))));
    if (!left?.equals(right!)) return false;
  }
  return true;
}

/** The same for templates that people have already: a Terraform module with the helper and no workspace. */
export const writeModuleFolder = (folder: TemplateFolder): Promise<void> =>
  writeTemplateFolder({
    ...folder,
    make: (app, settings, version) => new HelperModule(app, "module", settings, version),
    readme: join(HERE, "template/MODULE.md"),
  });
