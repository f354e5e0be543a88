// What a fresh clone needs before any TypeScript can run; plain Node, no dependency.
//   node tests/support/setup.mjs <script.ts> [arguments…]
// Brings node_modules, the provider bindings and dist/ up to date, then becomes the script.

import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const modules = join(root, "node_modules");

const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 9)) {
  stop(`Node ${process.versions.node} is too old; 20.9 or newer is needed here.`);
}

const [script, ...rest] = process.argv.slice(2);
if (!script) stop("usage: node tests/support/setup.mjs <script.ts> [arguments…]");

if (!installed()) npm("ci", "installing dependencies");
else if (
  !["dist/ccr.cjs", "dist/template", "infra/providers"].every((path) => existsSync(join(root, path)))
) {
  npm("run prepare", "building");
}

const { register } = await import(pathToFileURL(join(modules, "tsx/dist/esm/api/index.mjs")).href);
register();
process.argv = [process.argv[0], resolve(root, script), ...rest];
await import(pathToFileURL(process.argv[1]).href);

/** npm writes node_modules/.package-lock.json last: missing means never finished. */
function installed() {
  const wanted = join(root, "package-lock.json");
  const present = join(modules, ".package-lock.json");
  if (!existsSync(present)) return false;
  if (statSync(present).mtimeMs >= statSync(wanted).mtimeMs) return true;
  // A checkout touches the lock file without changing it: compare before minutes are spent on npm ci.
  const [lock, tree] = [wanted, present].map((file) => JSON.parse(readFileSync(file, "utf8")).packages);
  return Object.entries(lock).every(
    ([path, entry]) =>
      path === "" || tree[path]?.version === entry.version || (!tree[path] && (entry.optional || entry.peer)),
  );
}

function npm(command, doing) {
  process.stderr.write(`ccr: ${doing} (npm ${command})\n`);
  const started = Date.now();
  // Its talk goes to stderr: stdout belongs to the script.
  const result = spawnSync("npm", [...command.split(" "), "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: root,
    stdio: ["ignore", 2, 2],
    shell: process.platform === "win32",
  });
  if (result.error)
    stop(`npm cannot be started (${result.error.code}); it comes with Node: https://nodejs.org`);
  if (result.signal) process.kill(process.pid, result.signal);
  if (result.status !== 0) stop(`npm ${command} failed; its message stands above.`);
  process.stderr.write(`ccr: done in ${Math.round((Date.now() - started) / 1000)} s\n`);
}

function stop(message) {
  process.stderr.write(`ccr: ${message}\n`);
  process.exit(1);
}
