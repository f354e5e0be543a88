/**
 * Generates the TypeScript bindings of the coder and coderd providers in `infra/providers/`, which git ignores, from the
 * committed schemas (`infra/schemas/<name>@<version>.json`), without network or Terraform. `npm run bindings` updates the
 * schemas themselves.
 */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { execa } from "execa";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const SCHEMAS = join(ROOT, "infra/schemas");
const PROVIDERS = join(ROOT, "infra/providers");
const require = createRequire(import.meta.url);

type Provider = { name: string; source: string; version: string; schema: string };

/** The providers that cdktf.json lists, `coder/coder@2.18.0` each. */
async function listedProviders(): Promise<Provider[]> {
  const { terraformProviders } = JSON.parse(await readFile(join(ROOT, "cdktf.json"), "utf8"));
  return (terraformProviders as string[]).map((listed) => {
    const [source = "", version = ""] = listed.split("@");
    const name = source.split("/").at(-1)!;
    const file = `${encodeURIComponent(name)}@${encodeURIComponent(version)}.json`;
    return { name, source, version, schema: join(SCHEMAS, file) };
  });
}

/** Generates the bindings if they are missing or outdated. Returns whether it had to. */
export async function ensureBindings(): Promise<boolean> {
  const providers = await listedProviders();
  const hash = createHash("sha256").update(`${require("cdktf-cli/package.json").version}, 1\n`);
  for (const { name, version, schema } of providers) {
    if (!existsSync(schema)) throw new Error(`no schema of ${name} ${version}: run npm run bindings`);
    hash.update(`${name}@${version}\n`).update(await readFile(schema));
  }
  const digest = hash.digest("hex");
  const note = join(PROVIDERS, "made-from.txt");
  if ((await readFile(note, "utf8").catch(() => "")).trim() === digest) return false;

  await mkdir(join(ROOT, "dist"), { recursive: true });
  const fresh = await mkdtemp(join(ROOT, "dist/providers-"));
  try {
    await cdktf(["get", "--force", "--output", fresh, "--experimental-provider-schema-cache-path", SCHEMAS]);
    await exemptFromChecks(fresh);
    await writeFile(join(fresh, "made-from.txt"), `${digest}\n`);
    await rm(PROVIDERS, { recursive: true, force: true });
    await rename(fresh, PROVIDERS);
  } catch (error) {
    // Another process may have finished first: its result is just as good.
    if ((await readFile(note, "utf8").catch(() => "")).trim() !== digest) throw error;
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
  return true;
}

/** Turns type checks off inside the bindings: cdktf's generator does not satisfy our compiler options. */
async function exemptFromChecks(folder: string): Promise<void> {
  for (const name of await readdir(folder, { recursive: true })) {
    if (!name.endsWith(".ts")) continue;
    const file = join(folder, name);
    await writeFile(file, `// @ts-nocheck\n${await readFile(file, "utf8")}`);
  }
}

/** Updates `infra/schemas/` from the real providers, wherever `terraform init` finds them (a mirror or a registry). */
async function updateSchemas(): Promise<void> {
  for (const { name, source, version, schema } of await listedProviders()) {
    const folder = await mkdtemp(join(tmpdir(), "ccr-schema-"));
    try {
      const wanted = { [name]: { source, version } };
      await writeFile(
        join(folder, "main.tf.json"),
        JSON.stringify({ terraform: { required_providers: wanted } }),
      );
      const terraform = execa({ cwd: folder, env: { CHECKPOINT_DISABLE: "1" } });
      await terraform`terraform init -input=false -no-color`;
      const { stdout } = await terraform`terraform providers schema -json`;
      const provider_versions = { [`registry.terraform.io/${source}`]: version };
      await writeFile(schema, `${JSON.stringify({ ...JSON.parse(stdout), provider_versions })}\n`);
      console.log(`${name} ${version}: schema updated`);
    } catch (error) {
      const reason = error as { stderr?: string; shortMessage?: string };
      const line = (reason.stderr ?? "").split("\n").find((text) => text.includes("Error")) ?? "";
      console.error(
        `${name} ${version}: not updated (${line.trim() || reason.shortMessage || String(error)})`,
      );
      process.exitCode = 1;
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
}

/** Runs this checkout's cdktf, without output unless it fails. */
async function cdktf(words: string[]): Promise<void> {
  const home = await mkdtemp(join(tmpdir(), "ccr-cdktf-"));
  try {
    await execa(process.execPath, [require.resolve("cdktf-cli/bundle/bin/cdktf"), ...words], {
      cwd: ROOT,
      env: { CHECKPOINT_DISABLE: "1", DISABLE_VERSION_CHECK: "1", CDKTF_HOME: home, FORCE_COLOR: "0" },
      stdin: "ignore",
      all: true,
    });
  } catch (error) {
    throw new Error(
      `cdktf ${words[0]} failed:\n${(error as { all?: string }).all ?? (error as Error).message}`,
    );
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  await updateSchemas();
  const made = await ensureBindings();
  console.log(made ? "infra/providers: generated again" : "infra/providers: nothing changed");
}
