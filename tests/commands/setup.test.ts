import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, expect, it } from "vitest";
import { root } from "../support/home.ts";

/** A checkout with an npm that only writes down how it was called, and a script that says its arguments. */
let checkout: string;
const file = (path: string, text: string, mode = 0o644) => {
  mkdirSync(dirname(join(checkout, path)), { recursive: true });
  writeFileSync(join(checkout, path), text);
  chmodSync(join(checkout, path), mode);
};
const lock = (version: string) =>
  JSON.stringify({
    packages: {
      "": {},
      "node_modules/a": { version },
      "node_modules/mac": { version: "1.0.0", optional: true },
    },
  });
const setup = (...words: string[]) =>
  execa(process.execPath, ["tests/support/setup.mjs", ...words], {
    cwd: checkout,
    env: { PATH: `${checkout}/bin:${process.env.PATH}` },
    reject: false,
  });
const calls = () => {
  const log = join(checkout, "calls");
  return existsSync(log) ? readFileSync(log, "utf8").trim().split("\n") : [];
};
const touch = (path: string, seconds: number) => utimesSync(join(checkout, path), seconds, seconds);

beforeEach(() => {
  checkout = mkdtempSync(join(tmpdir(), "ccr-setup-"));
  mkdirSync(join(checkout, "tests/support"), { recursive: true });
  copyFileSync(join(root, "tests/support/setup.mjs"), join(checkout, "tests/support/setup.mjs"));
  file("bin/npm", '#!/bin/sh\necho "$1 $2" >>calls\nexit "${NPM_STATUS:-0}"\n', 0o755);
  file("package-lock.json", lock("1.0.0"));
  file("node_modules/tsx/dist/esm/api/index.mjs", "export const register = () => {};");
  file(
    "node_modules/.package-lock.json",
    JSON.stringify({ packages: { "node_modules/a": { version: "1.0.0" } } }),
  );
  for (const made of ["dist/ccr.cjs", "dist/template/x", "infra/providers/x"]) file(made, "");
  file("say.mjs", "console.log(JSON.stringify(process.argv.slice(1))); process.exitCode = 7;");
});

afterEach(() => rmSync(checkout, { recursive: true, force: true }));

it("setup.mjs runs the script, with its arguments and status, when everything is up to date", async () => {
  const result = await setup("say.mjs", "ccr-list 5", "--json");
  expect(JSON.parse(result.stdout)).toEqual([join(checkout, "say.mjs"), "ccr-list 5", "--json"]);
  expect(result.exitCode).toBe(7);
  expect(calls()).toEqual([]);
});

it("setup.mjs installs in a fresh clone, and after npm was killed", async () => {
  rmSync(join(checkout, "node_modules/.package-lock.json"));
  const result = await setup("say.mjs");
  expect(calls()).toEqual(["ci --no-audit"]);
  expect(result.stdout).not.toContain("install");
});

it("setup.mjs does not install again for a lock file that only looks newer", async () => {
  touch("node_modules/.package-lock.json", 1000);
  await setup("say.mjs");
  expect(calls()).toEqual([]);
});

it("setup.mjs installs when the lock file asks for another version", async () => {
  file("package-lock.json", lock("2.0.0"));
  touch("node_modules/.package-lock.json", 1000);
  await setup("say.mjs");
  expect(calls()).toEqual(["ci --no-audit"]);
});

it("setup.mjs builds missing files", async () => {
  rmSync(join(checkout, "dist/template"), { recursive: true });
  await setup("say.mjs");
  expect(calls()).toEqual(["run prepare"]);
});

it("setup.mjs stops with one line when npm fails", async () => {
  rmSync(join(checkout, "dist"), { recursive: true });
  file("bin/npm", "#!/bin/sh\nexit 1\n", 0o755);
  const result = await setup("say.mjs");
  expect(result.exitCode).toBe(1);
  expect(result.stdout).toBe("");
  expect(result.stderr).toMatch(/ccr: npm run prepare failed; its message stands above\.$/);
});
