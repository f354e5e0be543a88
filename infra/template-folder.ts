import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { App } from "cdktf";
import { PART_MARK } from "../helpers/build.ts";
import { parametersOf } from "./constructs/parameters.ts";
import type { Settings } from "./settings.ts";
import { WorkspaceTemplate } from "./stacks/workspace-template.ts";

const HERE = fileURLToPath(new URL(".", import.meta.url));

export interface TemplateFolder {
  readonly folder: string;
  readonly settings: Settings;
  /** The bundled helper. */
  readonly helper: string;
  readonly version: string;
}

/**
 * Writes the template that Coder imports: main.tf.json, parameters.tf, setup.sh, part.sh, ccr.cjs, README.md and nothing else.
 * Nothing in it depends on the machine. A folder that is right already is left alone.
 */
export async function writeTemplateFolder({
  folder,
  settings,
  helper,
  version,
}: TemplateFolder): Promise<void> {
  await mkdir(dirname(folder), { recursive: true });
  const fresh = await mkdtemp(join(dirname(folder), ".template-"));
  await chmod(fresh, 0o755);
  try {
    // cdktf synthesizes an App with its own output folder; the stack's JSON alone is taken from it.
    // Its validations would ask for Terraform's version: a synth needs no Terraform.
    const app = new App({ outdir: join(fresh, "cdktf"), skipValidation: true });
    const stack = new WorkspaceTemplate(app, "workspace", settings, version);
    app.synth();
    const synthesized = join(fresh, "cdktf/stacks/workspace/cdk.tf.json");
    const json = withoutTraces(JSON.parse(await readFile(synthesized, "utf8")));
    await rm(join(fresh, "cdktf"), { recursive: true });

    await writeFile(join(fresh, "main.tf.json"), `${JSON.stringify(json, null, 2)}\n`);
    await writeFile(join(fresh, "parameters.tf"), parametersOf(stack));
    for (const script of ["setup.sh", "part.sh"])
      await cp(join(HERE, "scripts", script), join(fresh, script));
    await cp(helper, join(fresh, "ccr.cjs"));
    await cp(join(HERE, "template/README.md"), join(fresh, "README.md"));
    await checkSizes(fresh);
    if (!(await same(fresh, folder))) {
      await rm(folder, { recursive: true, force: true });
      await rename(fresh, folder);
    }
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

/** The agent passes a script as one argument: one byte over the kernel's limit, and it never starts, silently. */
async function checkSizes(folder: string): Promise<void> {
  const [helper, setup, part] = await Promise.all(
    ["ccr.cjs", "setup.sh", "part.sh"].map((name) => readFile(join(folder, name), "latin1")),
  );
  const [base = "", second = ""] = helper!.split(PART_MARK);
  const packed = Math.ceil((gzipSync(Buffer.from(base, "latin1")).length * 4) / 3);
  const sizes = {
    "setup script": packed + setup!.length,
    "second start script": second.length + part!.length,
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
  return strip({ ...json, terraform });
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
