/**
 * `npm ci`, `npm run build`: the provider bindings, dist/ccr.cjs, dist/template/ and dist/module/, each only when something changed.
 * With the word `template` (`npm run synth`): the same, and says where the template lies.
 */
import { readFile, readlink, rename, stat, symlink } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { ensureBindings } from "./bindings.ts";
import { type Settings, SettingsError, settingsOf } from "./settings.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

export interface Prepared {
  readonly settings: Settings;
  /** The template's folder, from the root of the checkout. */
  readonly folder: string;
}

/** Makes everything that git does not keep. Throws a SettingsError for settings that cannot be used. */
export async function prepare(): Promise<Prepared> {
  const settings = settingsOf(ROOT);
  await linkCdktf();
  await ensureBindings();
  const { buildHelper, summary } = await import("./tools/build-helper.ts");
  const built = await buildHelper();
  console.log(summary(built));
  const { file } = built;
  const { version } = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8"));
  // Loaded late: it imports the bindings.
  const { writeModuleFolder, writeTemplateFolder } = await import("./template-folder.ts");
  const folder = "dist/template";
  await writeTemplateFolder({ folder: join(ROOT, folder), settings, helper: file, version });
  await writeModuleFolder({ folder: join(ROOT, "dist/module"), settings, helper: file, version });
  return { settings, folder };
}

/** `npx cdktf` runs infra/cdktf.mjs. Windows has a script there instead of a link: it keeps cdktf's own. */
async function linkCdktf(): Promise<void> {
  const link = join(ROOT, "node_modules/.bin/cdktf");
  const ours = "../../infra/cdktf.mjs";
  const now = await readlink(link).catch(() => undefined);
  if (now === undefined || now === ours) return;
  await symlink(ours, `${link}.${process.pid}`);
  await rename(`${link}.${process.pid}`, link);
}

/** Prints what is wrong with the settings on one line; anything else is thrown on. */
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
