// Part of `npm run check`: no circular imports, imports run one way, and the architecture page shows the allowed ones.
// With --write it updates the page.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, type Plugin } from "esbuild";
import { breaches, type Inputs, importTable, unusedArrows } from "./import-rules.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** The files right in a folder are what starts there: main, tools. */
const entryPoints = ["helpers", "infra", "infra/tools"].flatMap((folder) =>
  readdirSync(join(root, folder))
    .filter((name) => name.endsWith(".ts"))
    .map((name) => `${folder}/${name}`),
);

/** An import of types alone ties two files no less: esbuild would leave it out. */
const withTypes: Plugin = {
  name: "types",
  setup: ({ onLoad }) =>
    onLoad({ filter: /\/(?:helpers|infra)\/.*\.ts$/ }, ({ path }) => ({
      contents: readFileSync(path, "utf8").replace(
        /^(?:im|ex)port type [^;]*? from ("[^"]+");$/gm,
        "import $1;",
      ),
      loader: "ts",
    })),
};

const { metafile } = await build({
  absWorkingDir: root,
  entryPoints,
  bundle: true,
  write: false,
  metafile: true,
  outdir: "dist",
  platform: "node",
  format: "esm",
  packages: "external",
  logLevel: "error",
  loader: { ".sh": "text" },
  plugins: [withTypes],
});

// Generated bindings are not ours to order.
const inputs: Inputs = Object.fromEntries(
  Object.entries(metafile.inputs).filter(([path]) => !path.startsWith("infra/providers/")),
);
const wrong = [...breaches(inputs), ...unusedArrows(inputs)];

const page = join(root, "docs/developing/architecture.md");
const text = readFileSync(page, "utf8");
const current = text.replace(
  /(<!-- import table[^>]*-->\n)[\s\S]*?(<!-- end -->)/,
  (_, start: string, end: string) => `${start}\n${importTable()}\n\n${end}`,
);
if (process.argv.includes("--write")) writeFileSync(page, current);
else if (current !== text)
  wrong.push("docs/developing/architecture.md shows an old table of imports: run npm run imports");

for (const line of wrong) console.error(line);
const count = Object.keys(inputs).length;
console.log(wrong.length ? `${count} modules, ${wrong.length} wrong imports` : `${count} modules, no cycle`);
process.exitCode = wrong.length ? 1 : 0;
