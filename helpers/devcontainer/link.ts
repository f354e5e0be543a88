import { makeDirectory } from "../system/files.ts";
// Gives both sides one history: the container's project folder is a symbolic link to the host's.

import {
  lstatSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
} from "node:fs";
import { join } from "node:path";
import { projectsDirectory, slug } from "../claude/places.ts";
import { Problem } from "../system/problem.ts";
import { quote } from "../system/shell-quote.ts";
import { lstat, type Share } from "./share-folder.ts";

/** Returns the link that a share needs; null if both sides use the same folder name. */
export const linkOf = ({ host, container }: Share): { path: string; to: string } | null => {
  const to = slug(host);
  return slug(container) === to ? null : { path: join(projectsDirectory(), slug(container)), to };
};

/** Returns what is at the link's path: nothing, the link, another link, or the container's own folder. */
export function linkState({ path, to }: { path: string; to: string }): "none" | "right" | "other" | "folder" {
  const there = lstat(path);
  if (!there) return "none";
  if (!there.isSymbolicLink()) return "folder";
  return readlinkSync(path) === to ? "right" : "other";
}

export const linkCommand = ({ path, to }: { path: string; to: string }): string =>
  `ln -s -- ${quote(to)} ${quote(path)}`;

/**
 * Creates the link. If the container has a folder already, its files are moved to the host's first, each by one rename and
 * only if no name is taken. Returns how many files were moved.
 */
export function makeLink(share: Share): number {
  const link = linkOf(share);
  if (!link || share.isolated) return 0;
  const { path, to } = link;
  const target = join(projectsDirectory(), to);
  makeDirectory(target);
  const there = linkState(link);
  if (there === "right") return 0;
  if (there === "other")
    throw new Problem("link-taken", `another project also uses ${share.container} in its container`, {
      hint: [
        `it is ${path} -> ${readlinkSync(path)}`,
        'give this project another folder: set "workspaceFolder" and "workspaceMount" in devcontainer.json',
      ],
    });
  let moved = 0;
  if (there === "folder") {
    const moves = movesOf(path, target);
    for (const [from, goal] of moves) {
      if (goal === null) unlinkSync(from);
      else if (!lstat(goal)) {
        renameSync(from, goal);
        moved++;
      } else rmdirSync(from);
    }
    rmdirSync(path);
  }
  symlinkSync(to, path);
  return moved;
}

/** A file that was changed more recently than this (ms) may still be written to. */
const BUSY = 60_000;

/** Lists the moves, deepest first; to null if the same file is there. Throws a Problem if a name is taken or a file in use. */
function movesOf(from: string, to: string): [from: string, to: string | null][] {
  const moves: [string, string | null][] = [];
  for (const name of readdirSync(from)) {
    const [a, b] = [join(from, name), join(to, name)];
    const there = lstat(b);
    const own = lstatSync(a);
    if (!there) {
      if (own.isFile() && Date.now() - own.mtimeMs < BUSY)
        throw new Problem("busy", `a session in the container writes to ${a}`, {
          hint: "end it, wait a minute, then: ccr devcontainer add",
        });
      moves.push([a, b]);
    } else if (own.isDirectory() && there.isDirectory()) moves.push(...movesOf(a, b), [a, b]);
    else if (own.isFile() && there.isFile() && readFileSync(a).equals(readFileSync(b))) moves.push([a, null]);
    else
      throw new Problem("name-taken", `both sides have ${name}, and they differ`, {
        hint: `compare them and move one away, then: ccr devcontainer add\n${a}\n${b}`,
      });
  }
  return moves;
}

/** Removes the link if it is ours. */
export function dropLink(share: Share): void {
  const link = linkOf(share);
  if (link && linkState(link) === "right") unlinkSync(link.path);
}
