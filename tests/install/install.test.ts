import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type Change, Changes } from "../../helpers/install/changes.ts";
import { install, uninstall } from "../../helpers/install/install.ts";
import { installedName } from "../../helpers/install/places.ts";

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

const read = (...names: string[]): string => readFileSync(join(home, ...names), "latin1");
const run = (more: Partial<Parameters<typeof install>[0]> = {}) =>
  install({ file: join(box, "ccr.cjs"), node: "/usr/bin/node", commands, dry: false, ...more });
const actions = (changes: readonly Change[]): string[] => [...new Set(changes.map(({ action }) => action))];
const messages = (problems: readonly { message: string }[]): string[] =>
  problems.map(({ message }) => message);

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

describe("ccr install", () => {
  it("writes the files of the contract, for nobody else to read", () => {
    const { problems, changes, shells } = run();
    expect(problems).toEqual([]);
    expect(actions(changes)).toEqual(["created"]);
    expect(shells).toContain("bash");
    expect(readdirSync(join(home, ".local/bin")).sort()).toEqual(["ccr", "ccr-list", "cct"]);
    expect(read(".local/lib/ccr/ccr.cjs")).toBe("// the program\n");
    expect(mode(join(home, ".local/lib/ccr/ccr.cjs"))).toBe("600");
    expect(mode(join(home, ".local/bin/ccr"))).toBe("700");
    expect(mode(join(home, ".local/lib/ccr"))).toBe("700");
    expect(mode(join(home, "scripts"))).toBe("700");
    expect(mode(join(home, "scripts/claude-resume-helpers.sh"))).toBe("600");
    expect(read("scripts/claude-resume-helpers.sh")).toMatch(/^ *function ccr-list \{/m);
  });

  it("touches nothing the second time", () => {
    put(join(home, ".bashrc"), "alias ll='ls -l'");
    run();
    for (const path of Object.keys(snapshot())) utimesSync(path, old, old);
    const before = snapshot();
    const { changes, problems } = run();
    expect(actions(changes)).toEqual(["unchanged"]);
    expect(problems).toEqual([]);
    expect(snapshot()).toEqual(before);
  });

  it("writes nothing when it only says what it would do", () => {
    const { changes } = run({ dry: true });
    expect(changes.map(({ path }) => path)).toContain(join(home, ".bashrc"));
    expect(readdirSync(home)).toEqual([]);
    put(join(home, "scripts/claude-resume-helpers.sh"), "mine");
    run({ dry: true });
    expect(read("scripts/claude-resume-helpers.sh")).toBe("mine");
  });

  it("keeps the rest of an rc file, its bytes and its mode", () => {
    const text = "PS1='\xe9'\r\nexport A=1\r\nlast \xff";
    put(join(home, ".bashrc"), text, 0o640);
    run();
    expect(read(".bashrc").endsWith(`# <<< ccr <<<\n${text}`)).toBe(true);
    expect(mode(join(home, ".bashrc"))).toBe("640");
  });

  it("replaces an older block where it stands", () => {
    put(join(home, ".bashrc"), "a\n# >>> ccr >>> old\nsomething\n# <<< ccr <<<\nb\n");
    run();
    expect(read(".bashrc")).toMatch(/^a\n# >>> ccr >>> .*\nif [\s\S]*fi\n# <<< ccr <<<\nb\n$/);
  });

  it("reports a damaged block with file and line, does the rest, and changes nothing there", () => {
    const text = "a\n# >>> ccr >>> old\nsomething\n";
    put(join(home, ".bashrc"), text);
    const { problems, shells } = run();
    expect(messages(problems)).toEqual(["~/.bashrc:2: the ccr block has no end line (# <<< ccr <<<)"]);
    expect(shells).not.toContain("bash");
    expect(read(".bashrc")).toBe(text);
    expect(existsSync(join(home, ".local/bin/ccr"))).toBe(true);
  });

  it("leaves a link to an rc file a link", () => {
    put(join(home, "dotfiles/bashrc"), "a\n", 0o600);
    symlinkSync("dotfiles/bashrc", join(home, ".bashrc"));
    run();
    expect(readlinkSync(join(home, ".bashrc"))).toBe("dotfiles/bashrc");
    expect(read("dotfiles/bashrc")).toMatch(/^# >>> ccr >>>[\s\S]*\na\n$/);
    uninstall({ dry: false });
    expect(readlinkSync(join(home, ".bashrc"))).toBe("dotfiles/bashrc");
    expect(read("dotfiles/bashrc")).toBe("a\n");
  });

  it("fills a link that leads nowhere, and empties it again", () => {
    mkdirSync(join(home, "dotfiles"));
    symlinkSync("dotfiles/bashrc", join(home, ".bashrc"));
    run();
    expect(read("dotfiles/bashrc")).toContain("(with the file)");
    uninstall({ dry: false });
    expect(readlinkSync(join(home, ".bashrc"))).toBe("dotfiles/bashrc");
    expect(existsSync(join(home, "dotfiles/bashrc"))).toBe(false);
  });

  it("keeps its block when another script appends at the same moment", () => {
    const changes = new Changes(false);
    const path = put(join(home, ".bashrc"), "a\n");
    let times = 0;
    changes.edit(
      path,
      (text) => {
        if (times++ === 0) writeFileSync(path, `${text}b\n`);
        return `x\n${text}`;
      },
      "",
    );
    expect(read(".bashrc")).toBe("x\na\nb\n");
  });

  it.each(["a\n", null])(
    "keeps a link that another script puts in its place at the same moment: %j",
    (before) => {
      const path = join(home, ".bashrc");
      if (before) put(path, before);
      const mine = put(join(home, "dotfiles/bashrc"), "mine\n");
      let times = 0;
      new Changes(false).edit(
        path,
        (text) => {
          if (times++ === 0) {
            rmSync(path, { force: true });
            symlinkSync(mine, path);
          }
          return `x\n${text ?? ""}`;
        },
        "",
      );
      expect(readlinkSync(path)).toBe(mine);
      expect(read("dotfiles/bashrc")).toBe("x\nmine\n");
    },
  );

  it("makes a .profile only where a login bash has no file of its own", () => {
    run();
    expect(read(".profile")).toContain('. "$HOME/.bashrc"');
  });

  it.each([
    [{ ".profile": '[ -f "$HOME/.bashrc" ] && . "$HOME/.bashrc"\n' }, []],
    [{ ".profile": "PATH=/x\n" }, [".profile"]],
    [{ ".profile": "# .bashrc is not read\n" }, [".profile"]],
    [{ ".bash_profile": ". ~/.profile\n", ".profile": ". ~/.bashrc\n" }, []],
    [{ ".bash_profile": "PATH=/x\n", ".profile": ". ~/.bashrc\n" }, [".bash_profile"]],
    [{ ".bash_login": "PATH=/x\n" }, [".bash_login"]],
  ])("gives a login bash the functions once: %j", (files, blocks) => {
    for (const [name, text] of Object.entries(files)) put(join(home, name), text!);
    run();
    const names = [".bash_profile", ".bash_login", ".profile"].filter((name) => existsSync(join(home, name)));
    expect(names.filter((name) => read(name).includes("ccr >>>"))).toEqual(blocks);
    expect(names).toEqual(Object.keys(files));
    run();
    for (const name of blocks) expect(read(name).match(/>>> ccr >>>/g)).toHaveLength(1);
    uninstall({ dry: false });
    for (const [name, text] of Object.entries(files)) expect(read(name)).toBe(text);
  });

  it("finds zsh's folder in the environment, in .zshenv, else in the home", () => {
    const cases: [string, string][] = [
      ["export ZDOTDIR=$HOME/.zsh\n", ".zsh"],
      ['ZDOTDIR="${XDG_CONFIG_HOME:-$HOME/.config}/zsh"\n', ".config/zsh"],
      ["ZDOTDIR=~/z # here\n", "z"],
      ["ZDOTDIR=$(somewhere)\n", "."],
      ["# ZDOTDIR=~/no\n", "."],
    ];
    for (const [text, folder] of cases) {
      put(join(home, ".zshenv"), text);
      put(join(home, folder, ".zshrc"), "a\n");
      run();
      expect(read(folder, ".zshrc")).toMatch(/^a\n# >>> ccr >>>/);
      expect(uninstall({ dry: false }).problems).toEqual([]);
      expect(read(folder, ".zshrc")).toBe("a\n");
      rmSync(join(home, folder, ".zshrc"));
    }
    vi.stubEnv("ZDOTDIR", join(home, "by-environment"));
    put(join(home, "by-environment/.zshrc"), "a\n");
    run();
    expect(read("by-environment/.zshrc")).toContain(">>> ccr >>>");
  });

  it("writes fish's file where fish is used, and honours XDG_CONFIG_HOME", () => {
    vi.stubEnv("XDG_CONFIG_HOME", join(home, "cfg"));
    mkdirSync(join(home, "cfg/fish"), { recursive: true });
    expect(run().shells).toContain("fish");
    expect(read("cfg/fish/conf.d/ccr.fish")).toContain("complete -c ccr-list ");
    put(join(home, "cfg/fish/conf.d/ccr.fish"), "mine\n");
    const { problems } = run();
    expect(messages(problems)).toEqual([
      "~/cfg/fish/conf.d/ccr.fish belongs to another program and was not changed",
    ]);
    expect(read("cfg/fish/conf.d/ccr.fish")).toBe("mine\n");
  });

  it("links all names for Coder's scripts, and only its own", () => {
    const bin = join(box, "coder/bin");
    mkdirSync(bin, { recursive: true });
    vi.stubEnv("CODER_SCRIPT_BIN_DIR", bin);
    symlinkSync("/elsewhere/x", join(bin, "x"));
    run();
    expect(readlinkSync(join(bin, "ccr-list"))).toBe(join(home, ".local/bin/ccr-list"));
    run({ name: "cr" });
    expect(readdirSync(bin).sort()).toEqual(["cct", "cr", "cr-list", "x"]);
    uninstall({ dry: false });
    expect(readdirSync(bin)).toEqual(["x"]);
  });

  it("warns where Coder's folder cannot be written, and goes on", () => {
    vi.stubEnv("CODER_SCRIPT_BIN_DIR", join(box, "ccr.cjs/bin"));
    const { problems, warnings, shells } = run();
    expect(problems).toEqual([]);
    expect(warnings).toHaveLength(1);
    expect(shells).toContain("bash");
  });

  it("removes the names of commands that no longer exist, and no other files", () => {
    put(join(home, ".local/bin/other"), "#!/bin/sh\n", 0o755);
    run();
    run({ commands: commands.slice(0, 1) });
    expect(readdirSync(join(home, ".local/bin")).sort()).toEqual(["ccr", "ccr-list", "other"]);
    expect(read("scripts/claude-resume-helpers.sh")).not.toContain("cct");
  });

  it("uses another name, remembers it, and removes the old ones", () => {
    run();
    run({ name: "cr" });
    expect(readdirSync(join(home, ".local/bin")).sort()).toEqual(["cct", "cr", "cr-list"]);
    expect(installedName()).toBe("cr");
    expect(run().name).toBe("cr");
    vi.stubEnv("CCR_NAME", "cx");
    expect(run().name).toBe("cx");
    expect(run({ name: "ccr" }).name).toBe("ccr");
  });

  it("refuses a name that a shell would take for itself", () => {
    expect(() => run({ name: "cd" })).toThrow('invalid name "cd"');
    expect(readdirSync(home)).toEqual([]);
  });

  it("says so where another ccr is on PATH", () => {
    const other = put(join(box, "path/ccr"), "#!/usr/bin/env node\n", 0o755);
    const { warnings, problems } = run();
    expect(messages(warnings)).toEqual([`another ccr is on PATH: ${other}`]);
    expect(problems).toEqual([]);
    expect(run({ name: "cr" }).warnings).toEqual([]);
  });

  it("leaves another program of that name in ~/.local/bin alone, and installs the rest", () => {
    put(join(home, "node_modules/router.js"), "#!/usr/bin/env node\n", 0o755);
    mkdirSync(join(home, ".local/bin"), { recursive: true });
    symlinkSync("../../node_modules/router.js", join(home, ".local/bin/ccr"));
    vi.stubEnv("PATH", join(home, ".local/bin"));
    const { problems, warnings } = run();
    expect(messages(problems)).toEqual(["~/.local/bin/ccr belongs to another program and was not changed"]);
    expect(warnings).toEqual([]);
    expect(readlinkSync(join(home, ".local/bin/ccr"))).toBe("../../node_modules/router.js");
    expect(read("scripts/claude-resume-helpers.sh")).not.toMatch(/function ccr \{|complet/);
    expect(read("scripts/claude-resume-helpers.sh")).toContain("function ccr-list {");
    uninstall({ dry: false });
    expect(readdirSync(join(home, ".local/bin"))).toEqual(["ccr"]);
  });

  it("remembers any name that is allowed", () => {
    for (const name of ["claude-r", "c_c", "z9"]) {
      run({ name });
      expect(installedName()).toBe(name);
    }
  });

  it("keeps an earlier helper file, and restores it", () => {
    put(join(home, "scripts/claude-resume-helpers.sh"), "ccr() { echo mine; }\n", 0o755);
    const { warnings } = run();
    expect(messages(warnings)[0]).toContain("to ~/scripts/claude-resume-helpers.sh.before-ccr");
    expect(read("scripts/claude-resume-helpers.sh")).toContain("function ccr {");
    expect(run().warnings).toEqual([]);
    uninstall({ dry: false });
    expect(read("scripts/claude-resume-helpers.sh")).toBe("ccr() { echo mine; }\n");
    expect(mode(join(home, "scripts/claude-resume-helpers.sh"))).toBe("755");
    expect(readdirSync(join(home, "scripts"))).toEqual(["claude-resume-helpers.sh"]);
  });

  it("makes one script and links to it, which lead there wherever the home is mounted", () => {
    run();
    const folder = join(home, ".local/bin");
    expect(readdirSync(folder).sort()).toEqual(["ccr", "ccr-list", "cct"]);
    expect(mode(join(folder, "ccr"))).toBe("700");
    for (const name of ["ccr-list", "cct"]) expect(readlinkSync(join(folder, name))).toBe("ccr");
  });

  it("takes the first free name for the script where another program has ccr", () => {
    const folder = join(home, ".local/bin");
    put(join(folder, "ccr"), "#!/bin/sh\n# another\n", 0o755);
    expect(messages(run().problems)[0]).toContain("belongs to another program");
    expect(read(".local/bin/ccr")).toBe("#!/bin/sh\n# another\n");
    expect(lstatSync(join(folder, "ccr-list")).isFile()).toBe(true);
    expect(readlinkSync(join(folder, "cct"))).toBe("ccr-list");
    // and gives it the name once it is free
    rmSync(join(folder, "ccr"));
    expect(run().problems).toEqual([]);
    expect(lstatSync(join(folder, "ccr")).isFile()).toBe(true);
    for (const name of ["ccr-list", "cct"]) expect(readlinkSync(join(folder, name))).toBe("ccr");
    expect(actions(run().changes)).toEqual(["unchanged"]);
    uninstall({ dry: false });
    expect(existsSync(folder)).toBe(true);
    expect(readdirSync(folder)).toEqual([]);
  });

  it("turns the executables of version 1.0.0 into links, and takes out the parts it kept beside the program", () => {
    run();
    const folder = join(home, ".local/bin");
    const script = read(".local/bin/ccr");
    for (const name of ["ccr-list", "cct"]) {
      rmSync(join(folder, name));
      put(join(folder, name), script, 0o700);
    }
    put(join(home, ".local/lib/ccr/ccr.2.ba9876543210"), "packed");
    put(join(home, ".cache/ccr/code-ba9876543210-0.js"), "code");
    put(join(home, ".cache/ccr/catalogue-x.tsv"), "");
    run();
    for (const name of ["ccr-list", "cct"]) expect(readlinkSync(join(folder, name))).toBe("ccr");
    expect(
      readdirSync(join(home, ".local/lib/ccr"))
        .filter((name) => name.startsWith("ccr."))
        .sort(),
    ).toEqual(["ccr.cjs"]);
    expect(readdirSync(join(home, ".cache/ccr"))).toEqual(["catalogue-x.tsv"]);
    expect(
      run({ file: join(home, ".local/lib/ccr/ccr.cjs") }).changes.map(({ action }) => action),
    ).not.toContain("updated");
    uninstall({ dry: false });
    expect(existsSync(join(home, ".local/lib/ccr"))).toBe(false);
  });

  it("makes a command executable again", () => {
    run();
    chmodSync(join(home, ".local/bin/ccr"), 0o600);
    expect(run().changes.filter(({ action }) => action === "updated")).toHaveLength(1);
    expect(mode(join(home, ".local/bin/ccr"))).toBe("700");
  });

  it("replaces a program of its own that became a link, and not what that leads to", () => {
    run();
    const built = put(join(box, "checkout.cjs"), "// mine\n");
    rmSync(join(home, ".local/lib/ccr/ccr.cjs"));
    symlinkSync(built, join(home, ".local/lib/ccr/ccr.cjs"));
    run();
    expect(read(".local/lib/ccr/ccr.cjs")).toBe("// the program\n");
    expect(readFileSync(built, "utf8")).toBe("// mine\n");
  });

  it("stops with one line where nothing can be written", () => {
    put(join(home, ".local"), "a file");
    expect(() => run()).toThrow(/\.local/);
    expect(readdirSync(home)).toEqual([".local"]);
  });

  it("does not take the current directory for a home", () => {
    vi.stubEnv("HOME", "");
    expect(() => run()).toThrow(/HOME is not an absolute path/);
    expect(() => uninstall({ dry: false })).toThrow(/HOME/);
  });

  it("says what it installs from", () => {
    expect(() => run({ file: "/x/main.ts" })).toThrow(/built file/);
  });

  it("removes what a killed run left behind an hour ago, and nothing younger", () => {
    const stale = put(join(home, ".local/bin/.ccr-install-1-1.tmp"), "torn");
    const young = put(join(home, ".local/bin/.ccr-install-1-2.tmp"), "torn");
    const other = put(join(home, ".local/bin/.ccr-install-x.tmp"), "torn");
    for (const path of [stale, other]) utimesSync(path, old, old);
    run();
    expect([stale, young, other].map((path) => existsSync(path))).toEqual([false, true, true]);
  });
});

describe("ccr uninstall", () => {
  it("keeps sessions, settings, state, and other files beside its own", () => {
    run();
    const kept = [
      ".claude/projects/x/y.jsonl",
      ".config/ccr/config.json",
      ".local/state/ccr/x",
      ".local/lib/ccr/notes",
      "scripts/mine.sh",
      ".config/fish/conf.d/mine.fish",
    ].map((name) => put(join(home, name), "mine"));
    put(join(home, ".cache/ccr/x"), "");
    put(join(home, ".local/lib/ccr/node/v20/bin/node"), "");
    const before = kept.map((path) => statSync(path).mtimeMs);
    uninstall({ dry: false });
    expect(kept.map((path) => statSync(path).mtimeMs)).toEqual(before);
    expect(existsSync(join(home, ".cache/ccr"))).toBe(false);
    expect(readdirSync(join(home, ".local/lib/ccr"))).toEqual(["notes"]);
    expect(readdirSync(join(home, ".local/bin"))).toEqual([]);
  });

  it("reports a damaged block and takes the rest out", () => {
    run();
    const text = read(".bashrc").replace("# <<< ccr <<<\n", "");
    put(join(home, ".bashrc"), text);
    expect(messages(uninstall({ dry: false }).problems)).toEqual([
      "~/.bashrc:1: the ccr block has no end line (# <<< ccr <<<)",
    ]);
    expect(read(".bashrc")).toBe(text);
    expect(existsSync(join(home, ".local/bin/ccr"))).toBe(false);
  });

  it("has nothing to do in a home without ccr", () => {
    put(join(home, ".bashrc"), "a\n");
    expect(uninstall({ dry: false }).changes).toEqual([]);
    expect(readdirSync(home)).toEqual([".bashrc"]);
  });

  it("only says what it would do with --dry-run", () => {
    run();
    const before = snapshot();
    expect(uninstall({ dry: true }).changes.length).toBeGreaterThan(5);
    expect(snapshot()).toEqual(before);
  });
});
