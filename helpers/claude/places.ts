import { join } from "node:path";
import { home } from "../system/places.ts";

/** The folder of Claude Code's files: `CLAUDE_CONFIG_DIR`, else `~/.claude`. */
export const configDirectory = (): string => process.env.CLAUDE_CONFIG_DIR || join(home(), ".claude");
export const projectsDirectory = (): string => join(configDirectory(), "projects");
export const historyFile = (): string => join(configDirectory(), "history.jsonl");
export const registryDirectory = (): string => join(configDirectory(), "sessions");
/** `.claude.json`: beside the directory, or inside it when `CLAUDE_CONFIG_DIR` is set. */
export const stateFile = (): string =>
  process.env.CLAUDE_CONFIG_DIR ? join(configDirectory(), ".claude.json") : join(home(), ".claude.json");

const LONGEST_SLUG = 200;

/**
 * Returns the name of the project folder of a directory (a real path). It cannot be decoded: look names up instead.
 * Source: docs/developing/claude-code-format.md, "Project folders".
 */
export function slug(path: string): string {
  const name = path.replace(/[^A-Za-z0-9]/g, "-");
  if (name.length <= LONGEST_SLUG) return name;
  let hash = 0;
  for (let i = 0; i < path.length; i++) hash = ((hash << 5) - hash + path.charCodeAt(i)) | 0;
  return `${name.slice(0, LONGEST_SLUG)}-${Math.abs(hash).toString(36)}`;
}

const ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
/** Whether a text is a session id. Check it before it becomes part of a path or a command. */
export const isSessionId = (text: string): boolean => ID.test(text);
