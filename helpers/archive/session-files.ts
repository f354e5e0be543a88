// The files of a session. Source: docs/developing/claude-code-format.md, "Files".

import { closeSync, type Dirent, openSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { readAt } from "../claude/lines.ts";
import { configDirectory } from "../claude/places.ts";
import { firstSessionIdIn } from "../claude/row-marks.ts";
import { foldedName, isMemberName, type Part, SUBAGENT_FILE } from "./manifest.ts";

/** Lists the regular files below a directory by their relative paths. Skips links and hidden files. */
function filesBelow(directory: string, prefix = ""): string[] {
  const pathsOf = (entry: Dirent): string[] => {
    const path = prefix + entry.name;
    if (entry.isDirectory()) return filesBelow(directory, `${path}/`);
    return entry.isFile() ? [path] : [];
  };
  try {
    return readdirSync(join(directory, prefix), { withFileTypes: true })
      .filter(({ name }) => !name.startsWith("."))
      .flatMap(pathsOf);
  } catch {
    return [];
  }
}

/** Returns the directory of a part of a session. `own` is the session's folder beside its transcript. */
export function partDirectory(part: Part, id: string, own: string): string {
  const config = configDirectory();
  if (part === "files") return own;
  if (part === "agents") return dirname(own);
  return part === "file-history" || part === "tasks" ? join(config, part, id) : join(config, part);
}

/** Returns the folder beside a transcript that holds the session's other files. */
export const sessionFolder = (transcript: string): string => transcript.slice(0, -".jsonl".length);

const subagentsByFolder = new Map<string, [name: string, session: string][]>();

/** Lists the subagents' transcripts in a project folder that belong to a session, according to their first rows. */
function subagentFiles(folder: string, id: string): string[] {
  let known = subagentsByFolder.get(folder);
  if (!known) {
    known = readSubagents(folder);
    subagentsByFolder.set(folder, known);
  }
  return known.flatMap(([name, session]) => (session === id ? name : []));
}

function readSubagents(folder: string): [name: string, session: string][] {
  const buffer = Buffer.alloc(1 << 16);
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile() && SUBAGENT_FILE.test(entry.name))
    .map(({ name }) => {
      const fd = openSync(join(folder, name), "r");
      const text = buffer.toString("latin1", 0, readAt(fd, buffer, 0));
      closeSync(fd);
      return [name, firstSessionIdIn(text) ?? ""];
    });
}

/**
 * Lists every file of a session except its transcript, history and plans: `[part, path in the part, absolute path]`.
 * Calls `onSkipped` for names that no archive can have: not UTF-8, with control characters, or different from another
 * name only in case.
 */
export function sessionFiles(
  id: string,
  transcript: string,
  onSkipped: (path: string) => void = () => {},
): [Part, string, string][] {
  const own = sessionFolder(transcript);
  const taken = new Set<string>();
  const isAllowed = (name: string): boolean => {
    const folded = foldedName(name);
    const allowed = !taken.has(folded) && !name.includes("\ufffd") && isMemberName(name);
    taken.add(folded);
    return allowed;
  };
  return (["files", "agents", "file-history", "todos", "tasks"] as const).flatMap((part) => {
    const directory = partDirectory(part, id, own);
    const paths = part === "agents" ? subagentFiles(directory, id) : filesBelow(directory);
    return paths
      .filter((path) => part !== "todos" || (path.includes(id) && !path.includes("/")))
      .flatMap((path): [Part, string, string][] => {
        const file = join(directory, path);
        if (isAllowed(`${id}/${part}/${path}`)) return [[part, path, file]];
        onSkipped(file);
        return [];
      });
  });
}
