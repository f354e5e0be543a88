/**
 * `npm run cdktn`: checks that infra/ works with cdktn, the continuation of cdktf. Installs the alias that
 * docs/running/upgrading.md describes in a copy of the checkout and synthesizes there; both templates must be the same.
 * Not part of the tests, because it needs the npm registry.
 */
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const VERSION = "0.24.0";
const ROOT = fileURLToPath(new URL("../..", import.meta.url));

const copy = mkdtempSync(join(tmpdir(), "ccr-cdktn-"));
try {
  for (const name of ["infra", "helpers", "cdktf.json", "tsconfig.json", "package.json"])
    cpSync(join(ROOT, name), join(copy, name), { recursive: true });
  const config = JSON.parse(readFileSync(join(copy, "package.json"), "utf8"));
  const alias = `npm:cdktn@${VERSION}`;
  // What a synth needs, and no more.
  const needed = ["@cdktf/provider-kubernetes", "constructs", "esbuild", "tsx"];
  config.devDependencies = Object.fromEntries(
    needed.flatMap((name) => (config.devDependencies[name] ? [[name, config.devDependencies[name]]] : [])),
  );
  config.devDependencies.cdktf = alias;
  config.overrides = { "@cdktf/provider-kubernetes": { cdktf: alias } };
  config.scripts = {};
  writeFileSync(join(copy, "package.json"), JSON.stringify(config));
  execFileSync("npm", ["install", "--no-audit", "--no-fund", "--ignore-scripts", "--legacy-peer-deps"], {
    cwd: copy,
    stdio: ["ignore", "ignore", "inherit"],
  });
  const { name, version } = JSON.parse(readFileSync(join(copy, "node_modules/cdktf/package.json"), "utf8"));
  const write = join(copy, "write.ts");
  writeFileSync(
    write,
    `import { settingsOf } from "./infra/settings.ts";
import { writeTemplateFolder } from "./infra/template-folder.ts";
const [folder, helper, root] = process.argv.slice(2) as [string, string, string];
await writeTemplateFolder({ folder, settings: settingsOf(root), helper, version: "1.0.0", root });
`,
  );
  const helper = join(ROOT, "dist/ccr.cjs");
  const [theirs, ours] = [copy, ROOT].map((checkout, index) => {
    const script = join(checkout, index === 0 ? "write.ts" : `.write-${process.pid}.ts`);
    if (index === 1) cpSync(write, script);
    const folder = join(copy, `out-${index}`, "template");
    try {
      execFileSync(process.execPath, ["--import", "tsx", script, folder, helper, ROOT], {
        cwd: checkout,
        stdio: "inherit",
      });
    } finally {
      if (index === 1) rmSync(script);
    }
    return folder;
  }) as [string, string];
  execFileSync("diff", ["-r", ours, theirs], { stdio: "inherit" });
  console.log(`${name} ${version} writes the same template`);
} finally {
  rmSync(copy, { recursive: true, force: true });
}
