// What ccr keeps of a shared container, on the host: `<state>/devcontainers/<project>/`.
//   record.json   what was put into devcontainer.json, and the file as it was before
//   claude/       the container's own configuration directory, for everything that is not shared
//   host/         copies of the host's settings, for the container to read

import { lstatSync, readdirSync, readFileSync, realpathSync, type Stats } from "node:fs";
import { join } from "node:path";
import { configDirectory, slug } from "../claude/places.ts";
import { object } from "../claude/rows.ts";
import { state } from "../system/places.ts";
import type { Edit } from "./edit.ts";

export type Share = {
  /** the project on the host, symbolic links resolved */
  host: string;
  /** the same in the container */
  container: string;
  /** Claude's configuration directory in the container */
  target: string;
  isolated: boolean;
};

export type ShareRecord = Share & {
  version: 1;
  /** devcontainer.json */
  file: string;
  /** names of variables that are passed to the container */
  env: string[];
  /** the file before and after */
  original: string;
  edited: string;
  edits: Edit[];
  /** the compose file that ccr wrote, and its text */
  override: { path: string; text: string } | null;
};

const root = (): string => join(state(), "devcontainers");

export type ShareFolder = { path: string; record: ShareRecord | null };

export const readJson = (path: string): Record<string, unknown> | null => {
  try {
    return object(JSON.parse(readFileSync(path, "utf8")));
  } catch {
    return null;
  }
};

function recordIn(path: string): ShareRecord | null {
  const found = readJson(join(path, "record.json"));
  return found?.version === 1 ? (found as ShareRecord) : null;
}

/** Returns the folder of a project. Projects with equal folder names get numbers. */
export function shareFolderOf(host: string): ShareFolder {
  for (let n = 1; ; n++) {
    const path = join(root(), slug(host) + (n > 1 ? `-${n}` : ""));
    const owner = readJson(join(path, "host/ccr.json"))?.host;
    if (owner === undefined || owner === host) return { path, record: recordIn(path) };
  }
}

/** Lists the configuration directories of containers with their own sessions, and their projects. */
export function isolatedContainers(): { host: string; directory: string }[] {
  let names: string[];
  try {
    names = readdirSync(root());
  } catch {
    return [];
  }
  return names.flatMap((name) => {
    const share = readJson(join(root(), name, "host/ccr.json")) as Share | null;
    return share?.isolated === true ? [{ host: share.host, directory: join(root(), name, "claude") }] : [];
  });
}

/** Returns what the host has written about the container that this is; null on a host. */
export const shareInContainer = (): Share | null =>
  readJson(join(configDirectory(), "host/ccr.json")) as Share | null;

export function lstat(path: string): Stats | null {
  try {
    return lstatSync(path);
  } catch {
    return null;
  }
}

export const realPathOrSame = (path: string): string => {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
};
