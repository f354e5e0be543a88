// A home in which version 1.0.0 was used: the new program takes its place, and nothing of the person's changes.

import {
  chmodSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fixtures, type Home, makeHome } from "../support/home.ts";
import { type Installed, install } from "../support/program.ts";
import { copySamples } from "../support/sample-sessions.ts";

const PROJECTS = ".claude/projects";
const STATE = ".local/state/ccr";
const CONFIG = ".config/ccr";

let old: string;
let home: Home;
let ccr: Installed;
let before: Map<string, string>;
let panes: string;

/** Every file below some folders of the home, with its content. */
function filesIn(...folders: string[]): Map<string, string> {
  const all = new Map<string, string>();
  for (const folder of folders)
    for (const entry of readdirSync(join(home.path, folder), { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      if (entry.isFile()) all.set(path.slice(home.path.length + 1), readFileSync(path, "latin1"));
    }
  return all;
}

const inHome = (command: string, args: readonly string[]) =>
  execa(command, args, { env: home.env, extendEnv: false, cwd: home.path, timeout: 60_000 });

const sessionsInTmux = async (): Promise<string> =>
  (await inHome("tmux", ["list-panes", "-a", "-F", "#{session_name} #{pane_pid} #{pane_dead}"])).stdout;

const names = (folder: string): string[] => readdirSync(join(home.path, folder));

beforeAll(async () => {
  old = mkdtempSync(join(tmpdir(), "ccr-1.0.0-"));
  await execa("tar", ["-xzf", join(fixtures, "template-1.0.0.tar.gz"), "-C", old]);
  const [folder] = readdirSync(old, { recursive: true, encoding: "utf8" }).filter((name) =>
    name.endsWith("ccr.cjs"),
  );
  const program = join(old, folder!);
  home = makeHome("ccr-upgrade-");
  copySamples(home.path);
  // Stands in for Claude Code, which has no part in this: it only has to live in its window.
  const claude = join(home.around, "bin/claude");
  writeFileSync(claude, "#!/bin/sh\nexec sleep 600\n");
  chmodSync(claude, 0o755);

  await inHome(process.execPath, [program, "install"]);
  const library = join(home.path, ".local/lib/ccr");
  // What a start script of 1.0.0 did with the last part: a hash, a colon, text.
  const [hash, part] = readFileSync(join(program, "../ccr.rest"), "latin1").split(/:(.*)/s);
  writeFileSync(join(library, `ccr.2.${hash}`), part!, "latin1");
  const bin = join(home.path, ".local/bin");
  await inHome(join(bin, "ccr"), ["config", "set", "notify.percent", "77"]);
  await inHome(join(bin, "ccr-list"), ["5"]);
  await inHome(join(bin, "ccr"), ["start", home.project("shop")]);
  expect(names(".cache/ccr").some((name) => name.startsWith("code-"))).toBe(true);
  before = filesIn(PROJECTS, STATE, CONFIG);
  panes = await sessionsInTmux();

  ccr = await install(home);
}, 180_000);
afterAll(async () => {
  await home.remove();
  rmSync(old, { recursive: true, force: true });
});

describe("an upgrade from version 1.0.0", () => {
  it("changes no session, no state and no setting", () => {
    expect(before.size).toBeGreaterThan(5);
    expect([...before.keys()].some((path) => path.startsWith(`${STATE}/live/`))).toBe(true);
    expect(filesIn(PROJECTS, STATE, CONFIG)).toEqual(before);
  });

  it("leaves live sessions running, and shows them", async () => {
    expect(panes).toMatch(/^claude-shop \d+ 0$/m);
    expect(await sessionsInTmux()).toBe(panes);
    expect((await ccr(["cct-list"])).out).toContain("claude-shop");
  });

  it("removes the old program's parts and its compiled code", () => {
    expect(names(".local/lib/ccr").filter((name) => /^ccr\.\d\./.test(name))).toEqual([]);
    expect(names(".cache/ccr").filter((name) => name.startsWith("code-"))).toEqual([]);
  });

  it("makes the other commands links to ccr, and all of them work", async () => {
    const links = names(".local/bin").filter((name) => /^(?:ccr-|cct|ccra)/.test(name));
    expect(links).toHaveLength(12);
    for (const name of links) expect(readlinkSync(join(home.path, ".local/bin", name))).toBe("ccr");
    expect(lstatSync(join(home.path, ".local/bin/ccr")).isFile()).toBe(true);
    const { out, status } = await ccr(["ccr-list", "3"]);
    expect([status, out.trimEnd().split("\n").length]).toEqual([0, 3]);
    expect((await ccr(["ccr", "config", "get", "notify.percent"])).out).toBe("77\n");
  });
});
