import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { install, uninstall } from "../../helpers/install/install.ts";

const commands = [{ name: "list", alias: "ccr-list" }, { name: "open", alias: "cct" }, { name: "version" }];
const old = new Date("2026-01-01T00:00:00Z");
const mode = (path: string): string => (lstatSync(path).mode & 0o7777).toString(8);

let box: string;
let home: string;

beforeEach(() => {
  box = realpathSync(mkdtempSync(join(tmpdir(), "ccr-install-")));
  home = join(box, "it's a home");
  mkdirSync(home);
  put(join(box, "ccr.cjs"), "// the program\n");
  mkdirSync(join(box, "path"));
  vi.stubEnv("HOME", home);
  vi.stubEnv("PATH", join(box, "path"));
  for (const name of ["CCR_NAME", "CODER_SCRIPT_BIN_DIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "ZDOTDIR"])
    vi.stubEnv(name, undefined);
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(box, { recursive: true });
});

function put(path: string, text: string, permissions = 0o644): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text, "latin1");
  chmodSync(path, permissions);
  return path;
}

const run = (more: Partial<Parameters<typeof install>[0]> = {}) =>
  install({ file: join(box, "ccr.cjs"), node: "/usr/bin/node", commands, dry: false, ...more });

/** Every file of the home: mode, time and bytes, or where a link leads. */
function snapshot(directory = home): Record<string, string> {
  const found: Record<string, string> = {};
  for (const entry of readdirSync(directory, { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath, entry.name);
    const { mtimeMs } = lstatSync(path);
    if (entry.isSymbolicLink()) found[path] = readlinkSync(path);
    else if (entry.isFile()) found[path] = `${mode(path)} ${mtimeMs} ${readFileSync(path, "latin1")}`;
  }
  return found;
}

describe("ccr uninstall", () => {
  it("restores every file byte for byte, whatever stood in it", () => {
    const bytes = fc
      .uint8Array({ maxLength: 60 })
      .map((part) => Buffer.from(part).toString("latin1"))
      .filter((text) => !text.includes("ccr"));
    const file = fc.option(fc.oneof(bytes, fc.constantFrom("", "\n", "a", ". ~/.bashrc\r\n", "x \\")));
    fc.assert(
      fc.property(fc.tuple(file, file, file, file), (texts) => {
        rmSync(home, { recursive: true });
        mkdirSync(join(home, ".local/bin"), { recursive: true });
        [".bashrc", ".profile", ".bash_profile", ".zshrc"].forEach((name, i) => {
          const text = texts[i];
          if (typeof text === "string") utimesSync(put(join(home, name), text), old, old);
        });
        const contents = () =>
          Object.fromEntries(
            Object.entries(snapshot()).map(([path, text]) => [path, text.replace(/ \S+ /, " ")]),
          );
        const before = contents();
        expect(run().problems).toEqual([]);
        expect(uninstall({ dry: false }).problems).toEqual([]);
        expect(contents()).toEqual(before);
      }),
      { numRuns: 60 },
    );
  });
});
