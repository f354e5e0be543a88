import {
  accessSync,
  closeSync,
  constants,
  openSync,
  readFileSync,
  readlinkSync,
  readSync,
  rmSync,
} from "node:fs";
import { basename, delimiter, dirname, join, resolve } from "node:path";
import { binaries, cache, compiledCode, configuration, home, program } from "../system/places.ts";
import { errno, Problem } from "../system/problem.ts";
import { drop, put } from "./block.ts";
import { type Change, Changes, entries, lstat, tilde } from "./changes.ts";
import { checkName, MARK, type Name, namesOf, PROGRAM, under } from "./names.ts";
import { functionsFile, installedName, library, type Setting, setting } from "./places.ts";
import { allRcFiles, bashFiles, type Rc, zshFile } from "./rc.ts";
import { shim } from "./shim.ts";
import { bashCompletion, fishFile, functions, zshCompletion, zshStart } from "./texts.ts";

type Commands = readonly { name: string; alias?: string }[];

export type Outcome = {
  name: string;
  /** shells that are set up */
  shells: string[];
  changes: Change[];
  /** failures: exit status 1 */
  problems: Problem[];
  /** the rest that a person should know */
  warnings: Problem[];
};

const earlierFile = (): string => `${functionsFile()}.before-ccr`;
const bashTab = (): string => join(library(), "completion.bash");
const zshTab = (): string => join(library(), "zsh/__ccr_complete");
const zshStartFile = (): string => join(library(), "completion.zsh");
const fishFolder = (): string => join(dirname(configuration()), "fish");
const fishPath = (): string => join(fishFolder(), "conf.d/ccr.fish");

/**
 * Installs the program, executables, functions and rc lines into the home. Files that are up to date are not written.
 * Throws a Problem when the program itself cannot be written; later failures are reported, and the rest is installed.
 */
export function install(options: {
  /** the file that runs now */
  file: string;
  node: string;
  commands: Commands;
  /** default: `CCR_NAME`, else the name of the last install, else ccr */
  name?: string;
  dry: boolean;
}): Outcome {
  const { commands, dry } = options;
  requireHome();
  const chosen = options.name ?? (process.env.CCR_NAME || (installedName() ?? PROGRAM));
  checkName(
    chosen,
    commands.flatMap(({ alias }) => (alias && alias !== PROGRAM ? [alias, under(chosen, alias)] : [])),
  );
  const changes = new Changes(dry);
  const warnings: Problem[] = [];

  // The program first and the rc files last: if this is killed, no shell refers to what does not exist.
  const before = lstat(program())?.mtimeMs;
  if (!changes.write(program(), bundle(options.file))) throw changes.problems[0]!;
  for (const path of partsOfEarlier()) changes.remove(path);
  if (!dry) sweepCache(lstat(program())?.mtimeMs !== before);

  const names = executables(changes, namesOf(chosen, commands), { file: program(), node: options.node });
  links(changes, names, warnings);

  const shells = names.length > 0 ? shellFiles(changes, setting(chosen, names), warnings) : [];
  const other = [chosen, ...names.map(({ name }) => name)].map(foreign).find(Boolean);
  if (other) {
    const message = `another ${basename(other)} is on PATH: ${other}`;
    const hint = "choose another name for this one: ccr install --name NAME";
    warnings.push(new Problem("other-program", message, { hint }));
  }
  return { name: chosen, shells, changes: changes.done, problems: changes.problems, warnings };
}

/** Removes everything that install has written. Configuration, state and all files of Claude stay. */
export function uninstall(options: { dry: boolean }): Outcome {
  requireHome();
  const changes = new Changes(options.dry);
  const name = installedName() ?? PROGRAM;
  for (const path of allRcFiles()) {
    if (!lstat(path)) continue;
    changes.edit(
      path,
      (text) => (text === null ? null : whole(path, drop(text))),
      "remove the ccr block from it yourself",
    );
  }
  for (const path of [fishPath(), functionsFile(), zshStartFile(), zshTab(), bashTab()])
    if (ours(path)) changes.remove(path);
  if (lstat(earlierFile()) && (options.dry || !lstat(functionsFile())))
    changes.rename(earlierFile(), functionsFile());
  for (const path of oldLinks([])) changes.remove(path);
  for (const path of ourExecutables()) changes.remove(path);
  for (const path of [
    cache(),
    join(library(), "node"),
    join(library(), "pieces"),
    ...partsOfEarlier(),
    program(),
  ])
    if (lstat(path)) changes.remove(path);
  changes.removeEmpty(dirname(zshTab()), library(), dirname(library()), dirname(functionsFile()));
  const touched = changes.done.filter(({ action }) => action !== "unchanged");
  return { name, shells: [], changes: touched, problems: changes.problems, warnings: [] };
}

