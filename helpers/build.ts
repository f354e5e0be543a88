import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { brotliCompressSync, constants } from "node:zlib";
import { type BuildResult, build, type Metafile, type Plugin } from "esbuild";
import { minify } from "terser";
import { encode } from "./base91.ts";

const HELPERS = dirname(fileURLToPath(import.meta.url));
const ROOT = resolve(HELPERS, "..");
const VERSION: string = JSON.parse(readFileSync(`${ROOT}/package.json`, "utf8")).version;

/** Start-up time grows with every byte, and the whole set-up script must stay under 100,000 bytes. */
export const SIZE_LIMIT = 125_000;
/** A start script brings it, with some lines around it, and has to stay under 100,000 bytes too. */
export const PART_LIMIT = 98_000;

/**
 * Verbs by layer: first those that a home cannot do without, which the setup script brings; then those that people
 * wait for. All others are in the last layer, which is a file of its own beside the program.
 */
const LAYERS = [
  ["list", "find", "resume", "current", "statusline", "install", "uninstall", "completion", "version"],
  ["pick", "board", "open", "ps", "stop", "attach", "start", "logs", "check-limits", "resume-all"],
];
const LAST = LAYERS.length;

/**
 * Bundles the helper into one minified CommonJS file for Node 18.19 and newer: the loader as code, and behind it the
 * layers, each packed by itself and unpacked when one of its verbs is called. A module is in the first layer that needs
 * it, and the later ones fetch it from there.
 *
 * The last layer is a file beside it (`ccr.<layer>.<hash>`); others may be one too: a start script of Coder is one
 * argument, at most 128 KiB.
 * Throws, with what grew since the last build, when the program is over {@link SIZE_LIMIT} bytes, or the last layer over
 * {@link PART_LIMIT}.
 */
export async function buildHelper(
  options: { outfile?: string } = {},
): Promise<{ file: string; bytes: number }> {
  const file = resolve(options.outfile ?? `${ROOT}/dist/ccr.cjs`);
  const { code, last, hash, sizes, key } = await pack();
  const sizesFile = `${ROOT}/dist/ccr.sizes.json`;
  const bytes = code.byteLength;
  for (const [name, size, limit] of [
    ["dist/ccr.cjs", bytes, SIZE_LIMIT],
    ["its last layer", last.byteLength, PART_LIMIT],
  ] as const) {
    if (size <= limit) continue;
    const before: Record<string, number> = await readFile(sizesFile, "utf8").then(JSON.parse, () => ({}));
    throw new Error(`${name} has ${size} bytes, ${size - limit} over the limit.\n${growth(before, sizes)}`);
  }
  const folder = dirname(file);
  await writeWhole(join(folder, partName(LAST, hash)), last);
  await writeWhole(file, code);
  for (const name of await readdir(folder))
    if (/^ccr\.\d\.[0-9a-f]{12}$/.test(name) && !name.endsWith(hash)) await rm(join(folder, name));
  if (options.outfile === undefined) {
    await writeWhole(sizesFile, Buffer.from(`${JSON.stringify(sizes, null, 1)}\n`));
    await writeWhole(`${ROOT}/dist/ccr.key`, Buffer.from(`${key}:${hash}`));
  }
  return { file, bytes };
}

const partName = (layer: number, hash: string): string => `ccr.${layer}.${hash}`;

type Packed = { code: Buffer; last: Buffer; hash: string; sizes: Record<string, number>; key: string };

/** `entries` are the modules that others load on demand, `modules` all that are in it, `fetched` what later layers need. */
class Layer {
  entries: string[] = [];
  modules = new Set<string>();
  readonly fetched = new Set<string>();
}

/** Shrinking takes seconds: what was made of the same code before is taken again. `key` is that of the code. */
async function pack(): Promise<Packed> {
  const layers = Array.from({ length: LAST + 1 }, () => new Layer());
  // Which modules are in which layer must be known before a layer can hold what the later ones fetch.
  const asked = new Set<string>();
  for (const [i, layer] of layers.entries()) {
    layer.entries = [...asked].filter((name) => layerOf(name) === i);
    layer.modules = namesOf((await bundle(i, layers, asked)).metafile);
  }
  const built = [];
  for (const i of layers.keys()) built.push(await bundle(i, layers, asked));
  const sizes: Record<string, number> = Object.assign({}, ...built.map(({ metafile }) => sizesOf(metafile)));
  const sources = [
    await readFile(fileURLToPath(import.meta.url)),
    await loader(""),
    ...built.map(({ outputFiles }) => outputFiles[0]!.text),
  ];
  const key = sources.reduce((sum, text) => sum.update(text), createHash("sha256")).digest("hex");
  const [oldKey, old = ""] = (await readFile(`${ROOT}/dist/ccr.key`, "utf8").catch(() => "")).split(":");
  if (oldKey === key) {
    const files = ["ccr.cjs", partName(LAST, old)].map((name) => readFile(`${ROOT}/dist/${name}`));
    const [code, last] = await Promise.all(files).catch(() => []);
    if (code && last) return { code, last, hash: old, sizes, key };
  }
  const codes = await Promise.all(built.map(({ outputFiles }) => shrink(outputFiles[0]!.text)));
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 22 };
  const texts = codes.map((code) => encode(brotliCompressSync(Buffer.from(wrapped(code)), { params })));
  const hash = createHash("sha256").update(texts.join()).digest("hex").slice(0, 12);
  // In comments, because Node need not make strings of them.
  const comments = texts.slice(0, LAST).map((text, i) => `${MARK}${i}:${hash}:${text}\n`);
  const code = Buffer.from([await loader(hash), ...comments].join(""));
  return { code, last: Buffer.from(`${texts[LAST]}\n`), hash, sizes, key };
}

