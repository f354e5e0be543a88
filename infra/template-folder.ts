import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { App, type TerraformStack } from "cdktf";
import { parametersOf } from "./constructs/parameters.ts";
import { type Program, pieceCount, SCRIPT_LIMIT } from "./program.ts";
import { type Settings, SettingsError } from "./settings.ts";
import { HelperModule } from "./stacks/helper-module.ts";
import { WorkspaceTemplate } from "./stacks/workspace-template.ts";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const SCRIPTS = join(HERE, "scripts");

export interface TemplateFolder {
  readonly folder: string;
  readonly settings: Settings;
  /** File of the bundled helper. */
  readonly helper: string;
  readonly version: string;
  /** The folder that paths in the settings are relative to; by default the checkout. */
  readonly root?: string;
  /** Makes another stack than the workspace template: one with more in it, or the module. */
  readonly make?: (app: App, settings: Settings, program: Program) => TerraformStack;
  readonly readme?: string;
}

/**
 * Writes the template that Coder imports: main.tf.json, parameters.tf, the scripts that main.tf.json names, ccr.cjs (the
 * helper), README.md and nothing else. Nothing in it depends on the machine. Does not touch a folder that is up to date.
 */
export async function writeTemplateFolder({
  folder,
  settings,
  helper,
  version,
  root = join(HERE, ".."),
  make = (app, settings, program) => new WorkspaceTemplate(app, "workspace", settings, program),
  readme = join(HERE, "template/README.md"),
}: TemplateFolder): Promise<void> {
  await checkStep(root, settings.setupStep);
  const pieces = pieceCount(await readFile(helper), {
    "setup.sh": await readFile(join(SCRIPTS, "setup.sh"), "utf8"),
    "join.cjs": await readFile(join(SCRIPTS, "join.cjs"), "utf8"),
  });
  await mkdir(dirname(folder), { recursive: true });
  const fresh = await mkdtemp(join(dirname(folder), ".template-"));
  await chmod(fresh, 0o755);
  try {
    // cdktf synthesizes an App with its own output folder; the stack's JSON alone is taken from it.
    // Its validations would ask for Terraform's version: a synth needs no Terraform.
    const app = new App({ outdir: join(fresh, "cdktf"), skipValidation: true });
    const stack = make(app, settings, { version, pieces });
    app.synth();
    const synthesized = join(fresh, "cdktf/stacks", stack.node.id, "cdk.tf.json");
    const json = withoutTraces(JSON.parse(await readFile(synthesized, "utf8")));
    await rm(join(fresh, "cdktf"), { recursive: true });

    await writeFile(join(fresh, "main.tf.json"), `${JSON.stringify(json, null, 2)}\n`);
    const parameters = parametersOf(stack);
    if (parameters) await writeFile(join(fresh, "parameters.tf"), parameters);
    const sources: Record<string, string> = {
      "ccr.cjs": helper,
      "extra.sh": join(root, settings.setupStep),
    };
    for (const [, name] of JSON.stringify(json).matchAll(/path\.module\}\/([\w.-]+)/g))
      await cp(sources[name!] ?? join(SCRIPTS, name!), join(fresh, name!));
    await cp(readme, join(fresh, "README.md"));
    if (!(await same(fresh, folder))) {
      await rm(folder, { recursive: true, force: true });
      await rename(fresh, folder);
    }
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

/** Checks the admin's own start script: it is one argument, and no line of it may hang Coder. */
async function checkStep(root: string, step: string): Promise<void> {
  if (step === "") return;
  const wrong = (what: string) => new SettingsError(`cdktf.json: context.ccr.setupStep ${what}: ${step}.`);
  const text = await readFile(join(root, step), "utf8").catch(() => {
    throw wrong("must be a file beside cdktf.json that can be read");
  });
  if (Buffer.byteLength(text) >= SCRIPT_LIMIT || text.split("\n").some((line) => line.length > 4000))
    throw wrong("must have less than 100,000 bytes and no line over 4,000");
  if (text.trim() === "" || text.includes("\0")) throw wrong("must be a script");
}

/** Removes cdktf's notes on where each block comes from, and the backend, which has a path of this machine. */
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
  // A module has an empty block here: it takes its providers from the template.
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

/** Writes the Terraform module that adds the helper to templates that people have already. */
export const writeModuleFolder = (folder: TemplateFolder): Promise<void> =>
  writeTemplateFolder({
    ...folder,
    make: (app, settings, program) => new HelperModule(app, "module", settings, program),
    readme: join(HERE, "template/MODULE.md"),
  });
