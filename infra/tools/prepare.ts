/**
 * `npm ci` and `npm run build`: makes the provider bindings, dist/ccr.cjs, dist/template/ and dist/module/, each only if
 * something changed. With the argument `template` (`npm run synth`) it also prints where the template is.
 */
import { readFile, readlink, rename, stat, symlink } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { type Settings, SettingsError, settingsOf } from "../settings.ts";
import { ensureBindings } from "./bindings.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

export interface Prepared {
  readonly settings: Settings;
  /** The template's folder, relative to the root of the checkout. */
  readonly folder: string;
}

/** Makes all generated files. Throws a SettingsError for unusable settings. */
export async function prepare(): Promise<Prepared> {
  const settings = settingsOf(ROOT);
  await linkCdktf();
  await ensureBindings();
  const { buildHelper, summary } = await import("./build-helper.ts");
  const built = await buildHelper();
  console.error(summary(built));
  const { file } = built;
  const { version } = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8"));
  // Imported here because it needs the bindings.
  const { writeModuleFolder, writeTemplateFolder } = await import("../template-folder.ts");
  const folder = "dist/template";
  await writeTemplateFolder({ folder: join(ROOT, folder), settings, helper: file, version });
  await writeModuleFolder({ folder: join(ROOT, "dist/module"), settings, helper: file, version });
  return { settings, folder };
}

/** Makes `npx cdktf` run infra/tools/cdktf.mjs. Not on Windows, which has a script there instead of a link. */
async function linkCdktf(): Promise<void> {
  const link = join(ROOT, "node_modules/.bin/cdktf");
  const ours = "../../infra/tools/cdktf.mjs";
  const now = await readlink(link).catch(() => undefined);
  if (now === undefined || now === ours) return;
  await symlink(ours, `${link}.${process.pid}`);
  await rename(`${link}.${process.pid}`, link);
}

/** Prints an error in the settings on one line and exits; throws any other error again. */
export function explain(error: unknown): never {
  if (!(error instanceof SettingsError)) throw error;
  console.error(`ccr: ${error.message}`);
  process.exit(1);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const { folder } = await prepare().catch(explain);
  if (process.argv[2] === "template") {
    const { size } = await stat(join(ROOT, folder, "ccr.cjs"));
    console.log(`${folder}: the template, with a helper of ${Math.round(size / 1000)} kB`);
  }
}