/** A layer is run as a function of these. */
const wrapped = (code: string): string => `(function(module,exports,require,__import,__filename){${code}\n})`;

/** Terser's names pack better than esbuild's: 3 % of the whole. */
async function shrink(code: string): Promise<string> {
  // Node's own import() does not know modules of ours, nor does it work in code that a Script runs.
  const imported = code.replaceAll(/\bimport\("(?=ccr:|node:)/g, '__import("');
  const { code: shrunk } = await minify(imported, {
    ecma: 2020,
    toplevel: true,
    compress: { passes: 2, unsafe_arrows: true, unsafe_methods: true, keep_fargs: false, pure_getters: true },
    format: { ascii_only: true },
  });
  if (!shrunk) throw new Error("terser wrote nothing");
  return shrunk;
}

/** The layer of a verb; null for any other module, which goes where it is needed. */
function layerOf(name: string): number | null {
  const verb = /^commands\/([\w-]+)\.ts$/.exec(name)?.[1];
  if (verb === undefined) return null;
  const at = LAYERS.findIndex((verbs) => verbs.includes(verb));
  return at < 0 ? LAST : at;
}

const MARK = "//packed";
/** The layers behind the base, each of which a start script of its own brings. */
export const PARTS = [1, LAST] as const;
/** Stands before layer 1 in the file, and nowhere else; the hash and a colon come next. */
export const PART_MARK = `${MARK}1:`;

const ids = new Map<string, string>();

/** A short name for a module, the same in every build. */
function idOf(name: string): string {
  const id = createHash("sha256").update(name).digest("hex").slice(0, 5);
  const other = ids.get(id);
  if (other !== undefined && other !== name)
    throw new Error(`${name} and ${other} have the same short name ${id}`);
  ids.set(id, name);
  return id;
}

const COMMON = {
  absWorkingDir: ROOT,
  bundle: true,
  minify: true,
  platform: "node",
  target: "node18.19",
  format: "cjs",
  legalComments: "none",
  write: false,
} as const;

async function loader(hash: string): Promise<string> {
  const { outputFiles } = await build({
    ...COMMON,
    entryPoints: ["helpers/loader.ts"],
    define: { CCR_HASH: `"${hash}"`, CCR_MARK: JSON.stringify(MARK) },
  });
  return outputFiles[0]!.text;
}

/** Builds one layer as it is known now; what it loads on demand is added to `asked`. */
function bundle(index: number, layers: readonly Layer[], asked: Set<string>): Promise<Built> {
  const layer = layers[index]!;
  const loaders = [...new Set([...layer.entries, ...layer.fetched])]
    .sort()
    .map((name) => `"${idOf(name)}":()=>require("./${name}")`);
  const table = `{${loaders.join(",")}}`;
  const contents = index === 0 ? `import "./bin.ts";module.exports=${table}` : `module.exports=${table}`;
  const plugin: Plugin = {
    name: "layers",
    setup({ onResolve }) {
      onResolve({ filter: /^\./ }, ({ path, resolveDir, kind }) => {
        const name = relative(HELPERS, resolve(resolveDir, path));
        const at = layers.findIndex((other, i) => i < index && other.modules.has(name));
        if (at >= 0) {
          layers[at]!.fetched.add(name);
          return { path: `ccr:${at}/${idOf(name)}`, external: true };
        }
        // A verb of a later layer is loaded on demand.
        const own = kind === "dynamic-import" ? layerOf(name) : null;
        if (own === null || own <= index) return undefined;
        asked.add(name);
        return { path: `ccr:${own}/${idOf(name)}`, external: true };
      });
    },
  };
  return build({
    ...COMMON,
    stdin: { contents, resolveDir: HELPERS, loader: "ts" },
    outfile: "ccr.cjs",
    define: { CCR_VERSION: JSON.stringify(VERSION) },
    plugins: [plugin],
    metafile: true,
    logLevel: "warning",
  }) as Promise<Built>;
}

type Built = BuildResult & { metafile: Metafile; outputFiles: { text: string }[] };

const namesOf = (metafile: Metafile): Set<string> =>
  new Set(Object.keys(metafile.inputs).map((name) => name.replace(/^helpers\//, "")));

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
