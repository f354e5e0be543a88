/** Bundles the helper: helpers/ becomes dist/ccr.cjs, one minified CommonJS file for Node 18.19 and newer. */
import { readFileSync } from "node:fs";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { build, type Metafile } from "esbuild";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const VERSION: string = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")).version;
/** Bytes of each source file in the last good build, to tell what grew. */
const SIZES_FILE = join(ROOT, "node_modules/.cache/ccr/sizes.json");

/** In bytes, before compression. Guards against accidents, such as a large library that slips in: raise it when there is a reason. */
export const SIZE_LIMIT = 800_000;

export type Built = {
  file: string;
  bytes: number;
  compressed: number;
  /** what grew since the last build of dist/ccr.cjs, a line per source file; empty when nothing did */
  growth: string;
};

/**
 * Builds the helper. The same sources give the same bytes, wherever the checkout lies.
 *
 * Throws, with what grew since the last good build, when the bundle exceeds {@link SIZE_LIMIT}.
 */
export async function buildHelper(options: { outfile?: string } = {}): Promise<Built> {
  const file = resolve(options.outfile ?? join(ROOT, "dist/ccr.cjs"));
  const { outputFiles, metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: ["helpers/bin.ts"],
    outfile: "dist/ccr.cjs",
    bundle: true,
    minify: true,
    platform: "node",
    target: "node18.19",
    format: "cjs",
    legalComments: "none",
    define: { CCR_VERSION: JSON.stringify(VERSION) },
    metafile: true,
    write: false,
    logLevel: "warning",
  });
  const code = outputFiles[0]!.contents;
  const sizes = sizesOf(metafile);
  const before: Record<string, number> = await readFile(SIZES_FILE, "utf8").then(JSON.parse, () => ({}));
  const growth = growthOf(before, sizes);
  if (code.byteLength > SIZE_LIMIT)
    throw new Error(
      `the bundle has ${code.byteLength} bytes, ${code.byteLength - SIZE_LIMIT} over the limit.\n${growth}`,
    );
  await writeIfChanged(file, code);
  if (options.outfile === undefined)
    await writeIfChanged(SIZES_FILE, Buffer.from(`${JSON.stringify(sizes, null, 1)}\n`));
  return {
    file,
    bytes: code.byteLength,
    compressed: gzipSync(code, { level: 9 }).byteLength,
    growth: Object.keys(before).length > 0 ? growth : "",
  };
}

/** One line about a build, and what grew. */
export function summary({ file, bytes, compressed, growth }: Built): string {
  const kB = (size: number): string => `${(size / 1000).toFixed(1)} kB`;
  const share = Math.round((bytes / SIZE_LIMIT) * 100);
  const line = `${relative(ROOT, file)}: ${kB(bytes)}, ${kB(compressed)} compressed (${share} % of the size limit)`;
  return growth === "" ? line : `${line}\n${growth}`;
}

const sizesOf = (metafile: Metafile): Record<string, number> =>
  Object.fromEntries(
    Object.values(metafile.outputs).flatMap(({ inputs }) =>
      Object.entries(inputs).map(([name, { bytesInOutput }]) => [name, bytesInOutput]),
    ),
  );

/** The files that grew most, or the largest ones where no earlier build is known. */
function growthOf(before: Record<string, number>, after: Record<string, number>): string {
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
async function writeIfChanged(file: string, data: Uint8Array): Promise<void> {
  const same = await readFile(file).then(
    (old) => old.equals(data),
    () => false,
  );
  if (same) return;
  await mkdir(dirname(file), { recursive: true });
  await writeFile(`${file}.${process.pid}.tmp`, data);
  await rename(`${file}.${process.pid}.tmp`, file);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) console.log(summary(await buildHelper()));
