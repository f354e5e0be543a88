import { makeDirectory } from "../system/files.ts";
// Shares sessions with a container: its folder on the host, devcontainer.json, and the link between the two histories.

import { closeSync, existsSync, openSync, readFileSync, symlinkSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { configDirectory, stateFile } from "../claude/places.ts";
import { object, type Row } from "../claude/rows.ts";
import { errno, Problem } from "../system/problem.ts";
import { edit, type Json, MARK, parseFile, undo, type Wanted } from "./edit.ts";
import { configDirectoryOf, configFiles, containerFolder, containerHome, readFile } from "./file.ts";
import { dropLink, makeLink } from "./link.ts";
import { COPIED, composeText, type Mount, mountsOf, mountText, startLine } from "./mounts.ts";
import {
  lstat,
  readJson,
  type Share,
  type ShareFolder,
  type ShareRecord,
  shareFolderOf,
} from "./share-folder.ts";

/** Writes files, each completely or not at all, and collects the problems. */
export type Writer = {
  write(path: string, data: string | Uint8Array, executable?: boolean): boolean;
  edit(path: string, change: (text: string | null) => string | null, hint: string): boolean;
  remove(path: string): boolean;
  readonly problems: Problem[];
};

export type Options = { file: string | null; home: string | null; isolate: boolean; env: readonly string[] };

const OVERRIDE = "docker-compose.ccr.yml";

/** Returns the only devcontainer.json of a directory, or the one that was asked for. */
export function chooseConfigFile(host: string, asked: string | null): string {
  const files = asked === null ? configFiles(host) : [asked].filter(existsSync);
  const [file] = files;
  if (file === undefined)
    throw new Problem("no-devcontainer", `there is no ${asked ?? `devcontainer.json in ${host}`}`, {
      hint: "create one first; in the editor: Dev Containers: Add Dev Container Configuration Files",
    });
  if (files.length > 1)
    throw new Problem("ambiguous", `${host} has ${files.length} devcontainer.json files`, {
      hint: files.map((path) => `choose one: --config ${relative(host, path)}`),
      exit: 2,
    });
  return file;
}

type Warn = (kind: string, message: string, hint: string) => void;

/**
 * Shares a project's sessions with its container. It can be repeated: what is right already stays. `shims` returns the
 * executables for the container, by name.
 */
export async function add(
  host: string,
  options: Options,
  writer: Writer,
  shims: (target: string) => Record<string, string>,
  note: (problem: Problem) => void,
): Promise<ShareRecord> {
  const warn: Warn = (kind, message, hint) => note(new Problem(kind, message, { hint }));
  const place = shareFolderOf(host);
  const old = place.record;
  const file = chooseConfigFile(host, options.file ?? (old && existsSync(old.file) ? old.file : null));
  if (old && old.file !== file)
    throw new Problem("shared-already", `${old.file} of this project is shared already`, {
      hint: "remove that first: ccr devcontainer remove",
    });
  const { text } = readFile(file);
  const base = baseOf(text, old);
  if (base === null) throw changed(file);
  const { value } = parseFile(base);
  const env = [...new Set([...(old?.env ?? []), ...options.env])];
  for (const name of env) checkVariable(name, warn);

  const { path: container, from } = await containerFolder(file, value, host);
  if (from === "rule")
    warn(
      "guess",
      `assuming that the project's folder in the container is ${container}`,
      'if it is another one, set "workspaceFolder" in devcontainer.json',
    );
  const own = configDirectoryOf(value, host);
  const target = own ?? guessTarget(value, options.home, warn);
  if (!target.startsWith("/"))
    throw new Problem("usage", `invalid --home "${options.home}"`, {
      hint: "use an absolute path in the container",
      exit: 2,
    });
  const share: Share = { host, container, target, isolated: options.isolate || old?.isolated === true };
  refresh(place, share, writer, shims);
  throwFirst(writer);

  const { wanted, override } = whatToAdd(place, share, { file, value, env, setsDirectory: own !== null });
  const { text: edited, edits, kept } = edit(base, wanted);
  const hints: Record<string, string> = {
    PATH: `ccr in the container: ${target}/host/bin/ccr`,
    initializeCommand: "add to it: ~/.local/bin/ccr devcontainer add --refresh || :",
  };
  for (const name of kept)
    warn(
      "kept",
      `devcontainer.json sets ${name} already; it stays as it is`,
      hints[name] ?? "check its value",
    );
  if (old && (share.isolated || old.container !== container)) dropLink(old);
  const moved = makeLink(share);
  if (moved > 0)
    warn(
      "moved",
      `${moved} files of the container's history are now in the host's`,
      "see them: ccr-list --here",
    );
  const record: ShareRecord = { version: 1, ...share, file, env, original: base, edited, edits, override };
  // Written first, so that everything can be removed again after a crash.
  writer.write(join(place.path, "record.json"), JSON.stringify(record));
  if (override) writer.write(override.path, override.text);
  swap(writer, file, text, edited);
  throwFirst(writer);
  return record;
}

function throwFirst({ problems }: Writer): void {
  if (problems.length > 0) throw problems[0]!;
}

function checkVariable(name: string, warn: Warn): void {
  if (!/^[A-Za-z_]\w*$/.test(name))
    throw new Problem("usage", `invalid --env "${name}"`, {
      hint: "give the name of a variable, not its value: --env CLAUDE_CODE_OAUTH_TOKEN",
      exit: 2,
    });
  if (!process.env[name]) warn("env", `${name} is not set here`, "export it before the container starts");
}

/** Returns Claude's configuration directory in the container where devcontainer.json does not set it. */
function guessTarget(value: Json, asked: string | null, warn: Warn): string {
  const { home, sure } = containerHome(value);
  if (asked === null && !sure)
    warn(
      "guess",
      `assuming that the home in the container is ${home}`,
      'if it is another one, set "remoteUser", or use --home',
    );
  return `${(asked ?? home).replace(/\/+$/, "")}/.claude`;
}

/** Returns what is added to devcontainer.json, and the compose file of a project with Docker Compose. */
function whatToAdd(
  place: ShareFolder,
  share: Share,
  { file, value, env, setsDirectory }: { file: string; value: Json; env: string[]; setsDirectory: boolean },
): { wanted: Wanted; override: ShareRecord["override"] } {
  const mounts = mountsOf(place, share);
  const service = value.service;
  const compose = value.dockerComposeFile !== undefined;
  if (compose && typeof service !== "string")
    throw new Problem("devcontainer-json", 'devcontainer.json names a compose file but no "service"');
  const directory: Record<string, string> = setsDirectory ? {} : { CLAUDE_CONFIG_DIR: share.target };
  const variables = Object.fromEntries(env.map((name) => [name, `\${localEnv:${name}}`]));
  return {
    wanted: {
      mounts: compose ? [] : mounts.map(mountText),
      objects: {
        ...(compose ? {} : { containerEnv: directory }),
        remoteEnv: { PATH: `\${containerEnv:PATH}:${share.target}/host/bin`, ...variables },
      },
      properties: { initializeCommand: startLine(mounts) },
      compose: compose ? OVERRIDE : null,
    },
    override: compose
      ? { path: join(dirname(file), OVERRIDE), text: composeText(service as string, mounts, directory) }
      : null,
  };
}

const changed = (file: string): Problem =>
  new Problem("changed", `ccr's lines in ${file} were changed since`, {
    hint: `remove them by hand (below "${MARK.slice(0, 30)}…"), then try again`,
  });

/** Returns the file without ccr's lines; null if they were changed. */
function baseOf(text: string, record: ShareRecord | null): string | null {
  if (record && text === record.edited) return record.original;
  if (!text.includes(MARK))
    return record?.override && text.includes(OVERRIDE) ? undo(text, record.edits) : text;
  return record && undo(text, record.edits);
}

/** Replaces the text of devcontainer.json. Throws a Problem if it is not what was read before. */
function swap(writer: Writer, file: string, from: string, to: string): void {
  const latin = (text: string): string => Buffer.from(text).toString("latin1");
  writer.edit(
    file,
    (bytes) => {
      if (bytes !== latin(from))
        throw new Problem("changed", `${file} has changed meanwhile`, { hint: "try again" });
      return latin(to);
    },
    "check its owner and mode: ls -l",
  );
}

/** Updates the mounted files and the copies. Each start of the container calls this. */
export function refresh(
  place: ShareFolder,
  share: Share,
  writer: Writer,
  shims: (target: string) => Record<string, string>,
): void {
  const own = join(place.path, "claude");
  const copies = join(place.path, "host");
  for (const mount of mountsOf(place, share)) createSources(mount, own);
  writer.write(join(copies, "ccr.json"), JSON.stringify(share));
  for (const [name, text] of Object.entries(shims(share.target)))
    writer.write(join(copies, "bin", name), text, true);
  for (const name of COPIED) {
    if (share.isolated) removeCopy(name, copies, own, writer);
    else copy(name, copies, own, writer);
  }
  const first = join(own, ".claude.json");
  if (!lstat(first)) writer.write(first, JSON.stringify(share.isolated ? {} : firstState(share)));
}

/** Creates what is mounted and the mount point in the container's own folder. */
function createSources({ name, source, kind }: Mount, own: string): void {
  for (const path of [source, join(own, name)]) {
    if (kind === "folder") makeDirectory(path);
    // If a file is missing, the container engine would create a folder in its place.
    else if (!lstat(path)) closeSync(openSync(path, "a", 0o600));
  }
}

function removeCopy(name: string, copies: string, own: string, writer: Writer): void {
  if (lstat(join(copies, name))) writer.remove(join(copies, name));
  // The container's own file stays; only a link to the copy is removed.
  if (lstat(join(own, name))?.isSymbolicLink()) writer.remove(join(own, name));
}

/** Copies a settings file for the container, and links to it. */
function copy(name: string, copies: string, own: string, writer: Writer): void {
  let bytes: Uint8Array | null = null;
  try {
    bytes = readFileSync(join(configDirectory(), name));
  } catch (error) {
    if (errno(error) !== "ENOENT") return;
    if (name === "settings.json") bytes = Buffer.from("{}\n");
  }
  if (bytes) {
    writer.write(join(copies, name), bytes);
    if (!lstat(join(own, name))) symlinkSync(`host/${name}`, join(own, name));
  } else if (lstat(join(copies, name))) writer.remove(join(copies, name));
}

/** Returns a .claude.json without which the first start in the container would ask again: onboarding and trust. */
function firstState({ host, container }: Share): Row {
  const known = readJson(stateFile()) ?? {};
  const keys = ["hasCompletedOnboarding", "lastOnboardingVersion", "theme", "oauthAccount"];
  const trusted = object(object(known.projects)?.[host])?.hasTrustDialogAccepted === true;
  return {
    ...Object.fromEntries(keys.filter((key) => key in known).map((key) => [key, known[key]])),
    ...(trusted
      ? { projects: { [container]: { hasTrustDialogAccepted: true, hasCompletedProjectOnboarding: true } } }
      : {}),
  };
}

/** Stops sharing. Returns what was shared; null if nothing was. */
export function remove(host: string, writer: Writer): ShareRecord | null {
  const place = shareFolderOf(host);
  const { record } = place;
  if (!record) return null;
  if (existsSync(record.file)) {
    const { text } = readFile(record.file);
    const base = baseOf(text, record);
    if (base === null) throw changed(record.file);
    swap(writer, record.file, text, base);
  }
  const { override } = record;
  if (override && existsSync(override.path) && readFileSync(override.path, "utf8") === override.text)
    writer.remove(override.path);
  throwFirst(writer);
  dropLink(record);
  writer.remove(join(place.path, "record.json"));
  return record;
}