/** An empty HOME would install everything into the current directory. */
function requireHome(): void {
  if (home().startsWith("/")) return;
  throw new Problem("no-home", `HOME is not an absolute path: "${home()}"`, {
    hint: "run: HOME=/home/you ccr install",
  });
}

function bundle(file: string): Buffer {
  if (!/\.c?js$/.test(file))
    throw new Problem("not-built", `install needs the built file; ${file || "standard input"} is not one`, {
      hint: "run: npm run build && node dist/ccr.cjs install",
    });
  return readFileSync(file);
}

/** Version 1.0.0 kept a part of the program in a file beside it: `ccr.<number>.<hash>`. */
const partsOfEarlier = (): string[] =>
  entries(library())
    .filter((name) => /^ccr\.\d\.[0-9a-f]{12}$/.test(name))
    .map((name) => join(library(), name));

/**
 * Removes from the cache what no start will use again: compiled code of another program, of another Node, or in a folder
 * that is not private; and the code that version 1.0.0 kept there.
 */
function sweepCache(updated: boolean): void {
  const folder = compiledCode();
  const stat = lstat(folder);
  const usable = stat?.isDirectory() && (stat.mode & 0o077) === 0 && !updated;
  const old = usable
    ? entries(folder)
        .filter((name) => !name.startsWith(`${process.version}-`))
        .map((name) => join(folder, name))
    : [folder];
  const earlier = entries(cache())
    .filter((name) => name.startsWith("code-"))
    .map((name) => join(cache(), name));
  for (const path of [...old, ...earlier]) {
    try {
      rmSync(path, { recursive: true, force: true });
    } catch {
      // It belongs to somebody else, or the disk is read-only: the shim does not use it then.
    }
  }
}

/**
 * Writes the executables, removes those of commands that no longer exist, and returns the installed names. The first
 * name that is free is the script; the others are links to it.
 */
function executables(changes: Changes, names: readonly Name[], what: { file: string; node: string }): Name[] {
  const free = names.filter(({ name }) => {
    const path = join(binaries(), name);
    if (ours(path) !== false) return true;
    changes.fail(path, taken(path, "choose another name: ccr install --name NAME"));
    return false;
  });
  const [script, ...links] = free;
  if (!script || !changes.write(join(binaries(), script.name), shim(what, names), true)) return [];
  const linked = links.filter(({ name }) => changes.link(join(binaries(), name), script.name));
  const wanted = new Set(free.map(({ name }) => join(binaries(), name)));
  for (const path of ourExecutables()) if (!wanted.has(path)) changes.remove(path);
  return [script, ...linked];
}

/**
 * Returns the executables of ccr, links before their script: if their removal is interrupted, no dangling link is left.
 * A name that begins with a dot belongs to another install that is about to rename it.
 */
function ourExecutables(): string[] {
  const paths = entries(binaries())
    .filter((name) => !name.startsWith("."))
    .map((name) => join(binaries(), name));
  const links = paths.filter((path) => isLinkToNeighbour(path) && ours(path));
  return [...links, ...paths.filter((path) => lstat(path)?.isFile() && ours(path))];
}

/** Whether a path is a link to a name in its own folder, as install makes them. */
const isLinkToNeighbour = (path: string): boolean =>
  lstat(path)?.isSymbolicLink() === true && !readlinkSync(path).includes("/");

/** Makes links in the folder that Coder puts on the PATH of scripts, apps and `coder ssh ws -- cmd`; it is empty at every start. */
function links(changes: Changes, names: readonly Name[], warnings: Problem[]): void {
  const folder = process.env.CODER_SCRIPT_BIN_DIR;
  if (!folder || resolve(folder) === binaries()) return;
  const before = changes.problems.length;
  for (const path of oldLinks(names)) changes.remove(path);
  for (const { name } of names) {
    const path = join(folder, name);
    if (lstat(path) && !isOurLink(path)) changes.fail(path, taken(path, "move it away, then: ccr install"));
    else changes.link(path, join(binaries(), name));
  }
  warnings.push(...changes.problems.splice(before));
}

