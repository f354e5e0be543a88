// Sharing: the container's folder on the host, devcontainer.json, and the link between the two histories.

import { closeSync, existsSync, openSync, readFileSync, symlinkSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { configDirectory, stateFile } from "../claude/places.ts";
import { object, type Row } from "../claude/rows.ts";
import { errno, Problem } from "../system/problem.ts";
import { edit, MARK, parseFile, undo } from "./edit.ts";
import { configDirectoryOf, configFiles, containerFolder, containerHome, readFile } from "./file.ts";
import { dropLink, makeLink } from "./link.ts";
import { COPIED, composeText, mountsOf, mountText, startLine } from "./mounts.ts";
import {
  folder,
  lstat,
  readJson,
  type Share,
  type ShareFolder,
  type ShareRecord,
  shareFolderOf,
} from "./share-folder.ts";

/** How files are written: whole or not at all, and with a record of it. */
export type Writer = {
  write(path: string, data: string | Uint8Array, executable?: boolean): boolean;
  edit(path: string, change: (text: string | null) => string | null, hint: string): boolean;
  remove(path: string): boolean;
  readonly problems: Problem[];
};

export type Options = { file: string | null; home: string | null; isolate: boolean; env: readonly string[] };

const OVERRIDE = "docker-compose.ccr.yml";

/** The one devcontainer.json of a directory, or the one that was asked for. */
export function chooseConfigFile(host: string, asked: string | null): string {
  const files = asked === null ? configFiles(host) : [asked].filter(existsSync);
  const [file] = files;
  if (file === undefined)
    throw new Problem("no-devcontainer", `there is no ${asked ?? `devcontainer.json in ${host}`}.`, {
      hint: "make one first; in the editor: Dev Containers: Add Dev Container Configuration Files",
    });
  if (files.length > 1)
    throw new Problem("ambiguous", "which devcontainer.json?", {
      hint: files.map((path) => `--config ${relative(host, path)}`),
      exit: 2,
    });
  return file;
}

/** Shares, again too: what is right already is not touched. `shims` are the executables for the container, by name. */
export async function add(
  host: string,
  options: Options,
  writer: Writer,
  shims: (target: string) => Record<string, string>,
  note: (problem: Problem) => void,
): Promise<ShareRecord> {
  const place = shareFolderOf(host);
  const old = place.record;
  const say = (kind: string, message: string, hint: string): void =>
    note(new Problem(kind, message, { hint }));
  const file = chooseConfigFile(host, options.file ?? (old && existsSync(old.file) ? old.file : null));
  if (old && old.file !== file)
    throw new Problem("shared-already", `${old.file} of this project is shared already.`, {
      hint: "take that out first: ccr devcontainer remove",
    });
  const { text } = readFile(file);
  const base = baseOf(text, old);
  if (base === null) throw changed(file);
  const { value } = parseFile(base);
  const isolated = options.isolate || old?.isolated === true;
  const env = [...new Set([...(old?.env ?? []), ...options.env])];
  for (const name of env) {
    if (!/^[A-Za-z_]\w*$/.test(name))
      throw new Problem("usage", `"${name}" is no name of a variable.`, {
        hint: "its name, not its value: --env CLAUDE_CODE_OAUTH_TOKEN",
        exit: 2,
      });
    if (!process.env[name]) say("env", `${name} is not set here.`, "export it before the container starts");
  }
  const { path: container, from } = await containerFolder(file, value, host);
  if (from === "rule")
    say(
      "guess",
      `taken for the project's folder in the container: ${container}.`,
      'if it is not: set "workspaceFolder" in devcontainer.json',
    );
  const own = configDirectoryOf(value, host);
  const { home, sure } = containerHome(value);
  const target = own ?? `${(options.home ?? home).replace(/\/+$/, "")}/.claude`;
  if (!target.startsWith("/"))
    throw new Problem("usage", "--home takes an absolute path of the container.", { exit: 2 });
  if (own === null && options.home === null && !sure)
    say("guess", `taken for the home in the container: ${home}.`, 'if it is not: "remoteUser", or --home');

  const share: Share = { host, container, target, isolated };
  refresh(place, share, writer, shims);
  if (writer.problems.length > 0) throw writer.problems[0]!;

  const mounts = mountsOf(place, share);
  const service = value.service;
  const compose = value.dockerComposeFile !== undefined;
  if (compose && typeof service !== "string")
    throw new Problem("devcontainer-json", 'devcontainer.json names a compose file, but no "service".');
  const dir: Record<string, string> = own === null ? { CLAUDE_CONFIG_DIR: target } : {};
  const variables = Object.fromEntries(env.map((name) => [name, `\${localEnv:${name}}`]));
  const wanted = {
    mounts: compose ? [] : mounts.map(mountText),
    objects: {
      ...(compose ? {} : { containerEnv: dir }),
      remoteEnv: { PATH: `\${containerEnv:PATH}:${target}/host/bin`, ...variables },
    },
    properties: { initializeCommand: startLine(mounts) },
    compose: compose ? OVERRIDE : null,
  };
  const { text: edited, edits, kept } = edit(base, wanted);
  const hints: Record<string, string> = {
    PATH: `ccr in the container: ${target}/host/bin/ccr`,
    initializeCommand: "add to it: ~/.local/bin/ccr devcontainer add --refresh || :",
  };
  for (const name of kept)
    say("kept", `devcontainer.json sets ${name} already, and keeps it.`, hints[name] ?? "look at its value");
  const override = compose
    ? { path: join(dirname(file), OVERRIDE), text: composeText(service as string, mounts, dir) }
    : null;
  if (old && (isolated || old.container !== container)) dropLink(old);
  const moved = makeLink(share);
  if (moved > 0)
    say("moved", `${moved} files of the container's history are now in the host's.`, "ccr-list --here");
  const record: ShareRecord = { version: 1, ...share, file, env, original: base, edited, edits, override };
  // First how to take it out again, then what is put in.
  writer.write(join(place.path, "record.json"), JSON.stringify(record));
  if (override) writer.write(override.path, override.text);
  swap(writer, file, text, edited);
  if (writer.problems.length > 0) throw writer.problems[0]!;
  return record;
}

const changed = (file: string): Problem =>
  new Problem("changed", `ccr's lines in ${file} were changed since.`, {
    hint: `take them out yourself (below "${MARK.slice(0, 30)}…"), then try again`,
  });

/** The file as it is without our lines; null where it cannot be known. */
function baseOf(text: string, record: ShareRecord | null): string | null {
  if (record && text === record.edited) return record.original;
  if (!text.includes(MARK))
    return record?.override && text.includes(OVERRIDE) ? undo(text, record.edits) : text;
  return record && undo(text, record.edits);
}

/** Replaces the text of the person's file, if it still is what was read. */
function swap(writer: Writer, file: string, from: string, to: string): void {
  const latin = (text: string): string => Buffer.from(text).toString("latin1");
  writer.edit(
    file,
    (bytes) => {
      if (bytes !== latin(from))
        throw new Problem("changed", `${file} changed while ccr was at it.`, { hint: "try again" });
      return latin(to);
    },
    "look at its owner and mode",
  );
}

/** Brings sources, copies and link up to date; what a container's start calls. */
export function refresh(
  place: ShareFolder,
  share: Share,
  writer: Writer,
  shims: (target: string) => Record<string, string>,
): void {
  const own = join(place.path, "claude");
  const copies = join(place.path, "host");
  for (const { name, source, kind } of mountsOf(place, share)) {
    // A bind of a missing file would make a folder of it.
    for (const path of [source, join(own, name)]) {
      if (kind === "folder") folder(path);
      else if (!lstat(path)) closeSync(openSync(path, "a", 0o600));
    }
  }
  writer.write(join(copies, "ccr.json"), JSON.stringify(share));
  for (const [name, text] of Object.entries(shims(share.target)))
    writer.write(join(copies, "bin", name), text, true);
  for (const name of COPIED) {
    if (!share.isolated) copy(name, copies, own, writer);
    else
      for (const path of [join(copies, name), join(own, name)])
        if (path.startsWith(copies) ? lstat(path) : lstat(path)?.isSymbolicLink()) writer.remove(path);
  }
  const first = join(own, ".claude.json");
  if (!lstat(first)) writer.write(first, JSON.stringify(share.isolated ? {} : firstState(share)));
}

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

/** What a first start in the container would ask: onboarding, and whether this project is trusted. */
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

/** Takes it out again. False where nothing was shared. */
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
  if (writer.problems.length > 0) throw writer.problems[0]!;
  dropLink(record);
  writer.remove(join(place.path, "record.json"));
  return record;
}
