import { mkdir, readFile, rename, stat, writeFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "..");

/** Start-up time grows with every byte, and the whole set-up script must stay under 100,000 bytes. */
export const SIZE_LIMIT = 125_000;

/**
 * Bundles the helper into one minified CommonJS file for Node 18.19 and newer.
 * Throws, with what grew since the last build, when the bundle is over {@link SIZE_LIMIT} bytes.
 */
export async function buildHelper(
  options: { outfile?: string } = {},
): Promise<{ file: string; bytes: number }> {
  const file = resolve(options.outfile ?? `${ROOT}/dist/ccr.cjs`);
  const { version } = JSON.parse(await readFile(`${ROOT}/package.json`, "utf8"));
  const result = await build({
    absWorkingDir: ROOT,
    entryPoints: ["helpers/bin.ts"],
    outfile: file,
    bundle: true,
    minify: true,
    platform: "node",
    target: "node18.19",
    format: "cjs",
    legalComments: "none",
    define: { CCR_VERSION: JSON.stringify(version) },
    metafile: true,
    write: false,
    logLevel: "warning",
  });
  const [output] = result.outputFiles;
  const meta = Object.values(result.metafile.outputs)[0];
  if (!output || !meta) throw new Error("esbuild wrote nothing");
  const sizes = Object.fromEntries(
    Object.entries(meta.inputs).map(([name, input]) => [name, input.bytesInOutput]),
  );
  const sizesFile = `${ROOT}/dist/ccr.sizes.json`;
  const bytes = output.contents.byteLength;
  if (bytes > SIZE_LIMIT) {
    const before: Record<string, number> = await readFile(sizesFile, "utf8").then(JSON.parse, () => ({}));
    throw new Error(
      `dist/ccr.cjs has ${bytes} bytes, ${bytes - SIZE_LIMIT} over the limit.\n${growth(before, sizes)}`,
    );
  }
  await writeWhole(file, output.contents);
  if (options.outfile === undefined) await writeWhole(sizesFile, `${JSON.stringify(sizes, null, 1)}\n`);
  return { file, bytes };
}

/** The files that grew most since the last good build, or the largest ones where nothing is known of it. */
export function growth(before: Record<string, number>, after: Record<string, number>): string {
  const rows = Object.entries(after).map(([name, bytes]) => ({
    name,
    bytes,
    more: bytes - (before[name] ?? 0),
  }));
  return rows
    .filter((row) => row.more > 0)
    .sort((a, b) => b.more - a.more)
    .slice(0, 12)
    .map((row) => `${String(row.more).padStart(8)} more  ${String(row.bytes).padStart(8)} now  ${row.name}`)
    .join("\n");
}

/** Leaves a file with the same bytes alone, so that its time tells when it changed. */
async function writeWhole(file: string, data: string | Uint8Array): Promise<void> {
  const same = await readFile(file).then(
    (old) => old.equals(Buffer.from(data as Uint8Array)),
    () => false,
  );
  if (same) return;
  await mkdir(dirname(file), { recursive: true });
  await writeFile(`${file}.${process.pid}.tmp`, data);
  await rename(`${file}.${process.pid}.tmp`, file);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const { file, bytes } = await buildHelper();
  const { size } = await stat(file);
  console.log(
    `${file.slice(ROOT.length + 1)}  ${size} bytes (${Math.round((bytes / SIZE_LIMIT) * 100)} % of the limit)`,
  );
}