/** Returns the links to executables of ccr that have none of these names. */
function oldLinks(names: readonly Name[]): string[] {
  const folder = process.env.CODER_SCRIPT_BIN_DIR;
  if (!folder || resolve(folder) === binaries()) return [];
  return entries(folder)
    .filter((entry) => !names.some(({ name }) => name === entry))
    .map((entry) => join(folder, entry))
    .filter(isOurLink);
}

/** Whether a path is a link to an executable of ccr, or to one that no longer exists. */
function isOurLink(path: string): boolean {
  if (!lstat(path)?.isSymbolicLink()) return false;
  const target = resolve(dirname(path), readlinkSync(path));
  return dirname(target) === binaries() && ours(target) !== false;
}

/** Writes functions, completion and rc files. Returns the shells that are set up. */
function shellFiles(changes: Changes, texts: Setting, warnings: Problem[]): string[] {
  const { program } = texts;
  if (program !== undefined) {
    changes.write(bashTab(), bashCompletion({ ...texts, program }));
    changes.write(zshTab(), zshCompletion({ ...texts, program }));
    changes.write(zshStartFile(), zshStart(texts));
  }
  const shells: string[] = [];
  if (functionFile(changes, texts, warnings)) {
    const ready = bashFiles().map((rc) => rcFile(changes, rc));
    if (ready.every(Boolean)) shells.push("bash");
    const zsh = zshFile();
    if ((exists("zsh") || lstat(zsh.path)) && rcFile(changes, zsh)) shells.push("zsh");
  }
  if (exists("fish") || lstat(fishFolder())) {
    if (ours(fishPath()) === false)
      changes.fail(fishPath(), taken(fishPath(), "move it away, then: ccr install"));
    else if (changes.write(fishPath(), fishFile(texts))) shells.push("fish");
  }
  return shells;
}

function functionFile(changes: Changes, texts: Setting, warnings: Problem[]): boolean {
  const path = functionsFile();
  if (ours(path) === false) {
    // A file written by hand may have been here: the first design of these helpers.
    if (!changes.rename(path, earlierFile())) return false;
    changes.done.pop();
    const message = `moved another ${tilde(path)} to ${tilde(earlierFile())}`;
    warnings.push(new Problem("kept", message, { hint: "ccr uninstall puts it back" }));
  }
  return changes.write(path, functions(texts));
}

function rcFile(changes: Changes, { path, lines, place }: Rc): boolean {
  return changes.edit(
    path,
    (text) => whole(path, put(text, lines, place)),
    `add this line to it yourself: . ${tilde(functionsFile())}`,
  );
}

function whole<T extends string | null>(path: string, text: T | { line: number; message: string }): T {
  if (text === null || typeof text === "string") return text;
  throw new Problem("damaged-block", `${tilde(path)}:${text.line}: ${text.message}`, {
    hint: "remove the rest of the block by hand, then run it again",
  });
}

const taken = (path: string, hint: string): Problem =>
  new Problem("name-taken", `${tilde(path)} belongs to another program and was not changed`, { hint });

/** Whether a file has the mark of ccr near its top; undefined when there is no file. */
function ours(path: string): boolean | undefined {
  if (!lstat(path)) return undefined;
  try {
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const head = Buffer.alloc(200);
      return head.toString("latin1", 0, readSync(fd, head)).includes(MARK);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    // A dangling link can be replaced.
    return errno(error) === "ENOENT" ? undefined : false;
  }
}

/** Returns the absolute path of a program of that name on PATH that is not ccr's. */
export function foreign(name: string): string | undefined {
  return onPath(name).find((path) => dirname(path) !== binaries() && ours(path) === false);
}

const exists = (name: string): boolean => onPath(name, ["/bin", "/usr/bin", "/usr/local/bin"]).length > 0;

function onPath(name: string, more: readonly string[] = []): string[] {
  const folders = [...(process.env.PATH ?? "").split(delimiter), ...more].filter((folder) =>
    folder.startsWith("/"),
  );
  return folders
    .map((folder) => join(folder, name))
    .filter((path) => {
      try {
        accessSync(path, constants.X_OK);
        return lstat(path) !== null;
      } catch {
        return false;
      }
    });
}
