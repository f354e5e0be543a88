import { mkdir, readFile, rename, stat, writeFile } from "node:fs/promises";
import { dirname, relative, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { brotliCompressSync, constants } from "node:zlib";
import { type BuildOptions, type BuildResult, build, type Metafile, type Plugin } from "esbuild";

const HELPERS = dirname(fileURLToPath(import.meta.url));
const ROOT = resolve(HELPERS, "..");

/** Start-up time grows with every byte, and the whole set-up script must stay under 100,000 bytes. */
export const SIZE_LIMIT = 225_000;

/** Verbs that people wait for: their code stands in the bundle as it is. What else is loaded on demand is packed. */
const HOT = ["list", "find", "pick", "version"].map((verb) => `commands/${verb}.ts`);

/**
 * Bundles the helper into one minified CommonJS file for Node 18.19 and newer: the code of the hot verbs, then that of
 * the others, compressed, which is unpacked when one of them is called. Modules are shared, so each exists once.
 * Throws, with what grew since the last build, when the file is over {@link SIZE_LIMIT} bytes.
 */
export async function buildHelper(
  options: { outfile?: string } = {},
): Promise<{ file: string; bytes: number }> {
  const file = resolve(options.outfile ?? `${ROOT}/dist/ccr.cjs`);
  const { code, sizes } = await pack();
  const sizesFile = `${ROOT}/dist/ccr.sizes.json`;
  const bytes = code.byteLength;
  if (bytes > SIZE_LIMIT) {
    const before: Record<string, number> = await readFile(sizesFile, "utf8").then(JSON.parse, () => ({}));
    throw new Error(
      `dist/ccr.cjs has ${bytes} bytes, ${bytes - SIZE_LIMIT} over the limit.\n${growth(before, sizes)}`,
    );
  }
  await writeWhole(file, code);
  if (options.outfile === undefined)
    await writeWhole(sizesFile, Buffer.from(`${JSON.stringify(sizes, null, 1)}\n`));
  return { file, bytes };
}

async function pack(): Promise<{ code: Buffer; sizes: Record<string, number> }> {
  const { version } = JSON.parse(await readFile(`${ROOT}/package.json`, "utf8"));
  const define = { CCR_VERSION: JSON.stringify(version) };

  // Which modules the hot verbs need, and which others they load on demand.
  const asked = new Set<string>();
  const first = await bundle({ define, stdin: entry('import "./bin.ts";'), plugins: [onDemand(asked)] });
  const hot = new Set(namesOf(first.metafile).filter((name) => name !== "<stdin>"));

  // The rest; what it shares with the hot part is fetched from there.
  const shared = new Set<string>();
  const loaders = (names: Iterable<string>): string =>
    [...names]
      .sort()
      .map((name) => `${JSON.stringify(name)}:()=>require("./${name}")`)
      .join(",");
  const cold = await bundle({
    define,
    stdin: entry(`module.exports={${loaders(asked)}}`),
    plugins: [fromHot(hot, shared)],
  });
  const last = await bundle({
    define,
    stdin: entry(`import "./bin.ts";globalThis[Symbol.for("ccr")]={${loaders(shared)}};`),
    plugins: [onDemand(asked)],
  });

  const quality = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 22 };
  const packed = brotliCompressSync(outputOf(cold), { params: quality }).toString("base64");
  const code = Buffer.concat([Buffer.from(LOADER), outputOf(last), Buffer.from(`${PACKED}${packed}\n`)]);
  return { code, sizes: { ...sizesOf(last.metafile), ...sizesOf(cold.metafile) } };
}

/** The packed part stands in a comment: Node need not make a string of it at each start. */
const PACKED = "//packed:";

// `require` of this file also knows `ccr:cold/…` (a packed module) and `ccr:hot/…` (one of this file's own).
const LOADER = `"use strict";var __node=require,__cold;require=name=>{
if(name.startsWith("ccr:hot/"))return globalThis[Symbol.for("ccr")][name.slice(8)]();
if(!name.startsWith("ccr:cold/"))return __node(name);
if(!__cold){let m={exports:{}},f=__node("node:fs").readFileSync(__filename,"latin1"),p=f.slice(f.lastIndexOf("${PACKED}")+${PACKED.length});
__node("node:vm").compileFunction(__node("node:zlib").brotliDecompressSync(Buffer.from(p,"base64")).latin1Slice(),["module","exports","require","__filename"],{filename:__filename+":packed"})(m,m.exports,require,__filename);__cold=m.exports}
return __cold[name.slice(9)]()};
`;

const bundle = (options: BuildOptions) =>
  build({
    absWorkingDir: ROOT,
    bundle: true,
    minify: true,
    platform: "node",
    target: "node18.19",
    format: "cjs",
    // import() of a packed module has to come by our require.
    supported: { "dynamic-import": false },
    legalComments: "none",
    metafile: true,
    write: false,
    outfile: "ccr.cjs",
    logLevel: "warning",
    ...options,
  }) as Promise<BuildResult & { metafile: Metafile; outputFiles: { contents: Uint8Array }[] }>;

const entry = (contents: string) => ({ contents, resolveDir: HELPERS, loader: "ts" as const });

/** Modules that are loaded on demand, and are no hot verb, are left to the packed part; their names are collected. */
const onDemand = (asked: Set<string>): Plugin => ({
  name: "on-demand",
  setup({ onResolve }) {
    onResolve({ filter: /^\./ }, ({ path, resolveDir, kind }) => {
      const name = relative(HELPERS, resolve(resolveDir, path));
      if (kind !== "dynamic-import" || HOT.includes(name)) return undefined;
      asked.add(name);
      return { path: `ccr:cold/${name}`, external: true };
    });
  },
});

/** Modules of the hot part are fetched from there; their names are collected. */
const fromHot = (hot: ReadonlySet<string>, shared: Set<string>): Plugin => ({
  name: "from-hot",
  setup({ onResolve }) {
    onResolve({ filter: /^\./ }, ({ path, resolveDir }) => {
      const name = relative(HELPERS, resolve(resolveDir, path));
      if (!hot.has(name)) return undefined;
      shared.add(name);
      return { path: `ccr:hot/${name}`, external: true };
    });
  },
});

const namesOf = (metafile: Metafile): string[] =>
  Object.keys(metafile.inputs).map((name) => name.replace(/^helpers\//, ""));

function outputOf({ outputFiles }: { outputFiles: { contents: Uint8Array }[] }): Uint8Array {
  const [output] = outputFiles;
  if (!output) throw new Error("esbuild wrote nothing");
  return output.contents;
}

const sizesOf = (metafile: Metafile): Record<string, number> =>
  Object.fromEntries(
    Object.values(metafile.outputs).flatMap(({ inputs }) =>
      Object.entries(inputs).map(([name, { bytesInOutput }]) => [name, bytesInOutput]),
    ),
  );

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
async function writeWhole(file: string, data: Buffer): Promise<void> {
  const same = await readFile(file).then(
    (old) => old.equals(data),
    () => false,
  );
  if (same) return;
  await mkdir(dirname(file), { recursive: true });
  await writeFile(`${file}.${process.pid}.tmp`, data);
  await rename(`${file}.${process.pid}.tmp`, file);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const { file } = await buildHelper();
  const { size } = await stat(file);
  console.log(
    `${relative(ROOT, file)}  ${size} bytes (${Math.round((size / SIZE_LIMIT) * 100)} % of the limit)`,
  );
}
