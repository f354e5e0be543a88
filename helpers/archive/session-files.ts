import { closeSync, openSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { readAt } from "../claude/lines.ts";
import { configDirectory } from "../claude/places.ts";
import { foldedName, isMemberName, type Part, SUBAGENT_FILE } from "./manifest.ts";

/** Plain files below a directory, by their path in it; no links, nothing hidden. */
export function filesBelow(directory: string, before = ""): string[] {
  try {
    return readdirSync(join(directory, before), { withFileTypes: true })
      .filter(({ name }) => !name.startsWith("."))
      .flatMap((entry) => {
        const path = before + entry.name;
        return entry.isDirectory() ? filesBelow(directory, `${path}/`) : entry.isFile() ? [path] : [];
      });
  } catch {
    return [];
  }
}

/** Where a part of a session lies; `own` is the session's folder beside its transcript. */
export function partDirectory(part: Part, id: string, own: string): string {
  const config = configDirectory();
  if (part === "files") return own;
  if (part === "agents") return dirname(own);
  return part === "file-history" || part === "tasks" ? join(config, part, id) : join(config, part);
}

/** The folder of a transcript's further files. */
export const sessionFolder = (transcript: string): string => transcript.slice(0, -".jsonl".length);

const subagentsByFolder = new Map<string, [name: string, id: string][]>();

/** Subagents' transcripts in a project folder that are a session's, as their first rows say. */
function subagentFiles(folder: string, id: string): string[] {
  let known = subagentsByFolder.get(folder);
  if (!known) {
    known = [];
    const buffer = Buffer.alloc(1 << 16);
    for (const { name } of readdirSync(folder, { withFileTypes: true }).filter(
      (entry) => entry.isFile() && SUBAGENT_FILE.test(entry.name),
    )) {
      const fd = openSync(join(folder, name), "r");
      const text = buffer.toString("latin1", 0, readAt(fd, buffer, 0));
      closeSync(fd);
      known.push([name, /"sessionId":"([^"]*)"/.exec(text)?.[1]?.toLowerCase() ?? ""]);
    }
    subagentsByFolder.set(folder, known);
  }
  return known.flatMap(([name, of]) => (of === id ? name : []));
}

/**
 * Every file of a session but its transcript, history and plans: `[part, path in it, absolute path]`. `onSkipped` is told of
 * those with names that no archive takes: not UTF-8, control characters, or the same as another one's but for its case.
 */
export function sessionFiles(
  id: string,
  transcript: string,
  onSkipped: (path: string) => void = () => {},
): [Part, string, string][] {
  const own = sessionFolder(transcript);
  const taken = new Set<string>();
  return (["files", "agents", "file-history", "todos", "tasks"] as const).flatMap((part) => {
    const place = partDirectory(part, id, own);
    const names = part === "agents" ? subagentFiles(place, id) : filesBelow(place);
    return names
      .filter((path) => part !== "todos" || (path.includes(id) && !path.includes("/")))
      .map((path): [Part, string, string] => [part, path, join(place, path)])
      .filter(([, name, path]) => {
        const folded = foldedName(`${id}/${part}/${name}`);
        const good = !taken.has(folded) && !name.includes("\ufffd") && isMemberName(`${id}/${part}/${name}`);
        if (!good) onSkipped(path);
        taken.add(folded);
        return good;
      });
  });
}
